"""Colour: from the numbers of a picture file to sRGB, the space of every image in this library.

LittleCMS, through Pillow, applies an embedded ICC profile. The code points (nclx) that HEIF and AVIF files carry in its
place are applied by formula.
"""

import io
import struct
from functools import cache

import numpy as np
from PIL import Image, ImageCms

from nstlib.errors import ImageError

# Number of channels to the mode of Pillow.
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
# What a profile calls its colour space to the mode it is for.
_SPACES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
# Linear light of other primaries in that of sRGB, all with the white of daylight (D65), by their number in ITU-T H.273.
# From CSS Color Module Level 4, section 10 (https://www.w3.org/TR/css-color-4/), to seven digits.
_PRIMARIES = {
    9: (  # BT.2020
        (1.6604910, -0.5876411, -0.0728499),
        (-0.1245505, 1.1328999, -0.0083494),
        (-0.0181508, -0.1005789, 1.1187297),
    ),
    12: (  # Display P3
        (1.2249402, -0.2249402, 0.0),
        (-0.0420570, 1.0420570, 0.0),
        (-0.0196376, -0.0786361, 1.0982735),
    ),
}
# The lightest black that needs no compensation.
_BLACK = 1e-4
_HDR = {16: "PQ", 18: "HLG"}


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB that results are written with, the same bytes every time."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # LittleCMS dates it to the second, so that no two files would be equal; this is the day of the standard.
    return made[:24] + struct.pack(">6H", 1999, 10, 18, 0, 0, 0) + made[36:]


def as_srgb(samples: np.ndarray) -> np.ndarray:
    """The samples of a file taken for sRGB as they are.

    Args:
        samples: uint8 or uint16 (H, W, C); C is 1 (grey), 3 (RGB) or 4 (CMYK, 0 for no ink, converted by the simple
            formula that knows no inks).

    Returns:
        float32 (H, W, 3) in [0, 1].
    """
    if samples.shape[2] == 4:
        samples = np.asarray(_picture(samples).convert("RGB"))
    values = samples / np.float32(np.iinfo(samples.dtype).max)
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values


def from_profile(samples: np.ndarray, profile: bytes) -> np.ndarray:
    """The samples of a file in sRGB by the file's ICC profile: relative colorimetric, black point compensated.

    Where the profile is that of sRGB, to within the rounding, the samples stay as they are. LittleCMS converts at 8
    bits, since Pillow has no colour picture with more. 16-bit samples are converted by formula, in float, where the
    profile is a matrix and curves, or for grey a curve, as those of photo editors are.

    Args:
        samples: as in `as_srgb`.
        profile: the bytes of the profile; one for RGB is good for grey samples too.

    Returns:
        float32 (H, W, 3) in [0, 1].

    Raises:
        ImageError: a profile that is broken, or of another colour space than the samples.
    """
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        mode = _SPACES.get(space, space)
        if mode == "RGB" and samples.shape[2] == 1:
            samples = np.repeat(samples, 3, axis=2)
        # LittleCMS would read past the pixels of some modes, or stretch them, without an error.
        if mode != _MODES[samples.shape[2]]:
            raise ImageError(
                f"its colour profile is for {space} and not for {_MODES[samples.shape[2]]} pixels"
            )
        transform = _transform(opened, mode)
        if _changes_nothing(transform, mode):
            return as_srgb(samples)
        if samples.dtype == np.uint16 and mode != "CMYK":
            exact = _by_formula(samples, profile)
            if exact is not None:
                return exact
        return as_srgb(np.asarray(transform.apply(_picture(samples))))
    except ImageError:
        raise
    # A profile cut off behind its header opens, and fails only when it is used.
    except (OSError, ValueError, struct.error, ImageCms.PyCMSError) as error:
        raise ImageError(f"its colour profile is broken ({error})") from error


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":
        # What LittleCMS makes of a grey curve to be quicker is up to ten levels off in the dark.
        flags |= ImageCms.Flags.NOOPTIMIZE
    return ImageCms.buildTransform(
        profile,
        ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=flags,
    )


def _picture(samples: np.ndarray) -> Image.Image:
    """A picture of 8 bits a sample."""
    if samples.dtype == np.uint16:
        samples = np.rint(samples / np.float32(257)).astype(np.uint8)
    mode = _MODES[samples.shape[2]]
    pixels = np.ascontiguousarray(samples)
    return Image.frombytes(mode, (samples.shape[1], samples.shape[0]), pixels.tobytes())


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform is the identity, but for one level of 255: profiles of sRGB come in many versions."""
    if mode == "CMYK":
        return False
    if mode == "L":
        probe = np.arange(256, dtype=np.uint8).reshape(1, -1, 1)
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    after = np.asarray(transform.apply(_picture(probe))).astype(int)
    return bool(np.abs(after - probe).max() <= 1)


# --- by formula --------------------------------------------------------------------------------


def decode_light(values: np.ndarray) -> np.ndarray:
    """Amounts of light, in [0, 1], for values of sRGB in [0, 1] (IEC 61966-2-1), of any shape."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encode_light(light: np.ndarray) -> np.ndarray:
    """The inverse of `decode_light`, light below 0 and above 1 clipped."""
    light = light.clip(0, 1)
    root = light ** np.float32(1 / 2.4)
    return np.where(light <= 0.0031308, 12.92 * light, (1.055 * root - 0.055).clip(0, 1))


