"""Every shipped network on photos that none of them saw, beside optimisation and two baselines.

    .venv/bin/python benchmarks/networks.py --size 256
    .venv/bin/python benchmarks/networks.py --size 512

`nstlib.compare` for each network and photo. Writes results/tables/networks_SIZE.csv (a row for each network, photo
and method), networks_SIZE_summary.csv (mean and standard deviation over the photos), equivalent_evals_SIZE.csv and
training_cost.csv. The tables grow pair by pair; pairs that they hold already are not done again unless the network's
weights changed. What a pass or an evaluation costs in seconds is measured apart, in notebook 04.
"""

import argparse
import itertools

import pandas as pd

import nstlib as nst
from nstlib.data import STYLE_SIZE

BUDGETS = (10, 25, 50, 100)  # gradient evaluations
YARDSTICKS = ["total", "content", "style", "ssim", "moments", "patch", "colour"]
COLUMNS = ["network", "weights", "photo", "method", *YARDSTICKS, "equivalent_evals"]


def run_pair(name: str, network: nst.Network, photo_name: str, size: int) -> pd.DataFrame:
    """One row a method for one network and photo."""
    photo, style = nst.photo(photo_name, size=size), nst.style(name, size=STYLE_SIZE)
    scores = nst.compare(photo, style, network, evals=BUDGETS, hybrid_evals=()).scores
    key = {"network": name, "weights": network.fingerprint, "photo": photo_name}
    return scores[["method", *YARDSTICKS, "equivalent_evals"]].assign(**key)[COLUMNS]


def finished(results: nst.ResultsFolder, size: int, networks) -> pd.DataFrame:
    """The rows that an earlier run wrote, but those of other weights."""
    try:
        table = results.read(f"networks_{size}")
    except FileNotFoundError:
        return pd.DataFrame(columns=["network", "weights", "photo"])
    weights = {name: network.fingerprint for name, network in networks.items()}
    return table[table["network"].map(weights) == table["weights"]]


def training_cost(networks) -> pd.DataFrame:
    """What the model cards say of the training: one row a network."""
    rows = []
    for name, network in networks.items():
        card = network.card
        keys = ("start", "steps", "size", "batch_size", "photos", "precision")
        rows.append(
            {"network": name}
            | {key: card[key] for key in keys}
            | {"hours": card["seconds"] / 3600, "seconds_per_step": card["seconds"] / card["steps"]}
            | {"backend": card["backend"], "processor": card["machine"]["processor"]}
            | {"cores": card["machine"]["cores"]}
        )
    return pd.DataFrame(rows)


def write(results: nst.ResultsFolder, table: pd.DataFrame, size: int) -> None:
    """The table and what follows from it."""
    photos = table["photo"].nunique()
    results.table(
        f"networks_{size}",
        table,
        caption=f"Every shipped network, optimisation after some evals, and two baselines; {size} px.",
    )
    summary = table.groupby(["network", "method"], sort=False)[YARDSTICKS].agg(["mean", "std"])
    summary.columns = ["_".join(column) for column in summary.columns]
    results.table(
        f"networks_{size}_summary",
        summary.reset_index(),
        caption=f"Mean and standard deviation over {photos} photos; {size} px.",
    )
    evals = table.dropna(subset="equivalent_evals")
    results.table(
        f"equivalent_evals_{size}",
        evals[["network", "photo", "total", "equivalent_evals"]].reset_index(drop=True),
        caption=(
            "Gradient evaluations of L-BFGS, from the photo, after which the total loss is no longer above the "
            f"network's; inf: not within {max(BUDGETS)}; {size} px."
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="longer side in px")
    parser.add_argument("--networks", nargs="+", default=nst.network_names())
    parser.add_argument("--photos", nargs="+", default=nst.photo_names())
    arguments = parser.parse_args()
    networks = {name: nst.load_network(name) for name in nst.network_names()}
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    caption = "Training of the shipped networks, from their model cards."
    results.table("training_cost", training_cost(networks), caption=caption)
    table = finished(results, arguments.size, networks)
    for photo_name, name in itertools.product(arguments.photos, arguments.networks):
        if not ((table["network"] == name) & (table["photo"] == photo_name)).any():
            rows = run_pair(name, networks[name], photo_name, arguments.size)
            table = pd.concat([table, rows], ignore_index=True) if len(table) else rows
            write(results, table, arguments.size)
            print(name, photo_name, flush=True)


if __name__ == "__main__":
    main()
