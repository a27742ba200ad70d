"""Many photos: what Dask costs, what two workers gain over one, and a plan for more hosts from the measured seconds.

    .venv/bin/python -m pip install '.[bench]'
    .venv/bin/python benchmarks/cluster.py

results/tables/benchmark_cluster.csv: milliseconds a call that Dask adds to a plain loop (calls that do nothing on one
worker, arguments of a path and of 1 MB), and how often the photos a second of one worker two have (slim network at 512
px on OpenVINO, one thread each, in turns): medians and quartiles of the turns.

results/tables/benchmark_cluster_parts.csv: seconds of one core for a photo of 12 megapixels, painted at 512 px: to
decode it (a JPEG, as `--size 512` reads it), for a pass, to write it (PNG), and once a worker to load the network.

results/tables/benchmark_cluster_plan.csv: from these, photos a second and the cost of a million by number of hosts.
"""

import functools
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.johnson import SLIM_WIDTH
from nstlib.machine.cluster import local_cluster, spread
from nstlib.machine.cores import use_cores

STYLE, SIZE = "wave", 512
WIDTHS = {"wide": 1.0, "slim": SLIM_WIDTH}
CALLS, PHOTOS, TURNS, REPEATS = 500, 40, 5, 5
LARGE = (3000, 4000)  # px, a photo of 12 megapixels
HOSTS = (1, 10, 100)
CORES = 2  # of a host, each with a worker
PRICE = 0.10  # of a host and hour, in the currency of whoever pays: an assumption
MILLION = 10**6


class Nothing:
    """A call that does nothing."""

    def __call__(self, *arguments) -> None:
        pass


class Pass:
    """Reads a photo, paints it, and writes the picture; the engine stays."""

    engine = None  # made by the first call, in the worker

    def __call__(self, photo: Path, target: Path) -> None:
        self.engine = self.engine or nst.load_engine(STYLE, width=SLIM_WIDTH)
        nst.save_image(target, self.engine.stylize(nst.load_image(photo)))


def seconds_of(client, function, calls: Iterable[tuple]) -> float:
    """Of all calls on a cluster."""
    calls = list(calls)
    start = time.perf_counter()
    for _, outcome in spread(client, function, range(len(calls)), lambda number: calls[number]):
        if outcome is not None:
            raise outcome
    return time.perf_counter() - start


def overheads(calls: int = CALLS, turns: int = TURNS) -> pd.DataFrame:
    """Milliseconds a call, one row a turn."""
    payloads = {"path": Path("photo.jpg"), "1 MB": np.zeros(10**6, np.uint8)}
    rows = []
    with local_cluster(1) as client:
        for turn in range(-1, turns):  # the first is not counted
            for kind, payload in payloads.items():
                plain = time.perf_counter()
                for _ in range(calls):
                    Nothing()(payload)
                plain = time.perf_counter() - plain
                taken = seconds_of(client, Nothing(), [(payload,)] * calls) - plain
                quantity = f"overhead of a call with {kind}, ms"
                rows.append({"quantity": quantity, "turn": turn, "value": 1000 * taken / calls})
    return pd.DataFrame(rows).query("turn >= 0")


def speedups(photos: int = PHOTOS, turns: int = TURNS, size: int = SIZE) -> pd.DataFrame:
    """How often the photos a second of one worker two have, one row a turn."""
    with tempfile.TemporaryDirectory() as folder:
        calls = [
            (Path(folder) / f"{number}.png", Path(folder) / f"{number}_painted.png")
            for number in range(photos)
        ]
        for photo, _ in calls:
            nst.save_image(photo, nst.photo("coffee", size=size))
        rows = []
        for turn in range(turns):
            taken = {}
            for workers in (1, 2) if turn % 2 else (2, 1):
                with local_cluster(workers, threads=1) as client:
                    seconds_of(client, Nothing(), [()] * 8)
                    taken[workers] = seconds_of(client, Pass(), calls)
            quantity = "speed-up of two workers over one"
            rows.append({"quantity": quantity, "turn": turn, "value": taken[1] / taken[2]})
    return pd.DataFrame(rows)


