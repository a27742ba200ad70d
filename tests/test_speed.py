from types import SimpleNamespace

import pytest

from nstlib import speed
from nstlib.perceptual import PerceptualLoss
from nstlib.speed import batch_seconds, evaluation_seconds, pass_seconds, training_seconds
from nstlib.transformer import new_network

COLUMNS = ["what", "size", "pixels", "seconds", "low", "high", "first", "repeats"]


@pytest.fixture(scope="module")
def network():
    return new_network(width=0.05)


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


def test_passes(network):
    table = pass_seconds(network, [32, 48], what="slim pass", repeats=3)
    check(table, "slim pass", [32, 48], [32 * 21, 48 * 32], 3)
    assert set(pass_seconds(network, [32], repeats=2)["what"]) == {"pass"}


def test_evaluations_are_those_after_the_first_ones():
    shallow = PerceptualLoss(content_layers=["relu1_1"], style_layers=["relu1_1"])
    table = evaluation_seconds(shallow, [32], repeats=3)
    check(table, "evaluation", [32], [32 * 21], 3)


def test_training_steps():
    check(training_seconds(32, repeats=2), "training step", [32], [32 * 32], 2)


def test_batches_are_counted_by_the_photo(network, monkeypatch):
    monkeypatch.setattr(speed, "measure", lambda *_, **__: SimpleNamespace(seconds=[2.0, 4.0, 8.0]))
    table = batch_seconds(network, 32, [1, 4], repeats=3)
    assert table["batch"].tolist() == [1, 4]
    assert table["seconds"].tolist() == [4.0, 1.0]
    assert table["low"].tolist() == [3.0, 0.75]
    assert table["high"].tolist() == [6.0, 1.5]
