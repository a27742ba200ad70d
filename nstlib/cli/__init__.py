"""The command line: `nst stylize`, `styles`, `train`, `export`, `compare` and `recommend`.

Exit codes: 0 done, 2 bad usage or bad input, 1 interrupted. Of several photos a bad one is reported and left out, the
others are done, and the code is 2. No file that exists is replaced without `--force`.
"""

import click

from nstlib.cli.networks import export, train
from nstlib.cli.overview import compare, recommend, styles
from nstlib.cli.painting import stylize


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nst-study", prog_name="nst")
def main() -> None:
    """Neural style transfer on photos: by a trained network, by optimisation, or both.

    \b
    Examples:
      nst stylize photo.jpg --style wave
      nst stylize holiday/ --style starry_night --size 1024 -o painted/
      nst compare photo.jpg --style wave
      nst train my_painting.jpg --photos holiday/ -o my_style.npz
      nst recommend --images 200 --size 512
    """


for _command in (stylize, styles, train, export, compare, recommend):
    main.add_command(_command)
