"""Seconds of a pass through a network and of an evaluation of the optimisation, by size, on a quiet machine.

    .venv/bin/python benchmarks/seconds.py

Writes results/tables/benchmark_seconds.csv.
"""

import pandas as pd

import nstlib as nst

SIZES = {256: 20, 512: 10}  # evaluations in each of the runs
RUNS = 3
NETWORK = "starry_night"
WARM_UP = 2


def main() -> None:
    network = nst.load_network(NETWORK)
    objective = nst.PerceptualLoss(**network.card["objective"])
    style = nst.style("brush_flow", size=384)
    rows = []
    for size, count in SIZES.items():
        photo = nst.photo("coffee", size=size)
        passes = nst.measure(network.stylize, photo, repeats=15)
        rows.append(
            {"size": size, "what": "Johnson, a pass", **quartiles(pd.Series(passes.seconds))}
        )
        evals = []
        for _ in range(RUNS):
            options = {"steps": count + WARM_UP, "scales": (1,), "objective": objective}
            history = nst.gatys(photo, style, **options, progress=False).history
            seconds = history["seconds"].diff() / history["evals"].diff()
            evals.append(seconds.iloc[WARM_UP:])
        rows.append({"size": size, "what": "Gatys, an evaluation", **quartiles(pd.concat(evals))})
    table = pd.DataFrame(rows)
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    caption = "Seconds of one pass and of one gradient evaluation, 600 x 400 px photo scaled to the longer side."
    results.table("benchmark_seconds", table, caption=caption)
    print(table.round(4).to_string())


def quartiles(seconds: pd.Series) -> dict[str, float]:
    """Median and quartiles, and of how many."""
    q1, median, q3 = seconds.quantile([0.25, 0.5, 0.75])
    return {"seconds": median, "q1": q1, "q3": q3, "repeats": len(seconds)}


if __name__ == "__main__":
    main()
