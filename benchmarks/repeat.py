"""One training repeated from other seeds: how much of a network's scores is chance.

    .venv/bin/python benchmarks/repeat.py --photos PHOTOS --bfloat16

Trains `linocut` as `nst.train` does when told nothing else, three times: every time from the network of The Starry
Night that ships, with other crops. Judges the networks on the built-in photos, which none of them was trained on,
beside the network they start from and the one that ships. Writes results/tables/repeat.csv, repeat_summary.csv and
results/figures/repeat.png. A run that was stopped goes on from its last checkpoints.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.johnson.training import FIRST

STYLE = "linocut"
SEEDS = range(3)
SHOWN = ("astronaut", "chelsea", "coffee", "rocket")
SIZE = 256  # longer side, in px
YARDSTICKS = [*nst.metrics.YARDSTICKS]


def trained(photos: Path, work: Path, steps: int) -> dict[str, nst.Network]:
    """A network for each seed."""
    style, networks = nst.style(STYLE, size=STYLE_SIZE), {}
    for seed in SEEDS:
        schedule = nst.Schedule(steps=steps, seed=seed)
        checkpoint = work / f"repeat_{seed}_{steps}"
        run = nst.train(style, photos, schedule=schedule, checkpoint=checkpoint)
        networks[f"seed {seed}"] = run.network
    return networks


def scores(networks: Mapping[str, nst.Network]) -> pd.DataFrame:
    """Every yardstick under the objective of the training: a row for each photo and network."""
    style, tables = nst.style(STYLE, size=STYLE_SIZE), []
    for name in nst.photo_names():
        photo = nst.photo(name, size=SIZE)
        images = {label: network.stylize(photo) for label, network in networks.items()}
        table = nst.evaluate(images, photo, style, objective=nst.training_objective())
        tables.append(table.assign(photo=name))
    return pd.concat(tables, ignore_index=True)


def summarise(table: pd.DataFrame, runs: Sequence[str]) -> pd.DataFrame:
    """One row a yardstick: each method's mean over the photos, and how far apart the runs' are, as shares of theirs.

    `range_share` is of the means; `photo_range_share` the same of one photo, in the median of the photos.
    """
    summary = table.groupby("method", sort=False)[YARDSTICKS].mean().T
    means = summary[[*runs]]
    by_photo = table[table["method"].isin(runs)].groupby("photo")[YARDSTICKS]
    summary["range_share"] = (means.max(axis=1) - means.min(axis=1)) / means.mean(axis=1)
    summary["photo_range_share"] = ((by_photo.max() - by_photo.min()) / by_photo.mean()).median()
    return summary.rename_axis("yardstick").reset_index()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for checkpoints")
    parser.add_argument("--steps", type=int, default=nst.Schedule.steps, help="of each training")
    parser.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16")
    options = parser.parse_args(arguments)
    if options.bfloat16:
        nst.use_bfloat16()
    runs = trained(options.photos, options.work, options.steps)
    shipped = {"where they start": nst.load_network(FIRST), "as it ships": nst.load_network(STYLE)}
    networks = shipped | runs
    weights = {label: network.fingerprint for label, network in shipped.items()}
    table = scores(networks)
    table["weights"] = table["method"].map(weights)
    summary = summarise(table, list(runs))
    results = full_results()
    caption = f"{STYLE}, {options.steps} steps, from {len(runs)} seeds; photos of {SIZE} px."
    results.table("repeat", table, caption=caption)
    results.table("repeat_summary", summary, caption=f"{caption} Means over the photos.")
    photos = {name: nst.photo(name, size=SIZE) for name in SHOWN}
    shown = {
        name: {"photo": photo} | {label: each.stylize(photo) for label, each in networks.items()}
        for name, photo in photos.items()
    }
    results.figure("repeat", nst.plots.image_grid(shown), caption)
    print(summary.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
