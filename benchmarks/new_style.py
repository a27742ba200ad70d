"""A style of one's own as `nst.train` learns it when told nothing else, beside the long training of what ships.

    .venv/bin/python benchmarks/new_style.py --photos PHOTOS --bfloat16

Trains networks for `woodblock_wave`: three with the photos of the folder, from three seeds, which shows how much is
chance, and one with the built-in photos. A few photos of the folder are held out of all, and all networks are judged on
those: these four, the one that they start from, and the one of that style that ships. (Both that ship may have seen the
whole folder: they have where it is that of their own training.) The figure shows photos that may be passed on, the
built-in ones. Writes results/tables/new_style_summary.csv and results/figures/new_style.png. A run that was stopped
goes on from its last checkpoints.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.data.pictures import style_size
from nstlib.johnson.training import FIRST

STYLE = "woodblock_wave"
HELD_OUT = 8  # photos
SHOWN = ("astronaut", "chelsea", "coffee", "rocket")
SEEDS = range(3)
SIZE = 384  # longer side, in px
YARDSTICKS = [*nst.metrics.YARDSTICKS]


def trained(photos: Sequence[np.ndarray], work: Path, steps: int) -> dict[str, nst.Network]:
    """A network for each seed, and one for the built-in photos, by what tells them apart."""
    runs = {f"seed {seed}": (photos, seed) for seed in SEEDS} | {"built-in photos": (None, 0)}
    style, networks = nst.style(STYLE, size=style_size(STYLE)), {}
    for label, (seen, seed) in runs.items():
        schedule = nst.Schedule(steps=steps, seed=seed)
        checkpoint = work / f"new_style_{label.replace(' ', '_')}_{steps}"
        networks[label] = nst.train(style, seen, schedule=schedule, checkpoint=checkpoint).network
    return networks


def pictures(photo: np.ndarray, networks: Mapping[str, nst.Network]) -> dict[str, np.ndarray]:
    """Two baselines, and what each network makes of a photo."""
    style = nst.style(STYLE, size=style_size(STYLE))
    images = {"identity": photo, "colour transfer": nst.transfer_colour(photo, style)}
    return images | {label: network.stylize(photo) for label, network in networks.items()}


def scores(photos: Sequence[np.ndarray], networks: Mapping[str, nst.Network]) -> pd.DataFrame:
    """Every yardstick under the objective of the training: a row for each photo and picture."""
    style, tables = nst.style(STYLE, size=style_size(STYLE)), []
    for index, photo in enumerate(nst.resize(image, SIZE) for image in photos):
        images = pictures(photo, networks)
        table = nst.evaluate(images, photo, style, objective=nst.training_objective())
        tables.append(table.assign(photo=index))
    return pd.concat(tables, ignore_index=True)


def summarise(table: pd.DataFrame, networks: Mapping[str, nst.Network]) -> pd.DataFrame:
    """Mean and standard deviation over the photos, and what the cards say of the training."""
    summary = table.groupby("method", sort=False)[YARDSTICKS].agg(["mean", "std"])
    summary.columns = ["_".join(column) for column in summary.columns]
    for key in ("steps", "seconds", "precision"):
        said = {label: network.card[key] for label, network in networks.items()}
        summary[f"training_{key}"] = summary.index.map(said)
    return summary.reset_index()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    parser.add_argument("--steps", type=int, default=nst.Schedule.steps, help="of each training")
    parser.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16")
    options = parser.parse_args(arguments)
    if options.bfloat16:
        nst.use_bfloat16()
    folder = nst.photo_folder(options.photos)
    held_out, photos = folder[:HELD_OUT], folder[HELD_OUT:]
    networks = {
        "where it starts": nst.load_network(FIRST),
        **trained(photos, options.work, options.steps),
        "as it ships": nst.load_network(STYLE),
    }
    summary = summarise(scores(held_out, networks), networks)
    results = full_results()
    caption = (
        f"Networks for {STYLE} on {len(held_out)} photos held out of their training, {SIZE} px."
    )
    results.table("new_style_summary", summary, caption=f"{caption} Mean and spread.")
    rows = {name: pictures(nst.photo(name, size=SIZE), networks) for name in SHOWN}
    caption = f"Networks for {STYLE}; the one with the built-in photos has seen those shown."
    results.figure("new_style", nst.plots.image_grid(rows), caption)
    print(summary.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