def parts(size: int = SIZE, large: tuple[int, int] = LARGE, repeats: int = REPEATS) -> pd.DataFrame:
    """Median seconds of one core for each part of the work on a photo, by network."""
    use_cores(1)
    median = functools.partial(nst.machine.measure, repeats=repeats)
    with tempfile.TemporaryDirectory() as folder:
        photo, target = Path(folder) / "photo.jpg", Path(folder) / "painted.png"
        nst.save_image(photo, nst.resize(nst.photo("coffee"), large))
        image = nst.load_image(photo, size=size)
        decode = median(lambda: nst.load_image(photo, size=size)).median
        rows = []
        for network, width in WIDTHS.items():
            load = functools.partial(nst.load_engine, STYLE, width=width)
            engine = load()
            painted = engine.stylize(image)
            row = {"network": network, "size": size, "load": median(load).median, "decode": decode}
            row |= {"pass": median(lambda engine=engine: engine.stylize(image)).median}
            row |= {"write": median(lambda image=painted: nst.save_image(target, image)).median}
            rows.append(row)
    return pd.DataFrame(rows)


def plan(
    seconds: Mapping[str, float], overhead: float, hosts: int, *, cores: int = CORES
) -> dict[str, float | str]:
    """What so many hosts do, from what one core takes.

    A worker takes decode + pass + write seconds for a photo. The scheduler and the client, one process each, take
    `overhead` seconds for a call, whatever the number of workers: no more photos a second than 1 / overhead.

    Args:
        seconds: of load, decode, pass and write.
        overhead: seconds of Dask for a call.
        hosts: how many.
        cores: of each, a worker on every one.

    Returns:
        photos_a_second; hours, host_hours and cost of a million photos, each worker having loaded its network; `limit`,
        what takes longest: "pass", "decode", "write" or "dask".
    """
    work = {part: seconds[part] for part in ("decode", "pass", "write")}
    by_workers, by_dask = hosts * cores / sum(work.values()), 1 / overhead
    rate = min(by_workers, by_dask)
    hours = (MILLION / rate + seconds["load"]) / 3600
    return {
        "hosts": hosts,
        "photos_a_second": rate,
        "hours": hours,
        "host_hours": hours * hosts,
        "cost": hours * hosts * PRICE,
        "limit": "dask" if by_dask < by_workers else max(work, key=work.__getitem__),
    }


def plans(table: pd.DataFrame, overhead: float) -> pd.DataFrame:
    """One row for each network and number of hosts.

    `decode_limits_from` is the speed of an engine, in photos a second and core, above which a core decodes longer than
    it paints.
    """
    rows = [
        {"network": row["network"], **plan(row, overhead, hosts)}
        | {"decode_limits_from": 1 / row["decode"]}
        for row in table.to_dict("records")
        for hosts in HOSTS
    ]
    return pd.DataFrame(rows)


def main() -> None:
    results = full_results(seed=None)
    turns = pd.concat([overheads(), speedups()])
    table = nst.study.median_ranges(turns, ["quantity"], ["value"], quantiles=(0.25, 0.75))
    caption = f"Dask beside a plain loop, and two workers beside one: {TURNS} turns."
    results.table("benchmark_cluster", table, caption=caption)
    measured = nst.machine.in_fresh_process(parts)
    caption = f"Seconds of one core for a photo of 12 megapixels painted at {SIZE} px."
    results.table("benchmark_cluster_parts", measured, caption=caption)
    overhead = turns[turns["quantity"].str.contains("1 MB")]["value"].median() / 1000
    planned = plans(measured, float(overhead))
    caption = f"A million photos at {SIZE} px, computed; hosts of {CORES} cores at {PRICE} an hour."
    results.table("benchmark_cluster_plan", planned, caption=caption)
    for each in (table, measured, planned):
        print(each.to_string(index=False))


if __name__ == "__main__":
    main()
