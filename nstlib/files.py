"""Picture files: reading one as an image, and writing one whole or not at all."""

import os
import secrets
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from nstlib.arguments import is_whole
from nstlib.colour_profiles import as_srgb, from_code_points, from_profile, srgb_profile
from nstlib.decoding import ACCEPTED_FILES, Decoded, decode
from nstlib.errors import ImageError
from nstlib.images import check_image, check_side, luminance, resize, to_uint8

#: File suffix (lower case) to the format that `save_image` writes for it.
SAVE_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".avif": "AVIF",
    ".ppm": "PPM",
}
#: Suffixes (lower case) under which a folder is searched for photos; `load_image` itself looks at the contents of a
#: file, never at its name.
LOAD_SUFFIXES = (*SAVE_FORMATS, ".gif", ".pgm", ".heic", ".heif", ".jxl")

# Those formats that can hold an alpha channel, or a profile.
_WITH_ALPHA = ("PNG", "WEBP", "TIFF", "AVIF")
#: Suffixes of the formats that keep a transparency.
ALPHA_SUFFIXES = tuple(suffix for suffix, name in SAVE_FORMATS.items() if name in _WITH_ALPHA)
_WITH_PROFILE = ("JPEG", *_WITH_ALPHA)
# Format to what it is told when nothing is asked for. For AVIF 90 is what 95 is for JPEG, in half the bytes. WebP has
# no quality at which thin coloured strokes stay.
_USUAL: dict[str, dict[str, int | bool]] = {
    "JPEG": {"quality": 95},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 90},
}
# Half the colour resolution, the default of both, makes thin coloured strokes grey at any quality.
_SUBSAMPLING = {"JPEG": 0, "AVIF": "4:4:4"}

# Python's warning filters are one list a process, so two threads that silence Pillow at once could
# restore them in the wrong order and leave them changed for good.
_silence = threading.Lock()


def load_image(path: str | os.PathLike, *, size: int | None = None) -> np.ndarray:
    """Read a picture file as an image in sRGB.

    JPEG, PNG, WebP, AVIF, TIFF, BMP, PPM and still GIF files are recognised by their contents; HEIC and JPEG XL too,
    with the extra `photos`. The orientation is applied, as each format has it. Colours are converted to sRGB by the
    embedded profile, else by what the file says of its primaries (AVIF, HEIC); a file that says nothing is sRGB. Grey,
    palette and CMYK pictures become RGB. 16-bit PNG, TIFF and PPM and 10-bit HEIC are read at their full depth as long
    as no profile has to be applied, all else at 8 bits. Transparent pixels are laid over white; `load_alpha` gives the
    transparency. Of a file with further pictures (gain maps, depth maps, stereo pairs) the main one is read.

    Args:
        path: the file.
        size: length in pixels of the longer side of the result, which is shrunk or enlarged to it exactly; None keeps
            the size of the file. See `resize`. A JPEG that is to be shrunk may have up to `MAX_SHRUNK_PIXELS` pixels.

    Returns:
        float32 RGB (H, W, 3) in [0, 1].

    Raises:
        ImageError: naming the file: missing, a folder, empty, unreadable, damaged or truncated, no picture, animated
            or of several pages, a side below `MIN_SIDE`, more than `MAX_PIXELS` pixels (read from the header, before
            anything is decoded), 32-bit samples, or the extra is missing. Naming `size`: not an int, or too small or
            large for the picture.

    Warns:
        UserWarning: naming the file, whose colour profile is broken or made for something else and is not applied, or
            that is an HDR picture, which is not tone-mapped.
    """
    path, decoded = _decoded(path, size)
    return _image(decoded, size, path)


def load_alpha(path: str | os.PathLike, *, size: int | None = None) -> np.ndarray | None:
    """The transparency of a picture file, in the same pixels as `load_image` gives for the same `size`.

    Args:
        path: the file.
        size: as for `load_image`.

    Returns:
        float32 (H, W) in [0, 1], 0 where the picture is transparent and 1 where it is not; None if it nowhere is.

    Raises:
        ImageError: as `load_image` does.
    """
    path, decoded = _decoded(path, size)
    return _alpha(decoded, size, path)


