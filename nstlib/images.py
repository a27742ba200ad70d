"""Images in and out of files, and the few operations on them that every other module needs.

Everywhere in this library an image is a float32 NumPy array of shape (H, W, 3), RGB, in [0, 1],
with both sides at least `MIN_SIDE` and at most `MAX_PIXELS` pixels in all. Numbers are those of the
file divided by their largest value: there is no colour management, so embedded ICC profiles are not
applied and the values stay gamma-encoded.
"""

import contextlib
import os
import secrets
import threading
import warnings
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MIN_SIDE = 16
MAX_PIXELS = 64 * 2**20

#: File suffix (lower case) to the format that `save_image` writes for it.
SAVE_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
#: Suffixes (lower case) under which a folder is searched for photos; `load_image` itself looks at
#: the contents of a file, never at its name.
LOAD_SUFFIXES = (*SAVE_FORMATS, ".gif")

_LOAD_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_ACCEPTED_FILES = (
    "accepted: a JPEG, PNG, WebP, TIFF, BMP or still GIF file "
    f"with sides of at least {MIN_SIDE} px and at most {MAX_PIXELS} pixels"
)
_ACCEPTED_ARRAYS = "accepted: a float32 RGB array of shape (H, W, 3) with values in [0, 1]"
# How far outside [0, 1] a value may lie and be taken for rounding.
_TOLERANCE = 1e-6
# Rec. 709 luma weights of R, G and B (ITU-R BT.709-6, item 3.2).
_REC_709 = np.array([0.2126, 0.7152, 0.0722])

# Python's warning filters are one list a process, so two threads that silence Pillow at once could
# restore them in the wrong order and leave them changed for good.
_silence = threading.Lock()


class ImageError(ValueError):
    """An image, a file or an argument that this library cannot work with; the message says why."""


def check_image(image, name: str = "image") -> np.ndarray:
    """Return `image` as a contiguous float32 array (H, W, 3) in [0, 1], or raise.

    An array that already is one comes back as it is, without a copy. Other floating types are
    converted; values up to 1e-6 outside [0, 1] are taken for rounding and clipped. Tensors that
    NumPy can read (TensorFlow, JAX, PyTorch on the CPU) are accepted.

    Raises
    ------
    ImageError
        Naming `name`: not an array, a wrong type or shape, a side below `MIN_SIDE`, more than
        `MAX_PIXELS` pixels, values that are not finite or lie outside [0, 1].
    """
    if not hasattr(image, "__array__"):
        hint = "; load_image reads a file" if isinstance(image, str | os.PathLike) else ""
        raise ImageError(f"{name}: is a {type(image).__name__}{hint}; {_ACCEPTED_ARRAYS}")
    try:
        array = np.asarray(image)
    # Whatever a tensor library raises for one on a GPU, with a gradient, or symbolic.
    except Exception as error:
        raise ImageError(
            f"{name}: cannot be read by NumPy ({error}); {_ACCEPTED_ARRAYS}"
        ) from error
    _check_dtype(array.dtype, name)
    _check_shape(array.shape, name)
    # Both extremes are NaN when any value is, so two passes check everything without a temporary.
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        count = array.size - int(np.isfinite(array).sum())
        raise ImageError(f"{name}: {count} values are NaN or infinite; {_ACCEPTED_ARRAYS}")
    if low < -_TOLERANCE or high > 1 + _TOLERANCE:
        hint = "; values in 0..255 must be divided by 255" if low >= 0 and high > 2 else ""
        raise ImageError(f"{name}: values lie in [{low:.7g}, {high:.7g}]{hint}; {_ACCEPTED_ARRAYS}")
    array = np.ascontiguousarray(array, dtype=np.float32)
    return array.clip(0, 1) if low < 0 or high > 1 else array


