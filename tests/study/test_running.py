import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tiny

from nstlib.errors import ClusterError
from nstlib.files import load_image
from nstlib.images import resize
from nstlib.metrics import YARDSTICKS
from nstlib.study import comparison, running
from nstlib.study.results import ResultsFolder
from nstlib.study.running import run_study

SMALL = {
    "photos": ["astronaut", "coffee"],
    "styles": ["brush_flow"],
    "size": 32,
    "evals": (2, 4),
    "hybrid_evals": (3,),
}
PAIRS = [(photo, style) for photo in SMALL["photos"] for style in SMALL["styles"]]
TEXT = ("objective", "weights")


class Killed(BaseException):
    """Nobody catches it."""


@pytest.fixture(scope="module")
def shipped(tiny_network, tiny_slim):
    """Small networks in place of those that ship, by width, small style images and quick scores, in all tests here."""
    networks = {1.0: tiny_network, 0.25: tiny_slim}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "load_network", lambda name, width=1.0: networks[width])
        patch.setattr(running, "load_engine", lambda name, precision: networks[0.25])
        patch.setattr(running, "network_names", lambda width: ["brush_flow"])
        patch.setattr(running, "style_size", lambda name: 48)
        patch.setattr(comparison, "evaluate", tiny.evaluate)
        yield networks


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, shipped):
    results = ResultsFolder(tmp_path_factory.mktemp("results"), "full")
    done = []
    table = run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    assert done == PAIRS
    return results, table


@pytest.fixture
def results(uninterrupted, tmp_path):
    """A copy of the finished study to try things with."""
    shutil.copytree(uninterrupted[0].folder, tmp_path, dirs_exist_ok=True)
    return ResultsFolder(tmp_path, "full")


@pytest.fixture
def starts(monkeypatch):
    """Where each optimisation started from: "colour", or an image."""
    asked, optimise = [], comparison.gatys

    def watched(*arguments, **options):
        asked.append(options["init"])
        return optimise(*arguments, **options)

    monkeypatch.setattr(comparison, "gatys", watched)
    return asked


def contents(results):
    """Every table and image by name; the notes beside them hold the time."""
    paths = [path for path in results.folder.rglob("*") if path.suffix in (".csv", ".jpg", ".png")]
    return {path.name: path.read_bytes() for path in paths}


def with_weights(results, photo, weights):
    """Writes other weights to the rows that networks made of a photo, and a loss that they never had."""
    table = results.read("study", text=TEXT)
    of_networks = (table["photo"] == photo) & (table["weights"] != "")
    table.loc[of_networks, ["weights", "total"]] = [weights, -1.0]
    results.table("study", table)


def killer(done):
    def kill(*pair):
        done.append(pair)
        raise Killed

    return kill


@pytest.mark.slow
def test_a_cluster_writes_the_same_study(uninterrupted, shipped, tmp_path):
    from distributed import Client, LocalCluster

    # Of threads of this process, in which the networks are those of the tests.
    alone = {"processes": False, "dashboard_address": ":0", "n_workers": 1, "threads_per_worker": 1}
    done = []
    with LocalCluster(**alone, memory_limit=0) as cluster, Client(cluster) as client:
        study = ResultsFolder(tmp_path, "full"), "study"
        run_study(*study, **SMALL, on_pair=lambda *pair: done.append(pair), client=client)
        assert done == PAIRS
        assert run_study(*study, **SMALL, on_pair=pytest.fail, client=client) is not None
        with pytest.raises(ClusterError, match="1 pairs could not be compared"):
            run_study(*study, **SMALL | {"photos": ["nobody"]}, client=client)
    assert contents(study[0]) == contents(uninterrupted[0])


# --- what is written ---------------------------------------------------------------------------


def test_the_table_holds_every_pair_and_method(uninterrupted, shipped):
    results, table = uninterrupted
    assert list(table.groupby(["photo", "style_image"], sort=False).groups) == PAIRS
    assert set(table.groupby("method").size()) == {len(PAIRS)}
    wide, slim = (shipped[width].fingerprint for width in (1.0, 0.25))
    weights = {"Johnson": wide, "Johnson slim": slim, "hybrid 3": wide}
    pd.testing.assert_series_equal(
        table["weights"], table["method"].map(weights).fillna(""), check_names=False
    )
    assert set(table["size"]) == {32}
    assert set(table["objective"]) == {tiny.objective().fingerprint}
    assert set(table["start"]) == {"colour"}
    assert {*YARDSTICKS} <= {*table.columns}
    curves = results.read("study_curves")
    assert list(curves.groupby(["photo", "style_image"], sort=False).groups) == PAIRS
    assert set(curves["run"]) == {"Gatys", "hybrid"}


