"""From the bytes of a picture file to its samples, upright, in the colours of the file."""

import math
import sys
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError

from nstlib.containers import code_points, declared_sizes, is_heic, is_jpeg_xl, jpeg_xl_header
from nstlib.errors import ImageError
from nstlib.images import MAX_PIXELS, MIN_SIDE, check_extent

#: What `decode` says of files that it does not take.
ACCEPTED_FILES = (
    "accepted: a JPEG, PNG, WebP, AVIF, TIFF, BMP, PPM or still GIF file, HEIC and JPEG XL with the extra 'photos', "
    f"with sides of at least {MIN_SIDE} px and at most {MAX_PIXELS} pixels"
)
_FORMATS = ("PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM")
#: A JPEG that is shrunk while it is decoded may have so many pixels: a telephone's 200 million, and not the 4 billion
#: of a file made to fill the memory.
MAX_SHRUNK_PIXELS = 4 * MAX_PIXELS
# How Pillow is told to read 16-bit samples: its way, to the high bytes, and beside it the way to the low ones.
_LOW_BYTES = {
    "RGB;16B": "RGB;16L",
    "RGB;16L": "RGB;16B",
    "RGBA;16B": "RGBA;16L",
    "RGBA;16L": "RGBA;16B",
}
_NATIVE = "L" if sys.byteorder == "little" else "B"
_ORIENTATION = 0x0112  # EXIF tag


@dataclass(frozen=True)
class Decoded:
    """The main picture of a file, upright.

    Attributes:
        samples: uint8 or uint16 (H, W, C); C is 1 (grey), 3 (RGB) or 4 (CMYK, 0 for no ink).
        alpha: float32 (H, W) in [0, 1], 0 for transparent; None if the file holds no transparency.
        profile: the embedded ICC profile, if any.
        code_points: colour primaries and transfer characteristics (ITU-T H.273) that a HEIF or AVIF file names, if any.
        box: left, top, right and bottom, in pixels, of the picture in the samples; where a JPEG was shrunk while it was
            decoded, it can end within the last row and column.
    """

    samples: np.ndarray
    alpha: np.ndarray | None
    profile: bytes | None
    code_points: tuple[int, int] | None
    box: tuple[float, float, float, float]


def decode(path: Path, size: int | None = None) -> Decoded:
    """The main picture of a file.

    Args:
        path: the file.
        size: the longer side in pixels that the picture will be resized to; a JPEG may then be decoded at a half, a
            quarter or an eighth, as long as that leaves twice this size.

    Raises:
        ImageError: no regular file, an empty one, too small or too large, animated, or of a kind that is not read.
        Exception: whatever the decoder raises for a damaged file.
    """
    check_is_file(path)
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: is empty (0 bytes); {ACCEPTED_FILES}")
    with path.open("rb") as file:
        start = file.read(256)
        file.seek(0)
        if is_heic(start):
            return _decode_heic(file, path)
        if is_jpeg_xl(start):
            return _decode_jpeg_xl(file, path)
        if start.startswith(b"\xff\xd8"):
            return _decode_jpeg(file, path, size)
        return _decode_other(file, path)


# --- what Pillow reads by itself ---------------------------------------------------------------


def _decode_jpeg(file: BinaryIO, path: Path, size: int | None) -> Decoded:
    # Not Image.open: it counts the further pictures of a file (gain maps, depth maps) as an animation, and refuses
    # large pictures before they can be asked for small.
    try:
        picture = JpegImagePlugin.JpegImageFile(file)
    except SyntaxError as error:
        raise UnidentifiedImageError(str(error)) from error
    with picture:
        box = _shrink(picture, size) if size is not None else None
        stored = picture.size
        check_extent(stored[1], stored[0], str(path))
        orientation = picture.getexif().get(_ORIENTATION, 1)
        samples, alpha = _samples(ImageOps.exif_transpose(picture), picture, path)
        decoded = _decoded(samples, alpha, picture.info)
    return replace(decoded, box=_turned(box, stored, orientation)) if box else decoded


def _shrink(
    picture: JpegImagePlugin.JpegImageFile, size: int
) -> tuple[float, float, float, float] | None:
    """Have a JPEG decoded small enough for `size`; where in the result it lies, or None if it is not shrunk."""
    width, height = picture.size
    # Twice the size leaves the resampling what it needs to do its work well.
    scale = 2 * size / max(width, height)
    if scale > 0.5 or scale * min(width, height) < 2 * MIN_SIDE:
        return None
    if width * height > MAX_SHRUNK_PIXELS:
        return None
    drafted = picture.draft(picture.mode, (math.ceil(scale * width), math.ceil(scale * height)))
    return drafted[1] if drafted else None


