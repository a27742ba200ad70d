"""Paint the style images of this project from scratch.

Six small painters, each a pure function of a random generator and a size, that imitate six ways of
making marks: leaded glass, brush, woodblock, faceted planes, dots and gouge. Everything is drawn at
twice the asked size and averaged down. All lengths are in units of the short side of the picture
and none depends on the number of pixels, so a small painting is a thumbnail of the large one.

    python data/paint_styles.py                        # all of them, into data/styles/
    python data/paint_styles.py linocut --out prints   # one of them, into prints/
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

HEIGHT, WIDTH = 768, 1024
QUALITY = 92
SUPERSAMPLING = 2

Array = np.ndarray
Draw = ImageDraw.ImageDraw
Rng = np.random.Generator

# --------------------------------------------------------------------------------------------------
# Shared helpers
# --------------------------------------------------------------------------------------------------


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
    """Fractal noise (H, W), mean 0 and deviation 1: `cells` blobs along the short side, `stretch`
    times as wide as high."""
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
    """Follow the directions `angles` (H, W) from `start` (n, 2), half of `length` (n,) pixels each
    way: (n, 2 * steps + 1, 2) as x, y."""
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


# --------------------------------------------------------------------------------------------------
# Stained glass
# --------------------------------------------------------------------------------------------------

# fmt: off
BLOSSOMS = (
    # centre x, centre y, radius, petals, point (low is round), colours from the heart outwards
    (0.84, 0.36, 0.37, 13, 0.6, ("ffd84f", "f58220", "e8321f", "cf1440", "a01350")),
    (0.25, 0.20, 0.28, 10, 1.5, ("fff2b8", "ffd23f", "f9a02a", "ef6a1e", "c9301f")),
    (0.36, 0.80, 0.30, 12, 0.8, ("ffe27a", "f9a8bd", "e0509c", "a82590", "56208c")),
    (1.24, 0.88, 0.26, 9, 1.3, ("fff6cf", "ffe05c", "fbb62a", "ee7d1e", "c9401c")),
    (1.31, 0.08, 0.16, 7, 0.7, ("ffe27a", "f7b7cf", "ec70a4", "d1447f", "9c1f5c")),
)
LEAVES = (
    # root x, root y, heading in turns, length
    (0.60, 0.62, 0.36, 0.26), (0.62, 0.66, 0.12, 0.24), (0.52, 0.38, 0.56, 0.24),
    (1.12, 0.60, 0.93, 0.26), (1.02, 0.70, 0.16, 0.26), (0.10, 0.50, 0.90, 0.30),
    (0.06, 0.60, 0.33, 0.24), (0.76, 0.80, 0.10, 0.25), (0.60, 0.12, 0.80, 0.20),
    (1.14, 0.20, 0.96, 0.22), (0.05, 0.02, 0.05, 0.20), (0.86, 0.88, 0.30, 0.20),
)
# fmt: on
PETAL_RINGS = ((1.0, 0.22, 0.0), (0.73, 0.17, 0.5), (0.50, 0.12, 0.0), (0.30, 0.05, 0.5))
SKY_GLASS = rgb("10257e", "1746b8", "2079dc", "29a3d6", "1aa6a0", "1d8f83", "1a6fa8", "233f9c")
SPICE_GLASS = rgb("7a35b0", "f0bf3a", "a6dcf0", "5a2aa0")
LEAF_GLASS = rgb("0b5d33", "2f9a3a", "a4cc35")


def blossom_panes(y: Array, x: Array, blossom: tuple) -> Array:
    """Pane number (H, W), -1 outside, of one of BLOSSOMS: rings of petals, then the heart."""
    cx, cy, radius, petals, point, _ = blossom
    r = np.hypot(x - cx, y - cy) / radius
    turn = np.arctan2(y - cy, x - cx) / (2 * np.pi) * petals + cx
    pane = np.full(y.shape, -1)
    for ring, (size, bulge, shift) in enumerate(PETAL_RINGS):
        lobe = np.abs(np.cos(np.pi * (turn + shift)))
        petal = np.floor(turn + shift + 0.5).astype(int) % petals
        pane = np.where(r < size * (1 - bulge + bulge * lobe**point), ring * petals + petal, pane)
    return np.where(r < 0.13, len(PETAL_RINGS) * petals, pane)


def leaf_panes(y: Array, x: Array, leaf: tuple[float, float, float, float]) -> Array:
    """Pane number (H, W), -1 outside, of one of LEAVES: its two halves."""
    cx, cy, heading, length = leaf
    cos, sin = np.cos(2 * np.pi * heading), np.sin(2 * np.pi * heading)
    along = ((x - cx) * cos + (y - cy) * sin) / length
    across = ((y - cy) * cos - (x - cx) * sin) / length - 0.10 * np.sin(np.pi * along)
    girth = 0.23 * np.sin(np.pi * np.clip(along, 0, 1)) ** 0.8
    inside = (np.abs(across) < girth) & (along > 0) & (along < 1)
    return np.where(inside, (across > 0).astype(int), -1)


def glass_panes(rng: Rng, y: Array, x: Array) -> tuple[Array, Array]:
    """Pane number (H, W) and colour of each pane (n, 3): a Voronoi ground, leaves, then flowers."""
    y = y + 0.010 * noise(rng, *y.shape, cells=3, octaves=2)
    x = x + 0.010 * noise(rng, *x.shape, cells=3, octaves=2)
    lattice = np.meshgrid(np.arange(-0.05, 1.5, 0.086), np.arange(-0.05, 1.1, 0.086))
    seeds = np.stack(lattice, axis=-1).reshape(-1, 2)
    seeds = seeds + rng.uniform(-0.040, 0.040, seeds.shape)
    pixels = np.stack([x, y], axis=-1).reshape(-1, 2)
    label = cKDTree(seeds).query(pixels)[1].reshape(y.shape)
    ground = ramp(SKY_GLASS, seeds[:, 1] * 0.95 + rng.normal(0, 0.12, len(seeds)))
    spice = rng.uniform(size=len(seeds)) < 0.14
    ground[spice] = SPICE_GLASS[rng.integers(0, len(SPICE_GLASS), spice.sum())]
    tints, total = [ground], len(seeds)
    for leaf in LEAVES:
        pane = leaf_panes(y, x, leaf)
        label = np.where(pane >= 0, total + pane, label)
        tints.append(ramp(LEAF_GLASS, rng.uniform(0, 0.45) + np.array([0.0, 0.5])))
        total += 2
    for blossom in BLOSSOMS:
        pane = blossom_panes(y, x, blossom)
        label = np.where(pane >= 0, total + pane, label)
        rings = np.repeat([4, 3, 2, 1, 0], [blossom[3]] * len(PETAL_RINGS) + [1])
        tints.append(rgb(*blossom[5])[rings] * rng.uniform(0.82, 1.18, (len(rings), 1)))
        total += len(rings)
    return label, np.clip(np.concatenate(tints), 0, 1)


def streaky_glass(rng: Rng, label: Array, tints: Array, y: Array, x: Array) -> Array:
    """Glass (H, W, 3), its streaks in a direction of their own in each pane, lit from behind."""
    height, width = y.shape
    count = len(tints)
    area = np.maximum(np.bincount(label.ravel(), minlength=count), 1)
    cx = np.bincount(label.ravel(), x.ravel(), count) / area
    cy = np.bincount(label.ravel(), y.ravel(), count) / area
    angle = rng.uniform(0, np.pi, count)
    cos, sin = np.cos(angle)[label], np.sin(angle)[label]
    across = (x - cx[label]) * cos + (y - cy[label]) * sin
    along = (y - cy[label]) * cos - (x - cx[label]) * sin
    sheet = noise(rng, 1024, 1024, cells=26, octaves=5, stretch=7)
    place = rng.uniform(300, 724, (2, count))
    row = np.clip(place[0][label] + across * 1000, 0, 1023).astype(int)
    column = np.clip(place[1][label] + along * 1000, 0, 1023).astype(int)
    streak = sheet[row, column]
    ripple = emboss(noise(rng, height, width, cells=70, octaves=2), 2.6 * height / 1536)
    size = np.sqrt(area / min(height, width) ** 2)[label]
    slope = rng.uniform(0.1, 0.5, count)[label] * across / size
    partner = np.clip(tints[:, [1, 2, 0]] * 0.25 + tints * 0.75, 0, 1)
    opal = np.clip(tints * 0.55 + 0.45, 0, 1)
    glass = mix(tints[label], partner[label], smoothstep(streak, -0.2, -1.3) * 0.75)
    glass = mix(glass, opal[label], smoothstep(streak, 0.3, 1.5) * 0.8)
    return glass * (1 + slope + 0.10 * streak + 0.10 * ripple)[..., None]


def paint_stained_glass(rng: Rng, height: int, width: int) -> Array:
    """Flowers of ruby, amber and violet glass on cobalt and turquoise panes, in dark leading."""
    h, w = SUPERSAMPLING * height, SUPERSAMPLING * width
    y, x = coordinates(h, w)
    label, tints = glass_panes(rng, y, x)
    glass = streaky_glass(rng, label, tints, y, x)
    edge = np.zeros(label.shape, dtype=bool)
    edge[1:] |= label[1:] != label[:-1]
    edge[:, 1:] |= label[:, 1:] != label[:, :-1]
    distance = ndimage.distance_transform_edt(~edge).astype(np.float32) / min(h, w)
    distance /= 0.0066 + 0.0010 * noise(rng, h, w, cells=10, octaves=2)
    # from here on the edge of the lead is at distance 1; soot gathers beside it
    glass = glass * (0.55 + 0.45 * smoothstep(distance, 0.8, 2.1))[..., None]
    glow = ndimage.gaussian_filter(glass, (h / 60, h / 60, 0))
    dome = np.sqrt(np.clip(1 - distance**2, 0, 1))
    shine = np.clip(emboss(ndimage.gaussian_filter(dome, h / 1100), 5), 0, 1)
    lead = rgb("121017") * (0.8 + 0.25 * noise(rng, h, w, cells=60, octaves=2))[..., None]
    lead = lead + 0.06 * glow + 0.38 * shine[..., None] * rgb("8d93a3")
    return shrink(mix(lead, glass + 0.08 * glow, smoothstep(distance, 0.95, 1.05)))


# --------------------------------------------------------------------------------------------------
# Brush flow
# --------------------------------------------------------------------------------------------------

# fmt: off
DUSK = rgb("082c3a", "104a56", "17706f", "3f9c8e", "93c4ab", "f3dfa6", "efb04e", "dd6a30")
WHIRLS = (
    # centre x, centre y, size, strength
    (0.30, 0.25, 0.13, 2.4), (0.60, 0.17, 0.08, 1.9), (0.62, 0.42, 0.10, 1.3),
    (0.02, 0.30, 0.10, 1.5), (1.27, 0.13, 0.09, 2.0), (1.00, 0.36, 0.15, 4.5),
)
FIELDS = (
    # height of the ridge, its swell, colours of the furrows
    (0.52, 0.035, ("17434e", "2f6f78", "6fa79a", "2b5f6c")),
    (0.60, 0.040, ("9c4a25", "d9822b", "edb64a", "7d3a22")),
    (0.71, 0.045, ("0f4a4a", "3a8172", "c9a640", "1c5f5a")),
    (0.84, 0.050, ("c23a1e", "e8a838", "f1d488", "8a2f1c", "0f4348")),
)
CYPRESSES = ((0.245, 0.33, 0.060), (0.055, 0.38, 0.055), (0.145, 0.10, 0.085), (1.255, 0.42, 0.045))
# fmt: on


def dusk_sky(rng: Rng, y: Array, x: Array) -> Scene:
    """A sky whose colours run in bands along its whirls, and a low sun."""
    stream = 5.5 * y + 0.35 * noise(rng, *y.shape, cells=2, octaves=2)
    for cx, cy, size, strength in WHIRLS:
        away = np.hypot(x - cx, y - cy) / size
        stream = stream + strength * np.exp(-(away**2) / 2)
    sun = np.hypot(x - 1.0, y - 0.36)
    bands = 0.11 * np.sin(stream * 7) + 0.075 * np.sin(stream * 13 + 1)
    colours = ramp(DUSK, y * 1.62 + 0.02 + bands + 0.22 * np.exp(-((sun / 0.22) ** 2)))
    crests = np.sin(stream * 5.2)
    colours = mix(colours, rgb("f7ecc6"), 0.85 * (crests > 0.72))
    colours = mix(colours, rgb("e2602c"), 0.9 * (crests < -0.90) * smoothstep(y, 0.05, 0.2))
    colours = mix(colours, rgb("fff3cf"), smoothstep(sun, 0.16, 0.10))
    colours = mix(colours, rgb("f0682f"), smoothstep(sun, 0.105, 0.085))
    colours = mix(colours, rgb("d8341f"), smoothstep(sun, 0.06, 0.045))
    return Scene(colours, along_contours(stream))


def dusk_scene(rng: Rng, height: int, width: int) -> Scene:
    """Ploughed fields and cypresses under a whirling sky."""
    y, x = coordinates(height, width)
    colours, angles = dusk_sky(rng, y, x)
    for base, swell, codes in FIELDS:
        depth = y - base - swell * waviness(rng, x, waves=(0.6, 1.3, 2.9))
        furrows = depth * 26 + 1.2 * noise(rng, height, width, cells=2.5, octaves=2) + 5 * x
        tint = ramp(rgb(*codes), 0.5 + 0.5 * np.sin(furrows * 1.3))
        tint = mix(tint, rgb("0c2f38"), smoothstep(depth, 0.012, 0))
        colours = within(depth > 0, tint, colours)
        angles = np.where(depth > 0, along_contours(furrows), angles)
    for cx, top, girth in CYPRESSES:
        down = np.clip((y - top) / (0.82 - top), 0.002, 1)
        sway = cx + 0.016 * np.sin(y * 13 + cx * 40) * np.sqrt(down)
        side = (x - sway) / (girth * down**0.6 * (1.25 - down**3))
        inside = (np.abs(side) < 1) & (y > top) & (y < 0.82)
        lights = 0.4 - 0.25 * side + 0.3 * np.sin(side * 7 + y * 9)
        leaf = ramp(rgb("06191f", "0b3236", "17574f", "3d8063", "c59a35"), lights)
        colours = within(inside, leaf, colours)
        flames = along_contours(side + 0.15 * np.sin(y * 24 + 3 * side))
        angles = np.where(inside, flames, angles)
    return Scene(colours, angles)


def brush_layer(
    rng: Rng, canvas: Draw, relief: Draw, scene: Scene, *, girth: float, reach: float, coats: float
) -> None:
    """Cover the canvas `coats` times with strokes of `girth` by `reach`, bristle by bristle."""
    height, width = scene.angles.shape
    unit = min(height, width)
    count = round(coats * (height / unit) * (width / unit) / (girth * reach))
    start = rng.uniform((0, 0), (width, height), (count, 2))
    lengths = reach * unit * rng.uniform(0.6, 1.3, count)
    paths = trace(start, scene.angles, length=lengths, steps=7)
    tints = sample(scene.colours, start)
    tints = tints * rng.uniform(0.86, 1.14, (count, 1)) + rng.normal(0, 0.028, (count, 3))
    hairs = int(np.clip(girth * 366, 3, 15))
    offsets = np.linspace(-0.5, 0.5, hairs) * girth * unit
    # the brush is set down fast and lifted slowly
    profile = np.sin(np.linspace(0.12, 0.93, paths.shape[1]) * np.pi) ** 0.45
    for path, tint in zip(paths, tints, strict=True):
        along = np.gradient(path, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        shade = rng.normal(0, 0.05, hairs) + np.linspace(-0.05, 0.05, hairs) * rng.choice((-1, 1))
        lift = rng.integers(0, 4, (hairs, 2))
        for hair in rng.permutation(hairs):
            line = path + normal * (offsets[hair] * profile)[:, None]
            line = line[lift[hair, 0] : len(line) - lift[hair, 1]]
            points = [tuple(point) for point in line.tolist()]
            thick = max(1, round(girth * unit / hairs * rng.uniform(0.9, 1.7)))
            paint = tint * (1 + shade[hair]) + shade[hair] * 0.4
            canvas.line(points, fill=as_fill(paint), width=thick)
            relief.line(points, fill=int(rng.integers(70, 255)), width=thick)


def paint_brush_flow(rng: Rng, height: int, width: int) -> Array:
    """Thick curved strokes of teal, ochre, vermilion and cream that follow a whirling dusk."""
    h, w = SUPERSAMPLING * height, SUPERSAMPLING * width
    scene = dusk_scene(rng, h, w)
    picture = Image.fromarray((np.clip(scene.colours, 0, 1) * 200).astype(np.uint8))
    heights = Image.new("L", (w, h), 60)
    canvas, relief = ImageDraw.Draw(picture), ImageDraw.Draw(heights)
    brush_layer(rng, canvas, relief, scene, girth=0.046, reach=0.260, coats=3.0)
    brush_layer(rng, canvas, relief, scene, girth=0.030, reach=0.190, coats=2.6)
    brush_layer(rng, canvas, relief, scene, girth=0.020, reach=0.135, coats=2.0)
    brush_layer(rng, canvas, relief, scene, girth=0.012, reach=0.085, coats=0.9)
    impasto = emboss(ndimage.gaussian_filter(coverage(heights), h / 1536), 7)
    return shrink(coverage(picture) * (1 + 0.34 * impasto)[..., None])


# --------------------------------------------------------------------------------------------------
# Woodblock wave
# --------------------------------------------------------------------------------------------------

PAPER, PALE, MIDDLE, INDIGO, PRUSSIAN, SUN, SKY_PALE, SKY_MIDDLE = range(8)
INKS = rgb("f3e7cb", "a9c4cd", "4f86ab", "24517f", "12305a", "e2502f", "d3dccf", "8fb4c2")
KEY_INK = rgb("0d1c38")
SUN_DISC = (0.97, 0.27, 0.15)
# A breaking wave, one long and one high, from the foot to the tip of its curl: back and hollow.
# fmt: off
WAVE_BACK = (
    (-0.25, -0.30), (0.02, 0.02), (0.22, 0.20), (0.36, 0.45), (0.46, 0.72), (0.60, 0.93),
    (0.78, 1.00), (0.93, 0.90), (0.99, 0.70),
)
WAVE_HOLLOW = (
    (1.45, -0.30), (1.12, 0.02), (0.92, 0.07), (0.77, 0.19), (0.69, 0.38), (0.69, 0.57),
    (0.77, 0.72), (0.89, 0.77), (0.99, 0.70),
)
WAVE_BANDS = (
    PRUSSIAN, MIDDLE, PAPER, PALE, INDIGO, PAPER, MIDDLE, PRUSSIAN, PALE, INDIGO, PAPER,
)
# fmt: on


class Print:
    """A print in the making: which ink each pixel takes, and the key block that carries the lines.

    Everything is laid over what is already there, and points are (n, 2), x and y in short sides."""

    def __init__(self, blocks: Array, key: Array) -> None:
        self.blocks, self.key = Image.fromarray(blocks), Image.fromarray(key)
        self._unit = min(self.blocks.size)
        self._colour, self._line = ImageDraw.Draw(self.blocks), ImageDraw.Draw(self.key)

    def area(self, points: Array, ink: int) -> None:
        """Fill a polygon."""
        fill_polygon(self._colour, points * self._unit, ink)
        fill_polygon(self._line, points * self._unit, 0)

    def disc(self, x: float, y: float, radius: float, ink: int, *, line: float = 0.0) -> None:
        """Fill a disc, with an outline `line` thick around it."""
        for size, key in ((radius + line, 255), (radius, 0)):
            box = np.array([x - size, y - size, x + size, y + size]) * self._unit
            self._colour.ellipse(box.tolist(), fill=ink)
            self._line.ellipse(box.tolist(), fill=key)

    def line(self, points: Array, thickness: float) -> None:
        """Leave a line standing that swells to `thickness` and tapers off at both ends."""
        swell = np.sin(np.linspace(0.08, 0.97, len(points)) * np.pi) ** 0.6
        outline = ribbon(points * self._unit, swell * thickness * self._unit)
        fill_polygon(self._line, outline, 255)


def print_sky(rng: Rng, height: int, width: int) -> Print:
    """A sheet with nothing but the sky: streaming bands, and a sun in its rings."""
    y, x = coordinates(height, width)
    cx, cy, radius = SUN_DISC
    distance = np.hypot(x - cx, y - cy)
    halo = distance < 1.7 * radius
    drift = 0.042 * noise(rng, height, width, cells=2.4, octaves=2, stretch=2.0)
    stream = np.where(halo, 38 * distance + 0.31, 24 * (y + drift) + 40)
    band = np.floor(stream).astype(int)
    streaks = np.array([SKY_PALE, PAPER, SKY_MIDDLE, PAPER, SKY_PALE])[rng.integers(0, 5, 100)]
    blocks = np.where(band % 2 == 0, SKY_MIDDLE, streaks[band % 100])
    blocks = np.where(halo, np.where(band % 2 == 0, PAPER, SKY_PALE), blocks)
    blocks = np.where(distance < radius, SUN, blocks)
    pace = np.hypot(*np.gradient(stream)) * min(height, width) + 1e-6
    swell = np.clip(0.85 + 0.45 * noise(rng, height, width, cells=4, octaves=2, stretch=4), 0.4, 2)
    key = np.zeros(y.shape, dtype=bool)
    for lines, thickness in ((1, 0.0021), (4, 0.0010)):
        gap = np.abs(stream * lines - np.round(stream * lines)) / lines / pace
        key |= gap < thickness * swell
    # where the halo meets the bands the stream jumps and its lines are false
    key &= (distance > radius) & (np.abs(distance - 1.7 * radius) > 0.002)
    key |= np.abs(distance - 1.7 * radius) < 0.0015
    key |= np.abs(distance - radius) < 0.002
    return Print(blocks.astype(np.uint8), key.astype(np.uint8) * 255)


def print_scales(rng: Rng, sheet: Print, *, top: float, bottom: float, radius: float) -> None:
    """Rows of seigaiha, the scales that stand for a calm sea, each row laid over the one behind."""
    aspect = sheet.blocks.width / min(sheet.blocks.size)
    darks, lights = (INDIGO, PRUSSIAN, MIDDLE), (PAPER, PAPER, PAPER)
    for number, y in enumerate(np.arange(top + radius, bottom + radius, radius / 2)):
        shift = (number % 2) * radius
        for x in np.arange(-radius, aspect + 2 * radius, 2 * radius) + shift:
            lift = 0.12 * radius * np.sin(x * 7 + number)
            first = rng.integers(0, 2) * 2
            for ring, size in enumerate((1.0, 0.86, 0.70, 0.55, 0.40, 0.26, 0.13)):
                inks = lights if ring % 2 else darks
                line = 0.0022 if ring == 0 else 0.0009
                ink = inks[(ring // 2 + first) % 3]
                sheet.disc(x, y + lift, radius * size, ink, line=line)


def print_wave(
    rng: Rng, sheet: Print, *, x: float, y: float, length: float, rise: float, bands: int = 11
) -> None:
    """A breaking wave with its foot at (x, y): bands that run together in the curl, and foam."""
    at, knots = np.linspace(0, 1, 90), np.linspace(0, 1, len(WAVE_BACK))
    back = CubicSpline(knots, WAVE_BACK)(at) * (length, -rise) + (x, y)
    hollow = CubicSpline(knots, WAVE_HOLLOW)(at) * (length, -rise) + (x, y)
    edges = np.linspace(0, 1, bands + 1) ** 0.9
    edges[1:-1] += rng.uniform(-0.25, 0.25, bands - 1) / bands
    curves = [back + (hollow - back) * edge for edge in edges]
    for number, (first, second) in enumerate(pairwise(curves)):
        sheet.area(np.concatenate([first, second[::-1]]), WAVE_BANDS[number % len(WAVE_BANDS)])
        middle = (first + second) / 2
        sheet.line(middle[rng.integers(0, 25) : rng.integers(45, 70)], 0.0020)
    for curve in curves[1:-1]:
        sheet.line(curve, rng.uniform(0.0022, 0.0042))
    sheet.line(back, rise * 0.020)
    sheet.line(hollow, rise * 0.020)
    print_foam(rng, sheet, back[34:], hollow[70:], rise=rise)


def foam_spots(rng: Rng, path: Array, *, size: float, dripping: bool) -> list[tuple]:
    """Discs (x, y, radius) that cover `path`, and fingers of foam that curl outward from it."""
    spots = []
    travelled = np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))
    for way in np.arange(0, travelled[-1], size * 0.62):
        step = np.searchsorted(travelled, way)
        ahead = path[min(step + 1, len(path) - 1)] - path[step]
        outward = np.array([ahead[1], -ahead[0]]) / (np.linalg.norm(ahead) + 1e-9)
        grown = size * (0.55 + 0.45 * step / len(path))
        for row in (-1.1, 0.1):
            spots.append((*(path[step] + outward * grown * row), grown * rng.uniform(0.65, 1.15)))
        if dripping and step > len(path) * 0.35:
            x, y = path[step]
            heading = np.arctan2(outward[1], outward[0]) + rng.uniform(0.2, 0.7)
            for drop in range(7):
                reach = grown * 0.62 * 0.88**drop
                x, y = x + reach * np.cos(heading), y + reach * np.sin(heading)
                heading += 0.22
                spots.append((x, y, grown * 0.55 * 0.82**drop))
    return spots


def print_foam(rng: Rng, sheet: Print, crest: Array, lip: Array, *, rise: float) -> None:
    """Lace of foam along `crest` and `lip` of a wave `rise` high, and spray flying ahead."""
    size, line = min(0.075 * rise, 0.030), 0.0018 + 0.003 * rise
    spots = foam_spots(rng, crest, size=size, dripping=True)
    spots += foam_spots(rng, lip, size=size, dripping=False)
    # outlines first and fillings after, so that only the rim of the whole mass keeps its line
    for x, y, radius in spots:
        sheet.disc(x, y, radius, PAPER, line=line)
    for x, y, radius in spots:
        sheet.disc(x, y, radius, PAPER)
    for x, y, radius in spots:
        turn = np.linspace(0, 2.4, 14) + rng.uniform(0, 1.2)
        arc = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        sheet.line(arc * 0.7 * radius + (x, y), line * 1.1)
    for _ in range(24):
        x, y = crest[-1] + rng.normal((0.16, -0.10), (0.14, 0.20)) * rise
        sheet.disc(x, y, rng.uniform(0.10, 0.35) * size, PAPER, line=line * 0.7)


def pull_print(rng: Rng, blocks: Array, key: Array) -> Array:
    """Ink the blocks and press them on paper: graded sky, wood grain, and a slight misregister."""
    height, width = blocks.shape
    y, _ = coordinates(height, width)
    grain = noise(rng, height, width, cells=45, octaves=3, stretch=22)
    mottle = noise(rng, height, width, cells=120, octaves=2)
    fibre = noise(rng, height, width, cells=90, octaves=3, stretch=3)
    slip = max(1, round(height / 600))
    blocks = np.pad(blocks, slip, mode="edge")[: -2 * slip, 2 * slip :]
    sun, sky = blocks == SUN, (blocks >= SKY_PALE)
    colour = INKS[blocks]
    colour = mix(colour, INKS[INDIGO], 0.9 * sky * smoothstep(y, 0.16, -0.02))
    colour = mix(colour, rgb("f2a154"), sun * smoothstep(y, 0.22, 0.42))
    ripple = 46 * y + 0.5 * noise(rng, height, width, cells=3, octaves=2, stretch=2)
    thin = 1.02 - 2.4 * np.clip(y - 0.12, 0, 0.3)
    grooves = smoothstep(np.sin(2 * np.pi * ripple), thin, thin + 0.08)
    colour = mix(colour, INKS[PAPER], sun * grooves)
    bare = 0.10 + 0.10 * np.clip(grain, -1, 2) + 0.04 * mottle
    paper = INKS[PAPER] * (1 + 0.025 * fibre)[..., None]
    colour = mix(colour, paper, np.where(blocks == PAPER, 1.0, bare))
    return mix(colour, KEY_INK, key * (0.95 - 0.10 * np.clip(mottle + 0.6 * grain - 0.8, 0, 2)))


def paint_woodblock_wave(rng: Rng, height: int, width: int) -> Array:
    """Breaking waves and sea scales in indigo and prussian blue on cream, under a vermilion sun."""
    sheet = print_sky(rng, SUPERSAMPLING * height, SUPERSAMPLING * width)
    print_scales(rng, sheet, top=0.47, bottom=0.64, radius=0.034)
    for x in (0.36, 0.66, 0.98, 1.2):
        print_wave(rng, sheet, x=x, y=0.63, length=0.17, rise=rng.uniform(0.13, 0.18))
    print_scales(rng, sheet, top=0.60, bottom=0.80, radius=0.05)
    for x, rise in ((0.42, 0.25), (0.80, 0.30), (1.14, 0.26)):
        print_wave(rng, sheet, x=x, y=0.80, length=0.30, rise=rise)
    print_scales(rng, sheet, top=0.76, bottom=0.98, radius=0.075)
    print_wave(rng, sheet, x=-0.16, y=0.98, length=0.66, rise=0.80, bands=22)
    print_wave(rng, sheet, x=0.74, y=1.02, length=0.42, rise=0.36)
    print_scales(rng, sheet, top=0.93, bottom=1.1, radius=0.11)
    return shrink(pull_print(rng, np.asarray(sheet.blocks), np.asarray(sheet.key) > 127))


# --------------------------------------------------------------------------------------------------
# Cubist planes
# --------------------------------------------------------------------------------------------------

# fmt: off
# from light to dark
EARTHS = rgb(
    "f4e8cb", "e9cf94", "cfb894", "dba552", "c4842c", "8ea3ab", "5c7b8f", "a8452a", "7d4a26",
    "34495a", "4a2c1c",
)
UMBER = rgb("1a1310")
AXES = np.deg2rad([18, 64, 108, 152])
# half the width of a guitar's body, and of a bottle, along its axis
GUITAR = CubicSpline(
    (-1, -0.92, -0.6, -0.25, -0.02, 0.25, 0.45, 0.55), (0, 0.24, 0.43, 0.35, 0.26, 0.33, 0.28, 0.05)
)
BOTTLE = CubicSpline(
    (-1, -0.97, -0.3, 0.1, 0.35, 0.9, 1.0), (0.20, 0.25, 0.25, 0.23, 0.09, 0.08, 0.09)
)
# fmt: on
GUITAR_PLACE = {"x": 0.56, "y": 0.60, "angle": -1.02, "size": 0.54}
BOTTLE_PLACE = {"x": 1.03, "y": 0.42, "angle": -1.72, "size": 0.36}
# what a plane is made of, and how often
MATTER = {
    "plain": 0.58,
    "wood": 0.14,
    "strings": 0.08,
    "stave": 0.07,
    "stipple": 0.05,
    "print": 0.08,
}


def facet(rng: Rng, x: float, y: float, size: float) -> Array:
    """Corners (n, 2) of an angular plane along one of AXES, now and then with one edge bowed."""
    corners = np.array([(-1.0, -0.5), (1.0, -0.5), (1.0, 0.5), (-1.0, 0.5)])
    corners = corners * rng.uniform(0.6, 1.0, (4, 2))
    if rng.uniform() < 0.35:
        corners = corners[:3]
    elif rng.uniform() < 0.20:
        bow = np.linspace(0, np.pi, 24)
        arc = np.stack([np.cos(bow), 0.4 + 0.5 * np.sin(bow)], axis=1)
        corners = np.concatenate([corners[:2], arc])
    angle = rng.choice(AXES) + rng.choice((0, np.pi)) + rng.normal(0, 0.06)
    return turned(corners, x=x, y=y, angle=angle, size=size / 2)


def plane_marks(matter: str, along: Array, across: Array, grain: Array) -> Array:
    """Marks (H, W) that darken (below 0) or lighten (above 0) a plane made of `matter`."""
    if matter == "wood":
        return -0.6 * smoothstep(np.sin(2 * np.pi * (across * 50 + 0.45 * grain)), 0.35, 0.8)
    if matter == "strings":
        return -0.8 * smoothstep(np.abs(across * 70 - np.round(across * 70)), 0.12, 0.05)
    if matter == "stave":
        row = np.round(across * 110)
        line = np.abs(across * 110 - row) < 0.13
        beat = (np.mod(along * 60 + row * 2.4, 4) - 2) * 1.4
        note = (np.hypot(across * 110 - row, beat) < 0.75) & (np.mod(row, 2) == 0)
        return -0.85 * ((np.mod(row, 8) < 5) & (line | note))
    if matter == "stipple":
        row = np.round(across * 110)
        dot = np.hypot(across * 110 - row, np.mod(along * 90 + row / 2, 1) - 0.5)
        return 0.65 * smoothstep(dot, 0.33, 0.2)
    if matter == "print":
        row = np.round(across * 125)
        words = np.sin(along * 330 + row * 37) + np.sin(along * 817 + row * 91) > -0.5
        return -0.65 * (words & (np.abs(across * 125 - row) < 0.24))
    return np.zeros_like(across)


def paint_plane(
    rng: Rng,
    canvas: Array,
    sheet: Array,
    corners: Array,
    *,
    colour: int,
    matter: str = "plain",
    fade: float = 0.85,
) -> None:
    """Lay a translucent plane on `canvas`, in place: in shadow along its first edge, dissolving by
    `fade` away from it. `sheet` (1024, 1024) is the grain of the brush."""
    height, width = canvas.shape[:2]
    unit = min(height, width)
    low = np.floor(corners.min(axis=0) * unit).astype(int).clip(0, (width - 1, height - 1))
    high = np.ceil(corners.max(axis=0) * unit).astype(int).clip(low, (width - 1, height - 1)) + 1
    stencil = Image.new("L", tuple((high - low).tolist()))
    fill_polygon(ImageDraw.Draw(stencil), corners * unit - low, 255)
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]].astype(np.float32) / unit
    edge = (corners[1] - corners[0]) / (np.linalg.norm(corners[1] - corners[0]) + 1e-9)
    along = (x - corners[0, 0]) * edge[0] + (y - corners[0, 1]) * edge[1]
    across = (y - corners[0, 1]) * edge[0] - (x - corners[0, 0]) * edge[1]
    depth = np.abs(across) / (np.abs((corners - corners[0]) @ (-edge[1], edge[0])).max() + 1e-6)
    place = rng.uniform(200, 800, 2)
    row = np.clip(place[0] + across * 900, 0, 1023).astype(int)
    grain = sheet[row, np.clip(place[1] + along * 500, 0, 1023).astype(int)]
    other = np.clip(colour + rng.choice((-3, -2, 2, 3)), 0, len(EARTHS) - 1)
    tone = mix(EARTHS[colour], EARTHS[other], 0.55 * smoothstep(depth + 0.22 * grain, 0.2, 1.0))
    bristles = 0.08 * grain + 0.20 * emboss(grain, 2.0 * height / 1536)
    tone = tone * (1 + bristles - 0.50 * np.exp(-np.abs(across) / 0.022))[..., None]
    marks = plane_marks(matter, along, across, grain)
    tone = mix(tone, within(marks < 0, UMBER, EARTHS[0]), np.abs(marks))
    veil = 0.98 - fade * smoothstep(depth + 0.12 * grain, 0.4, 1.0)
    patch = canvas[low[1] : high[1], low[0] : high[0]]
    patch[:] = mix(patch, tone, (coverage(stencil) > 0) * veil)


def contour(rng: Rng, ink: Draw, points: Array, unit: int) -> None:
    """A black line through `points` (n, 2) that swells and tapers and is, now and then, doubled."""
    way = np.linspace(0, 1, len(points))
    at = np.linspace(rng.uniform(0, 0.2), rng.uniform(0.8, 1), 40)
    path = np.stack([np.interp(at, way, points[:, axis]) for axis in (0, 1)], axis=1)
    widths = rng.uniform(0.0025, 0.0075) * np.sin(np.linspace(0.05, 0.97, 40) * np.pi) ** 0.5
    fill_polygon(ink, ribbon(path * unit, widths * unit), 255)
    if rng.uniform() < 0.2:
        fill_polygon(ink, ribbon((path + 0.011) * unit, widths * unit * 0.4), 255)


def scatter_planes(
    rng: Rng, canvas: Array, sheet: Array, *, count: int, low: float, high: float
) -> Array:
    """Lay `count` planes `low` to `high` long on `canvas`, in place, cool above and warm below, and
    return it with their contours."""
    height, width = canvas.shape[:2]
    unit = min(height, width)
    ink = Image.new("L", (width, height))
    draw = ImageDraw.Draw(ink)
    for x, y in rng.uniform((0, 0), (width / unit, height / unit), (count, 2)):
        corners = facet(rng, x, y, rng.uniform(low, high))
        warm = rng.uniform() < smoothstep(y + 0.15 * np.sin(4 * x), 0.15, 0.95)
        colour = rng.choice((1, 3, 4, 7, 8, 10) if warm else (0, 0, 2, 5, 6, 9))
        matter = rng.choice(list(MATTER), p=list(MATTER.values()))
        paint_plane(rng, canvas, sheet, corners, colour=colour, matter=matter)
        if len(corners) > 4:
            contour(rng, draw, corners[2:], unit)
        elif rng.uniform() < 0.75:
            contour(rng, draw, corners[: rng.integers(2, 4)], unit)
    return mix(canvas, UMBER, 0.94 * coverage(ink))


def still_life(rng: Rng, canvas: Array, sheet: Array) -> Array:
    """Paint a guitar and a bottle on `canvas`, in place, each cut along its axis and the halves
    slid apart, and return their lines (H, W) in [0, 1]."""
    height, width = canvas.shape[:2]
    unit = min(height, width)
    ink = Image.new("L", (width, height))
    draw = ImageDraw.Draw(ink)
    for shape, top, place, tints in (
        (BOTTLE, 1.0, BOTTLE_PLACE, (6, 10)),
        (GUITAR, 0.55, GUITAR_PLACE, (3, 8)),
    ):
        at = np.linspace(-1, top, 60)
        for side, slide, tint in ((1, 0.0, tints[0]), (-1, 0.09, tints[1])):
            half = np.stack([at + slide, side * shape(at)], axis=1)
            body = turned(
                np.concatenate([[(-1 + slide, 0), (top + slide, 0)], half[::-1]]), **place
            )
            paint_plane(rng, canvas, sheet, body, colour=tint, matter="wood", fade=0.3)
            for echo in (0.0, 0.0, 0.07):
                contour(rng, draw, turned(half + np.array([echo / 2, side * echo]), **place), unit)
    turn = np.linspace(0, np.pi, 30)
    hole = np.stack([0.10 + 0.13 * np.cos(turn), 0.13 * np.sin(turn)], axis=1)
    for points, tint, matter in (
        ([(0.30, -0.06), (1.45, -0.06), (1.45, 0.06), (0.30, 0.06)], 10, "strings"),
        ([(1.40, -0.10), (1.66, -0.12), (1.66, 0.10), (1.40, 0.08)], 4, "plain"),
        (hole, 10, "plain"),
        (hole * (1, -1) + (0.09, 0), 0, "plain"),
        ([(-0.60, -0.16), (-0.60, 0.16), (-0.54, 0.16), (-0.54, -0.16)], 10, "plain"),
    ):
        part = turned(points, **GUITAR_PLACE)
        paint_plane(rng, canvas, sheet, part, colour=tint, matter=matter, fade=0.2)
    for offset in np.linspace(-0.07, 0.07, 6):
        line = turned([(-0.57, offset), (1.5, offset * 0.6)], **GUITAR_PLACE) * unit
        fill_polygon(draw, ribbon(line, np.full(2, 0.0024 * unit)), 255)
    return coverage(ink)


def paint_cubist_planes(rng: Rng, height: int, width: int) -> Array:
    """A guitar and a bottle in translucent planes of ochre, umber, grey-blue and rust, with black
    fragments of contour."""
    h, w = SUPERSAMPLING * height, SUPERSAMPLING * width
    sheet = noise(rng, 1024, 1024, cells=60, octaves=4, stretch=6)
    canvas = np.broadcast_to(EARTHS[8], (h, w, 3)).astype(np.float32)
    canvas = scatter_planes(rng, canvas, sheet, count=110, low=0.40, high=0.75)
    canvas = scatter_planes(rng, canvas, sheet, count=150, low=0.16, high=0.36)
    lines = still_life(rng, canvas, sheet)
    canvas = scatter_planes(rng, canvas, sheet, count=80, low=0.07, high=0.20)
    gaps = smoothstep(noise(rng, h, w, cells=7, octaves=2), -1.2, -0.8)
    canvas = mix(canvas, UMBER, 0.94 * lines * gaps)
    canvas = canvas + 0.22 * (canvas - canvas.mean(axis=(0, 1)))
    tooth = emboss(noise(rng, h, w, cells=110, octaves=3, stretch=2), 2.0 * h / 1536)
    return shrink(canvas * (1 + 0.09 * tooth)[..., None])


# --------------------------------------------------------------------------------------------------
# Pointillist
# --------------------------------------------------------------------------------------------------

# fmt: off
# what lies on the palette: no earths, no black, every hue pure or let down with white
PIGMENTS = rgb(
    "fffbe6", "fff0a8", "ffe14d", "ffc62e", "ff9f2b", "ff7a3c", "f4502f", "e8336a", "f779a6",
    "fbb9cf", "fcd6b8", "d9b6ee", "a784dd", "6f52c4", "3f3aa8", "2f5fd0", "4f93ea", "93c9f7",
    "c9ecf5", "7fdcd6", "27b7ae", "158a7c", "2fa558", "7cc94a", "c0e062", "e4f1b0", "1f6b4a",
    "5b2f86",
)
FAR_HILLS = (
    (0.370, 0.035, ("b79be8", "8f8ae0", "7fb5ee")),
    (0.405, 0.020, ("7f6fd0", "5f86d8", "57b8b0")),
)
BOATS = (
    # mast x, waterline y, height, colour of the sails
    (0.69, 0.485, 0.17, "ff7a2c"), (0.86, 0.545, 0.27, "fff6dc"),
    (0.33, 0.465, 0.12, "fff6dc"), (1.04, 0.460, 0.10, "f4502f"),
)
TRUNKS = ((0.10, 0.04, 0.022), (0.20, -0.05, 0.016), (1.20, 0.05, 0.020))
CROWNS = (
    (0.06, 0.20, 0.19), (0.22, 0.13, 0.16), (0.16, 0.30, 0.10), (1.23, 0.16, 0.20),
    (1.10, 0.24, 0.11), (1.34, 0.30, 0.12),
)
# fmt: on


def bay_scene(rng: Rng, height: int, width: int) -> Scene:
    """A bay on a bright morning: sun, hills, water and sails between pines, a meadow in front."""
    y, x = coordinates(height, width)
    puff = noise(rng, height, width, cells=3, octaves=4, stretch=2.4)
    fine = noise(rng, height, width, cells=16, octaves=2)
    sun = np.hypot(x - 0.47, y - 0.27)
    sky = rgb("4f8fe6", "83bff2", "b9e6ee", "fcd6c8", "ffb98a")
    colours = ramp(sky, y / 0.42 + 0.05 * puff)
    colours = mix(colours, rgb("ffd0d8"), 0.9 * smoothstep(puff + fine * 0.2, 0.5, 1.4))
    colours = mix(colours, rgb("a98be0"), 0.75 * smoothstep(puff, -0.7, -1.6))
    rings = 1.2 * np.exp(-((sun / 0.17) ** 2)) * (0.55 + 0.45 * np.sin(sun * 110))
    colours = mix(colours, rgb("fff3b0"), rings)
    colours = mix(colours, rgb("ffc21f"), smoothstep(sun, 0.074, 0.066))
    angles = np.arctan2(y - 0.27, x - 0.47) + np.pi / 2
    for base, swell, codes in FAR_HILLS:
        ridge = base + swell * waviness(rng, x, waves=(0.8, 1.9, 4.1)) - 0.05 * np.abs(x - 0.5)
        hill = ramp(rgb(*codes), (y - ridge) * 12 + 0.2 * fine)
        colours = within(y > ridge, hill, colours)
    depth = (y - 0.425) / 0.35
    swell = np.sin(2 * np.pi * (14 * np.sqrt(np.clip(depth, 0, 2)) + 0.5 * puff))
    sea = rgb("a8e6e4", "4cc3cf", "2f86d8", "2b5fc4", "1d8f9a")
    glitter = np.exp(-(((x - 0.47) / (0.05 + 0.12 * np.clip(depth, 0, 1))) ** 2))
    water = mix(ramp(sea, depth + 0.16 * swell), rgb("ffc94f"), glitter * (0.55 + 0.45 * swell))
    colours = add_boats(within(depth > 0, water, colours), y, x)
    angles = np.where(depth > 0, 0.15 * swell, angles)
    return add_pines(rng, add_meadow(rng, Scene(colours, angles), y, x, fine), y, x, fine)


def add_boats(colours: Array, y: Array, x: Array) -> Array:
    """Lay BOATS on the water: each two sails, a hull and a reflection."""
    for cx, foot, size, code in BOATS:
        u, v = (x - cx) / size, (foot - y) / size
        main = (u > 0.03) & (u < 0.55 * np.clip(1 - v, 0, 1) ** 0.8) & (v > 0.08)
        jib = (u < -0.02) & (u > -0.42 * (0.85 - v)) & (v > 0.1)
        hull = (np.abs(u - 0.03) < 0.47 + 0.6 * v) & (np.abs(v) < 0.06)
        mirror = np.abs(u - 0.08 - 0.06 * np.sin(v * 30)) < 0.30 * (1 + v)
        mirror &= (v < -0.06) & (v > -0.9)
        colours = mix(colours, rgb(code), 0.6 * mirror)
        colours = within(main, rgb(code), colours)
        colours = within(jib, mix(rgb(code), rgb("d9b6ee"), 0.55), colours)
        colours = within(hull, rgb("3f3aa8"), colours)
    return colours


def add_meadow(rng: Rng, scene: Scene, y: Array, x: Array, fine: Array) -> Scene:
    """Lay a meadow with drifts of red and pink flowers along the bottom."""
    edge = 0.80 - 0.10 * np.cos(4.2 * (x - 0.62)) + 0.012 * waviness(rng, x, waves=(3, 7))
    depth = y - edge
    drift = noise(rng, *y.shape, cells=5, octaves=3, stretch=2)
    greens = rgb("158a7c", "2fa558", "7cc94a", "d8e860", "ffe14d")
    grass = ramp(greens, 0.5 + 0.28 * drift - 0.5 * (depth - 0.12))
    grass = mix(grass, rgb("f4502f"), 0.95 * smoothstep(fine + 0.4 * drift, 0.7, 1.0))
    grass = mix(grass, rgb("f779a6"), 0.95 * smoothstep(fine - 0.4 * drift, 0.8, 1.1))
    grass = mix(grass, rgb("fff0a8"), smoothstep(depth, 0.03, 0))
    angles = np.where(depth > 0, -1.2 + 0.6 * drift, scene.angles)
    return Scene(within(depth > 0, grass, scene.colours), angles)


def add_pines(rng: Rng, scene: Scene, y: Array, x: Array, fine: Array) -> Scene:
    """Frame the scene with TRUNKS and CROWNS, sunlit on one side and violet in the shade."""
    colours = scene.colours
    clumps = noise(rng, *y.shape, cells=5, octaves=3, stretch=2)
    for cx, lean, girth in TRUNKS:
        side = x - cx - lean * (0.9 - y) - 0.015 * np.sin(y * 14)
        side = side / (girth * (0.6 + y))
        wood = ramp(rgb("ff9f2b", "e8336a", "5b2f86", "3f3aa8"), side * 0.5 + 0.5)
        colours = within((np.abs(side) < 1) & (y > 0.22) & (y < 0.86), wood, colours)
    leaves = rgb("3f2f86", "1f6b4a", "158a7c", "2fa558", "9ad04c", "ffe14d")
    for cx, cy, size in CROWNS:
        away = np.hypot((x - cx) / 1.35, y - cy) / size + 0.16 * fine + 0.12 * clumps
        sunward = (cy - y) + 0.4 * (x - cx) * np.sign(0.6 - cx)
        colours = within(
            away < 0.9, ramp(leaves, 0.5 + 0.85 * sunward / size + 0.25 * fine), colours
        )
    return Scene(colours, scene.angles)


def dot_layer(
    rng: Rng, canvas: Draw, relief: Draw, scene: Scene, *, radius: float, gap: float, stray: float
) -> None:
    """Dots of pure pigment on a jittered lattice.

    Each takes the pigment nearest to the scene's colour, pushed at random by `stray` first, so that
    neighbours differ and mix in the eye."""
    height, width = scene.angles.shape
    unit = min(height, width)
    y, x = np.mgrid[0 : height / unit : gap * 0.87, 0 : width / unit : gap]
    x[1::2] += gap / 2
    spots = np.stack([x.ravel(), y.ravel()], axis=1) + rng.uniform(-0.3, 0.3, (x.size, 2)) * gap
    spots = rng.permutation(spots) * unit
    wanted = sample(scene.colours, spots)
    # the complementary hue at the same lightness vibrates without making a hole
    opposed = rng.uniform(size=len(wanted)) < 0.12
    wanted[opposed] = 2 * wanted[opposed].mean(axis=1, keepdims=True) - wanted[opposed]
    nearest = cKDTree(PIGMENTS).query(wanted + rng.normal(0, stray, wanted.shape))[1]
    tints = np.clip(PIGMENTS[nearest] + rng.normal(0, 0.025, wanted.shape), 0, 1)
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    oval = np.stack([1.25 * np.cos(turn), 0.85 * np.sin(turn)], axis=1)
    for spot, tint, angle in zip(spots, tints, sample(scene.angles, spots), strict=True):
        size = radius * unit * rng.uniform(0.75, 1.15)
        rim = turned(oval * rng.uniform(0.85, 1.15, (12, 1)), x=0, y=0, angle=angle, size=size)
        fill_polygon(canvas, spot + rim, as_fill(tint))
        for scale, level in ((1.0, 90), (0.72, 170), (0.42, 235)):
            fill_polygon(relief, spot + rim * scale, level)


def paint_pointillist(rng: Rng, height: int, width: int) -> Array:
    """A bright bay in dots of pure colour, with sparks of the complementary hue among them."""
    h, w = SUPERSAMPLING * height, SUPERSAMPLING * width
    scene = bay_scene(rng, h, w)
    picture = Image.new("RGB", (w, h), as_fill(PIGMENTS[0]))
    heights = Image.new("L", (w, h), 30)
    canvas, relief = ImageDraw.Draw(picture), ImageDraw.Draw(heights)
    dot_layer(rng, canvas, relief, scene, radius=0.0120, gap=0.0150, stray=0.10)
    dot_layer(rng, canvas, relief, scene, radius=0.0085, gap=0.0130, stray=0.13)
    dot_layer(rng, canvas, relief, scene, radius=0.0060, gap=0.0120, stray=0.16)
    light = emboss(ndimage.gaussian_filter(coverage(heights), h / 1100), 5)
    return shrink(coverage(picture) * (1 + 0.16 * light)[..., None])


# --------------------------------------------------------------------------------------------------
# Linocut
# --------------------------------------------------------------------------------------------------

LINO_PAPER, LINO_RED, LINO_BLACK = rgb("f4ecdc", "cf1f26", "14110f")
MOON = (0.86, 0.25, 0.135)
# fmt: off
PEAKS = (
    # summit x, summit y, steepness, from the back to the front
    (0.22, 0.20, 1.05), (1.10, 0.30, 1.10), (0.52, 0.33, 0.85), (0.02, 0.34, 0.90),
    (1.36, 0.36, 0.90), (0.78, 0.43, 0.70),
)
FIRS = (
    # trunk x, foot y, height, from the back to the front
    (0.30, 0.86, 0.40), (0.06, 0.88, 0.62), (1.17, 0.88, 0.42), (1.30, 0.90, 0.66),
    (0.42, 0.90, 0.26), (1.075, 0.95, 0.36), (0.185, 1.02, 0.65),
)
# fmt: on


class Plate(NamedTuple):
    """A design for two blocks, each array (H, W)."""

    tone: Array  # how much is carved out of the black block, from 0 to about 1
    angle: Array  # the direction of the gouge
    red: Array  # where the second block prints red
    red_tone: Array  # how much is carved out of that one


def night_sky(y: Array, x: Array, wobble: Array) -> Plate:
    """Rings of light round a red moon with a carved crescent."""
    cx, cy, radius = MOON
    moon = np.hypot(x - cx, y - cy)
    rings = moon * 42 + 0.5 * wobble
    tone = 0.16 + 0.52 * (0.5 + 0.5 * np.sin(rings)) * np.exp(-moon / 0.85)
    tone = tone + 0.3 * np.exp(-(((moon - radius) / 0.06) ** 2))
    angle = np.arctan2(y - cy, x - cx) + np.pi / 2 + 0.15 * wobble
    disc = moon < radius
    red = disc | ((np.sin(rings - 1.2) > 0.55) & (moon > 0.22))
    crescent = 0.75 * smoothstep(np.hypot(x - cx + 0.035, y - cy + 0.03), 0.075, 0.20)
    return Plate(np.where(disc, 1.0, tone), angle, red, np.where(disc, crescent, 0.16))


def add_mountains(rng: Rng, plate: Plate, y: Array, x: Array, wobble: Array) -> Plate:
    """Lay PEAKS before the sky, lit on the side of the moon and carved down the slope."""
    tone, angle, red, red_tone = plate
    crag = 0.018 * waviness(rng, x, waves=(5, 11, 23))
    for px, top, steep in PEAKS:
        below = y - top
        ridge = 0.05 * np.sin(below * 16 + px * 9) * np.clip(below, 0, 0.3) / 0.3
        side = np.where(x - px + ridge > 0, 1.0, -1.0)
        lit = side * np.sign(MOON[0] - px) > 0
        flank = np.where(lit, 0.95 - 0.9 * np.clip(below, 0, 1), 0.20 - 0.09 * np.clip(below, 0, 1))
        ribs = 0.25 * np.sin((x - px) * 60 + below * 20 * side)
        rise = below - crag - steep * np.abs(x - px)
        tone = np.where(rise > 0, np.clip(flank + ribs, 0.10, 1), tone)
        # a black line parts each summit from what is behind
        tone = np.where((rise <= 0) & (rise > -0.006), 0.0, tone)
        angle = np.where(rise > 0, side * (0.79 + 0.26 * wobble), angle)
        red = red & (rise <= 0)
    return Plate(tone, angle, red, red_tone)


def add_lake(rng: Rng, plate: Plate, y: Array, x: Array, wobble: Array) -> Plate:
    """Lay a lake with the moon's red path before the mountains, and a grassy bank in front."""
    ripple = 2 * np.pi * np.sqrt(np.clip(y - 0.60, 0, 1))
    girth = 0.09 + 0.12 * (y - 0.6)
    path = np.exp(-(((x - MOON[0] + 0.01 * np.sin(y * 90)) / girth) ** 2))
    lake = y > 0.645 + 0.004 * np.sin(x * 30)
    bank = y > 0.875 + 0.03 * waviness(rng, x, waves=(0.9, 2.3))
    waves = 0.12 + 0.45 * (0.5 + 0.5 * np.sin(26 * ripple + 1.5 * wobble)) + 0.5 * path
    grass = -np.pi / 2 + 0.5 * np.sin(x * 9) + 0.3 * wobble
    glints = path + 0.28 * np.sin(34 * ripple + wobble) > 0.62
    return Plate(
        tone=np.select([bank, lake], [0.55 + 0.2 * wobble, waves], plate.tone),
        angle=np.select([bank, lake], [grass, 0.12 * wobble], plate.angle),
        red=np.select([bank, lake], [True, glints], plate.red),
        red_tone=plate.red_tone,
    )


