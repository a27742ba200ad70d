"""How long a call takes, how much memory it needs, and on what machine."""

import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from nstlib.arguments import check_count

CPUINFO = Path("/proc/cpuinfo")
# As Linux names them. One model name may stand for processors of several generations, which these tell apart.
_VECTOR_INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
SAMPLING_INTERVAL = 0.005  # seconds between two looks at the memory of the process


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of repeated calls of one function.

    Attributes:
        first_call: seconds of the very first call, which pays for tracing, compilation and
            cold caches: the first warm-up call, or the first repeat when there was no warm-up.
        seconds: seconds of each repeat, in the order they ran; warm-up calls are not among them.
    """

    first_call: float
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the repeats, in seconds."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile of the repeats, in seconds (linear interpolation)."""
        low, high = np.percentile(self.seconds, [25, 75])
        return float(low), float(high)

    @property
    def iqr(self) -> float:
        """Interquartile range of the repeats, in seconds."""
        low, high = self.quartiles
        return high - low

    @property
    def minimum(self) -> float:
        """Fastest repeat, in seconds."""
        return min(self.seconds)


def measure(function: Callable, *args: Any, repeats: int = 5, warmup: int = 1) -> Timing:
    """Time `function(*args)`: `warmup` calls first, then `repeats` calls that count.

    The function must hand back finished work: a backend that computes asynchronously has to be
    waited for inside it, for example by turning the result into a NumPy array.

    Args:
        repeats: how many timed calls, at least 2: there is no timing from one run.
        warmup: how many calls before them, at least 0.

    Raises:
        ValueError: if `repeats` or `warmup` is not an integer in its range.
    """
    check_count(repeats, "repeats", least=2, why="there is no timing from one run")
    check_count(warmup, "warmup", least=0)
    seconds = [_seconds(function, args) for _ in range(warmup + repeats)]
    return Timing(first_call=seconds[0], seconds=tuple(seconds[warmup:]))


def in_fresh_process(function: Callable, *args: Any, **options: Any) -> Any:
    """What `function(*args, **options)` returns, called in a new Python process that ends with it.

    For measurements that must not depend on what ran before, or whose processes are to be compared. The function must
    be one that can be imported by name, its arguments and result ones that can be pickled.

    Raises:
        concurrent.futures.process.BrokenProcessPool: the process was killed, as where memory runs out.
        Exception: whatever the function raises.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **options).result()


def peak_memory(function: Callable, *args: Any) -> int:
    """Bytes by which the resident memory of this process peaks while `function(*args)` runs.

    A thread looks at the memory of the process about every 5 ms, and once more when the function
    returns. Three limits follow. Memory that an allocator already held before the call is not
    seen, so a second call often measures less than the first: run in a fresh process for
    first-use figures. A peak shorter than the interval, or one inside native code that does not
    let other Python threads run, can be missed. Memory of an accelerator and of child processes
    is not counted.
    """
    process = psutil.Process()
    before = process.memory_info().rss
    peak = before
    finished = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not finished.wait(SAMPLING_INTERVAL):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        result = function(*args)
        after = process.memory_info().rss  # while the result is still alive
        del result
    finally:
        finished.set()
        watcher.join()
    return max(peak, after) - before


def describe_machine() -> dict[str, str | int | float]:
    """What a reader needs to judge a timing, without anything that names a person or a host.

    Keys: `processor`, `instructions` (which of avx2, avx512f, avx512_bf16 and amx_bf16 Linux says it has; empty on
    other systems), `cores` (logical ones this process may use), `memory_gib`, `system`, `python`, and the versions of
    `tensorflow`, `keras` and `numpy` ("not installed" if absent), read from their metadata, so that nothing is
    imported. No accelerator is described: a caller who used one adds it.
    """
    flags = processor_flags()
    return {
        "processor": _processor(),
        "instructions": " ".join(name for name in _VECTOR_INSTRUCTIONS if name in flags),
        "cores": _cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: package_version(package) for package in ("tensorflow", "keras", "numpy")},
    }


def processor_flags(cpuinfo: Path = CPUINFO) -> set[str]:
    """The words of Linux' description of the processor, its instruction sets among them; none on other systems."""
    return set(_text(cpuinfo).split())


def package_version(package: str) -> str:
    """The installed version of a package, from its metadata; "not installed" without one."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _seconds(function: Callable, args: tuple) -> float:
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def _processor(cpuinfo: Path = CPUINFO) -> str:
    """The processor's model name; `platform` knows it everywhere but on Linux."""
    lines = _text(cpuinfo).splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, models), platform.processor() or platform.machine() or "unknown")


def _text(cpuinfo: Path) -> str:
    """Linux' description of the processor; empty on other systems."""
    try:
        return cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
