from types import SimpleNamespace

import pandas as pd
import pytest
import tiny

from nstlib.johnson.schedule import Schedule
from nstlib.study import timing
from nstlib.study.costs import calibrate
from nstlib.study.timing import (
    across_processes,
    batch_seconds,
    evaluation_seconds,
    pass_name,
    pass_seconds,
    speedups,
    training_seconds,
)

COLUMNS = ["what", "size", "pixels", "seconds", "low", "high", "first", "repeats"]
KEYS = {"what": "pass", "size": 512, "pixels": 1000}


@pytest.fixture(autouse=True)
def small_style(monkeypatch):
    monkeypatch.setattr(timing, "STYLE_SIZE", 48)


def check(table, what, sizes, pixels, repeats):
    assert list(table.columns) == COLUMNS
    assert set(table["what"]) == {what}
    assert table["size"].tolist() == sizes
    assert table["pixels"].tolist() == pixels
    assert (table["repeats"] >= repeats).all()
    assert (table["low"] > 0).all()
    assert (table["low"] <= table["seconds"]).all()
    assert (table["seconds"] <= table["high"]).all()
    assert (table["first"] > 0).all()


def test_passes(tiny_network):
    table = pass_seconds(tiny_network, [32, 48], what="slim pass", repeats=3)
    check(table, "slim pass", [32, 48], [32 * 21, 48 * 32], 3)
    assert set(pass_seconds(tiny_network, [32], repeats=2)["what"]) == {"pass"}


def test_evaluations_are_those_after_the_first_ones():
    table = evaluation_seconds(tiny.objective(), [32], repeats=3)
    check(table, "evaluation", [32], [32 * 21], 3)


@pytest.mark.slow
def test_training_steps(tiny_network):
    table = training_seconds(tiny_network, tiny.objective(), 32, repeats=2)
    check(table, "training step", [32], [32 * 32], 2)


def test_a_training_step_is_one_of_the_usual_crop(tiny_network, monkeypatch):
    asked = []

    def fake(style, photos, **options):
        asked.append(options | {"photos": [photo.shape for photo in photos]})
        return SimpleNamespace(history=pd.DataFrame({"seconds": [9.0, 10, 11, 12, 14]}))

    monkeypatch.setattr(timing, "train", fake)
    (row,) = training_seconds(tiny_network, tiny.objective(), repeats=3).to_dict("records")
    ((schedule, start, objective, photos),) = (
        (each["schedule"], each["start"], each["objective"], each["photos"]) for each in asked
    )
    assert (schedule.size, schedule.batch_size) == (Schedule().size, Schedule().batch_size)
    assert schedule.steps == 5
    assert photos == [(Schedule().size, Schedule().size, 3)]
    assert (start, objective) == (tiny_network, tiny.objective())
    # The first two steps pay for tracing; between the others lie 1, 1 and 2 seconds.
    assert (row["seconds"], row["first"], row["repeats"]) == (1.0, 9.0, 3)


def test_batches_are_counted_by_the_photo(tiny_network, monkeypatch):
    timing_of = SimpleNamespace(first_call=9.0, seconds=(2.0, 4.0, 8.0))
    monkeypatch.setattr(timing, "measure", lambda *_, **__: timing_of)
    table = batch_seconds(tiny_network, 32, [1, 4], repeats=3)
    assert list(table.columns) == ["batch", "seconds", "low", "high", "repeats"]
    assert table["batch"].tolist() == [1, 4]
    assert table["seconds"].tolist() == [4.0, 1.0]
    assert table["low"].tolist() == [3.0, 0.75]
    assert table["high"].tolist() == [6.0, 1.5]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "pass"),
        ({"width": 0.25}, "slim pass"),
        ({"engine": True}, "openvino pass"),
        ({"engine": True, "precision": "int8"}, "openvino int8 pass"),
        ({"width": 0.25, "engine": True, "precision": "bfloat16"}, "openvino bfloat16 slim pass"),
    ],
)
def test_a_pass_is_called_by_what_runs_it(options, name):
    assert pass_name(**options) == name


def test_speedups_are_ratios_with_what_the_quartiles_allow():
    rows = [
        ("pass", 256, 2.0, 1.0, 4.0),
        ("pass", 512, 5.0, 5.0, 5.0),
        ("openvino int8 pass", 256, 0.5, 0.4, 0.5),
        ("evaluation", 256, 3.0, 2.0, 6.0),
        ("training step", 256, 7.0, 7.0, 7.0),
    ]
    speed = pd.DataFrame(rows, columns=["what", "size", "seconds", "low", "high"])
    table = speedups(speed, [10, 100])
    assert list(table.columns) == ["size", "evals", "what", "speedup", "low", "high"]
    # At 512 px no evaluation was timed.
    expected = {
        ("pass", 10): (15, 5, 60),
        ("pass", 100): (150, 50, 600),
        ("openvino int8 pass", 10): (60, 40, 150),
        ("openvino int8 pass", 100): (600, 400, 1500),
    }
    assert set(table["size"]) == {256}
    found = table.set_index(["what", "evals"])[["speedup", "low", "high"]].T.to_dict("list")
    assert {key: tuple(row) for key, row in found.items()} == {
        key: pytest.approx(row) for key, row in expected.items()
    }


def test_processes_are_summed_up_by_the_spread_between_them(monkeypatch):
    medians = iter([1.0, 2.0, 3.0, 4.0, 10.0])

    def fake(function, **options):
        seconds = next(medians)
        assert (function, options) == (calibrate, {"repeats": 3})
        row = {"seconds": seconds, "low": 0.0, "high": 99.0, "first": 10 * seconds, "repeats": 3}
        other = KEYS | {"what": "evaluation"} | row | {"seconds": 7.0}
        return pd.DataFrame([KEYS | row, other])

    monkeypatch.setattr(timing, "in_fresh_process", fake)
    table = across_processes(calibrate, 5, repeats=3).set_index("what")
    assert list(table.index) == ["pass", "evaluation"]
    expected = {"seconds": 3, "low": 2, "high": 4, "first": 30, "repeats": 3, "processes": 5}
    assert table.loc["pass", list(expected)].to_dict() == expected
    assert tuple(table.loc["evaluation", ["low", "seconds", "high"]]) == (7, 7, 7)


@pytest.mark.parametrize("processes", [1, 0, True, 2.0])
def test_one_process_has_no_spread(processes):
    with pytest.raises(ValueError, match=r"processes: .* not a whole number of at least 2"):
        across_processes(calibrate, processes)
