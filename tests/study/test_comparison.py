import numpy as np
import pandas as pd
import pytest
import tiny

from nstlib.johnson import engines
from nstlib.johnson.engines import load_engine
from nstlib.johnson.network import Network, save_network
from nstlib.metrics import YARDSTICKS
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.study import comparison as comparisons
from nstlib.study.comparison import compare, equivalent_evals, objective_of, passes_on_engines


@pytest.fixture(scope="module")
def comparison(photo, style, tiny_network, tiny_slim):
    options = {"evals": (2, 5), "adam_evals": (3,), "hybrid_evals": (2,)}
    return compare(photo, style, tiny_network, slim=tiny_slim, **options)


@pytest.mark.slow
def test_every_method_is_scored_and_shown(comparison, photo):
    scores = comparison.scores.set_index("method")
    spent = {"identity": 0, "colour transfer": 0, "Gatys 2": 2, "Gatys 5": 5, "Adam 3": 3}
    spent |= {"Johnson": 0, "Johnson slim": 0, "hybrid 2": 2}
    assert scores["evals"].to_dict() == spent
    assert list(comparison.images) == list(scores.index) == list(spent)
    assert list(scores.columns) == ["evals", *YARDSTICKS, "equivalent_evals"]
    assert scores[[*YARDSTICKS]].notna().all(axis=None)
    assert all(image.shape == photo.shape for image in comparison.images.values())
    np.testing.assert_array_equal(comparison.images["identity"], photo)


@pytest.mark.slow
def test_each_network_paints_its_own_picture(comparison, photo, tiny_network, tiny_slim):
    for label, network in (("Johnson", tiny_network), ("Johnson slim", tiny_slim)):
        np.testing.assert_array_equal(comparison.images[label], network.stylize(photo))


@pytest.mark.slow
def test_all_methods_have_one_objective_and_start_where_they_should(comparison):
    scores, curves = comparison.scores.set_index("method"), comparison.curves
    first = curves.groupby("run")["total"].first()
    for run, start in (
        ("Gatys", "colour transfer"),
        ("Adam", "colour transfer"),
        ("hybrid", "Johnson"),
    ):
        assert first[run] == pytest.approx(scores["total"][start], rel=1e-3)
    assert scores["total"]["Gatys 5"] < scores["total"]["Gatys 2"] < scores["total"]["identity"]
    assert scores["total"]["hybrid 2"] < scores["total"]["Johnson"]
    assert curves.groupby("run")["evals"].max().to_dict() == {"Adam": 3, "Gatys": 5, "hybrid": 2}


@pytest.mark.slow
def test_only_networks_have_equivalent_evals(comparison):
    found = comparison.scores.dropna(subset="equivalent_evals").set_index("method")
    assert list(found.index) == ["Johnson", "Johnson slim"]
    history = comparison.curves.query("run == 'Gatys'")
    expected = [equivalent_evals(history, total) for total in found["total"]]
    assert found["equivalent_evals"].tolist() == expected


def test_without_a_slim_network_there_is_no_such_row(photo, style, tiny_network, monkeypatch):
    monkeypatch.setattr(comparisons, "evaluate", tiny.evaluate)
    found = compare(photo, style, tiny_network, evals=(1,), hybrid_evals=())
    methods = ["identity", "colour transfer", "Gatys 1", "Johnson"]
    assert found.scores["method"].tolist() == list(found.images) == methods
    assert set(found.curves["run"]) == {"Gatys"}


def test_a_pass_on_an_engine_is_a_method(photo, style, tiny_network, tmp_path, monkeypatch):
    monkeypatch.setattr(comparisons, "evaluate", tiny.evaluate)
    monkeypatch.setattr(engines, "check_bfloat16", lambda: None)
    file = save_network(tiny_network, tmp_path / "network.npz")
    engine = load_engine(file, precision="bfloat16")
    options = {"evals": (1,), "hybrid_evals": (1,)}
    found = compare(photo, style, tiny_network, engines=[engine], **options)
    methods = ["identity", "colour transfer", "Gatys 1", "Johnson", "Johnson bfloat16", "hybrid 1"]
    assert found.scores["method"].tolist() == list(found.images) == methods
    np.testing.assert_array_equal(found.images["Johnson bfloat16"], engine.stylize(photo))
    worth = found.scores.dropna(subset="equivalent_evals")["method"]
    assert worth.tolist() == ["Johnson", "Johnson bfloat16"]


@pytest.mark.parametrize("precisions", [("float32",), ("int8", "int8")], ids=str)
def test_an_engine_that_does_not_round_or_a_second_one_is_refused(precisions):
    with pytest.raises(ValueError, match=r"engines: .*; accepted: bfloat16 and int8, each"):
        passes_on_engines(precisions)


def test_the_objective_is_that_of_the_card(tiny_network):
    assert objective_of(tiny_network) == tiny.objective()
    assert objective_of(Network(tiny_network.model)) == PerceptualLoss()


def test_equivalent_evals_of_a_known_curve():
    history = pd.DataFrame({"evals": [1, 2, 4, 5], "total": [9.0, 5.0, 6.0, 3.0]})
    assert [equivalent_evals(history, total) for total in (9, 5.5, 5, 4)] == [1, 2, 2, 5]
    assert equivalent_evals(history, 2.9) == np.inf
    sparse = pd.DataFrame({"evals": [20, 25, 30], "total": [5.0, 3.0, 2.0]})
    found = [equivalent_evals(sparse, total) for total in (5, 4.2, 4.1, 3, 2)]
    assert found == [20, 22, 23, 25, 30]


def test_no_budget_is_refused(photo, style, tiny_network):
    with pytest.raises(ValueError, match="evals: give at least one"):
        compare(photo, style, tiny_network, evals=())
