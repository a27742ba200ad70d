"""Peak memory of each method by size, each measured in a fresh process.

    .venv/bin/python benchmarks/memory.py

Writes results/tables/benchmark_memory.csv, from which `nst.machine.estimate_memory` was fitted, and
benchmark_memory_large.csv, what a photo of 12 megapixels takes a network, seconds too.
"""

import functools
import resource
import time

import pandas as pd
import psutil
from common import full_results

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.johnson import SLIM_WIDTH

NETWORK_SIZES = (256, 512, 1024, 2048)
# What loads a network, and how wide.
NETWORKS = {
    "johnson": (nst.load_network, 1.0),
    "johnson slim": (nst.load_network, SLIM_WIDTH),
    "openvino": (nst.load_engine, 1.0),
    "openvino slim": (nst.load_engine, SLIM_WIDTH),
}
SIZES = dict.fromkeys(NETWORKS, NETWORK_SIZES) | {"gatys": (256, 512, 1024)}
STEPS = 12  # L-BFGS keeps ten changes up to its hundredth step
REPEATS = 3
LARGE = (3072, 4096)


def cost(method: str, height: int, width: int) -> dict[str, float]:
    """Seconds, and bytes by which the process grew at its peak, libraries and weights being loaded before."""
    photo = nst.resize(nst.photo("astronaut"), (height, width))
    if method == "gatys":
        style, objective = nst.style("brush_flow", size=STYLE_SIZE), nst.PerceptualLoss()
        assert objective.extract
        options = {"steps": STEPS, "scales": (1,), "objective": objective, "progress": False}
        paint = functools.partial(nst.gatys, photo, style, **options)
    else:
        load, width = NETWORKS[method]
        paint = functools.partial(load("brush_flow", width=width).stylize, photo)
    before, start = psutil.Process().memory_info().rss, time.perf_counter()
    paint()
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
    """One row for each network and repeat."""
    rows = []
    for method in NETWORKS:
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
