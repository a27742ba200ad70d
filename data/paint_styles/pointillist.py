"""Morning in the bay: dots of pure colour, with sparks of the complementary hue among them."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import cKDTree

from .tools import (
    SUPERSAMPLING,
    Array,
    Draw,
    Rng,
    Scene,
    as_fill,
    coordinates,
    coverage,
    emboss,
    fill_polygon,
    mix,
    noise,
    ramp,
    rgb,
    sample,
    shrink,
    smoothstep,
    turned,
    waviness,
    within,
)

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
    colours = add_hills(rng, morning_sky(y, x, puff, fine), y, x, fine)
    angles = np.arctan2(y - 0.27, x - 0.47) + np.pi / 2
    scene = add_water(Scene(colours, angles), y, x, puff)
    return add_pines(rng, add_meadow(rng, scene, y, x, fine), y, x, fine)


def morning_sky(y: Array, x: Array, puff: Array, fine: Array) -> Array:
    """Colours (H, W, 3) of clouds and a sun in its rings."""
    sun = np.hypot(x - 0.47, y - 0.27)
    sky = rgb("4f8fe6", "83bff2", "b9e6ee", "fcd6c8", "ffb98a")
    colours = ramp(sky, y / 0.42 + 0.05 * puff)
    colours = mix(colours, rgb("ffd0d8"), 0.9 * smoothstep(puff + fine * 0.2, 0.5, 1.4))
    colours = mix(colours, rgb("a98be0"), 0.75 * smoothstep(puff, -0.7, -1.6))
    rings = 1.2 * np.exp(-((sun / 0.17) ** 2)) * (0.55 + 0.45 * np.sin(sun * 110))
    colours = mix(colours, rgb("fff3b0"), rings)
    return mix(colours, rgb("ffc21f"), smoothstep(sun, 0.074, 0.066))


def add_hills(rng: Rng, colours: Array, y: Array, x: Array, fine: Array) -> Array:
    """Lay FAR_HILLS under the sky."""
    for base, swell, codes in FAR_HILLS:
        ridge = base + swell * waviness(rng, x, waves=(0.8, 1.9, 4.1)) - 0.05 * np.abs(x - 0.5)
        hill = ramp(rgb(*codes), (y - ridge) * 12 + 0.2 * fine)
        colours = within(y > ridge, hill, colours)
    return colours


def add_water(scene: Scene, y: Array, x: Array, puff: Array) -> Scene:
    """Lay the bay before the hills, with its swell, the glitter of the sun, and the boats."""
    depth = (y - 0.425) / 0.35
    swell = np.sin(2 * np.pi * (14 * np.sqrt(np.clip(depth, 0, 2)) + 0.5 * puff))
    sea = rgb("a8e6e4", "4cc3cf", "2f86d8", "2b5fc4", "1d8f9a")
    glitter = np.exp(-(((x - 0.47) / (0.05 + 0.12 * np.clip(depth, 0, 1))) ** 2))
    water = mix(ramp(sea, depth + 0.16 * swell), rgb("ffc94f"), glitter * (0.55 + 0.45 * swell))
    colours = add_boats(within(depth > 0, water, scene.colours), y, x)
    return Scene(colours, np.where(depth > 0, 0.15 * swell, scene.angles))


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

    Each takes the pigment nearest to the scene's colour, pushed at random by `stray` first, so that neighbours differ
    and mix in the eye.
    """
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


def paint(rng: Rng, height: int, width: int) -> Array:
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
