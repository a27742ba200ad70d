"""A style that no shipped network has seen, trained for minutes and for longer, with a folder of photos and without.

    .venv/bin/python benchmarks/new_style.py --photos PHOTOS

Trains networks for `woodblock_wave` as `nst.train` does when it is told nothing else, with the photos of the folder and
with the built-in ones, and one for longer; a few photos of the folder are held out of these trainings, and all are
judged on those. (The network that they start from, of The Starry Night, may have seen the whole folder: it has where
the folder is that of the shipped networks' training.) The figure shows photos that may be passed on, the built-in ones.
Writes results/tables/new_style.csv, new_style_summary.csv and results/figures/new_style.png. A run that was stopped
goes on from its last checkpoints.
"""

import argparse
from pathlib import Path

import pandas as pd

import nstlib as nst
from nstlib.data import STYLE_SIZE

STYLE = "woodblock_wave"
LONG = 2400  # steps
HELD_OUT = 8  # photos
SHOWN = ("astronaut", "chelsea", "coffee", "rocket")
SIZE = 384  # longer side, in px
YARDSTICKS = ["total", "content", "style", "ssim", "moments", "patch", "colour"]


def pictures(photo, style, networks) -> dict:
    """Two baselines, and what each network makes of a photo."""
    images = {"identity": photo, "colour transfer": nst.transfer_colour(photo, style)}
    return images | {label: network.stylize(photo) for label, network in networks.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    arguments = parser.parse_args()
    style = nst.style(STYLE, size=STYLE_SIZE)
    folder = nst.photo_folder(arguments.photos)
    held_out, photos = folder[:HELD_OUT], folder[HELD_OUT:]
    runs = {
        "built-in photos": {"photos": None},
        "a folder of photos": {"photos": photos},
        f"a folder, {LONG} steps": {"photos": photos, "steps": LONG},
    }
    networks = {"where it starts": nst.load_network("starry_night")}
    for index, (label, options) in enumerate(runs.items()):
        checkpoint = arguments.work / f"new_style_{index}"
        networks[label] = nst.train(style, name=STYLE, checkpoint=checkpoint, **options).network

    tables = []
    for index, photo in enumerate(nst.resize(image, SIZE) for image in held_out):
        images = pictures(photo, style, networks)
        table = nst.evaluate(images, photo, style, objective=nst.training_objective())
        table.insert(0, "photo", index)
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    summary = table.groupby("method", sort=False)[YARDSTICKS].agg(["mean", "std"])
    summary.columns = ["_".join(column) for column in summary.columns]
    for label in runs:
        card = networks[label].card
        summary.loc[label, "steps"] = card["steps"]
        summary.loc[label, "training_seconds"] = card["seconds"]
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    caption = f"Networks for {STYLE} on {HELD_OUT} photos held out of their training, {SIZE} px."
    results.table("new_style", table, caption=caption)
    results.table("new_style_summary", summary.reset_index(), caption=f"{caption} Mean and spread.")
    rows = {name: pictures(nst.photo(name, size=SIZE), style, networks) for name in SHOWN}
    caption = (
        f"Networks for {STYLE}; of those shown, the one with the built-in photos has seen all."
    )
    results.figure("new_style", nst.plots.image_grid(rows), caption)
    print(summary.round(3).to_string())


if __name__ == "__main__":
    main()
