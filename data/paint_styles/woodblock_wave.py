"""Breaking waves: fine lines that swell and taper, in indigo and prussian blue on cream, under a vermilion sun."""

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline

from .tools import (
    SUPERSAMPLING,
    Array,
    Rng,
    coordinates,
    fill_polygon,
    mix,
    noise,
    rgb,
    ribbon,
    shrink,
    smoothstep,
)

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

    Everything is laid over what is already there, and points are (n, 2), x and y in short sides.
    """

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


def paint(rng: Rng, height: int, width: int) -> Array:
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