def _check_dtype(dtype: np.dtype, name: str) -> None:
    if np.issubdtype(dtype, np.floating):
        return
    hint = ""
    if dtype in (np.uint8, np.uint16):
        largest = np.iinfo(dtype).max
        hint = f"; divide by {largest}, as in image.astype('float32') / {largest}"
    raise ImageError(f"{name}: dtype is {dtype}{hint}; {_ACCEPTED_ARRAYS}")


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 3 or shape[2] != 3:
        hint = ""
        if len(shape) == 2:
            hint = "; a grey image needs three equal channels (numpy.stack([grey] * 3, axis=-1))"
        elif len(shape) == 4:
            hint = "; pass one image of a batch at a time"
        elif len(shape) == 3 and shape[2] == 4:
            hint = "; drop the alpha channel"
        elif len(shape) == 3 and shape[0] == 3:
            hint = "; channels come last (image.transpose(1, 2, 0))"
        raise ImageError(f"{name}: shape is {shape}{hint}; {_ACCEPTED_ARRAYS}")
    _check_extent(shape[0], shape[1], name)


def _check_extent(height: int, width: int, name: str) -> None:
    if min(height, width) < MIN_SIDE:
        raise ImageError(
            f"{name}: {width} x {height} px is too small; "
            f"accepted: width and height of at least {MIN_SIDE} px"
        )
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"{name}: {width} x {height} px is too large; accepted: at most {MAX_PIXELS} pixels"
        )


def load_image(path: str | os.PathLike, *, size: int | None = None) -> np.ndarray:
    """Read a picture file as a float32 RGB image (H, W, 3) in [0, 1].

    JPEG, PNG, WebP, TIFF, BMP and still GIF files are recognised by their contents. The EXIF
    orientation is applied. Grey, palette and CMYK pictures become RGB; 16-bit grey is divided by
    65535 and 16-bit colour is read at Pillow's 8 bits; transparent pixels are laid over white. Of a
    JPEG that carries further pictures (MPO: depth maps, stereo pairs) the main one is read.

    Parameters
    ----------
    path
        The file.
    size
        Length in pixels of the longer side of the result, which is shrunk or enlarged to it
        exactly; None keeps the size of the file. See `resize`.

    Raises
    ------
    ImageError
        Naming the file: missing, a folder, empty, unreadable, damaged or truncated, no picture,
        animated or of several pages, a side below `MIN_SIDE`, more than `MAX_PIXELS` pixels (read
        from the header, before anything is decoded), 32-bit samples. Naming `size`: not an int, or
        too small or large for the picture.
    """
    path = _as_path(path)
    if size is not None:
        _check_side(size, "size")
    image = _decode(path)
    if size is None or max(image.shape[:2]) == size:
        return image
    try:
        return resize(image, size)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def _as_path(path: str | os.PathLike) -> Path:
    try:
        return Path(path)
    except TypeError as error:
        raise ImageError(
            f"path: is a {type(path).__name__}; accepted: a str or an os.PathLike of str"
        ) from error


def _decode(path: Path) -> np.ndarray:
    try:
        with _silence, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(path)
    except ImageError:
        raise
    # A damaged file can make a decoder raise nearly anything (OSError, SyntaxError, struct.error,
    # zlib.error, ValueError, IndexError, MemoryError, ...), and the list changes with Pillow.
    except Exception as error:
        raise ImageError(f"{path}: {_reason(error)}; {_ACCEPTED_FILES}") from error


def _reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case PermissionError():
            return "permission to read it is denied"
        case UnidentifiedImageError():
            return "is no picture of a known format, or damaged in its first bytes"
        case Image.DecompressionBombError():
            return "declares far too many pixels"
        case _:
            return f"is damaged, truncated or unreadable ({type(error).__name__}: {error})"


def _read(path: Path) -> np.ndarray:
    # Opening a pipe or a device could wait or read forever.
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        raise ImageError(f"{path}: is {what}; {_ACCEPTED_FILES}")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: is empty (0 bytes); {_ACCEPTED_FILES}")
    with path.open("rb") as file, Image.open(file, formats=_LOAD_FORMATS) as picture:
        _check_extent(picture.height, picture.width, str(path))
        if picture.format != "MPO" and getattr(picture, "is_animated", False):
            raise ImageError(f"{path}: is animated or has several pages; {_ACCEPTED_FILES}")
        samples = _rgb_samples(ImageOps.exif_transpose(picture), picture, path)
    return np.ascontiguousarray(samples, dtype=np.float32)