def _turned(
    box: tuple[float, float, float, float], size: tuple[int, int], orientation: int
) -> tuple[float, float, float, float]:
    """Where the box of a picture (width, height) lies after `ImageOps.exif_transpose`.

    The box begins at the first pixel; what is over at its far sides comes to lie where they go.
    """
    over_x, over_y = size[0] - box[2], size[1] - box[3]
    width, height = size
    if orientation in (5, 6, 7, 8):
        (over_x, over_y), (width, height) = (over_y, over_x), (height, width)
    left = over_x if orientation in (2, 3, 6, 7) else 0.0
    top = over_y if orientation in (3, 4, 7, 8) else 0.0
    return left, top, left + width - over_x, top + height - over_y


def _decode_other(file: BinaryIO, path: Path) -> Decoded:
    with Image.open(file, formats=_FORMATS) as picture:
        check_extent(picture.height, picture.width, str(path))
        if getattr(picture, "is_animated", False):
            raise ImageError(f"{path}: is animated or has several pages; {ACCEPTED_FILES}")
        _check_tiff(picture, path)
        deep = _sixteen_bit_samples(picture, file)
        if deep is None:
            samples, alpha = _samples(ImageOps.exif_transpose(picture), picture, path)
        else:
            samples, alpha = _split(deep, picture.info.get("transparency"))
        nclx = None
        # Pillow hands the profile of an AVIF over and not its code points.
        if picture.format == "AVIF" and not picture.info.get("icc_profile"):
            file.seek(0)
            nclx = code_points(file.read())
        return _decoded(samples, alpha, picture.info, nclx)


def _decoded(
    samples: np.ndarray,
    alpha: np.ndarray | None,
    info: dict[str, Any],
    nclx: tuple[int, int] | None = None,
) -> Decoded:
    height, width = samples.shape[:2]
    profile = info.get("icc_profile") or None
    return Decoded(samples, alpha, profile, nclx, (0, 0, width, height))


def _check_tiff(picture: Image.Image, path: Path) -> None:
    """Refuse what Pillow would hand over as if it were a plain picture."""
    if picture.format != "TIFF":
        return
    tags = picture.tag_v2
    bits, photometric = tags.get(258, (1,)), tags.get(262)
    grey = picture.mode.startswith("I;16") and (bits, photometric) != ((16,), 1)
    # 16-bit planes one after the other, uncompressed, would be read as 8-bit ones.
    planes = len(bits) > 1 and max(bits) > 8 and tags.get(284) == 2
    if grey or planes:
        what = "a grey TIFF" if grey else "a TIFF"
        raise ImageError(f"{path}: is {what} of an unusual kind; {ACCEPTED_FILES}")


def _samples(
    upright: Image.Image, source: Image.Image, path: Path
) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples and alpha of a decoded picture; `source` knows the format of the file."""
    if upright.mode.startswith("I;16") or (upright.mode == "I" and source.format == "PPM"):
        grey = np.asarray(upright).astype(np.uint16)[:, :, None]
        return _split(grey, source.info.get("transparency"))
    if upright.mode in ("I", "F"):
        raise ImageError(
            f"{path}: has 32-bit samples, whose range is unknown; accepted: 8 or 16 bits a sample"
        )
    if upright.mode == "CMYK":
        return np.asarray(upright), None
    is_grey = upright.mode in ("1", "L", "LA", "La")
    if upright.has_transparency_data:
        rgba = np.asarray(upright.convert("RGBA"))
        return _split(rgba[:, :, [0, 3]] if is_grey else rgba)
    return np.atleast_3d(np.asarray(upright.convert("L" if is_grey else "RGB"))), None


def _split(
    samples: np.ndarray, transparent: int | tuple[int, int, int] | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples without their alpha, and that; `transparent` is the one colour of a file that is to be seen through."""
    if samples.shape[2] in (2, 4):
        largest = np.float32(np.iinfo(samples.dtype).max)
        return samples[:, :, :-1], samples[:, :, -1] / largest
    if transparent is None:
        return samples, None
    return samples, (samples != np.array(transparent)).any(axis=2).astype(np.float32)