def gouge(
    rng: Rng, block: Draw, tone: Array, angle: Array, *, spacing: float, reach: float
) -> None:
    """Carve tapered grooves along `angle` on a jittered lattice, the wider the higher `tone`."""
    height, width = tone.shape
    unit = min(height, width)
    y, x = np.mgrid[0 : height / unit : spacing, 0 : width / unit : spacing * 2.2]
    x[1::2] += spacing * 1.1
    jitter = rng.uniform(-0.5, 0.5, (x.size, 2)) * spacing * (1.6, 0.9)
    start = (np.stack([x.ravel(), y.ravel()], axis=1) + jitter) * unit
    wanted = sample(tone, start)
    start, wanted = start[wanted > 0.08], wanted[wanted > 0.08]
    lengths = unit * reach * rng.uniform(0.6, 1.3, len(start)) * (0.5 + 0.7 * wanted)
    widths = unit * spacing * (0.16 + 0.80 * wanted) * rng.uniform(0.75, 1.2, len(start))
    paths = trace(start, angle, length=lengths, steps=6)
    # the tool goes in with a point and comes out blunt
    at = np.linspace(0.03, 1, paths.shape[1])
    profile = at**0.6 * np.minimum(1, np.linspace(5, 0.35, len(at)))
    for path, girth in zip(paths, widths, strict=True):
        fill_polygon(block, ribbon(path, girth * profile), 255)


