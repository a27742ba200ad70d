import dataclasses
import getpass
import json
import os
import platform
import re
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from nstlib.machine import measuring
from nstlib.machine.measuring import (
    Timing,
    describe_machine,
    in_fresh_process,
    measure,
    package_version,
    peak_memory,
)

MIB = 2**20


def test_statistics_have_known_answers():
    timing = Timing(first_call=9.0, seconds=(4.0, 1.0, 3.0, 2.0, 5.0))
    assert timing.median == 3.0
    assert timing.minimum == 1.0
    assert timing.quartiles == (2.0, 4.0)
    assert timing.iqr == 2.0


def test_timing_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Timing(1.0, (1.0, 2.0)).first_call = 2.0


@pytest.mark.parametrize(("repeats", "warmup"), [(2, 0), (3, 1), (4, 2)])
def test_measure_calls_warmup_plus_repeats_with_the_arguments(repeats, warmup):
    calls = []
    timing = measure(lambda *args: calls.append(args), 1, "two", repeats=repeats, warmup=warmup)
    assert calls == [(1, "two")] * (repeats + warmup)
    assert len(timing.seconds) == repeats


def test_a_fresh_process_is_another_one_and_hands_its_result_back():
    assert in_fresh_process(os.getpid) not in (os.getpid(), in_fresh_process(os.getpid))
    assert in_fresh_process(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]
    with pytest.raises(ZeroDivisionError):
        in_fresh_process(divmod, 1, 0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when a call says so."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def spend(durations):
        remaining = iter(durations)

        def call():
            now[0] += next(remaining)

        return call

    return spend


def test_the_first_warmup_call_is_kept_apart(clock):
    timing = measure(clock([8.0, 4.0, 1.0, 2.0]), repeats=2, warmup=2)
    assert timing == Timing(first_call=8.0, seconds=(1.0, 2.0))


def test_without_warmup_the_first_call_is_the_first_repeat(clock):
    timing = measure(clock([8.0, 1.0]), repeats=2, warmup=0)
    assert timing == Timing(first_call=8.0, seconds=(8.0, 1.0))


def test_measure_sees_real_time():
    timing = measure(time.sleep, 0.02, repeats=2)
    assert 0.02 <= timing.minimum < 1.0


@pytest.mark.parametrize("repeats", [1, 0, -3, 2.0, True, "5", None])
def test_measure_refuses_repeats(repeats):
    message = (
        f"repeats: {repeats!r} is not a whole number of at least 2: there is no timing from one"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        measure(lambda: None, repeats=repeats)


@pytest.mark.parametrize("warmup", [-1, 1.5, True])
def test_measure_refuses_warmup(warmup):
    message = f"warmup: {warmup!r} is not a whole number of at least 0"
    with pytest.raises(ValueError, match=re.escape(message)):
        measure(lambda: None, warmup=warmup)


def test_a_process_that_is_killed_is_an_error():
    with pytest.raises(BrokenProcessPool):
        in_fresh_process(os._exit, 9)


def test_peak_memory_sees_memory_that_is_freed_before_the_end():
    def hold(mebibytes):
        block = np.ones(mebibytes * MIB, dtype=np.uint8)
        time.sleep(0.1)
        del block

    assert 90 * MIB < peak_memory(hold, 100) < 200 * MIB


def test_peak_memory_sees_a_result_alive_only_at_the_end():
    assert peak_memory(lambda: np.ones(100 * MIB, dtype=np.uint8)) > 90 * MIB


def test_peak_memory_of_nothing_is_small_and_not_negative():
    assert 0 <= peak_memory(lambda: None) < 20 * MIB


def test_peak_memory_passes_errors_on_and_stops_watching():
    threads = measuring.threading.active_count()
    with pytest.raises(ZeroDivisionError):
        peak_memory(lambda: 1 / 0)
    assert measuring.threading.active_count() == threads


def test_machine_is_described_in_plain_values():
    machine = describe_machine()
    assert list(machine) == [
        "processor",
        "instructions",
        "cores",
        "memory_gib",
        "system",
        "python",
        "tensorflow",
        "keras",
        "numpy",
    ]
    assert machine["processor"]
    assert machine["cores"] >= 1
    assert machine["memory_gib"] > 0
    assert machine["python"] == ".".join(map(str, sys.version_info[:3]))
    assert machine["numpy"] == np.__version__
    assert json.loads(json.dumps(machine)) == machine


def test_machine_names_no_host_user_or_path(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: pytest.fail("asked for the host name"))
    monkeypatch.setattr(getpass, "getuser", lambda: pytest.fail("asked for the user"))
    assert "/" not in "".join(str(value) for value in describe_machine().values())


def test_processor_is_read_from_cpuinfo(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU @ 3:1\nmodel name\t: Other\n")
    assert measuring._processor(cpuinfo) == "Some CPU @ 3:1"


def test_instruction_sets_are_read_as_whole_words(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Some CPU\nflags\t\t: fpu avx2 avx512f_of_another_kind\n")
    flags = measuring.processor_flags(cpuinfo)
    assert "avx2" in flags
    assert "avx512f" not in flags
    assert measuring.processor_flags(tmp_path / "missing") == set()


@pytest.mark.parametrize("text", [None, "BogoMIPS : 50\n", "model name :\n"])
def test_processor_falls_back_to_platform(tmp_path, monkeypatch, text):
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    cpuinfo = Path(tmp_path / "cpuinfo")
    if text is not None:
        cpuinfo.write_text(text)
    assert measuring._processor(cpuinfo) == "riscv64"


def test_an_absent_package_is_said_to_be_absent():
    assert package_version("surely-no-such-package") == "not installed"