def _sixteen_bit_samples(picture: Image.Image, file: BinaryIO) -> np.ndarray | None:
    """All bits of the samples of 16-bit colour, or of 16-bit grey with alpha; None if the file has no such.

    Pillow has no mode for them and keeps the high bytes. Told that the bytes come in the other order, it keeps the low
    ones; so the file is decoded twice.
    """
    way = _way(picture)
    if way == "LA;16B":
        # Four bytes a pixel, for a picture of four channels: read plainly, all of them are there.
        _read_by(picture, "RGBA")
        both = np.asarray(ImageOps.exif_transpose(picture)).astype(np.uint16)
        return both[:, :, 0::2] << 8 | both[:, :, 1::2]
    if way not in _LOW_BYTES:
        return None
    _read_by(picture, way)
    high = np.asarray(ImageOps.exif_transpose(picture)).astype(np.uint16)
    file.seek(0)
    with Image.open(file, formats=_FORMATS) as again:
        _read_by(again, _LOW_BYTES[way])
        return high << 8 | np.asarray(ImageOps.exif_transpose(again))


def _way(picture: Image.Image) -> str | None:
    """How Pillow is about to read the samples of all parts of a file, its "raw mode"; None if that differs."""
    parts = {(tile.codec_name, tile.args) for tile in picture.tile}
    if parts == {("ppm", ("RGB", 65535))}:
        return "RGB;16B"
    ways = {args if isinstance(args, str) else args[0] for _, args in parts if args}
    way = ways.pop() if len(ways) == 1 else None
    return way.replace(";16N", f";16{_NATIVE}") if isinstance(way, str) else None


def _read_by(picture: Image.Image, way: str) -> None:
    """Have Pillow read the samples of a file, not yet decoded, in another way."""
    picture.tile = [
        tile._replace(codec_name="raw", args=way)
        if tile.codec_name == "ppm"
        else tile._replace(args=way if isinstance(tile.args, str) else (way, *tile.args[1:]))
        for tile in picture.tile
    ]


# --- what needs the extra ----------------------------------------------------------------------


def _needed(module: str, kind: str, path: Path) -> ModuleType:
    """A module of the extra."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImageError(
            f"{path}: is a {kind} picture, which needs the extra 'photos': pip install 'nst-study[photos]'; "
            f"{ACCEPTED_FILES}"
        ) from error


def check_is_file(path: Path) -> None:
    """Refuse a pipe or a device, which could wait or be read forever, and a folder. What is missing is let through.

    Raises:
        ImageError: it is none of the kind.
    """
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        raise ImageError(f"{path}: is {what}; {ACCEPTED_FILES}")


def _decode_heic(file: BinaryIO, path: Path) -> Decoded:
    # Not through Image.open, which cuts 10-bit pictures to 8 bits, and whose opener would be registered for everybody.
    # Gain maps, depth maps and further pictures are left out. What is decoded is upright, whatever EXIF says.
    module = _needed("pillow_heif", "HEIC", path)
    data = file.read()
    for width, height in declared_sizes(data):
        if width * height > MAX_PIXELS:
            check_extent(height, width, str(path))
    heif = module.open_heif(data, convert_hdr_to_8bit=False)
    check_extent(heif.size[1], heif.size[0], str(path))
    if heif.premultiplied_alpha:
        raise ImageError(f"{path}: is a HEIC with premultiplied alpha; {ACCEPTED_FILES}")
    # A copy: pillow-heif before 1.6 frees the pixels with the file, whoever else still looks at them.
    samples = np.atleast_3d(np.array(heif))
    if samples.dtype == np.uint16:
        # Ten or twelve bits with zeros behind them: white has to be the largest number.
        samples |= samples >> heif.info["bit_depth"]
    samples, alpha = _split(samples)
    nclx = heif.info.get("nclx_profile")
    named = (nclx["color_primaries"], nclx["transfer_characteristics"]) if nclx else None
    return _decoded(samples, alpha, heif.info, named)


def _decode_jpeg_xl(file: BinaryIO, path: Path) -> Decoded:
    module = _needed("pillow_jxl", "JPEG XL", path)
    # Opening decodes everything, so the size is read by hand before.
    header = jpeg_xl_header(file.read())
    check_extent(header.height, header.width, str(path))
    if header.animated:
        raise ImageError(f"{path}: is animated or has several pages; {ACCEPTED_FILES}")
    file.seek(0)
    with module.JpegXLImagePlugin.JXLImageFile(file) as picture:
        if picture.mode == "LA" and header.bits > 8:
            # Its bytes would be taken for 8-bit samples.
            raise ImageError(
                f"{path}: is a grey JPEG XL with alpha at {header.bits} bits; accepted: 8 bits"
            )
        # Only a JPEG packed into the file lies as it was; all else was turned by the decoder, whatever EXIF says.
        upright = ImageOps.exif_transpose(picture) if picture.jpeg else picture
        samples, alpha = _samples(upright, picture, path)
        return _decoded(samples, alpha, picture.info)
