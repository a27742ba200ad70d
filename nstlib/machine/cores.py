"""Which cores of the machine a process uses."""

import os
from contextlib import suppress

from nstlib.arguments import check_count


def use_cores(count: int, *, first: int = 0) -> None:
    """Confines this process to some of the cores that it may use, and with them the number of its threads.

    TensorFlow and OpenVINO start as many threads as there are cores, when they are first used: call it before. The
    number of threads can show in a picture: OpenVINO adds up the pixels of a channel in as many parts as it has
    threads, and a sum of floats depends on their order. In float32 some values of a small picture come out one level of
    255 apart, in int8 more.

    Args:
        count: of the cores.
        first: how many to leave out before, counted round and round: for processes side by side.

    Raises:
        ValueError: more cores than there are, none, or a system on which processes cannot choose (macOS).
    """
    check_count(count, "count", least=1)
    import psutil  # here, so that the command line starts without it

    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        raise ValueError("count: this system does not let a process choose its cores")
    own = sorted(process.cpu_affinity())
    if count > len(own):
        raise ValueError(f"count: {count} cores were asked for, and there are {len(own)}")
    chosen = [own[(first + each) % len(own)] for each in range(count)]
    process.cpu_affinity(chosen)
    # On Linux each thread has cores of its own: those that run already have to be told too.
    if hasattr(os, "sched_setaffinity"):
        for thread in process.threads():
            with suppress(ProcessLookupError):  # one that has just ended
                os.sched_setaffinity(thread.id, chosen)
