import math

import numpy as np
import pandas as pd
import pytest
import tiny

from nstlib.johnson.schedule import Schedule
from nstlib.metrics import YARDSTICKS
from nstlib.study import costs
from nstlib.study.costs import (
    calibrate,
    engine_of,
    expected_break_even,
    expected_costs,
    expected_seconds,
    expected_training,
    measured_table,
    work_of,
)
from nstlib.study.method import Method

PIXELS = 512 * 512 * 2 / 3
# Seconds at 512 px; a training step of 256 px takes 0.5.
PASS, SLIM_PASS, EVALUATION = 0.4, 0.1, 1.0
USUAL = 1200 * (0.5 / 2 + 0.5 / 2 / 4)  # half of the usual steps have a quarter of the pixels


@pytest.fixture(scope="module")
def speed():
    kinds = {"pass": PASS, "slim pass": SLIM_PASS, "evaluation": EVALUATION}
    rows = [{"what": what, "pixels": PIXELS, "seconds": each} for what, each in kinds.items()]
    rows.append({"what": "training step", "pixels": 256**2, "seconds": 0.5})
    table = pd.DataFrame(rows)
    return table.assign(low=table["seconds"] * 0.8, high=table["seconds"] * 1.25)


@pytest.fixture(scope="module")
def engines(speed):
    """The same with what OpenVINO takes."""
    shares = {"openvino pass": 0.5, "openvino int8 pass": 0.25}
    wide = speed[speed["what"] == "pass"]
    rows = [wide.assign(what=what, seconds=PASS * share) for what, share in shares.items()]
    return pd.concat([speed, *rows])


def scores_of(*labels):
    """Two pairs of photo and style, whose mean total loss is 3."""
    others = dict.fromkeys(YARDSTICKS, 0.5)
    rows = [
        {"photo": photo, "method": label, "evals": Method.parse(label).evals}
        | others
        | {"total": total}
        for photo, total in (("p", 2.0), ("q", 4.0))
        for label in labels
    ]
    return pd.DataFrame(rows)


def test_costs_are_those_of_passes_and_evaluations(speed):
    expected = {
        "identity": 0,
        "Johnson": PASS,
        "Johnson slim": SLIM_PASS,
        "Gatys 10": 10 * EVALUATION,
        "hybrid 10": PASS + 10 * EVALUATION,
        "Adam 200": 200 * EVALUATION,
    }
    found = expected_costs(scores_of(*expected), speed, size=512).set_index("method")
    assert found["seconds"].to_dict() == pytest.approx(expected)
    assert found["total"].tolist() == [3.0] * len(expected)
    assert list(found.columns) == ["evals", "seconds", *YARDSTICKS]


def test_a_pass_costs_what_it_takes_on_the_engine_and_in_its_precision(engines):
    labels = ("Johnson", "Johnson int8", "Johnson slim", "hybrid 10")
    found = expected_costs(scores_of(*labels), engines, size=512).set_index("method")["seconds"]
    # Of the slim network nothing was measured there, and the hybrid passes where it goes on.
    expected = (PASS / 2, PASS / 4, SLIM_PASS, PASS + 10 * EVALUATION)
    assert found.to_dict() == pytest.approx(dict(zip(labels, expected, strict=True)))


def test_a_precision_that_was_not_measured_is_named(engines):
    with pytest.raises(ValueError, match="there is no row for 'openvino bfloat16 pass'"):
        expected_costs(scores_of("Johnson bfloat16"), engines)


def test_the_work_of_a_method_says_what_runs_it(speed, engines):
    int8 = Method.parse("Johnson int8")
    assert (engine_of(int8, engines), work_of(int8, engines)) == (
        "openvino",
        {"openvino int8 pass": 1},
    )
    assert engine_of(int8, speed) == "openvino"  # TensorFlow cannot
    assert engine_of(Method("johnson"), speed) == "tensorflow"
    assert engine_of(Method("hybrid", evals=5), engines) == "tensorflow"
    assert work_of(Method("hybrid", evals=5), engines) == {"pass": 1, "evaluation": 5}
    assert work_of(Method("identity"), engines) == {}


def test_a_training_costs_its_pixels(speed):
    assert expected_training(speed) == pytest.approx(USUAL)
    assert expected_training(speed, Schedule(steps=10, small_share=0)) == pytest.approx(5.0)
    assert expected_training(speed[speed["what"] != "training step"]) == math.inf


def test_a_training_has_paid_after_so_many_pictures(speed):
    value, low, high = expected_break_even(speed, evals=100)
    assert value == math.ceil(USUAL / (100 * EVALUATION - PASS))
    # The quartiles are four fifths and five fourths of the medians.
    fewest = USUAL * 0.8 / (100 * EVALUATION * 1.25 - PASS * 0.8)
    most = USUAL * 1.25 / (100 * EVALUATION * 0.8 - PASS * 1.25)
    assert (low, high) == (math.ceil(fewest), math.ceil(most))
    assert expected_break_even(speed, evals=100, schedules=()) == (1, 1, 1)
    twice = expected_break_even(speed, evals=100, schedules=(Schedule(), Schedule()))
    assert twice[0] == math.ceil(2 * USUAL / (100 * EVALUATION - PASS))