def carve_fir(rng: Rng, block: Draw, unit: int, fir: tuple[float, float, float]) -> None:
    """One of FIRS: a black silhouette in a carved outline, its boughs cut with drooping grooves."""
    cx, foot, tall = fir
    tiers = int(9 + tall * 14)
    down = np.linspace(0, 1, tiers)
    reach = (0.012 + 0.25 * tall * down**0.9) * rng.uniform(0.85, 1.1, tiers)
    level = foot - tall + tall * 0.93 * down
    tips = np.stack([cx + reach, level + 0.32 * reach], axis=1)
    notches = np.stack([cx + reach * 0.55, level + 0.20 * reach], axis=1)
    half = np.stack([tips, notches], axis=1).reshape(-1, 2)
    mirrored = half[::-1] * (-1, 1) + (2 * cx, 0)
    outline = np.concatenate([[(cx, foot - tall - 0.03)], half, mirrored])
    # no margin below the foot, where the tree stands in the grass
    margin = np.minimum(0.007 * np.sign(outline - (cx, foot - tall / 2)), (1, 0))
    fill_polygon(block, (outline + margin) * unit, 255)
    fill_polygon(block, outline * unit, 0)
    for bough, height in zip(reach, level, strict=True):
        for side in (-1, 1):
            bright = 1.0 if side == np.sign(MOON[0] - cx) else 0.6
            for out in np.linspace(0.15, 0.92, int(3 + 95 * bough)):
                if rng.uniform() < 0.45 + 0.5 * bright:
                    root = (cx + side * out * bough, height + 0.32 * out**1.4 * bough)
                    carve_groove(rng, block, unit, root, side=side, tall=tall, bright=bright)


