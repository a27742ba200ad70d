import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
import tensorflow as tf
import tiny

from nstlib.errors import ImageError
from nstlib.johnson.engines import Engine
from nstlib.johnson.network import Network, new_network
from nstlib.machine import memory
from nstlib.machine.memory import (
    check_memory,
    estimate_memory,
    explain_exhaustion,
    free_memory,
    is_exhaustion,
)
from nstlib.optimization import pixels
from nstlib.optimization.pixels import gatys

METHODS = ("johnson", "johnson slim", "openvino", "openvino slim", "gatys", "hybrid")
MEASURED = Path(__file__).parents[2] / "results/tables/benchmark_memory.csv"


@pytest.fixture
def free(monkeypatch):
    """Sets the bytes that the machine has free."""

    def set_free(count):
        found = SimpleNamespace(available=count)
        monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: found)

    return set_free


def test_more_pixels_need_more_and_the_network_needs_less():
    for method in METHODS:
        sides = [estimate_memory(side, side, method=method) for side in (256, 512, 1024)]
        assert sides == sorted(set(sides))
        assert estimate_memory(300, 400, method=method) == estimate_memory(400, 300, method=method)
    needs = [estimate_memory(512, 512, method=m) for m in ("johnson slim", "johnson", "gatys")]
    assert needs == sorted(needs)


@pytest.mark.skipif(not MEASURED.is_file(), reason="benchmarks/memory.py has not run")
def test_the_estimate_is_within_a_quarter_of_every_measurement():
    table = pd.read_csv(MEASURED)
    assert set(table["method"]) == {*METHODS} - {"hybrid"}
    for row in table.to_dict("records"):
        estimate = estimate_memory(row["size"], row["size"], method=row["method"])
        assert 0.75 < estimate / row["bytes"] < 1.25, row


def test_a_photo_that_fits_passes_and_the_next_larger_does_not(free):
    free(estimate_memory(300, 400, method="gatys"))
    check_memory(300, 400, method="gatys")
    with pytest.raises(ImageError, match=r"has 400 x 300 px \(--size 400\);"):
        check_memory(600, 800, method="gatys")


def test_the_size_that_is_offered_fits(free):
    free(estimate_memory(517, 333, method="johnson") + 1234)
    with pytest.raises(ImageError) as caught:
        check_memory(5170, 3330, method="johnson")
    width, height = map(int, re.search(r"has (\d+) x (\d+) px", str(caught.value)).groups())
    check_memory(height, width, method="johnson")
    assert height == pytest.approx(517, abs=2)


@pytest.mark.parametrize("method", ["johnson", "openvino", "gatys", "hybrid"])
def test_the_slim_network_that_is_offered_fits(free, method):
    free(estimate_memory(300, 400, method=method))
    with pytest.raises(ImageError, match=r"\(--slim, width=0\.25\) paints") as caught:
        check_memory(3000, 4000, method=method)
    width, height = map(int, re.search(r"paints (\d+) x (\d+) px", str(caught.value)).groups())
    slim = "openvino slim" if method == "openvino" else "johnson slim"
    check_memory(height, width, method=slim)
    assert 400 < width < 4000


def test_no_larger_picture_is_offered_than_was_asked_for_and_none_too_small_for_any_use(free):
    free(estimate_memory(300, 400, method="johnson slim"))
    with pytest.raises(ImageError, match=r"paints 400 x 300 px$"):
        check_memory(300, 400, method="johnson")
    free(estimate_memory(10, 10, method="johnson slim"))
    with pytest.raises(ImageError, match=r"; no size of this shape fits$"):
        check_memory(300, 400, method="johnson slim")


def test_every_method_refuses_before_it_starts(free):
    free(0)
    photo = np.zeros((32, 32, 3), np.float32)
    with pytest.raises(ImageError, match=r"32 x 32 px need about .* GiB by the method 'gatys'"):
        gatys(photo, photo)
    for width, method in ((0.3, "johnson"), (0.1, "johnson slim")):
        with pytest.raises(ImageError, match=f"by the method '{method}'"):
            new_network(width=width).stylize(photo)


def test_arguments_that_are_none():
    with pytest.raises(ValueError, match="method: 'magic' is not one of " + ", ".join(METHODS)):
        estimate_memory(10, 10, method="magic")
    with pytest.raises(ValueError, match=r"height: 1\.5 is not a whole number of at least 1"):
        estimate_memory(1.5, 10, method="gatys")
    with pytest.raises(ValueError, match="width: 0 is not a whole number of at least 1"):
        estimate_memory(10, 0, method="gatys")


# --- limits ------------------------------------------------------------------------------------


def test_the_limit_of_whoever_ends_the_process_counts(free):
    free(10**12)
    used = psutil.Process().memory_info().rss
    memory.limit_memory(used + 50 * 10**6)
    try:
        assert 0 < free_memory() <= 100 * 10**6
        with pytest.raises(ImageError, match="the largest of this shape that fits"):
            check_memory(3000, 4000, method="openvino slim")
        memory.limit_memory(1)
        assert free_memory() == 0
    finally:
        memory.limit_memory(None)
    assert free_memory() > 100 * 10**6


@pytest.fixture
def groups(tmp_path, monkeypatch, free):
    """Writes the files of control groups, in place of a container, on a machine with plenty of memory."""
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_OWN_CGROUPS", tmp_path / "own")
    free(10**12)

    def write(files, own=""):
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return write


