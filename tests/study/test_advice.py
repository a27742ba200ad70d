import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nstlib.errors import RecommendationError
from nstlib.johnson.schedule import Schedule
from nstlib.metrics import YARDSTICKS
from nstlib.study import advice
from nstlib.study.advice import recommend
from nstlib.study.costs import expected_costs, measured_table

PIXELS = 512 * 512 * 2 / 3
STEP = 0.5  # seconds of a training step at the size of the usual crop
TRAINING = Schedule().steps * (
    STEP / 2 + STEP / 2 / 4
)  # half of the usual steps have a quarter of the pixels

# Method: evals, total, patch distance.
METHODS = {
    "identity": (0, 20.0, 0.20),
    "colour transfer": (0, 6.0, 0.04),
    "Johnson": (0, 2.5, 0.04),
    "Johnson slim": (0, 2.8, 0.045),
    "Gatys 10": (10, 3.0, 0.15),
    "Gatys 100": (100, 1.15, 0.045),
    "Gatys 200": (200, 1.0, 0.03),
    "Adam 200": (200, 0.5, 0.01),
    "hybrid 10": (10, 1.6, 0.035),
}


@pytest.fixture(scope="module")
def tables():
    kinds = {"pass": 2e-6, "slim pass": 4e-7, "evaluation": 6e-6}
    rows = [
        {"what": what, "pixels": pixels, "seconds": each * pixels}
        for what, each in kinds.items()
        for pixels in (PIXELS / 4, PIXELS)
    ]
    rows.append({"what": "training step", "pixels": Schedule().size ** 2, "seconds": STEP})
    others = dict.fromkeys(set(YARDSTICKS) - {"total", "patch"}, 0.5)
    scores = [
        {"photo": photo, "style_image": "s", "method": method, "evals": evals}
        | others
        | {"total": total * factor, "patch": patch * factor}
        for photo, factor in (("p", 0.9), ("q", 1.1))
        for method, (evals, total, patch) in METHODS.items()
    ]
    return {"speed": pd.DataFrame(rows), "scores": pd.DataFrame(scores)}


PASS, SLIM_PASS, EVALUATION = 2e-6 * PIXELS, 4e-7 * PIXELS, 6e-6 * PIXELS


@pytest.mark.parametrize(
    ("quality", "method", "evals", "seconds"),
    [
        ("fast", "johnson", 0, SLIM_PASS),
        ("balanced", "hybrid", 10, PASS + 10 * EVALUATION),
        ("best", "gatys", 200, 200 * EVALUATION),
    ],
)
def test_quality_decides_between_the_methods(tables, quality, method, evals, seconds):
    found = recommend(7, size=512, quality=quality, **tables)
    assert (found.method, found.evals) == (method, evals)
    assert found.seconds_per_image == pytest.approx(seconds)
    assert found.training_seconds == 0
    assert found.total_seconds == pytest.approx(7 * seconds)
    family = {"johnson": "Johnson slim", "hybrid": "hybrid 10", "gatys": "Gatys 200"}[method]
    assert found.scores.name == family
    assert found.scores["total"] == pytest.approx(METHODS[family][1])
    assert f"study_256 (given): {family}" in found.sources
    assert found.width == (0.25 if method == "johnson" else 1.0)
    assert family in found.reason
    command = {
        "johnson": "nst stylize PHOTO --style STYLE --slim",
        "hybrid": "nst stylize PHOTO --style STYLE --method hybrid --steps 10",
        "gatys": "nst stylize PHOTO --style STYLE --method gatys --steps 200",
    }
    assert found.command == command[method]


def test_a_table_of_fewer_yardsticks_will_do(tables):
    fewer = tables | {"scores": tables["scores"].drop(columns=["lpips", "strokes", "patches"])}
    assert "lpips" not in expected_costs(size=512, **fewer)
    found, expected = recommend(5, **fewer), recommend(5, **tables)
    assert found.reason == expected.reason
    assert set(expected.scores.index) - set(found.scores.index) == {"lpips", "strokes", "patches"}


def test_a_label_of_no_method_is_named(tables):
    odd = tables["scores"].replace({"method": {"Gatys 10": "Gatys, 10 evals"}})
    with pytest.raises(ValueError, match="label: 'Gatys, 10 evals'"):
        recommend(5, speed=tables["speed"], scores=odd)


