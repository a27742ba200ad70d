"""Peak memory of each method by size, each measured in a fresh process.

    .venv/bin/python benchmarks/memory.py

Writes results/tables/benchmark_memory.csv, from which `nst.machine.estimate_memory` was fitted, and
benchmark_memory_large.csv, what a photo of 12 megapixels takes a network, seconds too.
"""

import resource
import time

import pandas as pd
import psutil
from common import full_results

import nstlib as nst
from nstlib.data.pictures import STYLE_SIZE

NETWORK_SIZES = (256, 512, 1024, 2048)
SIZES = {"johnson": NETWORK_SIZES, "johnson slim": NETWORK_SIZES, "gatys": (256, 512, 1024)}
STEPS = 12  # L-BFGS keeps ten updates
REPEATS = 3
LARGE = (3072, 4096)


def cost(method: str, height: int, width: int) -> dict[str, float]:
    """Seconds, and bytes by which the process grew at its peak, libraries and weights being loaded before."""
    photo = nst.resize(nst.photo("astronaut"), (height, width))
    style = nst.style("brush_flow", size=STYLE_SIZE)
    network = nst.load_network("brush_flow", width=0.25 if method == "johnson slim" else 1.0)
    objective = nst.PerceptualLoss()
    assert objective.extract
    before, start = psutil.Process().memory_info().rss, time.perf_counter()
    if method == "gatys":
        nst.gatys(photo, style, steps=STEPS, scales=(1,), objective=objective, progress=False)
    else:
        network.stylize(photo)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"bytes": peak - before, "seconds": seconds}


def by_size() -> pd.DataFrame:
    """One row for each method, size and repeat."""
    rows = []
    for method, sizes in SIZES.items():
        for size in sizes:
            for repeat in range(REPEATS):
                measured = nst.machine.in_fresh_process(cost, method, size, size)["bytes"]
                row = {"method": method, "size": size, "repeat": repeat, "bytes": measured}
                rows.append(row | {"bytes_per_pixel": measured / size**2})
                print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def large() -> pd.DataFrame:
    """One row for each width of a network and repeat."""
    rows = []
    for method in ("johnson", "johnson slim"):
        for repeat in range(REPEATS):
            row = {"method": method, "height": LARGE[0], "width": LARGE[1], "repeat": repeat}
            rows.append(row | nst.machine.in_fresh_process(cost, method, *LARGE))
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    results = full_results()
    caption = "Peak memory in fresh processes, beyond libraries and weights"
    results.table("benchmark_memory", by_size(), caption=f"{caption}, square photos.")
    caption = (
        f"{caption}, and seconds, the graph not yet traced: photos of {LARGE[1]} x {LARGE[0]} px."
    )
    results.table("benchmark_memory_large", large(), caption=caption)


if __name__ == "__main__":
    main()