def test_every_pair_has_its_strip_of_pictures(uninterrupted, shipped):
    strip = load_image(uninterrupted[0].folder / "images" / "study_astronaut_brush_flow.jpg")
    photo = running.load_photo("astronaut", size=32)
    style = running.load_style("brush_flow", size=48)
    left = round(32 * style.shape[1] / style.shape[0]) + 4
    assert strip.shape == (32, left + 5 * (32 + 4) - 4, 3)
    np.testing.assert_allclose(strip[:, :32], resize(style, (32, left - 4))[:, :32], atol=0.1)
    panels = [strip[:, left + place * 36 :][:, :32] for place in range(5)]
    made = [network.stylize(photo) for network in shipped.values()]
    for found, expected in zip((panels[0], *panels[2:4]), (photo, *made), strict=True):
        assert np.abs(found - expected).mean() < 0.03  # what JPEG leaves of it
    gaps = [strip[:, left + place * 36 - 4 :][:, 1:3] for place in range(5)]
    assert np.mean(gaps) > 0.8


def test_pairs_that_are_not_asked_for_stay(uninterrupted, results):
    table = run_study(results, "study", **SMALL | {"photos": ["rocket"]})
    assert set(table["photo"]) == {"rocket"}
    both = results.read("study", text=TEXT)
    assert both["photo"].drop_duplicates().tolist() == ["rocket", "astronaut", "coffee"]
    kept = both[both["photo"] != "rocket"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, uninterrupted[1])


# --- going on ----------------------------------------------------------------------------------


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


def test_killed_between_two_files_of_a_pair_it_ends_the_same(uninterrupted, results, monkeypatch):
    (results.folder / "images" / "study_coffee_brush_flow.jpg").unlink()
    table = results.read("study", text=TEXT)
    results.table("study", table[table["photo"] == "astronaut"])  # the second pair is to be done

    def kill(self, name, *_, **__):
        if name == "study":
            raise Killed
        return write(self, name, *_, **__)

    write = ResultsFolder.table
    with monkeypatch.context() as patch:
        patch.setattr(ResultsFolder, "table", kill)
        with pytest.raises(Killed):
            run_study(results, "study", **SMALL)
    assert (results.folder / "images" / "study_coffee_brush_flow.jpg").exists()
    run_study(results, "study", **SMALL)
    assert contents(results) == contents(uninterrupted[0])


def test_where_nothing_is_left_to_do_no_file_is_written(uninterrupted, results, starts):
    note = results.folder / "tables" / "study.json"
    written = json.loads(note.read_text()) | {"caption": "Half of it from another machine."}
    note.write_text(json.dumps(written))
    before = {path: path.stat().st_mtime_ns for path in results.folder.rglob("*.*")}
    done = []
    same = run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    pd.testing.assert_frame_equal(same, uninterrupted[1])
    assert done == starts == []
    assert {path: path.stat().st_mtime_ns for path in results.folder.rglob("*.*")} == before
    assert json.loads(note.read_text()) == written


@pytest.mark.parametrize(
    "changes",
    [
        *({"evals": (2, 5)}, {"size": 33}, {"adam_evals": (1,)}, {"hybrid_evals": ()}),
        {"engines": ("int8",)},
    ],
)
def test_other_budgets_or_another_size_are_another_result(results, changes):
    done = []
    with pytest.raises(Killed):
        run_study(results, "study", **SMALL | changes, on_pair=killer(done))
    assert done == PAIRS[:1]


def test_another_size_of_a_style_is_another_result(results, monkeypatch):
    monkeypatch.setattr(running, "style_size", lambda name: 40)
    done = []
    table = run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    assert done == PAIRS
    assert table["style_size"].eq(40).all()
    assert len(list((results.folder / "cache").glob("*_40_*.png"))) == len(PAIRS)


def test_with_other_weights_only_what_networks_made_is_done_again(uninterrupted, results, starts):
    with_weights(results, "coffee", "0" * 12)
    curves = results.read("study_curves")
    curves.loc[(curves["run"] == "hybrid") & (curves["photo"] == "coffee"), "total"] = -1.0
    results.table("study_curves", curves)
    done = []
    run_study(results, "study", **SMALL, on_pair=lambda *pair: done.append(pair))
    assert done == [("coffee", "brush_flow")]
    assert [type(start) for start in starts] == [np.ndarray]  # the hybrid's
    for name, content in contents(uninterrupted[0]).items():
        if name != "study.csv":
            assert contents(results)[name] == content
    # Evaluations that networks are worth come from a curve of six digits this time.
    pd.testing.assert_frame_equal(results.read("study", text=TEXT), uninterrupted[1], rtol=1e-4)


