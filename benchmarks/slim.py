"""The slim networks beside the wide ones; what a pass takes is in engines.py.

    .venv/bin/python benchmarks/slim.py

Every style on every photo at 256 px, under the objective of its network. results/tables/benchmark_slim.csv has
a row for each, and the slim one's content and style losses and its strokes as shares of the wide one's;
benchmark_slim_summary.csv has their means.
"""

import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.johnson import SLIM_WIDTH
from nstlib.methods import network_objective

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


def main() -> None:
    results = full_results()
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
