"""Three faults of the shipped networks in figures: a pattern of their stride, patches of colour, tinted edges.

    .venv/bin/python benchmarks/artefacts.py

Every network of both widths on photos that none of them saw, at 512 px. Checkerboard: `nstlib.losses.
checkerboard_energy` at the stride of 4 px, as a multiple of the geometric mean of those at 3 and 5 px, which no layer
of the network favours: about 1 in noise. Patches: the root of `nstlib.losses.edge_aware_smoothness` over 8 px, which
takes steps of colour between neighbouring means of the picture, black to white being 1, where the photo has no edge.
The photos' own are there to compare with. Edge: what the edge of the picture does to the mean colours of its outermost
16 px, the root mean square over four sides and three channels of their difference from those painted with a margin of
64 px, which is beyond the reach of the network's convolutions; edge_margin: the same of a picture with a margin of
32 px. Writes results/tables/artefacts.csv (a row for each network and photo) and artefacts_summary.csv (median over the
photos, lowest and highest).
"""

import numpy as np
import pandas as pd

import nstlib as nst
from nstlib.losses import checkerboard_energy, edge_aware_smoothness
from nstlib.transformer import STRIDE

SIZE = 512
MARGIN = 32  # of `Network.stylize`, as its documentation advises
FARTHER = 64  # beyond the reach of a network's convolutions, some 57 px
STRIP = 16
YARDSTICKS = ["checkerboard", "patches", "edge", "edge_margin"]


def artefacts(image: np.ndarray, photo: np.ndarray) -> dict[str, float]:
    """Both measures of an image made of a photo, each `(H, W, 3)`."""
    below, at, above = (
        float(checkerboard_energy(image[None], period)[0])
        for period in (STRIDE - 1, STRIDE, STRIDE + 1)
    )
    smoothness = float(edge_aware_smoothness(image[None], photo[None])[0])
    return {"checkerboard": at / np.sqrt(below * above), "patches": np.sqrt(smoothness)}


def strips(image: np.ndarray) -> np.ndarray:
    """Mean colours of the outermost pixels on each side, `(4, 3)`."""
    sides = image[:STRIP], image[-STRIP:], image[:, :STRIP], image[:, -STRIP:]
    return np.stack([side.mean(axis=(0, 1)) for side in sides])


def edges(network: nst.Network, photo: np.ndarray, image: np.ndarray) -> dict[str, float]:
    """Both differences of the strips of an image that a network made of a photo, each `(H, W, 3)`."""
    undisturbed = strips(network.stylize(photo, margin=FARTHER))
    compared = {"edge": image, "edge_margin": network.stylize(photo, margin=MARGIN)}
    return {
        name: np.sqrt(np.mean((strips(each) - undisturbed) ** 2)) for name, each in compared.items()
    }


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
                image = network.stylize(photo)
                found = artefacts(image, photo) | edges(network, photo, image)
                rows.append(of_network | {"photo": photo_name} | found)
            print(method, name, flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    table = measure()
    caption = (
        f"Checkerboard at {STRIDE} px over that at {STRIDE - 1} and {STRIDE + 1} px; steps of colour between means "
        f"over 8 px where the photo is even; what the edge does to the mean colours of its {STRIP} px, and what is "
        f"left of it with a margin of {MARGIN} px; photos of {SIZE} px."
    )
    results.table("artefacts", table, caption=caption)
    summary = nst.median_ranges(table, ["method", "style_image"], YARDSTICKS)
    summary = summary.dropna(subset="median")  # what an edge does to a photo that nothing painted
    results.table("artefacts_summary", summary, caption=f"{caption} Median, least and greatest.")
    print(summary.to_string())


if __name__ == "__main__":
    main()
