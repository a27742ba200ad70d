"""Every shipped network on photos that none of them saw, beside optimisation and two baselines.

    .venv/bin/python benchmarks/networks.py --size 256
    .venv/bin/python benchmarks/networks.py --size 512

`nst.study.run_study` with every network and every photo. Writes results/tables/networks_SIZE.csv (a row for each
network, photo and method), networks_SIZE_curves.csv, networks_SIZE_summary.csv (mean and standard deviation over the
photos), equivalent_evals_SIZE.csv and training_cost.csv. The tables grow pair by pair: what they hold already is not
done again, and where only a network's weights changed, the optimisations that start elsewhere stay. Seconds, in the
summary, follow from those of a pass and of an evaluation, which notebook 04 measures apart, with their spread.
"""

import argparse

import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.johnson import SLIM_WIDTH

BUDGETS = (10, 25, 50, 100)  # gradient evaluations
YARDSTICKS = [*nst.metrics.YARDSTICKS]


def training_cost() -> pd.DataFrame:
    """What the model cards say of the training: one row a network."""
    keys = ("start", "steps", "precision", "size", "batch_size", "photos", "backend")
    rows = []
    for width in (1.0, SLIM_WIDTH):
        for name in nst.network_names(width):
            card = nst.load_network(name, width=width).card
            machine = card["machine"]
            rows.append(
                {"network": name, "width": width}
                | {key: card[key] for key in keys}
                | {"hours": card["seconds"] / 3600}
                | {"seconds_per_step": card["seconds"] / card["steps"]}
                | {"device": machine.get("accelerator", machine["processor"])}
                | {"cores": machine["cores"]}
            )
    return pd.DataFrame(rows)


def write_summaries(results: nst.study.ResultsFolder, table: pd.DataFrame, size: int) -> None:
    """What follows from the table."""
    photos = table["photo"].nunique()
    summary = table.groupby(["style_image", "method"], sort=False)[YARDSTICKS].agg(["mean", "std"])
    summary.columns = ["_".join(column) for column in summary.columns]
    costs = nst.study.expected_costs(table, nst.study.measured_table("speed"), size=size)
    results.table(
        f"networks_{size}_summary",
        summary.reset_index().merge(costs[["method", "seconds"]], on="method"),
        caption=(
            f"Mean and standard deviation over up to {photos} photos; {size} px. Seconds: of a photo of 3:2, "
            "from those of a pass and of an evaluation (speed); of the baselines none were measured, hence 0."
        ),
    )
    evals = table.dropna(subset="equivalent_evals")
    results.table(
        f"equivalent_evals_{size}",
        evals[["style_image", "photo", "method", "total", "equivalent_evals"]].reset_index(
            drop=True
        ),
        caption=(
            "Gradient evaluations of L-BFGS, from the photo in the colours of the style, after which the total loss is "
            f"no longer above the network's; inf: not within {max(BUDGETS)}; {size} px."
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="longer side in px")
    parser.add_argument("--networks", nargs="+", default=nst.network_names())
    parser.add_argument("--photos", nargs="+", default=nst.photo_names())
    arguments = parser.parse_args()
    results = full_results()
    caption = "Training of the shipped networks, from their model cards."
    results.table("training_cost", training_cost(), caption=caption)
    name = f"networks_{arguments.size}"
    nst.study.run_study(
        results,
        name,
        photos=arguments.photos,
        styles=arguments.networks,
        size=arguments.size,
        evals=BUDGETS,
        strips=False,
        on_pair=lambda *pair: print(*pair, flush=True),
    )
    write_summaries(results, results.read(name), arguments.size)


if __name__ == "__main__":
    main()