def carve_groove(
    rng: Rng,
    block: Draw,
    unit: int,
    root: tuple[float, float],
    *,
    side: int,
    tall: float,
    bright: float,
) -> None:
    """One groove that droops from `root` on a bough and lifts at its end."""
    way = np.linspace(0, 1, 8)[:, None]
    length = rng.uniform(0.016, 0.036) * (0.6 + 0.5 * tall)
    groove = root + length * (way * (side * 0.55, 0.75) + way**2 * (side * 0.3, -0.2))
    girth = 0.0055 * bright * rng.uniform(0.6, 1.1)
    widths = girth * np.sin(np.linspace(0.1, 0.95, 8) * np.pi)
    fill_polygon(block, ribbon(groove * unit, widths * unit), 255)


def paint_linocut(rng: Rng, height: int, width: int) -> Array:
    """A red moon over mountains, lake and firs: black and red ink, every light cut with a gouge."""
    h, w = SUPERSAMPLING * height, SUPERSAMPLING * width
    y, x = coordinates(h, w)
    wobble = noise(rng, h, w, cells=3, octaves=3)
    plate = add_mountains(rng, night_sky(y, x, wobble), y, x, wobble)
    plate = add_lake(rng, plate, y, x, wobble)
    black, red = Image.new("L", (w, h)), Image.new("L", (w, h))
    block = ImageDraw.Draw(black)
    gouge(rng, block, plate.tone, plate.angle, spacing=0.0105, reach=0.075)
    cx, cy, radius = (value * min(h, w) for value in MOON)
    block.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=255)
    for fir in FIRS:
        carve_fir(rng, block, min(h, w), fir)
    gouge(rng, ImageDraw.Draw(red), plate.red_tone, plate.angle, spacing=0.012, reach=0.06)
    press = noise(rng, h, w, cells=140, octaves=3)
    bare = press + 0.35 * noise(rng, h, w, cells=6, octaves=3)
    paper = LINO_PAPER * (1 + 0.02 * press)[..., None]
    image = within(plate.red & (coverage(red) < 0.5) & (bare < 2.3), LINO_RED, paper)
    ink = LINO_BLACK * (1 + 0.25 * np.clip(press, -1, 2))[..., None]
    return shrink(within((coverage(black) < 0.5) & (bare < 2.5), ink, image))


