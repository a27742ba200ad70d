"""The image, an array, and the few operations on it that every other module needs.

Everywhere in this library an image is a float32 NumPy array of shape (H, W, 3), RGB, in [0, 1], with both sides at
least `MIN_SIDE` and at most `MAX_PIXELS` pixels in all. The colours are those of sRGB, gamma-encoded as in files.
`nstlib.files` reads and writes such images, and converts what comes in other colours.
"""

import os
from collections.abc import Sequence
from numbers import Real

import numpy as np
from PIL import Image

from nstlib.arguments import is_whole
from nstlib.errors import ImageError

MIN_SIDE = 16
MAX_PIXELS = 64 * 2**20

_ACCEPTED_ARRAYS = "accepted: a float32 RGB array of shape (H, W, 3) with values in [0, 1]"
# How far outside [0, 1] a value may lie and be taken for rounding.
_TOLERANCE = 1e-6
# Rec. 709 luma weights of R, G and B (ITU-R BT.709-6, item 3.2).
_REC_709 = np.array([0.2126, 0.7152, 0.0722])

# --- checks ------------------------------------------------------------------------------------


def check_image(image: object, name: str = "image") -> np.ndarray:
    """Return `image` as a contiguous float32 array (H, W, 3) in [0, 1], or raise.

    An array that already is one comes back as it is, without a copy. Other floating types are converted; values up to
    1e-6 outside [0, 1] are taken for rounding and clipped. Tensors that NumPy can read (TensorFlow, JAX, PyTorch on the
    CPU) are accepted.

    Args:
        image: whatever the caller was given.
        name: what the caller calls it; every message begins with it.

    Returns:
        float32 (H, W, 3) in [0, 1].

    Raises:
        ImageError: not an array, a wrong type or shape, a side below `MIN_SIDE`, more than `MAX_PIXELS` pixels, or
            values that are not finite or lie outside [0, 1].
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
    check_extent(shape[0], shape[1], name)


def check_extent(height: int, width: int, name: str) -> None:
    """Refuse an image of too small a side or too many pixels.

    Args:
        height, width: of the image, in pixels.
        name: what the caller calls it.

    Raises:
        ImageError: a side below `MIN_SIDE`, or more than `MAX_PIXELS` pixels.
    """
    if min(height, width) < MIN_SIDE:
        raise ImageError(
            f"{name}: {width} x {height} px is too small; "
            f"accepted: width and height of at least {MIN_SIDE} px"
        )
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"{name}: {width} x {height} px is too large; accepted: at most {MAX_PIXELS} pixels"
        )


def check_side(value: int, name: str) -> None:
    """Refuse what is no side of an image.

    Args:
        value: the argument, in pixels.
        name: what the caller calls it.

    Raises:
        ImageError: not an int from `MIN_SIDE` to the longest side that `MAX_PIXELS` leaves beside the shortest one.
    """
    longest = MAX_PIXELS // MIN_SIDE
    if not is_whole(value) or not MIN_SIDE <= value <= longest:
        raise ImageError(f"{name}: is {value!r}; accepted: an int from {MIN_SIDE} to {longest}")


# --- operations --------------------------------------------------------------------------------


def to_uint8(image: np.ndarray) -> np.ndarray:
    """The image in 8 bits a channel, as files and screens hold it.

    Args:
        image: floats in [0, 1], of any shape; not checked.

    Returns:
        uint8 of the same shape, each value the nearest of the 256 levels.
    """
    return np.rint(image * 255).astype(np.uint8)


def resize(
    image: np.ndarray,
    size: int | Sequence[int],
    *,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """Resize with antialiasing (Lanczos, 3 lobes, in float), clipped to [0, 1]; always a new array.

    Args:
        image: (H, W, 3) in [0, 1].
        size: an int is the longer side of the result, in pixels; the other side keeps the proportions, rounded to the
            nearest pixel. A pair is (height, width).
        box: left, top, right and bottom of the part that is resized, in pixels, which may end within one; None for the
            whole image.

    Returns:
        float32 of the new height and width, in [0, 1].

    Raises:
        ImageError: an unusable image, or a `size` that is neither an int nor a pair of ints, gives a side below
            `MIN_SIDE` or more than `MAX_PIXELS` pixels; or a `box` that is empty or not within the image.
    """
    image = check_image(image)
    height, width = image.shape[:2]
    left, top, right, bottom = box = _checked_box(
        (0, 0, width, height) if box is None else box, height, width
    )
    target = _target(bottom - top, right - left, size)
    check_extent(*target, f"size: {size!r} of a {right - left:g} x {bottom - top:g} px image")
    return _resample(image, target, box=box)


def _checked_box(
    box: tuple[float, float, float, float], height: int, width: int
) -> tuple[float, float, float, float]:
    numbers = isinstance(box, tuple | list) and all(isinstance(each, Real) for each in box)
    if numbers and len(box) == 4:
        left, top, right, bottom = box
        if 0 <= left < right <= width and 0 <= top < bottom <= height:
            return left, top, right, bottom
    raise ImageError(
        f"box: is {box!r}; accepted: left, top, right, bottom within {width} x {height} px"
    )


def _target(height: float, width: float, size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width that `size` asks for, given those of the image."""
    if isinstance(size, tuple | list):
        if len(size) != 2:
            raise ImageError(f"size: is {size!r}; accepted: an int or a pair (height, width)")
        for side in size:
            check_side(side, "size")
        return int(size[0]), int(size[1])
    check_side(size, "size")
    longer = max(height, width)
    return round(height * int(size) / longer), round(width * int(size) / longer)