def test_a_style_of_ones_own_is_trained_only_where_that_pays(tables):
    few = recommend(3, own_style=True, **tables)
    assert (few.method, few.evals, few.training_seconds) == ("gatys", 100, 0)
    assert few.runner_up.method == "hybrid"
    many = recommend(1000, own_style=True, **tables)
    assert (many.method, many.training_seconds) == ("hybrid", pytest.approx(TRAINING))
    assert many.command.startswith("nst train PAINTING -o MINE.npz && nst stylize PHOTO")
    assert many.command.endswith("--network MINE.npz --method hybrid --steps 10")
    assert "with networks that had more training" in many.reason
    assert "training" not in few.reason
    assert "speed (given): training step" in many.sources
    fast = recommend(10**6, own_style=True, quality="fast", **tables)
    assert (fast.method, fast.width) == ("johnson", 1.0)  # a slim one would have to be made first
    # As many styles as it takes to make training the dearer way again.
    assert recommend(1000, styles=1000, own_style=True, **tables).method == "gatys"


def test_the_runner_up_is_another_method_that_satisfies_the_same(tables):
    found = recommend(5, quality="fast", **tables)
    assert (found.runner_up.method, found.runner_up.evals) == ("gatys", 10)
    assert found.runner_up.total_seconds > found.total_seconds
    assert recommend(5, quality="best", **tables).runner_up is None


def test_what_does_not_fit_is_explained(tables):
    limit = 2 * PASS
    with pytest.raises(RecommendationError, match=r"that is, hybrid 10, takes ") as refused:
        recommend(5, seconds_per_image=limit, **tables)
    assert "Within the limit Johnson has the lowest total loss" in str(refused.value)
    assert str(refused.value).endswith(": nst stylize PHOTO --style STYLE")  # not the slim one
    assert recommend(5, seconds_per_image=limit, quality="fast", **tables).method == "johnson"
    slim = recommend(5, seconds_per_image=PASS / 2, quality="fast", **tables)
    assert (slim.method, slim.width) == ("johnson", 0.25)
    with pytest.raises(RecommendationError, match="no method at all is fast enough"):
        recommend(5, seconds_per_image=SLIM_PASS / 2, **tables)
    with pytest.raises(RecommendationError, match="nothing was measured on 'gpu'"):
        recommend(5, device="gpu", **tables)


def test_what_does_not_fit_the_memory_is_not_recommended(tables, monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=2 * 2**30))
    # 1,500 x 1,000 px: 1.4 GiB for a network, 3.8 for an optimisation.
    assert recommend(5, size=1500, quality="fast", **tables).runner_up is None
    with pytest.raises(RecommendationError, match="size: for pictures of 4000 px no method"):
        recommend(5, size=4000, **tables)


def test_what_was_not_measured_is_not_recommended(tables):
    speed = tables["speed"]
    partial = tables | {"speed": speed[~speed["what"].isin(["training step", "slim pass"])]}
    assert recommend(10**6, quality="fast", **partial).width == 1
    assert recommend(10**6, quality="fast", own_style=True, **partial).method == "gatys"


@pytest.mark.slow
@given(
    images=st.integers(1, 10**6),
    size=st.integers(64, 4096),
    styles=st.integers(1, 50),
    own=st.booleans(),
    quality=st.sampled_from(["fast", "balanced", "best"]),
    limit=st.floats(0.01, 1e4),
)
def test_whatever_is_recommended_keeps_the_limits(
    tables, images, size, styles, own, quality, limit
):
    options = {"size": size, "styles": styles, "own_style": own, "quality": quality} | tables
    try:
        found = recommend(images, seconds_per_image=limit, **options)
    except RecommendationError:
        return
    for each in filter(None, (found, found.runner_up)):
        assert each.seconds_per_image <= limit
        assert each.total_seconds >= found.total_seconds
        expected = each.training_seconds + images * each.seconds_per_image
        assert each.total_seconds == pytest.approx(expected)
    assert recommend(images, **options).total_seconds <= found.total_seconds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": 0}, "images: 0 is not a whole number of at least 1"),
        ({"size": 10}, "size: 10 is not a whole number of at least 64"),
        ({"styles": 1.5}, "styles: 1.5"),
        ({"seconds_per_image": 0}, "seconds_per_image: 0 is not a number above 0"),
        ({"seconds_per_image": math.nan}, "seconds_per_image: nan"),
        ({"seconds_per_image": True}, "seconds_per_image: True"),
        ({"quality": "superb"}, "'superb' is not one of fast, balanced, best"),
    ],
)
def test_arguments_that_are_none(tables, arguments, message):
    with pytest.raises(ValueError, match=message):
        recommend(**({"images": 5} | arguments), **tables)


def test_numbers_of_numpy_are_numbers(tables):
    limited = recommend(5, seconds_per_image=np.float32(1e6), **tables)
    assert limited.command == recommend(5, **tables).command


def test_where_nothing_usable_was_measured_it_says_so(tables):
    speed = tables["speed"]
    speed = speed[speed["what"].isin(["slim pass", "training step"])]
    with pytest.raises(RecommendationError, match="speed: nothing that could be recommended"):
        recommend(5, own_style=True, speed=speed, scores=tables["scores"])


