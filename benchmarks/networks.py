"""Every shipped network on photos that none of them saw, beside optimisation and two baselines.

    .venv/bin/python benchmarks/networks.py --size 256
    .venv/bin/python benchmarks/networks.py --size 512

Each network is compared under the objective that it was trained with, which optimisation then minimises too, from the
photo. Writes results/tables/networks_SIZE.csv (a row for each network, photo and method), networks_SIZE_summary.csv
(mean and standard deviation over the photos), equivalent_evals_SIZE.csv and training_cost.csv. A run that was stopped
goes on from the pairs that it finished.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import nstlib as nst

BUDGETS = (10, 25, 50, 100)  # gradient evaluations
STYLE_SIZE = 384  # that of data/train_networks.py
YARDSTICKS = ["total", "content", "style", "ssim", "moments", "patch", "colour", "seconds"]


def run_pair(name: str, photo_name: str, size: int) -> pd.DataFrame:
    """One row a method for one network and photo."""
    network = nst.load_network(name)
    objective = nst.PerceptualLoss(**network.card["objective"])
    photo, style = nst.photo(photo_name, size=size), nst.style(name, size=STYLE_SIZE)
    timing = nst.measure(lambda: network.stylize(photo), repeats=5)
    slow = nst.gatys(
        photo,
        style,
        steps=max(BUDGETS),
        max_evals=max(BUDGETS),
        objective=objective,
        scales=(1,),
        snapshots=BUDGETS,
        progress=False,
    )
    images = {"identity": photo, "colour transfer": nst.transfer_colour(photo, style)}
    images |= {f"Gatys {budget}": slow.snapshots[budget] for budget in BUDGETS}
    images["Johnson"] = network.stylize(photo)
    table = nst.evaluate(images, photo, style, objective=objective)
    clock = slow.history.set_index("evals")["seconds"]
    seconds = {f"Gatys {budget}": clock[:budget].iloc[-1] for budget in BUDGETS}
    table["seconds"] = table["method"].map(seconds | {"Johnson": timing.median})
    target = table.set_index("method")["total"]["Johnson"]
    below = slow.history.loc[slow.history["total"] <= target, "evals"]
    table["equivalent_evals"] = np.where(
        table["method"] == "Johnson", below.min() if len(below) else np.inf, np.nan
    )
    table.insert(0, "photo", photo_name)
    table.insert(0, "network", name)
    return table


def run_pairs(size: int, names, photos, work: Path) -> pd.DataFrame:
    """All pairs, each kept in a file of its own as soon as it is done."""
    folder = work / f"networks_{size}"
    folder.mkdir(parents=True, exist_ok=True)
    tables = []
    for photo_name in photos:
        for name in names:
            path = folder / f"{name}-{photo_name}.csv"
            if not path.exists():
                unfinished = path.with_suffix(".unfinished")
                run_pair(name, photo_name, size).to_csv(unfinished, index=False)
                unfinished.replace(path)
                print(path.stem, flush=True)
            tables.append(pd.read_csv(path))
    return pd.concat(tables, ignore_index=True)


def training_cost(names) -> pd.DataFrame:
    """What the model cards say of the training: one row a network."""
    rows = []
    for name in names:
        card = nst.load_network(name).card
        rows.append(
            {"network": name}
            | {key: card[key] for key in ("start", "steps", "size", "batch_size", "photos")}
            | {"hours": card["seconds"] / 3600, "seconds_per_step": card["seconds"] / card["steps"]}
            | {"backend": card["backend"], "processor": card["machine"]["processor"]}
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="longer side in px")
    parser.add_argument("--networks", nargs="+", default=nst.network_names())
    parser.add_argument("--photos", nargs="+", default=nst.photo_names())
    parser.add_argument(
        "--work", type=Path, default=Path(".work"), help="folder for finished pairs"
    )
    arguments = parser.parse_args()
    size = arguments.size
    table = run_pairs(size, arguments.networks, arguments.photos, arguments.work)
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    results.table(
        f"networks_{size}",
        table.drop(columns="equivalent_evals"),
        caption=f"Every shipped network, optimisation after some evals, and two baselines; {size} px.",
    )
    groups = table.groupby(["network", "method"], sort=False)[YARDSTICKS]
    summary = groups.agg(["mean", "std"])
    summary.columns = ["_".join(column) for column in summary.columns]
    results.table(
        f"networks_{size}_summary",
        summary.reset_index(),
        caption=f"Mean and standard deviation over {table['photo'].nunique()} photos; {size} px.",
    )
    results.table(
        "training_cost",
        training_cost(arguments.networks),
        caption="Training of the shipped networks, from their model cards.",
    )
    evals = table.dropna(subset="equivalent_evals")
    results.table(
        f"equivalent_evals_{size}",
        evals[["network", "photo", "total", "equivalent_evals"]],
        caption=(
            "Gradient evaluations of L-BFGS, from the photo, after which the total loss is no longer above the "
            f"network's; inf: not within {max(BUDGETS)}; {size} px."
        ),
    )
    print(summary.round(3).to_string())


if __name__ == "__main__":
    main()
