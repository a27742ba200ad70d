"""Dusk over the fields: thick curved strokes of teal, ochre, vermilion and cream, with bristles and impasto."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .tools import (
    SUPERSAMPLING,
    Array,
    Draw,
    Rng,
    Scene,
    along_contours,
    as_fill,
    coordinates,
    coverage,
    emboss,
    mix,
    noise,
    ramp,
    rgb,
    sample,
    shrink,
    smoothstep,
    trace,
    waviness,
    within,
)

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
    return add_cypresses(add_fields(rng, dusk_sky(rng, y, x), y, x), y, x)


def add_fields(rng: Rng, scene: Scene, y: Array, x: Array) -> Scene:
    """Lay FIELDS under the sky, stroked along their furrows."""
    colours, angles = scene
    for base, swell, codes in FIELDS:
        depth = y - base - swell * waviness(rng, x, waves=(0.6, 1.3, 2.9))
        furrows = depth * 26 + 1.2 * noise(rng, *y.shape, cells=2.5, octaves=2) + 5 * x
        tint = ramp(rgb(*codes), 0.5 + 0.5 * np.sin(furrows * 1.3))
        tint = mix(tint, rgb("0c2f38"), smoothstep(depth, 0.012, 0))
        colours = within(depth > 0, tint, colours)
        angles = np.where(depth > 0, along_contours(furrows), angles)
    return Scene(colours, angles)


def add_cypresses(scene: Scene, y: Array, x: Array) -> Scene:
    """Stand CYPRESSES in front, stroked upwards like flames."""
    colours, angles = scene
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


def paint(rng: Rng, height: int, width: int) -> Array:
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