def test_a_pass_is_expected_on_the_engine_that_was_measured(tables):
    slim = tables["speed"].query("what == 'slim pass'")
    faster = slim.assign(what="openvino slim pass", seconds=slim["seconds"] / 3)
    speed = pd.concat([tables["speed"], faster])
    found = recommend(7, size=512, quality="fast", speed=speed, scores=tables["scores"])
    assert found.seconds_per_image == pytest.approx(SLIM_PASS / 3)
    assert found.command == "nst stylize PHOTO --style STYLE --engine openvino --slim"
    assert "speed (given): openvino slim pass" in found.sources
    hybrid = recommend(7, size=512, speed=speed, scores=tables["scores"])
    assert hybrid.seconds_per_image == pytest.approx(PASS + 10 * EVALUATION)
    assert "openvino" not in hybrid.command


@pytest.fixture
def with_engines(tables, monkeypatch):
    """A machine on which the wide network in int8 and bfloat16 was measured and scored."""
    monkeypatch.setattr(advice, "has_bfloat16", lambda: True)
    shares = {"openvino pass": 0.6, "openvino bfloat16 pass": 0.3, "openvino int8 pass": 0.2}
    speed, scores = tables["speed"], tables["scores"]
    wide, painted = speed[speed["what"] == "pass"], scores[scores["method"] == "Johnson"]
    speeds = [wide.assign(what=what, seconds=wide["seconds"] * n) for what, n in shares.items()]
    # Of int8 the picture is a little worse.
    shown = {"Johnson bfloat16": 1.0, "Johnson int8": 1.2}
    rows = [painted.assign(method=n, total=painted["total"] * m) for n, m in shown.items()]
    return {"speed": pd.concat([speed, *speeds]), "scores": pd.concat([scores, *rows])}


def test_the_precision_on_the_winning_row_is_named(with_engines):
    # In int8 a pass takes as long as through the slim network; without that one there is no doubt.
    scores = with_engines["scores"].query("method != 'Johnson slim'")
    options = {"quality": "fast", "speed": with_engines["speed"]}
    found = recommend(7, scores=scores, **options)
    assert (found.method, found.engine, found.precision) == ("johnson", "openvino", "int8")
    assert found.seconds_per_image == pytest.approx(0.2 * PASS)
    assert found.reason.startswith("Johnson int8 on OpenVINO takes the least time")
    assert found.command == "nst stylize PHOTO --style STYLE --engine openvino --precision int8"
    assert found.sources == ("study_256 (given): Johnson int8", "speed (given): openvino int8 pass")
    own = recommend(10**6, scores=scores, own_style=True, **options)
    assert own.command.endswith("--network MINE.npz --engine openvino --precision int8")
    assert (found.runner_up.engine, found.runner_up.precision) == ("tensorflow", "float32")


def test_a_precision_has_to_be_good_enough_too(with_engines):
    speed, scores = with_engines["speed"], with_engines["scores"]
    few = ["identity", "colour transfer", "Johnson", "Johnson bfloat16", "Johnson int8"]
    scores = scores[scores["method"].isin(few)]
    # A tenth above the best is allowed: the int8 of the fixture has a fifth.
    found = recommend(7, quality="best", speed=speed, scores=scores)
    assert found.precision == "bfloat16"
    assert recommend(7, speed=speed, scores=scores).precision == "int8"


def test_bfloat16_is_for_processors_that_have_it(with_engines, monkeypatch):
    monkeypatch.setattr(advice, "has_bfloat16", lambda: False)
    few = ["identity", "colour transfer", "Johnson", "Johnson bfloat16"]
    scores = with_engines["scores"]
    scores = scores[scores["method"].isin(few)]
    found = recommend(7, speed=with_engines["speed"], scores=scores)
    assert (found.engine, found.precision) == ("openvino", "float32")
    assert found.command == "nst stylize PHOTO --style STYLE --engine openvino"


def test_a_precision_that_was_not_measured_is_not_recommended(with_engines, tables):
    found = recommend(7, quality="fast", speed=tables["speed"], scores=with_engines["scores"])
    assert (found.engine, found.precision) == ("tensorflow", "float32")


def test_the_tables_of_the_study_lead_to_advice():
    found = recommend(1000, quality="fast")
    assert found.method == "johnson"
    scores, speed = measured_table("study_256"), measured_table("speed")
    costs = expected_costs(scores, speed, size=512).set_index("method")
    assert found.sources[0] == f"study_256: {found.scores.name}"
    assert found.seconds_per_image == costs.loc[found.scores.name, "seconds"]
    assert recommend(1, own_style=True, quality="best").method == "gatys"
