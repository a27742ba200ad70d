"""Work handed to other processes and hosts, by Dask: the extra `cluster` brings it.

A run has one function and many calls of it. The function goes to each worker once, also to those that come later: what
it loads is loaded once a worker.
"""

import functools
import itertools
import logging
import secrets
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nstlib.arguments import check_count
from nstlib.errors import ClusterError
from nstlib.machine.cores import use_cores
from nstlib.machine.memory import free_memory, limit_memory

try:
    import dask
    from distributed import Client, Future, LocalCluster, Worker, as_completed, get_worker
    from distributed.diagnostics.plugin import WorkerPlugin
    from distributed.scheduler import KilledWorker
except ImportError as missing:
    raise ClusterError(
        f"cluster: the package {missing.name} is missing; pip install 'nst-study[cluster]'"
    ) from missing

_AHEAD = 6  # calls handed out for each thread, so that none waits for the next
_ASK_EVERY = 50  # calls between two looks at how many threads there are
_PATIENCE = 15  # seconds for a scheduler to answer, and for its first worker
_SETTINGS = {
    # Photos may travel in the calls.
    "distributed.admin.large-graph-warning-threshold": "1 GiB",
    # Of a local cluster, whose workers are started again when they die: one that is not back by this time, since it is
    # slow to start or died once more, would be given up for good, and a run without any worker would wait for ever.
    "distributed.deploy.lost-worker-timeout": "365 days",
    # There is nothing on a worker to be written to disk, and one that pauses for want of memory
    # would never go on: what it uses are the loaded libraries.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at an address, `tcp://host:8786`, for as long as the block.

    Raises:
        ClusterError: nothing answers there, or it has no worker.
    """
    with dask.config.set(_SETTINGS):
        try:
            client = Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"scheduler: {address!r} does not answer ({error}); `dask scheduler` starts one and says its address"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError as error:
                raise ClusterError(
                    f"scheduler: {address!r} has no workers; `dask worker {address}` starts one"
                ) from error
            yield client


@contextmanager
def local_cluster(
    workers: int, *, threads: int | None = None, memory: int | None = None
) -> Iterator[Client]:
    """A client of worker processes on this machine, which end with the block.

    Args:
        workers: how many.
        threads: cores for each, not shared as long as there are enough; None leaves all cores to all of them. See
            `nstlib.machine.cores.use_cores`.
        memory: bytes for each, beyond which it is ended; None is an equal share of what is free.

    Raises:
        ValueError: no workers, or see `use_cores`.
    """
    check_count(workers, "workers", least=1)
    with (
        dask.config.set(_SETTINGS),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=memory or free_memory() // workers,
            host="127.0.0.1",
            dashboard_address=":0",  # a port of its own; None would be one port for all
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        if threads is not None:
            client.register_plugin(_Share(threads), name="nst-share")
        yield client


def spread(
    client: Client,
    function: Callable[..., Any],
    keys: Iterable[Hashable],
    arguments: Callable[[Hashable], tuple],
) -> Iterator[tuple[Hashable, Any]]:
    """`function(*arguments(key))` for each key, on the workers, each worker taking one call at a time.

    A call whose worker died is made again by Dask, elsewhere, unless that happened more often than its setting
    `distributed.scheduler.allowed-failures`. That can be the fault of another call, which was on the same worker, or of
    whoever ends workers: such a call is made once more when the others have ended, alone, and only if it loses as many
    workers again it has failed. One that raised is made once more. Only a few calls for each thread are under way at a
    time, so that photos in them do not pile up.

    Args:
        client: of the cluster.
        function: one that can be pickled; a copy stays with each worker for the whole run, and what it keeps in itself
            between two calls as well.
        keys: what the calls are for, each different.
        arguments: asked when a call is due, here; an error of it stands for the call. Large ones travel fastest as an
            array: Dask copies bytes several times.

    Yields:
        Key and result in the order in which calls end; for one that failed, the error in place of the result.

    Raises:
        ClusterError: the scheduler was lost.
    """
    name, registered = f"nst-{secrets.token_hex(8)}", False
    # Now, since a client that gave up has none.
    address = client.scheduler.address if client.scheduler else "the scheduler"
    try:
        client.register_plugin(_Run(function), name=name)
        registered = True
        yield from _outcomes(client, name, iter(keys), arguments)
    # What a client raises that was cut off depends on what it was about to do.
    except Exception as error:
        if client.status == "running" and not isinstance(error, _CancelledError):
            raise
        raise ClusterError(
            f"scheduler: the connection to {address} was lost; what was done stays, and a second run can do the rest "
            "(nst stylize --skip-existing)"
        ) from error
    finally:
        if registered and client.status == "running":
            with suppress(OSError):  # of a worker that has just died
                client.unregister_worker_plugin(name)


def _outcomes(client, name, keys, arguments) -> Iterator[tuple[Hashable, Any]]:
    suspects = []
    for key, call, outcome in _ended(client, name, keys, arguments):
        if isinstance(outcome, KilledWorker):
            suspects.append((key, call))
        else:
            yield key, outcome
    for key, call in suspects:
        for _, _, outcome in _ended(client, name, iter([key]), lambda _, call=call: call):
            yield key, _explained(outcome)


def _ended(client, name, keys, arguments) -> Iterator[tuple[Hashable, tuple | None, Any]]:
    """Key, arguments and outcome of each call, in the order in which they end."""
    under_way: dict[str, tuple[Hashable, tuple]] = {}
    ended = as_completed(loop=client.loop)
    for number in itertools.count():
        # Workers come and go; to ask each time would take longer than all else here.
        if number % _ASK_EVERY == 0:
            room = _AHEAD * max(1, sum(client.nthreads().values()))
        # Several at once: the scheduler takes about as long for them as for one.
        while len(under_way) <= room // 2 and (
            due := list(_due(itertools.islice(keys, room - len(under_way)), arguments))
        ):
            calls = {_task(name): (key, call) for key, call, error in due if error is None}
            ended.update(_handed_out(client, name, calls))
            under_way |= calls
            yield from (each for each in due if each[2] is not None)
        if not under_way:
            return
        future = next(ended)
        yield *under_way.pop(future.key), _outcome(client, future)


def _due(keys, arguments) -> Iterator[tuple[Hashable, tuple | None, Exception | None]]:
    for key in keys:
        try:
            yield key, arguments(key), None
        except Exception as error:
            yield key, None, error


def _handed_out(
    client: Client, name: str, calls: dict[str, tuple[Hashable, tuple]]
) -> list[Future]:
    function, arguments = functools.partial(_call, name), [call for _, call in calls.values()]
    return client.map(function, arguments, key=list(calls), pure=False, retries=1)


def _task(name: str) -> str:
    return f"{name}-{secrets.token_hex(8)}"


def _outcome(client: Client, future: Future) -> Any:
    """What a call returned, or its error."""
    # To fetch nothing from the worker would take as long as all else here.
    if future.type is type(None):
        return None
    error = future.exception()  # waits, if the result was lost with its worker since
    if future.status == "cancelled":
        raise _CancelledError(future.key)
    return future.result() if error is None else error


class _CancelledError(Exception):
    """A call that the scheduler does not know any more."""


def _explained(outcome: Any) -> Any:
    if not isinstance(outcome, KilledWorker):
        return outcome
    died = outcome.allowed_failures + 1
    return ClusterError(
        f"cluster: {died} workers died at it; a smaller --size, or more memory for each, may help"
    )


# --- on the workers ----------------------------------------------------------------------------


class _Run(WorkerPlugin):
    """The function of a run, on a worker."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def setup(self, worker: Worker) -> None:
        self.turn = threading.Lock()
        limit = worker.memory_manager.memory_limit
        share = dask.config.get("distributed.worker.memory.terminate")  # of the limit
        limit_memory(int(limit * share) if limit and share else None)


class _Share(WorkerPlugin):
    """Cores of its own for each worker of a local cluster, which are named 0, 1, 2, …"""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def setup(self, worker: Worker) -> None:
        use_cores(self.threads, first=int(worker.name) * self.threads)


def _call(name: str, arguments: tuple) -> Any:
    """One call at a time: engines are not made for more, and each takes all cores that its process has."""
    run = get_worker().plugins[name]
    with run.turn:
        return run.function(*arguments)
