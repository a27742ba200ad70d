"""ICC profiles made from their definitions, and what is right for them, without any tool of the library."""

import struct

import numpy as np

# x and y of red, green, blue and white, and the exponent of the curve.
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), (0.3127, 0.3290), None
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (0.3127, 0.3290), 563 / 256
PROPHOTO = (
    ((0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105)),
    (0.3457, 0.3585),
    461 / 256,
)
BT_2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), (0.3127, 0.3290), None
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.3127, 0.3290), None
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1, (1 - x - y) / y])


def to_d50(space) -> np.ndarray:
    """The matrix from linear RGB of a space to XYZ, its white adapted to D50 (Bradford)."""
    primaries, white, _ = space
    columns = np.stack([_xyz(*each) for each in primaries], axis=1)
    white = _xyz(*white)
    matrix = columns * np.linalg.solve(columns, white)
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    return np.linalg.solve(_BRADFORD, scale[:, None] * (_BRADFORD @ matrix))


def decode(values: np.ndarray, gamma: float | None) -> np.ndarray:
    """Linear light; None is the curve of sRGB."""
    if gamma is not None:
        return values**gamma
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encode(linear: np.ndarray, gamma: float | None) -> np.ndarray:
    """The other way."""
    if gamma is not None:
        return linear ** (1 / gamma)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def converted(values: np.ndarray, source, target) -> np.ndarray:
    """Values of one space in another, clipped."""
    matrix = np.linalg.solve(to_d50(target), to_d50(source))
    linear = (decode(values, source[2]) @ matrix.T).clip(0, 1)
    return encode(linear, target[2])


# --- profiles ----------------------------------------------------------------------------------


def _number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def parametric(kind: int, numbers) -> bytes:
    """A curve by one of the formulas of the standard."""
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + b"".join(map(_number, numbers))


def points(values) -> bytes:
    """A curve through values at equal distances."""
    numbers = [round(value * 65535) for value in values]
    return b"curv" + bytes(4) + struct.pack(f">I{len(numbers)}H", len(numbers), *numbers)


def _curve(gamma: float | bytes | None) -> bytes:
    if isinstance(gamma, bytes):
        return gamma
    if gamma is None:  # the curve of sRGB, as parameters
        return parametric(3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def _text(text: str) -> bytes:
    ascii = text.encode() + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(ascii)) + ascii + bytes(78)


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], kind: bytes) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    white = b"".join(map(_number, _D50))
    header = struct.pack(
        ">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, kind, space, connection
    )
    header += struct.pack(">6H", 2026, 11, 27, 0, 0, 0) + b"acsp" + bytes(28) + white + bytes(48)
    return header + table + body


def _common() -> dict[bytes, bytes]:
    return {
        b"desc": _text("made by a test"),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + b"".join(map(_number, _D50)),
    }


def rgb_profile(space) -> bytes:
    """The profile of an RGB space: a matrix and a curve."""
    tags = _common()
    for name, column in zip(b"rgb", to_d50(space).T, strict=True):
        tags[bytes([name]) + b"XYZ"] = b"XYZ " + bytes(4) + b"".join(map(_number, column))
        tags[bytes([name]) + b"TRC"] = _curve(space[2])
    return _profile(b"RGB ", b"XYZ ", tags, b"mntr")


def grey_profile(gamma: float | bytes) -> bytes:
    """The profile of a grey scale: an exponent or a curve."""
    return _profile(b"GRAY", b"XYZ ", _common() | {b"kTRC": _curve(gamma)}, b"mntr")


def cmyk_profile(lightness: float, a: float, b: float) -> bytes:
    """A profile of four inks: paper is white, full cyan has the colour L*, a*, b*, and every other ink is black."""
    grid = np.zeros((2, 2, 2, 2, 3), np.uint8)
    grid[..., 1:] = 128
    grid[0, 0, 0, 0] = 255, 128, 128
    grid[1, 0, 0, 0] = round(lightness * 2.55), round(a + 128), round(b + 128)
    table = _table(4, grid)
    return _profile(b"CMYK", b"Lab ", _common() | {b"A2B0": table, b"A2B1": table}, b"prtr")


def swapping_profile() -> bytes:
    """A profile of RGB that is a table: lightness is green, and red and blue are a* and b*."""
    r, g, b = np.mgrid[:2, :2, :2]
    grid = np.stack([255 * g, 96 + 64 * r, 96 + 64 * b], axis=-1).astype(np.uint8)
    table = _table(3, grid)
    return _profile(b"RGB ", b"Lab ", _common() | {b"A2B0": table, b"A2B1": table}, b"mntr")


def _table(channels: int, grid: np.ndarray) -> bytes:
    identity = bytes(range(256))
    ones = b"".join(_number(value) for value in np.eye(3).ravel())
    start = b"mft1" + bytes(4) + bytes([channels, 3, 2, 0]) + ones
    return start + identity * channels + grid.tobytes() + identity * 3


def lab_in_srgb(lightness: float, a: float, b: float) -> np.ndarray:
    """The colour L*, a*, b* (of D50) in sRGB, clipped."""
    fy = (lightness + 16) / 116
    f = np.array([fy + a / 500, fy, fy - b / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _D50
    return encode(np.linalg.solve(to_d50(SRGB), xyz).clip(0, 1), None)