def load_cut_out(
    path: str | os.PathLike, *, size: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """What `load_image` and `load_alpha` give, from one decoding of the file; arguments and errors are theirs."""
    path, decoded = _decoded(path, size)
    return _image(decoded, size, path), _alpha(decoded, size, path)


def load_mask(path: str | os.PathLike) -> np.ndarray:
    """Read a picture file as a mask: the luminance of its colours, transparent pixels black.

    Args:
        path: the file; see `load_image`.

    Returns:
        float32 (H, W) in [0, 1], 1 where the picture is white, as `nstlib.stylize` takes it.

    Raises:
        ImageError: as `load_image` does.
    """
    image, alpha = load_cut_out(path)
    white = luminance(image)
    return white if alpha is None else (white - (1 - alpha)).clip(0, 1)  # the image lies over white


def _image(decoded: Decoded, size: int | None, path: Path) -> np.ndarray:
    image = _in_srgb(decoded, path)
    if decoded.alpha is not None:
        alpha = decoded.alpha[:, :, None]
        image = image * alpha + (1 - alpha)
    return _resized(np.ascontiguousarray(image, dtype=np.float32), decoded, size, path)


def _alpha(decoded: Decoded, size: int | None, path: Path) -> np.ndarray | None:
    if decoded.alpha is None or decoded.alpha.min() == 1:
        return None
    alpha = np.repeat(decoded.alpha[:, :, None], 3, axis=2)
    return np.ascontiguousarray(_resized(alpha, decoded, size, path)[:, :, 0])


def _as_path(path: str | os.PathLike) -> Path:
    try:
        return Path(path)
    except TypeError as error:
        raise ImageError(
            f"path: is a {type(path).__name__}; accepted: a str or an os.PathLike of str"
        ) from error


def _decoded(path: str | os.PathLike, size: int | None) -> tuple[Path, Decoded]:
    path = _as_path(path)
    if size is not None:
        check_side(size, "size")
    try:
        with _silence, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return path, decode(path, size)
    except ImageError:
        raise
    # A damaged file can make a decoder raise nearly anything (OSError, SyntaxError, struct.error,
    # zlib.error, ValueError, IndexError, RuntimeError, MemoryError, ...), and the list changes with the libraries.
    except Exception as error:
        raise ImageError(f"{path}: {_reason(error)}; {ACCEPTED_FILES}") from error


def _in_srgb(decoded: Decoded, path: Path) -> np.ndarray:
    try:
        if decoded.profile is not None:
            return from_profile(decoded.samples, decoded.profile)
        if decoded.code_points is not None:
            return from_code_points(decoded.samples, *decoded.code_points)
    except ImageError as error:
        warnings.warn(f"{path}: {error}; its colours are taken for sRGB", stacklevel=4)
    return as_srgb(decoded.samples)


def _resized(image: np.ndarray, decoded: Decoded, size: int | None, path: Path) -> np.ndarray:
    if size is None or max(image.shape[:2]) == size:
        return image
    try:
        return resize(image, size, box=decoded.box)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


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
            # Some decoders write of their troubles at length.
            said = " ".join(str(error).split())
            return f"is damaged, truncated or unreadable ({type(error).__name__}: {said})"


def save_image(
    path: str | os.PathLike,
    image: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    quality: int | None = None,
) -> Path:
    """Write an image with 8 bits a channel.

    The suffix picks the format: .jpg .jpeg .png .webp .tif .tiff .bmp .avif .ppm. The file appears whole or not at all:
    it is written under a temporary name in the same folder and then moved over `path`, replacing a file that is there.
    It says that it is sRGB, by a profile, where the format can; nothing of a photo's EXIF is in it. JPEG and AVIF keep
    the full colour resolution (4:4:4).

    Args:
        path: the file to write; its folder must exist.
        image: (H, W, 3) in [0, 1]; see `check_image`.
        alpha: (H, W) in [0, 1], 0 for transparent, as `load_alpha` gives it, for PNG, WebP, TIFF and AVIF; None writes
            no transparency.
        quality: 1 (small) to 100, for JPEG, WebP and AVIF; None for 95 in JPEG, 90 in AVIF, and a WebP without loss.
            WebP with a quality halves the colour resolution. The other formats lose nothing beyond the rounding to
            8 bits.

    Returns:
        The path.

    Raises:
        ImageError: an unusable image, alpha, suffix, quality or folder, or the writing failed (the earlier file, if
            any, is then untouched).
    """
    path = _as_path(path)
    image = check_image(image)
    if path.suffix.lower() not in SAVE_FORMATS:
        raise ImageError(
            f"{path}: suffix {path.suffix!r} names no format; accepted: {', '.join(SAVE_FORMATS)}"
        )
    if quality is not None and (not is_whole(quality) or not 1 <= quality <= 100):
        raise ImageError(f"quality: is {quality!r}; accepted: an int from 1 to 100, or None")
    file_format = SAVE_FORMATS[path.suffix.lower()]
    if alpha is not None:
        image = np.dstack([image, _checked_alpha(alpha, image, path)])
    picture = Image.fromarray(to_uint8(image))
    try:
        with replacing(path) as temporary, temporary.open("xb") as file:
            picture.save(file, format=file_format, **_options(file_format, quality))
    # Encoders raise their own kinds, for instance ValueError for a side that a format cannot hold.
    except Exception as error:
        raise ImageError(
            f"{path}: could not be written ({_write_reason(error)}); "
            "accepted: the path of a file in an existing folder that can be written to"
        ) from error
    return path


def _options(file_format: str, quality: int | None) -> dict[str, int | str | bytes]:
    """What Pillow is told for a format."""
    options: dict[str, int | str | bytes] = {}
    if file_format in _USUAL:
        options |= _USUAL[file_format] if quality is None else {"quality": int(quality)}
    if file_format == "WEBP":
        options["exact"] = True  # else it blackens what is transparent
    if file_format in _SUBSAMPLING:
        options["subsampling"] = _SUBSAMPLING[file_format]
    if file_format in _WITH_PROFILE:
        options["icc_profile"] = srgb_profile()
    return options


def _checked_alpha(alpha: np.ndarray, image: np.ndarray, path: Path) -> np.ndarray:
    if path.suffix.lower() not in ALPHA_SUFFIXES:
        raise ImageError(
            f"{path}: {path.suffix} holds no transparency; accepted with alpha: {', '.join(ALPHA_SUFFIXES)}"
        )
    if getattr(alpha, "shape", None) != image.shape[:2]:
        raise ImageError(
            f"alpha: is a {type(alpha).__name__} of shape {getattr(alpha, 'shape', None)}; "
            f"accepted: an array of the image's height and width, {image.shape[:2]}"
        )
    return check_image(np.stack([alpha] * 3, axis=-1), "alpha")[:, :, 0]


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
def replacing(path: Path, suffix: str = ".tmp") -> Iterator[Path]:
    """A file that appears whole or not at all.

    Args:
        path: the file to write or to replace.
        suffix: of the new path, for a writer that insists on one.

    Yields:
        A new path in the same folder, for the body to write to: moved onto `path` if the body succeeds, removed if it
        fails.
    """
    # Not tempfile: its files are private to the user, and moving would keep them so.
    temporary = path.with_name(f".{secrets.token_hex(8)}{suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()
