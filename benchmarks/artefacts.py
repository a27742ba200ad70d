"""Two faults of the shipped networks in figures: a pattern of their stride, and patches of colour in even areas.

    .venv/bin/python benchmarks/artefacts.py

Every network of both widths on photos that none of them saw, at 512 px. Checkerboard: `nstlib.losses.
checkerboard_energy` at the stride of 4 px, as a multiple of the geometric mean of those at 3 and 5 px, which no layer
of the network favours: about 1 in noise. Patches: the root of `nstlib.losses.edge_aware_smoothness` over 8 px, which
takes steps of colour between neighbouring means of the picture, black to white being 1, where the photo has no edge.
The photos' own are there to compare with. Writes results/tables/artefacts.csv (a row for each network and photo) and
artefacts_summary.csv (median over the photos, lowest and highest).
"""

import numpy as np
import pandas as pd

import nstlib as nst
from nstlib.losses import checkerboard_energy, edge_aware_smoothness
from nstlib.transformer import STRIDE

SIZE = 512


def artefacts(image: np.ndarray, photo: np.ndarray) -> dict[str, float]:
    """Both measures of an image made of a photo, each `(H, W, 3)`."""
    below, at, above = (
        float(checkerboard_energy(image[None], period)[0])
        for period in (STRIDE - 1, STRIDE, STRIDE + 1)
    )
    smoothness = float(edge_aware_smoothness(image[None], photo[None])[0])
    return {"checkerboard": at / np.sqrt(below * above), "patches": np.sqrt(smoothness)}


def measure() -> pd.DataFrame:
    photos = {name: nst.photo(name, size=SIZE) for name in nst.photo_names()}
    rows = [
        {"method": "photo", "photo": name} | artefacts(photo, photo)
        for name, photo in photos.items()
    ]
    for width, method in ((1.0, "Johnson"), (0.25, "Johnson slim")):
        for name in nst.network_names(width):
            network = nst.load_network(name, width=width)
            of_network = {"method": method, "style_image": name, "weights": network.fingerprint}
            for photo_name, photo in photos.items():
                found = artefacts(network.stylize(photo), photo)
                rows.append(of_network | {"photo": photo_name} | found)
            print(method, name, flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    table = measure()
    caption = (
        f"Checkerboard at {STRIDE} px over that at {STRIDE - 1} and {STRIDE + 1} px; steps of colour between means "
        f"over 8 px where the photo is even; photos of {SIZE} px."
    )
    results.table("artefacts", table, caption=caption)
    summary = nst.median_ranges(table, ["method", "style_image"], ["checkerboard", "patches"])
    results.table("artefacts_summary", summary, caption=f"{caption} Median, least and greatest.")
    print(summary.to_string())


if __name__ == "__main__":
    main()
