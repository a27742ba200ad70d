"""How much of a checkerboard the shipped networks draw: a pattern of their stride, in step with the pixels.

    .venv/bin/python benchmarks/checkerboard.py

Every network of both widths on photos that none of them saw, at 512 px. `nstlib.losses.checkerboard_energy` at the
stride of 4 px, as a multiple of the geometric mean of those at 3 and 5 px, which no layer of the network favours: about
1 in noise; the photos' own are there to compare with. Writes results/tables/checkerboard.csv (a row for each network
and photo) and checkerboard_summary.csv (median over the photos, lowest and highest).
"""

import numpy as np
import pandas as pd

import nstlib as nst
from nstlib.losses import checkerboard_energy
from nstlib.transformer import STRIDE

SIZE = 512


def excess(image: np.ndarray) -> float:
    """The checkerboard of the stride over those of its neighbours, given an image `(H, W, 3)`."""
    below, at, above = (
        float(checkerboard_energy(image[None], period)[0])
        for period in (STRIDE - 1, STRIDE, STRIDE + 1)
    )
    return at / np.sqrt(below * above)


def measure() -> pd.DataFrame:
    photos = {name: nst.photo(name, size=SIZE) for name in nst.photo_names()}
    rows = [
        {"method": "photo", "photo": photo_name, "excess": excess(photo)}
        for photo_name, photo in photos.items()
    ]
    for width, method in ((1.0, "Johnson"), (0.25, "Johnson slim")):
        for name in nst.network_names(width):
            network = nst.load_network(name, width=width)
            of_network = {"method": method, "style_image": name, "weights": network.fingerprint}
            for photo_name, photo in photos.items():
                found = excess(network.stylize(photo))
                rows.append(of_network | {"photo": photo_name, "excess": found})
            print(method, name, flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    table = measure()
    caption = f"Checkerboard at {STRIDE} px over that at {STRIDE - 1} and {STRIDE + 1} px; photos of {SIZE} px."
    results.table("checkerboard", table, caption=caption)
    summary = nst.median_ranges(table, ["method", "style_image"], ["excess"])
    results.table("checkerboard_summary", summary, caption=f"{caption} Median, least and greatest.")
    print(summary.to_string())


if __name__ == "__main__":
    main()
