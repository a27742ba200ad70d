import sys

import pandas as pd
import pytest

from nstlib.recommend import calibrate
from nstlib.speed import across_processes

KEYS = {"what": "pass", "size": 512, "pixels": 1000}


def test_processes_are_summed_up_by_the_spread_between_them(monkeypatch):
    medians = iter([1.0, 2.0, 3.0, 4.0, 10.0])

    def fake(function, **options):
        seconds = next(medians)
        assert (function, options) == (calibrate, {"repeats": 3})
        row = {"seconds": seconds, "low": 0.0, "high": 99.0, "first": 10 * seconds, "repeats": 3}
        other = KEYS | {"what": "evaluation"} | row | {"seconds": 7.0}
        return pd.DataFrame([KEYS | row, other])

    monkeypatch.setattr(sys.modules["nstlib.speed"], "in_fresh_process", fake)
    table = across_processes(calibrate, 5, repeats=3).set_index("what")
    assert list(table.index) == ["pass", "evaluation"]
    expected = {"seconds": 3, "low": 2, "high": 4, "first": 30, "repeats": 3, "processes": 5}
    assert table.loc["pass", list(expected)].to_dict() == expected
    assert tuple(table.loc["evaluation", ["low", "seconds", "high"]]) == (7, 7, 7)


@pytest.mark.parametrize("processes", [1, 0, True, 2.0])
def test_one_process_has_no_spread(processes):
    with pytest.raises(ValueError, match=r"processes: .* not a whole number of at least 2"):
        across_processes(calibrate, processes)
