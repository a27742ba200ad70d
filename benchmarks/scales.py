"""What beginning small saves: seconds until the total losses that an optimisation at full size alone passes.

    .venv/bin/python benchmarks/scales.py

Each photo is optimised at its full size alone, and coarse to fine by several schedules: sizes, and steps at each below
the full one. The gradient of each size is compiled before a clock starts. Writes two tables under results/tables/,
after each pair: benchmark_scales.csv, one row a pair, schedule and number of evaluations, with the seconds until the
loss that the full size alone has after as many evaluations, and their share of its seconds (infinite where a schedule
did not get there); and benchmark_scales_summary.csv, the geometric mean, lowest and highest share over the pairs.
"""

import numpy as np
import pandas as pd
from common import full_results
from scipy import stats

import nstlib as nst

PAIRS = [
    (512, "astronaut", "brush_flow", 60),
    (512, "coffee", "cubist_planes", 60),
    (512, "rocket", "linocut", 60),
    (1024, "retina", "brush_flow", 30),
]
SCHEDULES = {  # sizes below the full one as shares of it, and steps at each
    "full size only": ((), 0),
    "half, 10 steps": ((0.5,), 10),
    "half, 40 steps": ((0.5,), 40),
    "quarter and half, 10 steps": ((0.25, 0.5), 10),
    "quarter and half, 40 steps": ((0.25, 0.5), 40),
}
TARGETS = (5, 10, 20, 30, 60)


def curve(photo, style, sizes, coarse_steps: int, evals: int) -> pd.DataFrame:
    """The history at full size, its seconds counted from the beginning of the coarsest scale."""
    seconds, start = 0.0, photo
    for share in (*sizes, 1.0):
        small_photo, small_style = (
            nst.resize(image, tuple(round(share * side) for side in image.shape[:2]))
            for image in (photo, style)
        )
        budget = {"max_evals": evals} if share == 1 else {}
        result = nst.gatys(
            small_photo,
            small_style,
            steps=evals if share == 1 else coarse_steps,
            init=nst.resize(start, small_photo.shape[:2]),
            scales=(1,),
            progress=False,
            **budget,
        )
        start = result.image
        history = result.history.assign(seconds=result.history["seconds"] + seconds)
        seconds = history["seconds"].iloc[-1]
    return history


def seconds_until(history: pd.DataFrame, total: float) -> float:
    """Seconds until the total loss was first that low; infinite if it never was."""
    low_enough = history.loc[history["total"] <= total, "seconds"]
    return low_enough.iloc[0] if len(low_enough) else np.inf


def compare(photo, style, evals: int) -> pd.DataFrame:
    """One row a schedule and number of evaluations."""
    curves = {name: curve(photo, style, *schedule, evals) for name, schedule in SCHEDULES.items()}
    alone = curves["full size only"]
    rows = []
    for count in (each for each in TARGETS if each <= evals):
        target = alone.loc[alone["evals"] <= count, "total"].min()
        for name, history in curves.items():
            seconds = seconds_until(history, target)
            rows.append({"evals": count, "target": target, "schedule": name, "seconds": seconds})
    table = pd.DataFrame(rows)
    first = table[table["schedule"] == "full size only"].set_index("evals")["seconds"]
    return table.assign(share=table["seconds"] / table["evals"].map(first))


def main() -> None:
    results = full_results()
    tables = []
    for size, photo_name, style_name, evals in PAIRS:
        photo = nst.resize(nst.photo(photo_name), size)
        style = nst.resize(nst.style(style_name), size)
        nst.gatys(photo, style, steps=1, scales=(0.25, 0.5, 1), progress=False)
        rows = compare(photo, style, evals)
        tables.append(rows.assign(size=size, photo=photo_name, style=style_name))
        table = pd.concat(tables, ignore_index=True)
        caption = "Seconds until the total loss that the full size alone has after so many evals."
        results.table("benchmark_scales", table, caption=caption)
        groups = table.groupby(["evals", "schedule"], sort=False)["share"]
        summary = groups.agg(pairs="count", share=stats.gmean, share_low="min", share_high="max")
        caption = "Share of the seconds of the full size alone; geometric mean, lowest, highest."
        results.table("benchmark_scales_summary", summary.reset_index(), caption=caption)
        print(summary.round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