def test_engines_are_added_without_the_optimisations(uninterrupted, shipped, results, starts):
    table = run_study(results, "study", **SMALL, engines=("bfloat16", "int8"))
    assert [type(start) for start in starts] == [np.ndarray] * len(PAIRS)  # the hybrids'
    added = table[table["method"].isin(["Johnson bfloat16", "Johnson int8"])]
    assert len(added) == 2 * len(PAIRS)
    assert set(added["weights"]) == {shipped[1.0].fingerprint}
    rest = table.drop(added.index).reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, uninterrupted[1], rtol=1e-4)
    for name, content in contents(uninterrupted[0]).items():
        assert name == "study.csv" or contents(results)[name] == content


def test_rows_of_another_start_are_not_taken(results, starts, monkeypatch):
    monkeypatch.setattr(running, "START", "content")
    run_study(results, "study", **SMALL)
    assert sum(isinstance(start, str) for start in starts) == len(PAIRS)
    assert set(results.read("study")["start"]) == set(results.read("study_curves")["start"])


@pytest.mark.parametrize("precision", ["float32", "int4"])
def test_an_engine_that_there_is_not(results, precision):
    with pytest.raises(ValueError, match=precision):
        run_study(results, "study", **SMALL, engines=(precision,))


@pytest.mark.parametrize("missing", ["images", "cache"])
def test_a_strip_that_is_missing_is_drawn_again(uninterrupted, results, starts, missing):
    """From the image that was kept, and without that from another run."""
    if missing == "cache":
        shutil.rmtree(results.folder / "cache")
    (results.folder / "images" / "study_astronaut_brush_flow.jpg").unlink()
    run_study(results, "study", **SMALL)
    optimised = [start for start in starts if isinstance(start, str)]
    assert optimised == (["colour"] if missing == "cache" else [])
    strips = [
        (each.folder / "images" / "study_astronaut_brush_flow.jpg").read_bytes()
        for each in (results, uninterrupted[0])
    ]
    assert strips[0] == strips[1]


def test_of_the_missing_strips_only_those_asked_for_are_made(uninterrupted, results, starts):
    shutil.rmtree(results.folder / "cache")
    shutil.rmtree(results.folder / "images")
    asked = PAIRS[-1:]
    run_study(results, "study", **SMALL, strips=asked)
    assert [start for start in starts if isinstance(start, str)] == ["colour"]
    pictures = [f"study_{photo}_{style}.jpg" for photo, style in asked]
    assert [path.name for path in (results.folder / "images").glob("*.jpg")] == pictures
    run_study(results, "study", **SMALL, strips=asked, on_pair=pytest.fail)


def test_a_strip_that_is_there_is_drawn_anew_with_its_pair(results):
    shutil.rmtree(results.folder / "cache")
    (strip,) = (results.folder / "images").glob("study_coffee_*.jpg")
    drawn = strip.read_bytes()
    strip.write_bytes(b"of an earlier network")
    with_weights(results, "coffee", "0" * 12)
    run_study(results, "study", **SMALL, strips=())
    assert strip.read_bytes() == drawn


def test_without_strips_the_kept_images_are_not_needed(results, starts):
    shutil.rmtree(results.folder / "cache")
    shutil.rmtree(results.folder / "images")
    with_weights(results, "coffee", "0" * 12)
    run_study(results, "study", **SMALL, strips=())
    assert [type(start) for start in starts] == [np.ndarray]


@pytest.mark.parametrize("broken", ["study", "study_curves"])
def test_tables_of_an_older_kind_count_as_none(uninterrupted, results, monkeypatch, broken):
    table = results.read(broken).drop(columns=["size", "objective"])
    results.table(broken, table)
    if broken == "study_curves":  # the scores are whole, and so is what they need
        assert len(run_study(results, "study", **SMALL)) == len(uninterrupted[1])
        changed = SMALL | {"hybrid_evals": (2,)}
    else:
        changed = SMALL
    monkeypatch.setattr(running, "without_networks", lambda *_, **__: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        run_study(results, "study", **changed)


def test_a_table_without_a_yardstick_of_today_counts_as_none(results):
    results.table("study", results.read("study", text=TEXT).drop(columns="lpips"))
    done = []
    with pytest.raises(Killed):
        run_study(results, "study", **SMALL, on_pair=killer(done))
    assert done == PAIRS[:1]


def test_the_pictures_of_a_strip_are_cut_out_again():
    photo = np.zeros((96, 150, 3), np.float32)
    pictures = [np.full_like(photo, grey) for grey in (0.2, 0.4, 0.6)]
    strip = running._side_by_side([np.ones((96, 77, 3), np.float32), photo, *pictures], 96)
    found = running.pictures_of_strip(strip, proportions=150 / 96, count=4)
    assert all(np.array_equal(a, b) for a, b in zip(found, [photo, *pictures], strict=True))
