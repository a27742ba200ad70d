"""What `nst.gatys(scales=...)` saves: seconds until the total loss that a run at full size alone reaches.

    .venv/bin/python benchmarks/scales.py

Each photo is optimised at its full size alone for a number of gradient evaluations, then coarse to fine until the total
loss at full size, the same function, is as low, or the evaluations at full size are as many. The gradient of each size
is compiled before a clock starts. Writes results/tables/benchmark_scales.csv, a row a run, after each pair.
"""

import pandas as pd

import nstlib as nst

PAIRS = [
    (512, "astronaut", "brush_flow"),
    (512, "coffee", "cubist_planes"),
    (512, "rocket", "linocut"),
    (1024, "retina", "brush_flow"),
]
SCALES = [(1.0,), (0.5, 1.0), (0.25, 0.5, 1.0)]
EVALS = 60


def run(photo, style, scales, target: float) -> dict:
    """How a run ended: at the target, or after the evaluations that it may have at each scale."""
    history = nst.gatys(
        photo,
        style,
        steps=EVALS,
        max_evals=EVALS,
        scales=scales,
        on_step=lambda row: row["scale"] == 1 and row["total"] <= target,
        progress=False,
    ).history
    last = history.iloc[-1]
    evals_below = history.loc[history["scale"] < 1, "evals"].max() if len(scales) > 1 else 0
    return {
        "scales": " ".join(map(str, scales)),
        "seconds": last["seconds"],
        "evals_below": int(evals_below),
        "evals_at_full_size": int(last["evals"] - evals_below),
        "total": last["total"],
    }


def main() -> None:
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    caption = f"Seconds until the total loss of {EVALS} evaluations at full size is reached."
    rows = []
    for size, photo_name, style_name in PAIRS:
        photo = nst.resize(nst.photo(photo_name), size)
        style = nst.resize(nst.style(style_name), size)
        nst.gatys(photo, style, steps=1, scales=SCALES[-1], progress=False)
        target = 0.0
        for scales in SCALES:
            row = run(photo, style, scales, target)
            target = target or row["total"]
            rows.append({"size": size, "photo": photo_name, "style": style_name} | row)
            print(rows[-1], flush=True)
        results.table("benchmark_scales", pd.DataFrame(rows), caption=caption)


if __name__ == "__main__":
    main()