def centre_crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a frame of `height` x `width` pixels: resize to cover it, then crop around the centre.

    Same as cropping a `resize` to the smallest size, in the image's proportions, that covers the frame, but only the
    pixels of the frame are computed. Always a new array.

    Args:
        image: (H, W, 3) in [0, 1].
        height, width: of the result, in pixels.

    Returns:
        float32 (height, width, 3) in [0, 1].

    Raises:
        ImageError: an unusable image, or a `height` or `width` that is no int, below `MIN_SIDE`, or with more than
            `MAX_PIXELS` pixels between them.
    """
    image = check_image(image)
    check_side(height, "height")
    check_side(width, "width")
    check_extent(height, width, "height, width")
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


def luminance(image: np.ndarray) -> np.ndarray:
    """Rec. 709 luma: 0.2126 R + 0.7152 G + 0.0722 B.

    The weights are applied to the gamma-encoded values as they are in the file, which follows perceived lightness; it
    is not the luminance of linear light.

    Args:
        image: (H, W, 3) in [0, 1].

    Returns:
        float32 (H, W) in [0, 1].

    Raises:
        ImageError: an unusable image.
    """
    return (check_image(image) @ _REC_709).astype(np.float32)


def transfer_colour(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The image with the distribution of each colour channel taken from `reference`, by its rank.

    Histogram matching in RGB (`skimage.exposure.match_histograms`): the palette of a painting without its strokes, the
    least that any style transfer has to beat.

    Args:
        image, reference: images of any sizes.

    Returns:
        float32 of the shape of `image`, in [0, 1].

    Raises:
        ImageError: an unusable image.
    """
    from skimage.exposure import match_histograms  # here, so that loading an image stays quick

    image, reference = check_image(image), check_image(reference, "reference")
    matched = match_histograms(image, reference, channel_axis=-1)
    return np.clip(matched, 0.0, 1.0).astype(np.float32)


def transfer_luminance(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The image with the luminance (Rec. 709) of `reference`, pixel by pixel, and its own chroma.

    The difference in luminance is added to all three channels, which leaves the chroma of a YUV space as it is, then
    clipped (Gatys et al. 2017, 'Preserving Color in Neural Artistic Style Transfer', luminance-only transfer).

    Args:
        image, reference: two images of one size.

    Returns:
        float32 of the shape of `image`, in [0, 1].

    Raises:
        ImageError: an unusable image, or two of different sizes.
    """
    image, reference = check_image(image), check_image(reference, "reference")
    if image.shape != reference.shape:
        raise ImageError(
            f"reference: its shape {reference.shape} is not that of the image, {image.shape}"
        )
    shift = luminance(reference) - luminance(image)
    return np.clip(image + shift[..., None], 0.0, 1.0)
