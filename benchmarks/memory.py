"""Peak memory of each method by size, each measured in a fresh process.

    .venv/bin/python benchmarks/memory.py

Writes results/tables/benchmark_memory.csv, to which a test holds `nst.estimate_memory`.
"""

import resource

import pandas as pd
import psutil

import nstlib as nst

NETWORK_SIZES = (256, 512, 1024, 2048)
SIZES = {"johnson": NETWORK_SIZES, "johnson slim": NETWORK_SIZES, "gatys": (256, 512, 1024)}
STEPS = 12  # L-BFGS keeps ten updates
REPEATS = 3


def peak(method: str, size: int) -> int:
    """Bytes by which the process grew at its peak, libraries and weights being loaded before."""
    photo = nst.resize(nst.photo("astronaut"), size)
    style = nst.style("brush_flow", size=384)
    network = nst.load_network("brush_flow", width=0.25 if method == "johnson slim" else 1.0)
    objective = nst.PerceptualLoss()
    assert objective.extract
    before = psutil.Process().memory_info().rss
    if method == "gatys":
        nst.gatys(photo, style, steps=STEPS, scales=(1,), objective=objective, progress=False)
    else:
        network.stylize(photo)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before


def main() -> None:
    rows = []
    for method, sizes in SIZES.items():
        for size in sizes:
            for repeat in range(REPEATS):
                measured = nst.in_fresh_process(peak, method, size)
                row = {"method": method, "size": size, "repeat": repeat, "bytes": measured}
                rows.append(row | {"bytes_per_pixel": measured / size**2})
                print(rows[-1], flush=True)
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    caption = "Peak memory in fresh processes, beyond libraries and weights, square photos."
    results.table("benchmark_memory", pd.DataFrame(rows), caption=caption)


if __name__ == "__main__":
    main()
