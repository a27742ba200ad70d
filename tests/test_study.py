import numpy as np
import pandas as pd
import pytest

from nstlib import study
from nstlib.images import load_image
from nstlib.results import ResultsFolder
from nstlib.study import compare, equivalent_evals, run_study
from nstlib.transformer import load_network

SMALL = {
    "photos": ["astronaut", "coffee"],
    "styles": ["linocut"],
    "size": 32,
    "evals": (2, 4),
    "hybrid_evals": (3,),
}
PAIRS = [(photo, style) for photo in SMALL["photos"] for style in SMALL["styles"]]


class Killed(BaseException):
    """Nobody catches it."""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    results = ResultsFolder(tmp_path_factory.mktemp("results"), "full")
    done = []
    table = run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    assert done == PAIRS
    return results, table


def contents(results):
    """Every table and image by name; the notes beside them hold the time."""
    paths = [path for path in results.folder.rglob("*") if path.suffix in (".csv", ".jpg")]
    return {path.name: path.read_bytes() for path in paths}


# --- one pair ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def comparison(photo, style):
    options = {"evals": (2, 5), "adam_evals": (3,), "hybrid_evals": (2,)}
    return compare(photo, style, load_network("brush_flow"), **options)


def test_every_method_is_scored_and_shown(comparison, photo):
    scores = comparison.scores.set_index("method")
    spent = {"identity": 0, "colour transfer": 0, "Johnson": 0, "Gatys 2": 2, "Gatys 5": 5}
    assert scores["evals"].to_dict() == spent | {"Adam 3": 3, "hybrid 2": 2}
    assert list(comparison.images) == list(scores.index)
    assert all(image.shape == photo.shape for image in comparison.images.values())
    assert scores.drop(columns=["evals", "equivalent_evals"]).notna().all(axis=None)
    np.testing.assert_array_equal(comparison.images["identity"], photo)


def test_all_methods_have_one_objective_and_start_where_they_should(comparison):
    scores, curves = comparison.scores.set_index("method"), comparison.curves
    first = curves.groupby("run")["total"].first()
    for run, start in (("Gatys", "identity"), ("Adam", "identity"), ("hybrid", "Johnson")):
        assert first[run] == pytest.approx(scores["total"][start], rel=1e-3)
    assert scores["total"]["Gatys 5"] < scores["total"]["Gatys 2"] < scores["total"]["identity"]
    assert scores["total"]["hybrid 2"] < scores["total"]["Johnson"]
    assert curves.groupby("run")["evals"].max().to_dict() == {"Adam": 3, "Gatys": 5, "hybrid": 2}


def test_only_the_network_has_equivalent_evals(comparison):
    assert comparison.scores["equivalent_evals"].notna().sum() == 1


def test_equivalent_evals_of_a_known_curve():
    history = pd.DataFrame({"evals": [1, 2, 4, 5], "total": [9.0, 5.0, 6.0, 3.0]})
    assert [equivalent_evals(history, total) for total in (9, 5.5, 5, 4)] == [1, 2, 2, 5]
    assert equivalent_evals(history, 2.9) == np.inf


def test_no_budget_is_refused(photo, style):
    with pytest.raises(ValueError, match="evals: give at least one"):
        compare(photo, style, load_network("brush_flow"), evals=())


# --- many pairs --------------------------------------------------------------------------------


def test_the_table_holds_every_pair_and_method(uninterrupted):
    results, table = uninterrupted
    assert list(table.groupby(["photo", "style_image"], sort=False).groups) == PAIRS
    assert set(table.groupby("method").size()) == {len(PAIRS)}
    weights = {style: load_network(style).fingerprint for style in SMALL["styles"]}
    assert (table["weights"] == table["style_image"].map(weights)).all()
    curves = results.read("study_curves")
    assert list(curves.groupby(["photo", "style_image"], sort=False).groups) == PAIRS
    assert set(curves["run"]) == {"Gatys", "hybrid"}


def test_every_pair_has_its_strip_of_pictures(uninterrupted):
    strip = load_image(uninterrupted[0].folder / "images" / "study_astronaut_linocut.jpg")
    height, width = strip.shape[:2]
    assert height == 32
    assert width > 4 * 32


def test_killed_and_started_again_it_ends_the_same(uninterrupted, tmp_path):
    results = ResultsFolder(tmp_path, "full")
    seen = []

    def kill(*pair):
        seen.append(pair)
        if len(seen) > 1:
            raise Killed

    with pytest.raises(Killed):
        run_study(results, "study", **SMALL, on_pair=kill)
    again = []
    run_study(results, "study", **SMALL, on_pair=lambda *pair: again.append(pair))
    assert again == PAIRS[1:]
    assert contents(results) == contents(uninterrupted[0])


def test_killed_between_two_files_of_a_pair_it_ends_the_same(uninterrupted, tmp_path, monkeypatch):
    results = ResultsFolder(tmp_path, "full")
    write = ResultsFolder.table

    def kill(self, name, table, **options):
        if name == "study" and table["photo"].nunique() == 2:
            raise Killed
        return write(self, name, table, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ResultsFolder, "table", kill)
        with pytest.raises(Killed):
            run_study(results, "study", **SMALL)
    run_study(results, "study", **SMALL)
    assert contents(results) == contents(uninterrupted[0])


def test_finished_pairs_are_not_done_again_unless_something_changed(
    uninterrupted, tmp_path, monkeypatch
):
    results, table = uninterrupted
    done = []
    monkeypatch.setattr(study, "compare", lambda *_, **__: pytest.fail("done again"))
    same = run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    pd.testing.assert_frame_equal(same, table)
    assert done == []

    # Other weights, or other numbers of evaluations, are another result.
    copy = ResultsFolder(tmp_path, "full")
    other = table.copy()
    other.loc[other["photo"] == "coffee", "weights"] = "0" * 12
    copy.table("study", other)
    for changes in ({}, {"evals": (2, 5)}):
        with pytest.raises(Killed):
            run_study(copy, "study", **SMALL | changes, on_pair=_killer(done))
    assert done == [("coffee", "linocut"), ("astronaut", "linocut")]


def _killer(done):
    def kill(*pair):
        done.append(pair)
        raise Killed

    return kill
