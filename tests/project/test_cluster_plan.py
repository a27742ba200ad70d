"""The plan for many hosts, from seconds whose answer is known."""

from pathlib import Path

import pandas as pd
import pytest
from scripts import load

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SECONDS = {"load": 2.0, "decode": 0.1, "pass": 0.3, "write": 0.1}


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return load(BENCHMARKS / "cluster.py")


def test_workers_side_by_side(cluster):
    found = cluster.plan(SECONDS, 0.001, 10, cores=2)
    assert found["photos_a_second"] == pytest.approx(40)
    assert found["hours"] == pytest.approx((1e6 / 40 + 2) / 3600)
    assert found["cost"] == pytest.approx(found["host_hours"] * cluster.PRICE)
    assert found["host_hours"] == pytest.approx(10 * found["hours"])
    assert found["limit"] == "pass"


def test_where_the_bottleneck_moves(cluster):
    assert cluster.plan(SECONDS | {"pass": 0.05}, 0.001, 1)["limit"] == "decode"
    many = cluster.plan(SECONDS, 0.01, 100)
    assert (many["limit"], many["photos_a_second"]) == ("dask", pytest.approx(100))
    table = cluster.plans(pd.DataFrame([{"network": "wide", **SECONDS}]), 0.01)
    assert table["hosts"].tolist() == [1, 10, 100]
    assert set(table["decode_limits_from"]) == {1 / 0.1}
