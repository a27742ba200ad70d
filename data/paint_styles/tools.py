"""What all painters use: colours, noise, light on a relief, outlines and paths.

Everything is drawn at twice the asked size and averaged down. All lengths are in units of the short side of the picture
and none depends on the number of pixels, so a small painting is a thumbnail of the large one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

SUPERSAMPLING = 2

Array = np.ndarray
Draw = ImageDraw.ImageDraw
Rng = np.random.Generator


class Scene(NamedTuple):
    """What a painter paints after: colours (H, W, 3) and the direction of the strokes (H, W)."""

    colours: Array
    angles: Array


def rgb(*codes: str) -> Array:
    """Hex codes such as "c8102e" as an (n, 3) float32 array in [0, 1]."""
    values = [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes]
    return np.array(values, dtype=np.float32) / 255


def mix(first: Array, second: Array, amount: Array | float) -> Array:
    """Blend two colours or images; `amount` (...,) is clipped to [0, 1], 1 giving `second`."""
    amount = np.clip(np.asarray(amount, dtype=np.float32), 0, 1)[..., None]
    return first + (second - first) * amount


def within(mask: Array, inside: Array, outside: Array) -> Array:
    """Colours `inside` where `mask` (H, W) holds, `outside` elsewhere."""
    return np.where(mask[..., None], inside, outside)


def ramp(stops: Array, position: Array) -> Array:
    """Colours (..., 3) at `position` in [0, 1] along evenly spaced `stops` (n, 3)."""
    at = np.clip(position, 0, 1) * (len(stops) - 1)
    low = np.minimum(at.astype(int), len(stops) - 2)
    return mix(stops[low], stops[low + 1], at - low)


def smoothstep(value: Array, low: float | Array, high: float | Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between; `low` > `high` turns it round."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def coordinates(height: int, width: int) -> tuple[Array, Array]:
    """y and x of every pixel, each (H, W) float32, in units of the short side."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    unit = min(height, width)
    return (y + 0.5) / unit, (x + 0.5) / unit


def noise(
    rng: Rng, height: int, width: int, *, cells: float, octaves: int, stretch: float = 1.0
) -> Array:
    """Fractal noise (H, W), mean 0 and deviation 1.

    It has `cells` blobs along the short side, `stretch` times as wide as high.
    """
    unit = min(height, width)
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        rows = max(2, round(cells * 2**octave * height / unit))
        columns = max(2, round(cells * 2**octave * width / unit / stretch))
        lattice = rng.standard_normal((rows, columns)).astype(np.float32)
        layer = Image.fromarray(lattice).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer) * 0.5**octave
    return (total - total.mean()) / total.std()


def waviness(rng: Rng, x: Array, *, waves: Sequence[float]) -> Array:
    """A wandering line over `x`: sines of `waves` cycles a unit, each fainter than the last."""
    phases = rng.uniform(0, 2 * np.pi, len(waves))
    pairs = enumerate(zip(waves, phases, strict=True))
    return np.sum([np.sin(2 * np.pi * k * x + p) / (i + 1) for i, (k, p) in pairs], axis=0)


def emboss(relief: Array, strength: float) -> Array:
    """Light (H, W) in (-1, 1) that falls from the upper left on `relief`: 0 where it is flat."""
    slope = ndimage.sobel(relief, axis=0) + ndimage.sobel(relief, axis=1)
    return np.tanh(slope * strength / 8)


def shrink(image: Array) -> Array:
    """The last step of every painter: average blocks of pixels of (H, W, 3) and clip to [0, 1]."""
    height, width = (side // SUPERSAMPLING for side in image.shape[:2])
    blocks = image.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING, 3)
    return np.clip(blocks.mean(axis=(1, 3)), 0, 1).astype(np.float32)


def as_fill(colour: Array) -> tuple[int, ...]:
    """A colour in [0, 1] as Pillow wants it."""
    return tuple(int(value) for value in np.clip(colour * 255, 0, 255))


def fill_polygon(draw: Draw, points: Array, fill: int | tuple[int, ...]) -> None:
    """Fill the polygon with corners `points` (n, 2), x and y in pixels."""
    draw.polygon([tuple(point) for point in points.tolist()], fill=fill)


def coverage(picture: Image.Image) -> Array:
    """A one-channel drawing as (H, W) float32 in [0, 1]."""
    return np.asarray(picture, dtype=np.float32) / 255


def ribbon(points: Array, widths: Array) -> Array:
    """Outline (2n, 2) of a line through `points` (n, 2) that is `widths` (n,) thick."""
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * widths[:, None] / 2
    return np.concatenate([points + across, (points - across)[::-1]])


def turned(points: Array | Sequence, *, x: float, y: float, angle: float, size: float) -> Array:
    """Points (n, 2), along and across an axis, scaled by `size`, turned and moved to (x, y)."""
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    return np.asarray(points) * size @ turn + (x, y)


def sample(image: Array, points: Array) -> Array:
    """The pixels of `image` (H, W, ...) at or next to `points` (n, 2), x and y in pixels."""
    column, row = points.astype(int).T
    return image[np.clip(row, 0, image.shape[0] - 1), np.clip(column, 0, image.shape[1] - 1)]


def trace(start: Array, angles: Array, *, length: Array, steps: int) -> Array:
    """Follow the directions `angles` (H, W) from `start` (n, 2), half of `length` (n,) pixels each way.

    The paths are (n, 2 * steps + 1, 2), as x and y in pixels.
    """
    stride = (length / (2 * steps))[:, None]
    halves = []
    for sign in (-1, 1):
        point, half, heading = start, [], None
        for _ in range(steps):
            angle = sample(angles, point)
            turn = np.stack([np.cos(angle), np.sin(angle)], axis=1)
            # an angle names a line, not a direction on it: never turn back
            back = (
                sign if heading is None else np.sign((turn * heading).sum(axis=1)[:, None] + 1e-9)
            )
            heading = turn * back
            point = point + stride * heading
            half.append(point)
        halves.append(half)
    return np.stack([*halves[0][::-1], start, *halves[1]], axis=1)


def along_contours(field: Array) -> Array:
    """Angle (H, W) of the contour lines of `field`, in [-pi/2, pi/2]."""
    down, right = np.gradient(field)
    angle = np.arctan2(right, -down)
    return np.where(np.abs(angle) > np.pi / 2, angle - np.sign(angle) * np.pi, angle)