def test_evaluations_after_the_pass_put_the_break_even_off(speed):
    (value, *_) = expected_break_even(speed, evals=25, more=5)
    assert value == math.ceil(USUAL / (20 * EVALUATION - PASS))
    assert expected_break_even(speed, evals=5, more=5) == (math.inf,) * 3


def test_seconds_between_and_beyond_what_was_measured():
    speed = pd.DataFrame({"what": "pass", "pixels": [100, 10_000], "seconds": [1.0, 200.0]})
    assert expected_seconds("pass", 100, speed) == 1
    assert expected_seconds("pass", 10_000, speed) == 200
    assert expected_seconds("pass", 1000, speed) == pytest.approx(1000 * 0.015)
    assert expected_seconds("pass", 10, speed) == pytest.approx(0.1)
    assert expected_seconds("pass", 10**6, speed) == pytest.approx(20_000)
    with pytest.raises(ValueError, match="no row for 'evaluation'; there are"):
        expected_seconds("evaluation", 100, speed)


@pytest.fixture
def quick_calibration(tiny_network, tiny_slim, monkeypatch):
    """Tiny networks on any engine, and no training, which has its own test and takes longest."""
    networks = {1.0: tiny_network, 0.25: tiny_slim}
    asked = []

    def training(*arguments, **options):
        asked.append((*arguments, options))
        row = {"what": "training step", "pixels": 32**2}
        return pd.DataFrame([row | dict.fromkeys(("low", "seconds", "high"), 0.1)])

    monkeypatch.setattr(costs, "load_network", lambda name, width: networks[width])
    monkeypatch.setattr(costs, "load_engine", lambda name, width, precision: networks[width])
    monkeypatch.setattr(costs, "training_objective", tiny.objective)
    monkeypatch.setattr(costs, "training_seconds", training)
    return asked


@pytest.mark.slow
def test_another_machine_is_measured(quick_calibration, tiny_network, monkeypatch):
    monkeypatch.setattr(costs, "find_spec", lambda name: name in ("openvino", "nncf"))
    monkeypatch.setattr(costs, "has_bfloat16", lambda: True)
    speed = calibrate(sizes=(32,), pass_sizes=(32, 48), training_size=32, repeats=2)
    assert quick_calibration == [(tiny_network, tiny.objective(), 32, {"repeats": 2})]
    passes = ["pass", "slim pass", "openvino pass", "openvino bfloat16 pass"]
    passes += ["openvino int8 pass", "openvino slim pass"]
    assert list(speed["what"].unique()) == [*passes, "evaluation", "training step"]
    assert (speed["low"] <= speed["seconds"]).all()
    assert (speed["seconds"] <= speed["high"]).all()
    assert (speed["seconds"] > 0).all()
    np.testing.assert_array_equal(speed["pixels"], 6 * [32 * 21, 48 * 32] + [32 * 21, 32 * 32])


@pytest.mark.parametrize(
    ("installed", "instructions", "precisions"),
    [
        ((), True, []),
        (("openvino",), False, ["float32"]),
        (("openvino",), True, ["float32", "bfloat16"]),
        (("openvino", "nncf"), False, ["float32", "int8"]),
    ],
)
def test_an_engine_is_measured_in_what_it_can_do_here(
    quick_calibration, monkeypatch, installed, instructions, precisions
):
    monkeypatch.setattr(costs, "find_spec", lambda name: name in installed)
    monkeypatch.setattr(costs, "has_bfloat16", lambda: instructions)
    monkeypatch.setattr(
        costs, "pass_seconds", lambda *_, what, **__: pd.DataFrame([{"what": what}])
    )
    monkeypatch.setattr(costs, "evaluation_seconds", lambda *_, **__: pd.DataFrame())
    kinds = {"float32": "openvino pass"} | {
        each: f"openvino {each} pass" for each in ("bfloat16", "int8")
    }
    wide = [kinds[each] for each in precisions]
    slim = ["openvino slim pass"] if wide else []
    expected = ["pass", "slim pass", *wide, *slim, "training step"]
    assert calibrate()["what"].tolist() == expected


def test_the_table_of_the_study_is_there():
    kinds = {"pass", "slim pass", "evaluation", "training step"}
    assert kinds <= set(measured_table("speed")["what"])
    with pytest.raises(FileNotFoundError, match="no measured table 'magic'"):
        measured_table("magic")


def test_a_batch_costs_its_crops(speed):
    schedule = Schedule(steps=10, size=256, small_share=0, batch_size=4)
    assert expected_training(speed, schedule) == pytest.approx(10 * 4 * 0.5)


def test_without_a_timed_step_training_never_pays(speed):
    passes = speed[speed["what"] != "training step"]
    assert expected_break_even(passes, evals=100) == (math.inf,) * 3