TWO = {"memory.max": "1000000\n", "memory.current": "300000\n"}
ONE = {
    "memory/memory.limit_in_bytes": "1000000\n",
    "memory/memory.usage_in_bytes": "300000\n",
}


def below(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize(
    ("files", "own", "expected"),
    [
        ({}, "", 10**12),
        (TWO, "0::/\n", 700_000),
        (TWO | {"memory.stat": "anon 1\ninactive_file 100000\n"}, "0::/\n", 800_000),
        (TWO | {"memory.current": "1000001"}, "0::/\n", 0),
        (TWO | {"memory.max": "max\n"}, "0::/\n", 10**12),
        (TWO | {"memory.max": "max\n"} | below("a/b", TWO), "0::/a/b\n", 700_000),
        (TWO | below("a", TWO | {"memory.max": "400000"}), "0::/a\n", 100_000),
        (TWO, "0::/docker/of/the/host\n", 700_000),
        (TWO, "0::/../../elsewhere\n", 700_000),
        (ONE, "4:memory:/\n", 700_000),
        (ONE | {"memory/memory.stat": "cache 5\ntotal_inactive_file 200000\n"}, "", 900_000),
        (ONE | {"memory/memory.limit_in_bytes": "9223372036854771712"}, "", 10**12),
        (
            {f"memory/jobs/7/{Path(name).name}": content for name, content in ONE.items()},
            "5:cpu:/x\n4:hugetlb,memory:/jobs/7\n0::/\n",
            700_000,
        ),
    ],
)
def test_what_is_left_of_a_container_counts(groups, files, own, expected):
    groups(files, own)
    assert free_memory() == expected


def test_a_photo_too_large_for_the_container_is_refused(groups):
    need = estimate_memory(300, 400, method="gatys")
    groups({"memory.max": f"{need + 50}", "memory.current": "50"})
    check_memory(300, 400, method="gatys")
    groups({"memory.max": f"{need + 50}", "memory.current": "51"})
    with pytest.raises(ImageError, match="the largest of this shape that fits has 399 x 299 px"):
        check_memory(300, 400, method="gatys")


def test_a_limit_of_the_process_counts():
    pytest.importorskip("resource")
    code = """
import json, psutil, resource
from nstlib.machine.memory import free_memory
room = 200 << 20
limit = psutil.Process().memory_info().vms + room
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print(json.dumps([room, free_memory()]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    room, found = json.loads(run.stdout)
    assert 0.8 * room < found <= room


# --- running out of it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\ntensor"),
        MemoryError(),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes"),
        RuntimeError("Exception from src/inference/src/cpp/core.cpp:90:\nstd::bad_alloc"),
    ],
    ids=["tensorflow", "numpy", "jax", "openvino"],
)
def test_every_allocator_is_understood(error):
    assert is_exhaustion(error)
    with pytest.raises(ImageError) as caught, explain_exhaustion(300, 400):
        raise error
    text = str(caught.value)
    assert text.startswith("photo: the memory ran out at 400 x 300 px")
    assert all(word in text for word in ("--size", "--slim", "width=0.25"))
    assert "\n" not in text
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [ValueError("out of memory"), RuntimeError("no kernel"), KeyboardInterrupt()]
)
def test_other_errors_are_left_alone(error):
    assert not is_exhaustion(error)
    with pytest.raises(type(error)) as caught, explain_exhaustion(300, 400):
        raise error
    assert caught.value is error


ALLOCATOR = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\ntensor")
IMAGE = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)


def exhausted(*args, **options):
    raise ALLOCATOR


def by_network(monkeypatch):
    return Network(SimpleNamespace(predict_on_batch=exhausted)).stylize(IMAGE)


def by_engine(monkeypatch):
    saved = new_network(width=0.05).saved()
    request = SimpleNamespace(infer=exhausted)
    return Engine(saved, "float32", lambda large: request).stylize(IMAGE)


def by_gatys(monkeypatch):
    monkeypatch.setattr(pixels, "_compiled", lambda *settings: exhausted)
    return gatys(IMAGE, IMAGE, steps=1, objective=tiny.objective(), progress=False)


@pytest.mark.parametrize("paint", [by_network, by_engine, by_gatys])
def test_whatever_paints_says_in_our_words_that_the_memory_ran_out(paint, monkeypatch):
    with pytest.raises(ImageError, match="photo: the memory ran out at 30 x 20 px") as caught:
        paint(monkeypatch)
    assert caught.value.__cause__ is ALLOCATOR


def test_the_size_that_is_named_fits(monkeypatch):
    """As `--size` makes it of the photo, its shorter side rounded."""
    rng = np.random.default_rng(0)
    for width, height in rng.integers(600, 6000, (50, 2)).tolist():
        need = estimate_memory(height, width, method="johnson")
        room = int(estimate_memory(1, 1, method="johnson") + rng.uniform(0.1, 0.99) * need)
        monkeypatch.setattr(memory, "free_memory", lambda room=room: room)
        if room >= need:
            continue
        with pytest.raises(ImageError) as refused:
            check_memory(height, width, method="johnson")
        size = int(re.search(r"--size (\d+)", str(refused.value))[1])
        sides = [max(1, round(side * size / max(height, width))) for side in (height, width)]
        check_memory(*sides, method="johnson")
