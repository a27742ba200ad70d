"""Picture files: reading one as an image, and writing one whole or not at all."""

import os
import secrets
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nstlib.arguments import is_whole
from nstlib.errors import ImageError
from nstlib.images import (
    MAX_PIXELS,
    MIN_SIDE,
    check_extent,
    check_image,
    check_side,
    resize,
    to_uint8,
)

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
#: Suffixes (lower case) under which a folder is searched for photos; `load_image` itself looks at the contents of a
#: file, never at its name.
LOAD_SUFFIXES = (*SAVE_FORMATS, ".gif")

_LOAD_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_ACCEPTED_FILES = (
    "accepted: a JPEG, PNG, WebP, TIFF, BMP or still GIF file "
    f"with sides of at least {MIN_SIDE} px and at most {MAX_PIXELS} pixels"
)

# Python's warning filters are one list a process, so two threads that silence Pillow at once could
# restore them in the wrong order and leave them changed for good.
_silence = threading.Lock()


def load_image(path: str | os.PathLike, *, size: int | None = None) -> np.ndarray:
    """Read a picture file as an image.

    JPEG, PNG, WebP, TIFF, BMP and still GIF files are recognised by their contents. The EXIF orientation is applied.
    Grey, palette and CMYK pictures become RGB; 16-bit grey is divided by 65535 and 16-bit colour is read at Pillow's
    8 bits; transparent pixels are laid over white. Of a JPEG that carries further pictures (MPO: depth maps, stereo
    pairs) the main one is read.

    Args:
        path: the file.
        size: length in pixels of the longer side of the result, which is shrunk or enlarged to it exactly; None keeps
            the size of the file. See `resize`.

    Returns:
        float32 RGB (H, W, 3) in [0, 1].

    Raises:
        ImageError: naming the file: missing, a folder, empty, unreadable, damaged or truncated, no picture, animated
            or of several pages, a side below `MIN_SIDE`, more than `MAX_PIXELS` pixels (read from the header, before
            anything is decoded), 32-bit samples. Naming `size`: not an int, or too small or large for the picture.
    """
    path = _as_path(path)
    if size is not None:
        check_side(size, "size")
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
    """The image of a file; raises whatever the decoder does."""
    # Opening a pipe or a device could wait or read forever.
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        raise ImageError(f"{path}: is {what}; {_ACCEPTED_FILES}")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: is empty (0 bytes); {_ACCEPTED_FILES}")
    with path.open("rb") as file, Image.open(file, formats=_LOAD_FORMATS) as picture:
        check_extent(picture.height, picture.width, str(path))
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


def save_image(path: str | os.PathLike, image: np.ndarray, *, quality: int = 95) -> Path:
    """Write an image with 8 bits a channel.

    The suffix picks the format: .jpg .jpeg .png .webp .tif .tiff .bmp. The file appears whole or not at all: it is
    written under a temporary name in the same folder and then moved over `path`, replacing a file that is there. JPEG
    keeps the full colour resolution (4:4:4).

    Args:
        path: the file to write; its folder must exist.
        image: (H, W, 3) in [0, 1]; see `check_image`.
        quality: 1 (small) to 100, for JPEG and WebP; the other formats lose nothing beyond the rounding to 8 bits.

    Returns:
        The path.

    Raises:
        ImageError: an unusable image, suffix, quality or folder, or the writing failed (the earlier file, if any, is
            then untouched).
    """
    path = _as_path(path)
    image = check_image(image)
    if path.suffix.lower() not in SAVE_FORMATS:
        raise ImageError(
            f"{path}: suffix {path.suffix!r} names no format; accepted: {', '.join(SAVE_FORMATS)}"
        )
    if not is_whole(quality) or not 1 <= quality <= 100:
        raise ImageError(f"quality: is {quality!r}; accepted: an int from 1 to 100")
    file_format = SAVE_FORMATS[path.suffix.lower()]
    options = {"quality": int(quality)} if file_format in ("JPEG", "WEBP") else {}
    if file_format == "JPEG":
        options["subsampling"] = 0
    picture = Image.fromarray(to_uint8(image))
    try:
        with replacing(path) as temporary, temporary.open("xb") as file:
            picture.save(file, format=file_format, **options)
    # Encoders raise their own kinds, for instance ValueError for a side that a format cannot hold.
    except Exception as error:
        raise ImageError(
            f"{path}: could not be written ({_write_reason(error)}); "
            "accepted: the path of a file in an existing folder that can be written to"
        ) from error
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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file that appears whole or not at all.

    Args:
        path: the file to write or to replace.

    Yields:
        A new path in the same folder, for the body to write to: moved onto `path` if the body succeeds, removed if it
        fails.
    """
    # Not tempfile: its files are private to the user, and moving would keep them so.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()