def _rgb_samples(upright: Image.Image, source: Image.Image, path: Path) -> np.ndarray:
    """The pixels of a decoded picture as floats (H, W, 3); `source` knows the file's own tags."""
    if upright.mode.startswith("I;16"):
        # Pillow hands 12-bit and white-is-zero TIFFs over as if they were plain 16-bit ones.
        if source.format == "TIFF" and (source.tag_v2[258], source.tag_v2[262]) != ((16,), 1):
            raise ImageError(f"{path}: is a grey TIFF of an unusual kind; {_ACCEPTED_FILES}")
        grey = np.asarray(upright) / np.float32(65535)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if upright.mode in ("I", "F"):
        raise ImageError(
            f"{path}: has 32-bit samples, whose range is unknown; accepted: 8 or 16 bits a sample"
        )
    if upright.has_transparency_data:
        rgba = np.asarray(upright.convert("RGBA")) / np.float32(255)
        alpha = rgba[:, :, 3:]
        return rgba[:, :, :3] * alpha + (1 - alpha)
    return np.asarray(upright.convert("RGB")) / np.float32(255)


def save_image(path: str | os.PathLike, image, *, quality: int = 95) -> Path:
    """Write `image` as 8 bits a channel and return the path.

    The suffix picks the format: .jpg .jpeg .png .webp .tif .tiff .bmp. The file appears whole or
    not at all: it is written under a temporary name in the same folder and then moved over `path`,
    replacing a file that is there. JPEG keeps the full colour resolution (4:4:4).

    Parameters
    ----------
    path
        The file to write; its folder must exist.
    image
        (H, W, 3) in [0, 1]; see `check_image`.
    quality
        1 (small) to 100, for JPEG and WebP; the other formats lose nothing beyond the rounding to
        8 bits.

    Raises
    ------
    ImageError
        An unusable image, suffix, quality or folder, or the writing failed (the earlier file, if
        any, is then untouched).
    """
    path = _as_path(path)
    image = check_image(image)
    if path.suffix.lower() not in SAVE_FORMATS:
        raise ImageError(
            f"{path}: suffix {path.suffix!r} names no format; accepted: {', '.join(SAVE_FORMATS)}"
        )
    if not _is_int(quality) or not 1 <= quality <= 100:
        raise ImageError(f"quality: is {quality!r}; accepted: an int from 1 to 100")
    file_format = SAVE_FORMATS[path.suffix.lower()]
    options = {"quality": int(quality)} if file_format in ("JPEG", "WEBP") else {}
    if file_format == "JPEG":
        options["subsampling"] = 0
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    # Not tempfile: its files are private to the user, and os.replace would keep them so.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            picture.save(file, format=file_format, **options)
        temporary.replace(path)
    # Encoders raise their own kinds, for instance ValueError for a side that a format cannot hold.
    except Exception as error:
        raise ImageError(
            f"{path}: could not be written ({_write_reason(error)}); "
            "accepted: the path of a file in an existing folder that can be written to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def _write_reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "the folder does not exist"
        case NotADirectoryError():
            return "the folder is a file"
        case IsADirectoryError():
            return "it is a folder"
        case PermissionError():
            return "permission is denied"
        case _:
            return f"{type(error).__name__}: {error}"


def resize(image, size: int | Sequence[int]) -> np.ndarray:
    """Resize with antialiasing (Lanczos, 3 lobes, in float), clipped to [0, 1]; always a new array.

    Parameters
    ----------
    image
        (H, W, 3) in [0, 1].
    size
        An int is the longer side of the result, in pixels; the other side keeps the proportions,
        rounded to the nearest pixel. A pair is (height, width).

    Raises
    ------
    ImageError
        An unusable image, or `size` is neither an int nor a pair of ints, gives a side below
        `MIN_SIDE` or more than `MAX_PIXELS` pixels.
    """
    image = check_image(image)
    height, width = image.shape[:2]
    if isinstance(size, tuple | list):
        if len(size) != 2:
            raise ImageError(f"size: is {size!r}; accepted: an int or a pair (height, width)")
        for side in size:
            _check_side(side, "size")
        target = (int(size[0]), int(size[1]))
    else:
        _check_side(size, "size")
        longer = max(height, width)
        target = (round(height * int(size) / longer), round(width * int(size) / longer))
    _check_extent(*target, f"size: {size!r} of a {width} x {height} px image")
    return _resample(image, target, box=(0, 0, width, height))


def fit(image, height: int, width: int) -> np.ndarray:
    """Fill a frame of `height` x `width` pixels: resize to cover it, then crop around the centre.

    Same as cropping a `resize` to the smallest size, in the image's proportions, that covers the
    frame, but only the pixels of the frame are computed. Always a new array.

    Raises
    ------
    ImageError
        An unusable image, or a `height` or `width` that is no int, below `MIN_SIDE`, or with
        more than `MAX_PIXELS` pixels between them.
    """
    image = check_image(image)
    _check_side(height, "height")
    _check_side(width, "width")
    _check_extent(height, width, "height, width")
    rows, columns = image.shape[:2]
    scale = max(height / rows, width / columns)
    cover_height = max(height, round(rows * scale))
    cover_width = max(width, round(columns * scale))
    # The frame in whole pixels of the covering image, then in the coordinates of the original: the
    # resampling grid is that of the whole covering image, and a pure crop copies pixels.
    top, left = (cover_height - height) // 2, (cover_width - width) // 2
    # Multiplying first keeps the far edge exactly on the last pixel.
    box = (
        left * columns / cover_width,
        top * rows / cover_height,
        (left + width) * columns / cover_width,
        (top + height) * rows / cover_height,
    )
    return _resample(image, (int(height), int(width)), box=box)


def _resample(
    image: np.ndarray, shape: tuple[int, int], *, box: tuple[float, float, float, float]
) -> np.ndarray:
    """The part `box` (left, top, right, bottom) of the image, resampled to `shape` (height, width).

    Pillow has no three-channel float images, so each channel goes through as one of mode F, where
    it accumulates in double precision: a constant channel stays exactly constant.
    """
    result = np.empty((*shape, 3), dtype=np.float32)
    for channel in range(3):
        plane = Image.fromarray(np.ascontiguousarray(image[:, :, channel]))
        result[:, :, channel] = plane.resize(shape[::-1], Image.Resampling.LANCZOS, box=box)
    return result.clip(0, 1, out=result)


def luminance(image) -> np.ndarray:
    """Rec. 709 luma, 0.2126 R + 0.7152 G + 0.0722 B, as float32 (H, W) in [0, 1].

    The weights are applied to the gamma-encoded values as they are in the file, which follows
    perceived lightness; it is not the luminance of linear light.
    """
    return (check_image(image) @ _REC_709).astype(np.float32)


def transfer_colour(image, reference) -> np.ndarray:
    """The image with the distribution of each colour channel taken from `reference`, by its rank.

    Histogram matching in RGB (`skimage.exposure.match_histograms`): the palette of a painting without its strokes, the
    least that any style transfer has to beat.

    Args:
        image, reference: images of any sizes.

    Returns:
        float32 of the shape of `image`, in [0, 1].
    """
    from skimage.exposure import match_histograms  # here, so that loading an image stays quick

    image, reference = check_image(image), check_image(reference, "reference")
    matched = match_histograms(image, reference, channel_axis=-1)
    return np.clip(matched, 0.0, 1.0).astype(np.float32)


def transfer_luminance(image, reference) -> np.ndarray:
    """The image with the luminance (Rec. 709) of `reference`, pixel by pixel, and its own chroma.

    The difference in luminance is added to all three channels, which leaves the chroma of a YUV space as it is, then
    clipped (Gatys et al. 2017, 'Preserving Color in Neural Artistic Style Transfer', luminance-only transfer).

    Args:
        image, reference: two images of one size.

    Returns:
        float32 of the shape of `image`, in [0, 1].
    """
    image, reference = check_image(image), check_image(reference, "reference")
    if image.shape != reference.shape:
        raise ImageError(
            f"reference: its shape {reference.shape} is not that of the image, {image.shape}"
        )
    shift = luminance(reference) - luminance(image)
    return np.clip(image + shift[..., None], 0.0, 1.0)


def _is_int(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _check_side(value, name: str) -> None:
    # The upper end is the longest side that MAX_PIXELS leaves beside the shortest one.
    longest = MAX_PIXELS // MIN_SIDE
    if not _is_int(value) or not MIN_SIDE <= value <= longest:
        raise ImageError(f"{name}: is {value!r}; accepted: an int from {MIN_SIDE} to {longest}")
