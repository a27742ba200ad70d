"""Garden window: flowers of ruby, amber and violet glass on cobalt and turquoise panes, in dark leading."""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .tools import (
    SUPERSAMPLING,
    Array,
    Rng,
    coordinates,
    emboss,
    mix,
    noise,
    ramp,
    rgb,
    shrink,
    smoothstep,
)

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


def paint(rng: Rng, height: int, width: int) -> Array:
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
