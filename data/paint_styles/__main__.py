"""The command line of `paint_styles`, run from the folder `data`.

python -m paint_styles                          # all of them, into data/styles/
python -m paint_styles linocut --out prints     # one of them, into prints/
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from nstlib.files import save_image

from . import STYLES, paint

QUALITY = 92
STYLES_FOLDER = Path(__file__).parents[1] / "styles"


def main(arguments: Sequence[str] | None = None) -> None:
    """Paint the named styles, or all of them, as JPEG files."""
    parser = argparse.ArgumentParser(
        prog="python -m paint_styles", description="Paint the style images."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(STYLES)}")
    parser.add_argument("--out", type=Path, default=STYLES_FOLDER)
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(STYLES))
    if unknown:
        parser.error(f"no such style: {', '.join(unknown)}; choose from {', '.join(STYLES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or STYLES:
        save_image(options.out / f"{name}.jpg", paint(name), quality=QUALITY)


if __name__ == "__main__":
    main()
