"""How much memory a method needs, and a refusal before the machine runs out of it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import psutil

from nstlib.arguments import check_count
from nstlib.errors import ImageError
from nstlib.images import MIN_SIDE

# Fixed bytes, and bytes for each pixel of the photo, by method: from results/tables/benchmark_memory.csv, a little on
# the safe side for Gatys.
_MEASURED = {
    "johnson": (0, 1160),
    "johnson slim": (19 * 10**6, 295),
    "openvino": (0, 580),
    "openvino slim": (5 * 10**6, 180),
    "gatys": (40 * 2**20, 2700),
}
_MEASURED["hybrid"] = _MEASURED["gatys"]
# What paints in less.
_SLIM = {
    "johnson": "johnson slim",
    "openvino": "openvino slim",
    "gatys": "johnson slim",
    "hybrid": "johnson slim",
}

_most: int | None = None  # see `limit_memory`
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")
# Of version 2 and version 1: the folder below that of all, the files of limit and use, and what of the use is only kept
# from files and given up for whoever needs it, a line of memory.stat.
_VERSIONS = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
# What TensorFlow, JAX and OpenVINO say; none of them raises a MemoryError.
_EXHAUSTED = ("RESOURCE_EXHAUSTED", "bad_alloc", "bad allocation", "out of memory")


def estimate_memory(height: int, width: int, *, method: str) -> int:
    """Bytes by which the memory of the process grows at its peak, beyond what the loaded libraries and weights hold.

    For TensorFlow without a GPU. Within 25% of what benchmarks/memory.py measured on one machine, in three runs each:
    a network at 256 to 2,048 pixels a side, Gatys at 256 to 1,024. After a hundred steps Gatys begins to keep up to 480
    bytes a pixel more, and is within 25% still. The process itself takes about 0.9 GiB.

    Args:
        height, width: of the photo, in pixels.
        method: `"johnson"`, `"johnson slim"` (a network of a quarter of the width), `"openvino"`,
            `"openvino slim"` (the same on that engine), `"gatys"` or `"hybrid"`.

    Raises:
        ValueError: an unknown method, or a side that is not a whole number above 0.
    """
    if method not in _MEASURED:
        raise ValueError(f"method: {method!r} is not one of {', '.join(_MEASURED)}")
    for name, side in (("height", height), ("width", width)):
        check_count(side, name, least=1)
    fixed, each = _MEASURED[method]
    return fixed + each * height * width


def check_memory(height: int, width: int, *, method: str) -> None:
    """Refuses a photo for which the memory that is free now cannot suffice.

    Raises:
        ImageError: with what is needed, what is free, the largest size of this shape that fits, and what a slim network
            could paint in its place.
        ValueError: as `estimate_memory`.
    """
    needed, free = estimate_memory(height, width, method=method), free_memory()
    if needed <= free:
        return
    size = _largest(height, width, method, free)
    fits = (
        f"the largest of this shape that fits has {size[0]} x {size[1]} px (--size {max(size)})"
        if size
        else "no size of this shape fits"
    )
    slim = _SLIM.get(method)
    size = slim and _largest(height, width, slim, free)
    less = f"; a slim network (--slim, width=0.25) paints {size[0]} x {size[1]} px" if size else ""
    raise ImageError(
        f"photo: {width} x {height} px need about {needed / 2**30:.1f} GiB by the method {method!r}, and "
        f"{free / 2**30:.1f} GiB are free; {fits}{less}"
    )


def free_memory() -> int:
    """Bytes that this process may still take: of the machine, of its container, and by its own limit."""
    return min([psutil.virtual_memory().available, *_container_room(), *_process_room()])


def limit_memory(most: int | None) -> None:
    """Says that this process is ended by another when it takes more; from then on `check_memory` counts with it.

    Args:
        most: bytes in all, with the loaded libraries; None is no such limit.
    """
    global _most
    _most = most


def is_exhaustion(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, in whichever words the backend has for it."""
    if isinstance(error, MemoryError):
        return True
    # By its name: whoever asks may run without TensorFlow, whose error it is.
    if any(each.__name__ == "ResourceExhaustedError" for each in type(error).__mro__):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(each.lower() in text for each in _EXHAUSTED)


@contextmanager
def within_memory(height: int, width: int, *, method: str) -> Iterator[None]:
    """Refuses a photo that is too large for the memory, before the body works on it or when it runs out in there.

    Args:
        height, width: of the photo, in pixels.
        method: as for `estimate_memory`.

    Raises:
        ImageError: as `check_memory` before, as `explain_exhaustion` in the midst of it.
        ValueError: as `estimate_memory`.
    """
    check_memory(height, width, method=method)
    with explain_exhaustion(height, width):
        yield


@contextmanager
def explain_exhaustion(height: int, width: int) -> Iterator[None]:
    """Says in the library's words that the memory did not suffice for a photo after all.

    Args:
        height, width: of the photo, in pixels.

    Raises:
        ImageError: in place of what the body raised for want of memory.
    """
    try:
        yield
    except Exception as error:
        if not is_exhaustion(error):
            raise
        raise ImageError(
            f"photo: the memory ran out at {width} x {height} px; a smaller --size, or a slim network (--slim, "
            "width=0.25), takes less"
        ) from error


def _largest(height: int, width: int, method: str, free: int) -> tuple[int, int] | None:
    """Width and height of the largest photo of this shape that fits, no larger than this one; None if none does."""
    fixed, each = _MEASURED[method]
    share = min(1.0, math.sqrt(max(0, free - fixed) / (each * height * width)))
    longer = max(height, width)
    # Sides are rounded as by `resize`, which may be upwards: then it is a little less that fits.
    for side in range(math.floor(longer * share), 0, -1):
        size = round(width * side / longer), round(height * side / longer)
        if min(size) < MIN_SIDE:
            return None
        if fixed + each * size[0] * size[1] <= free:
            return size
    return None


# --- limits ------------------------------------------------------------------------------------


def _process_room() -> list[int]:
    """What is left of the limits of this process; nothing where it has none."""
    room = _address_room()
    if _most is not None:
        room.append(max(0, _most - psutil.Process().memory_info().rss))
    return room


def _address_room() -> list[int]:
    """What the address space may still grow by (`ulimit -v`); nothing where it has no limit."""
    try:
        import resource
    except ImportError:  # on Windows
        return []
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return []
    return [max(0, limit - psutil.Process().memory_info().vms)]


def _container_room() -> list[int]:
    """What each control group around this process may still take; nothing for those without a limit."""
    found = []
    for (mount, limit, usage, kept), path in zip(_VERSIONS, _own_paths(), strict=True):
        # The limits of those above hold as well. In a container the path may be that outside, which is not to be seen;
        # its own limit stands at the top then.
        for group in (path, *path.parents):
            folder = _CGROUPS / mount / group.relative_to("/")
            with suppress(OSError, ValueError):  # not there, or "max"
                most = int((folder / limit).read_text())
                used = int((folder / usage).read_text()) - _kept_from_files(folder, kept)
                found.append(max(0, most - used))
    return found


def _own_paths() -> tuple[PurePosixPath, PurePosixPath]:
    """The control group of this process, of version 2 and of version 1, seen from the top."""
    two, one = "/", "/"
    with suppress(OSError):
        for line in _OWN_CGROUPS.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if ".." in path:  # outside of what this process can see
                continue
            if number == "0" and not controllers:
                two = path
            elif "memory" in controllers.split(","):
                one = path
    return PurePosixPath(two), PurePosixPath(one)


def _kept_from_files(folder: Path, name: str) -> int:
    with suppress(OSError, ValueError):
        for line in (folder / "memory.stat").read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