def _by_formula(samples: np.ndarray, profile: bytes) -> np.ndarray | None:
    """16-bit grey or RGB samples in sRGB; None if the profile is more than a matrix and curves to amounts of light."""
    if profile[20:24] != b"XYZ ":
        return None
    tags = _tags(profile)
    names = ("k",) if samples.shape[2] == 1 else ("r", "g", "b")
    if "A2B0" in tags or not all(f"{name}TRC" in tags for name in names):
        return None
    steps = np.linspace(0, 1, 2**16)
    linear = np.empty(samples.shape, np.float32)
    for channel, name in enumerate(names):
        curve = _curve(tags[f"{name}TRC"], steps).astype(np.float32)
        if curve[0] > _BLACK:
            return None  # its black is to be compensated, which LittleCMS does
        linear[:, :, channel] = curve[samples[:, :, channel]]
    if len(names) == 1:
        return np.repeat(encode_light(linear), 3, axis=2)
    to_d50, srgb_to_d50 = _matrix(tags), _matrix(_tags(srgb_profile()))
    return encode_light(linear @ np.linalg.solve(srgb_to_d50, to_d50).T.astype(np.float32))


def _tags(profile: bytes) -> dict[str, bytes]:
    """Name to contents of each tag of an ICC profile (ICC.1, section 7.3)."""
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(count))
    return {name.decode("latin-1"): profile[at : at + length] for name, at, length in entries}


def _matrix(tags: dict[str, bytes]) -> np.ndarray:
    """From linear RGB to XYZ, columns for R, G and B."""
    columns = [struct.unpack_from(">3i", tags[f"{name}XYZ"], 8) for name in "rgb"]
    return np.array(columns).T / 2**16


def _curve(tag: bytes, values: np.ndarray) -> np.ndarray:
    """Linear light of values in [0, 1] by a curve of an ICC profile (ICC.1, sections 10.6 and 10.18)."""
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        return _parametric(kind, np.frombuffer(tag[12:], ">i4") / 2**16, values)
    if tag[:4] != b"curv":
        raise ValueError(f"a curve of the kind {tag[:4]!r}")
    (count,) = struct.unpack_from(">I", tag, 8)
    table = np.frombuffer(tag[12 : 12 + 2 * count], ">u2")
    if count == 0:
        return values
    if count == 1:
        return values ** (table[0] / 256)
    return np.interp(values, np.linspace(0, 1, count), table / (2**16 - 1))


def _parametric(kind: int, numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The five formulas of a parametric curve are cases of the last: (a x + b)^g + e from d on, c x + f below."""
    g, a, b, c, d, e, f = 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == 0:
        (g,) = numbers[:1]
    elif kind == 1:
        g, a, b = numbers[:3]
        d = -b / a
    elif kind == 2:
        g, a, b, e = numbers[:4]
        d, f = -b / a, e
    elif kind == 3:
        g, a, b, c, d = numbers[:5]
    elif kind == 4:
        g, a, b, c, d, e, f = numbers[:7]
    else:
        raise ValueError(f"a parametric curve of the kind {kind}")
    return np.where(values >= d, (a * values + b).clip(0) ** g + e, c * values + f)


def from_code_points(samples: np.ndarray, primaries: int, transfer: int) -> np.ndarray:
    """The samples of a file in sRGB by the code points (ITU-T H.273) that it names.

    Display P3 and BT.2020 are converted, all else is taken for sRGB. Transfer functions other than those of HDR are all
    taken for that of sRGB, as they are on most screens.

    Args:
        samples: as in `as_srgb`, without CMYK.
        primaries: colour primaries: 12 for Display P3, 9 for BT.2020.
        transfer: transfer characteristics.

    Returns:
        float32 (H, W, 3) in [0, 1]; colours that sRGB has not are clipped.

    Raises:
        ImageError: the transfer of HDR (PQ or HLG), whose numbers mean nothing without tone mapping.
    """
    if transfer in _HDR:
        raise ImageError(f"it is an HDR picture ({_HDR[transfer]}), which is not tone-mapped")
    values = as_srgb(samples)
    if primaries not in _PRIMARIES:
        return values
    linear = decode_light(values)
    return encode_light((linear @ np.array(_PRIMARIES[primaries]).T).astype(np.float32))
