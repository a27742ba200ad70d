"""Many photos: one after the other, on worker processes of this machine, or on a Dask cluster.

The same function paints each photo in all three.
"""

import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
import numpy as np

from nstlib.cli.common import REFUSED
from nstlib.decoding import check_is_file
from nstlib.errors import NstError
from nstlib.files import replacing

#: Reads a photo and writes the picture painted of it.
Paint = Callable[[Path, Path], None]
#: The file to write for a photo; raises what is wrong with it.
TargetOf = Callable[[Path], Path]
Outcomes = Iterator[tuple[Path, Exception | None]]


def paint_in_turn(paint: Paint, photos: Iterable[Path], target_of: TargetOf) -> Outcomes:
    """Each photo and what went wrong with it; errors that a program makes, not a user, are raised."""
    for photo in photos:
        yield photo, _error_of(lambda photo=photo: paint(photo, target_of(photo)))


def paint_on_workers(
    paint: Paint,
    photos: Iterable[Path],
    target_of: TargetOf,
    *,
    workers: int,
    threads: int | None,
    force: bool,
) -> Outcomes:
    """On processes of this machine, which read and write the files themselves: photos go by path."""
    from nstlib.machine.cluster import local_cluster, spread

    function = paint if force else functools.partial(_paint_missing, paint)
    with local_cluster(workers, threads=threads) as client:
        yield from spread(client, function, photos, lambda photo: (photo, target_of(photo)))


def paint_on_cluster(
    paint: Paint, photos: Iterable[Path], target_of: TargetOf, *, scheduler: str
) -> Outcomes:
    """On other hosts, which need not see the files: photos go by bytes, and what comes back is written here."""
    from nstlib.machine.cluster import connected, spread

    targets: dict[Path, Path] = {}

    def arguments(photo):
        check_is_file(photo)
        targets[photo] = target_of(photo)
        return photo.name, np.fromfile(photo, np.uint8), targets[photo].name

    with connected(scheduler) as client:
        function = functools.partial(_paint_bytes, paint)
        for photo, outcome in spread(client, function, photos, arguments):
            target = targets.pop(photo, None)
            if isinstance(outcome, bytes):
                outcome = _error_of(functools.partial(_write, target, outcome))
            yield photo, outcome


def _paint_missing(paint: Paint, photo: Path, target: Path) -> None:
    """A worker may have died after it wrote the picture, and before it could say so."""
    if not target.exists():
        paint(photo, target)


def _paint_bytes(paint: Paint, name: str, content: np.ndarray, target_name: str) -> bytes:
    """What `paint` writes for a file of this name and content."""
    with tempfile.TemporaryDirectory() as folder:
        photo, target = (Path(folder, *each) for each in (("in", name), ("out", target_name)))
        photo.parent.mkdir()
        target.parent.mkdir()
        photo.write_bytes(content)
        try:
            paint(photo, target)
        except NstError as error:  # whose text names a file that is gone by the time it is read
            raise type(error)(str(error).replace(f"{photo}: ", "")) from error
        return target.read_bytes()


def _write(target: Path, content: bytes) -> None:
    with replacing(target) as temporary:
        temporary.write_bytes(content)


def _error_of(call: Callable[[], None]) -> Exception | None:
    try:
        call()
    except (*REFUSED, click.UsageError) as error:
        return error
    return None
