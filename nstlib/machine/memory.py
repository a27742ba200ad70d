"""How much memory a method needs, and a refusal before the machine runs out of it."""

import math

import psutil

from nstlib.arguments import check_count
from nstlib.errors import ImageError

# Fixed bytes, and bytes for each pixel of the photo, by method: from results/tables/benchmark_memory.csv, a little on
# the safe side for Gatys.
_MEASURED = {"johnson": (0, 1000), "johnson slim": (0, 225), "gatys": (40 * 2**20, 2700)}
_MEASURED["hybrid"] = _MEASURED["gatys"]


def estimate_memory(height: int, width: int, *, method: str) -> int:
    """Bytes by which the memory of the process grows at its peak, beyond what the loaded libraries and weights hold.

    For TensorFlow without a GPU. Within 25% of what benchmarks/memory.py measured on one machine, in three runs each:
    a network at 256 to 2,048 pixels a side, Gatys at 256 to 1,024. The process itself takes about 0.9 GiB.

    Args:
        height, width: of the photo, in pixels.
        method: `"johnson"`, `"johnson slim"` (a network of a quarter of the width), `"gatys"` or `"hybrid"`.

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
        ImageError: with what is needed, what is free, and the largest size of this shape that fits.
        ValueError: as `estimate_memory`.
    """
    needed, free = estimate_memory(height, width, method=method), psutil.virtual_memory().available
    if needed <= free:
        return
    fixed, each = _MEASURED[method]
    share = math.sqrt(max(0, free - fixed) / (each * height * width))
    raise ImageError(
        f"photo: {width} x {height} px need about {needed / 2**30:.1f} GiB by the method {method!r}, and "
        f"{free / 2**30:.1f} GiB are free; the largest of this shape that fits has "
        f"{math.floor(width * share)} x {math.floor(height * share)} px"
    )
