"""The networks of the five paintings beside the published outputs of the original authors' networks, at 512 px.

    .venv/bin/python benchmarks/authors.py

Ours on the eight photos that no network saw, with the yardsticks of `nst.evaluate` under its default objective (content
at relu3_3, style as Gram matrices): mean and standard deviation. Theirs on one photo, with the same yardsticks. The
photos differ, so nothing here is paired. Some of ours were looked at when settings of the training were chosen. Writes
results/tables/benchmark_authors.csv.
"""

import pandas as pd

import nstlib as nst
from nstlib.data import STYLE_SIZE

SIZE = 512
YARDSTICKS = ["content", "style", "moments", "patch", "colour", "ssim"]
# Outputs of the models of Johnson et al. 2016 that their repository shows (github.com/jcjohnson/fast-neural-style):
# a photo of 712 x 474 px, measured once when this project began. The pictures themselves do not travel with it.
AUTHORS = {
    "composition_vii": (1.62, 0.14, 0.29, 0.026, 0.025, 0.28),
    "starry_night": (1.60, 0.16, 0.29, 0.036, 0.048, 0.32),
    "the_scream": (1.25, 0.18, 0.41, 0.031, 0.026, 0.39),
    "udnie": (1.52, 0.49, 0.78, 0.039, 0.027, 0.31),
    "wave": (1.19, 0.28, 0.46, 0.109, 0.120, 0.42),
}


def ours(name: str, network: nst.Network) -> pd.DataFrame:
    """The yardsticks of one network, a row a photo."""
    style = nst.style(name, size=STYLE_SIZE)
    rows = []
    for photo_name in nst.photo_names():
        photo = nst.photo(photo_name, size=SIZE)
        rows.append(nst.evaluate({name: network.stylize(photo)}, photo, style)[YARDSTICKS])
        print(name, photo_name, flush=True)
    return pd.concat(rows)


def main() -> None:
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    rows = []
    for name, theirs in AUTHORS.items():
        network = nst.load_network(name)
        scores = ours(name, network)
        spread = scores.std().add_suffix("_std")
        of_us = {"photos": len(scores), "by": "this project", "weights": network.fingerprint}
        of_them = {"photos": 1, "by": "Johnson et al."}
        rows.append({"style_image": name, **of_us, **scores.mean(), **spread})
        rows.append({"style_image": name, **of_them, **dict(zip(YARDSTICKS, theirs, strict=True))})
    results.table(
        "benchmark_authors",
        pd.DataFrame(rows),
        caption=f"Networks of five paintings at {SIZE} px: mean and standard deviation over photos.",
    )


if __name__ == "__main__":
    main()
