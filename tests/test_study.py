import shutil

import numpy as np
import pandas as pd
import pytest

from nstlib import study
from nstlib.images import load_image
from nstlib.perceptual import PerceptualLoss
from nstlib.results import ResultsFolder
from nstlib.study import compare, equivalent_evals, run_study
from nstlib.transformer import load_network

SMALL = {
    "photos": ["astronaut", "coffee"],
    "styles": ["brush_flow"],
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
    slim = load_network("brush_flow", width=0.25)
    return compare(photo, style, load_network("brush_flow"), slim=slim, **options)


def test_every_method_is_scored_and_shown(comparison, photo):
    scores = comparison.scores.set_index("method")
    spent = {"identity": 0, "colour transfer": 0, "Johnson": 0, "Johnson slim": 0}
    spent |= {"Gatys 2": 2, "Gatys 5": 5, "Adam 3": 3, "hybrid 2": 2}
    assert scores["evals"].to_dict() == spent
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


def test_only_networks_have_equivalent_evals(comparison):
    found = comparison.scores.dropna(subset="equivalent_evals")
    assert found["method"].tolist() == ["Johnson", "Johnson slim"]


def test_without_a_slim_network_there_is_no_such_row(photo, style):
    found = compare(photo, style, load_network("brush_flow"), evals=(1,), hybrid_evals=())
    methods = ["identity", "colour transfer", "Gatys 1", "Johnson"]
    assert found.scores["method"].tolist() == list(found.images) == methods
    assert set(found.curves["run"]) == {"Gatys"}


def test_equivalent_evals_of_a_known_curve():
    history = pd.DataFrame({"evals": [1, 2, 4, 5], "total": [9.0, 5.0, 6.0, 3.0]})
    assert [equivalent_evals(history, total) for total in (9, 5.5, 5, 4)] == [1, 2, 2, 5]
    assert equivalent_evals(history, 2.9) == np.inf
    sparse = pd.DataFrame({"evals": [20, 25, 30], "total": [5.0, 3.0, 2.0]})
    assert [equivalent_evals(sparse, total) for total in (5, 4.2, 4.1, 3, 2)] == [
        20,
        22,
        23,
        25,
        30,
    ]


def test_no_budget_is_refused(photo, style):
    with pytest.raises(ValueError, match="evals: give at least one"):
        compare(photo, style, load_network("brush_flow"), evals=())


# --- many pairs --------------------------------------------------------------------------------


def test_the_table_holds_every_pair_and_method(uninterrupted):
    results, table = uninterrupted
    assert list(table.groupby(["photo", "style_image"], sort=False).groups) == PAIRS
    assert set(table.groupby("method").size()) == {len(PAIRS)}
    wide, slim = (load_network("brush_flow", width=width).fingerprint for width in (1.0, 0.25))
    weights = {"Johnson": wide, "Johnson slim": slim, "hybrid 3": wide}
    pd.testing.assert_series_equal(
        table["weights"], table["method"].map(weights).fillna(""), check_names=False
    )
    assert set(table["size"]) == {32}
    objective = PerceptualLoss(**load_network("brush_flow").card["objective"])
    assert set(table["objective"]) == {objective.fingerprint}
    curves = results.read("study_curves")
    assert list(curves.groupby(["photo", "style_image"], sort=False).groups) == PAIRS
    assert set(curves["run"]) == {"Gatys", "hybrid"}


def test_every_pair_has_its_strip_of_pictures(uninterrupted):
    strip = load_image(uninterrupted[0].folder / "images" / "study_astronaut_brush_flow.jpg")
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


def test_finished_pairs_are_not_done_again(uninterrupted, monkeypatch):
    results, table = uninterrupted
    done = []
    monkeypatch.setattr(study, "gatys", lambda *_, **__: pytest.fail("done again"))
    same = run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    pd.testing.assert_frame_equal(same, table)
    assert done == []


@pytest.mark.parametrize(
    "changes", [{"evals": (2, 5)}, {"size": 33}, {"adam_evals": (1,)}, {"hybrid_evals": ()}]
)
def test_other_budgets_or_another_size_are_another_result(uninterrupted, tmp_path, changes):
    results, done = copied(uninterrupted[0], tmp_path), []
    with pytest.raises(Killed):
        run_study(results, "study", **SMALL | changes, on_pair=_killer(done))
    assert done == PAIRS[:1]


def test_with_other_weights_only_what_networks_made_is_done_again(
    uninterrupted, tmp_path, monkeypatch
):
    results = copied(uninterrupted[0], tmp_path)
    table, curves = (
        results.read("study", text=("objective", "weights")),
        results.read("study_curves"),
    )
    of_one = (table["photo"] == "coffee") & (table["weights"] != "")
    table.loc[of_one, ["weights", "total"]] = ["0" * 12, -1.0]
    results.table("study", table)
    curves.loc[curves["run"] == "hybrid", "total"] = -1.0
    results.table("study_curves", curves)
    starts, optimise = [], study.gatys

    def watched(*arguments, **options):
        starts.append(options.get("init"))
        return optimise(*arguments, **options)

    monkeypatch.setattr(study, "gatys", watched)
    done = []
    again = run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    assert done == [("coffee", "brush_flow")]
    assert len(starts) == 1
    assert starts[0] is not None  # the hybrid's
    pd.testing.assert_frame_equal(again, uninterrupted[1], rtol=1e-4)
    hybrid = results.read("study_curves").query("run == 'hybrid' and photo == 'coffee'")
    assert (hybrid["total"] > 0).all()
    strips = [
        load_image(each.folder / "images/study_coffee_brush_flow.jpg")
        for each in (results, uninterrupted[0])
    ]
    np.testing.assert_allclose(*strips, atol=0.05)  # one panel was saved as JPEG twice


def test_without_its_strip_a_pair_is_optimised_again(uninterrupted, tmp_path, monkeypatch):
    results = copied(uninterrupted[0], tmp_path)
    table = results.read("study", text=("objective", "weights"))
    table.loc[(table["weights"] != ""), "weights"] = "0" * 12
    results.table("study", table)
    (results.folder / "images" / "study_astronaut_brush_flow.jpg").unlink()
    monkeypatch.setattr(study, "_without_networks", lambda *_, **__: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        run_study(results, "study", **SMALL)


@pytest.mark.parametrize("broken", ["study", "study_curves"])
def test_tables_of_an_older_kind_count_as_none(uninterrupted, tmp_path, monkeypatch, broken):
    results = copied(uninterrupted[0], tmp_path)
    table = results.read(broken).drop(columns=["size", "objective"])
    results.table(broken, table)
    if broken == "study_curves":  # the scores are whole, and so is what they need
        assert len(run_study(results, "study", **SMALL)) == len(uninterrupted[1])
        changed = SMALL | {"hybrid_evals": (2,)}
    else:
        changed = SMALL
    monkeypatch.setattr(study, "_without_networks", lambda *_, **__: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        run_study(results, "study", **changed)


def test_pairs_that_are_not_asked_for_stay_and_strips_can_be_left_out(uninterrupted, tmp_path):
    results = copied(uninterrupted[0], tmp_path)
    fewer = SMALL | {"photos": ["rocket"], "strips": False}
    table = run_study(results, "study", **fewer)
    assert set(table["photo"]) == {"rocket"}
    assert not list(results.folder.rglob("*rocket*.jpg"))
    both = results.read("study", text=("objective", "weights"))
    assert both["photo"].drop_duplicates().tolist() == ["rocket", "astronaut", "coffee"]
    kept = both[both["photo"] != "rocket"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, uninterrupted[1])


def copied(results, folder):
    shutil.copytree(results.folder, folder, dirs_exist_ok=True)
    return ResultsFolder(folder, "full")


def _killer(done):
    def kill(*pair):
        done.append(pair)
        raise Killed

    return kill
