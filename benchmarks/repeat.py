"""One round of training repeated from other seeds: how much of a network's scores is chance.

    .venv/bin/python benchmarks/repeat.py --photos PHOTOS

Trains `linocut` as its first round is trained (data/train_networks.py), three times: every time from the network of
The Starry Night that ships now, with other crops. Judges the networks on the built-in photos, which none of them was
trained on, beside the network they start from and the one that ships after all its rounds.
Writes results/tables/repeat.csv, repeat_summary.csv and results/figures/repeat.png. A run that was stopped goes on from
its last checkpoints.
"""

import argparse
from pathlib import Path

import pandas as pd

import nstlib as nst
from nstlib.data import STYLE_SIZE

STYLE = "linocut"
STEPS = 700  # of its first round
SEEDS = range(3)
SHOWN = ("astronaut", "chelsea", "coffee", "rocket")
SIZE = 256  # longer side, in px
YARDSTICKS = ["total", "content", "style", "ssim", "moments", "patch", "colour"]


def summarise(table: pd.DataFrame, runs: list[str]) -> pd.DataFrame:
    """One row a yardstick: each method's mean over the photos, and how far apart the runs' are, as shares of theirs.

    `range_share` is of the means; `photo_range_share` the same of one photo, in the median of the photos.
    """
    summary = table.groupby("method", sort=False)[YARDSTICKS].mean().T
    means = summary[runs]
    by_photo = table[table["method"].isin(runs)].groupby("photo")[YARDSTICKS]
    summary["range_share"] = (means.max(axis=1) - means.min(axis=1)) / means.mean(axis=1)
    summary["photo_range_share"] = ((by_photo.max() - by_photo.min()) / by_photo.mean()).median()
    return summary.rename_axis("yardstick").reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    arguments = parser.parse_args()
    style = nst.style(STYLE, size=STYLE_SIZE)
    start, shipped = nst.load_network("starry_night"), nst.load_network(STYLE)
    objective = nst.training_objective()
    runs = {
        f"seed {seed}": nst.train(
            style,
            arguments.photos,
            name=STYLE,
            objective=objective,
            start=start,
            steps=STEPS,
            seed=seed,
            checkpoint=arguments.work / f"repeat_{seed}",
        ).network
        for seed in SEEDS
    }
    networks = {"where they start": start} | runs | {"as it ships": shipped}
    weights = {label: networks[label].fingerprint for label in networks.keys() - runs.keys()}

    tables, pictures = [], {}
    for name in nst.photo_names():
        photo = nst.photo(name, size=SIZE)
        images = {label: network.stylize(photo) for label, network in networks.items()}
        pictures[name] = {"photo": photo} | images
        table = nst.evaluate(images, photo, style, objective=objective)
        table.insert(0, "photo", name)
        table["weights"] = table["method"].map(weights)
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    summary = summarise(table, list(runs))
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    caption = f"One round of {STYLE}, {STEPS} steps, from {len(SEEDS)} seeds; photos of {SIZE} px."
    results.table("repeat", table, caption=caption)
    results.table("repeat_summary", summary, caption=f"{caption} Means over the photos.")
    shown = {name: pictures[name] for name in SHOWN}
    results.figure("repeat", nst.plots.image_grid(shown), caption)
    print(summary.round(4).to_string())


if __name__ == "__main__":
    main()
