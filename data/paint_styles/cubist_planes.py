"""Guitar and bottle: translucent planes of ochre, umber, grey-blue and rust, with black fragments of contour."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline

from .tools import (
    SUPERSAMPLING,
    Array,
    Draw,
    Rng,
    coverage,
    emboss,
    fill_polygon,
    mix,
    noise,
    rgb,
    ribbon,
    shrink,
    smoothstep,
    turned,
    within,
)

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
    """Lay a translucent plane on `canvas`, in place.

    It is in shadow along its first edge and dissolves by `fade` away from it. `sheet` (1024, 1024) is the grain of the
    brush.
    """
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
    """Lay `count` planes `low` to `high` long on `canvas`, in place, and return it with their contours.

    They are cool above and warm below.
    """
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
    """Paint a guitar and a bottle on `canvas`, in place, and return their lines (H, W) in [0, 1]."""
    height, width = canvas.shape[:2]
    ink = Image.new("L", (width, height))
    draw = ImageDraw.Draw(ink)
    paint_bodies(rng, canvas, sheet, draw)
    paint_guitar_parts(rng, canvas, sheet)
    draw_strings(draw, min(height, width))
    return coverage(ink)


def paint_bodies(rng: Rng, canvas: Array, sheet: Array, draw: Draw) -> None:
    """The two bodies, each cut along its axis and the halves slid apart, with their contours."""
    unit = min(canvas.shape[:2])
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


def paint_guitar_parts(rng: Rng, canvas: Array, sheet: Array) -> None:
    """Neck, head, sound hole and bridge."""
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


def draw_strings(draw: Draw, unit: int) -> None:
    """The six strings of the guitar."""
    for offset in np.linspace(-0.07, 0.07, 6):
        line = turned([(-0.57, offset), (1.5, offset * 0.6)], **GUITAR_PLACE) * unit
        fill_polygon(draw, ribbon(line, np.full(2, 0.0024 * unit)), 255)


def paint(rng: Rng, height: int, width: int) -> Array:
    """A guitar and a bottle in translucent planes, with black fragments of contour."""
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
