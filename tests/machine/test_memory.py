from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nstlib.errors import ImageError
from nstlib.johnson.network import new_network
from nstlib.machine import memory
from nstlib.machine.memory import check_memory, estimate_memory
from nstlib.optimization.pixels import gatys

MEASURED = Path(__file__).parents[2] / "results/tables/benchmark_memory.csv"


@pytest.fixture
def free(monkeypatch):
    """Sets the bytes that the machine has free."""

    def set_free(count):
        found = SimpleNamespace(available=count)
        monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: found)

    return set_free


def test_more_pixels_need_more_and_the_network_needs_less():
    for method in ("johnson", "johnson slim", "gatys", "hybrid"):
        sides = [estimate_memory(side, side, method=method) for side in (256, 512, 1024)]
        assert sides == sorted(set(sides))
        assert estimate_memory(300, 400, method=method) == estimate_memory(400, 300, method=method)
    needs = [estimate_memory(512, 512, method=m) for m in ("johnson slim", "johnson", "gatys")]
    assert needs == sorted(needs)


@pytest.mark.skipif(not MEASURED.is_file(), reason="benchmarks/memory.py has not run")
def test_the_estimate_is_within_a_quarter_of_every_measurement():
    table = pd.read_csv(MEASURED)
    assert set(table["method"]) == {"johnson", "johnson slim", "gatys"}
    for row in table.to_dict("records"):
        estimate = estimate_memory(row["size"], row["size"], method=row["method"])
        assert 0.75 < estimate / row["bytes"] < 1.25, row


def test_a_photo_that_fits_passes_and_the_next_larger_does_not(free):
    free(estimate_memory(300, 400, method="gatys"))
    check_memory(300, 400, method="gatys")
    with pytest.raises(ImageError, match=r"has 400 x 300 px$"):
        check_memory(600, 800, method="gatys")


def test_the_size_that_is_offered_fits(free):
    free(estimate_memory(517, 333, method="johnson") + 1234)
    with pytest.raises(ImageError) as caught:
        check_memory(5170, 3330, method="johnson")
    width, height = (int(part) for part in str(caught.value).split(" has ")[1][:-3].split(" x "))
    check_memory(height, width, method="johnson")
    assert height == pytest.approx(517, abs=2)


def test_every_method_refuses_before_it_starts(free):
    free(0)
    photo = np.zeros((32, 32, 3), np.float32)
    with pytest.raises(ImageError, match=r"32 x 32 px need about .* GiB by the method 'gatys'"):
        gatys(photo, photo)
    for width, method in ((0.3, "johnson"), (0.1, "johnson slim")):
        with pytest.raises(ImageError, match=f"by the method '{method}'"):
            new_network(width=width).stylize(photo)


def test_arguments_that_are_none():
    with pytest.raises(
        ValueError, match="method: 'magic' is not one of johnson, johnson slim, gatys, hybrid"
    ):
        estimate_memory(10, 10, method="magic")
    with pytest.raises(ValueError, match=r"height: 1\.5 is not a whole number of at least 1"):
        estimate_memory(1.5, 10, method="gatys")
    with pytest.raises(ValueError, match="width: 0 is not a whole number of at least 1"):
        estimate_memory(10, 0, method="gatys")
