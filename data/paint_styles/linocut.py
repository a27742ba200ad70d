"""Red moon: black and red ink on paper, every light cut with a gouge."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from .tools import (
    SUPERSAMPLING,
    Array,
    Draw,
    Rng,
    coordinates,
    coverage,
    fill_polygon,
    noise,
    rgb,
    ribbon,
    sample,
    shrink,
    smoothstep,
    trace,
    waviness,
    within,
)

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


def paint(rng: Rng, height: int, width: int) -> Array:
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