# --------------------------------------------------------------------------------------------------
# The styles
# --------------------------------------------------------------------------------------------------

# name: (painter, seed, title)
STYLES: dict[str, tuple[Callable[[Rng, int, int], Array], int, str]] = {
    "stained_glass": (paint_stained_glass, 5, "Garden window"),
    "brush_flow": (paint_brush_flow, 11, "Dusk over the fields"),
    "woodblock_wave": (paint_woodblock_wave, 3, "Breaking waves"),
    "cubist_planes": (paint_cubist_planes, 47, "Guitar and bottle"),
    "pointillist": (paint_pointillist, 2, "Morning in the bay"),
    "linocut": (paint_linocut, 4, "Red moon"),
}


def paint(name: str, *, height: int = HEIGHT, width: int = WIDTH) -> Array:
    """Paint one of STYLES with its own seed: float32 (height, width, 3) in [0, 1]."""
    painter, seed, _ = STYLES[name]
    return painter(np.random.default_rng(seed), height, width)


def main(arguments: Sequence[str] | None = None) -> None:
    """Paint the named styles, or all of them, as JPEG files."""
    parser = argparse.ArgumentParser(description="Paint the style images.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(STYLES)}")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "styles")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(STYLES))
    if unknown:
        parser.error(f"no such style: {', '.join(unknown)}; choose from {', '.join(STYLES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or STYLES:
        pixels = np.round(paint(name) * 255).astype(np.uint8)
        # full colour resolution: strong colour edges are what a style image is for
        path = options.out / f"{name}.jpg"
        Image.fromarray(pixels).save(path, quality=QUALITY, subsampling=0)


if __name__ == "__main__":
    main()
