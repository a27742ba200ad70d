"""Masks: where in a picture the style goes."""

import numpy as np

from nstlib.errors import ImageError
from nstlib.images import check_image, luminance, resize

#: Standard deviation of the Gaussian that softens a mask, as a share of the photo's longer side.
SOFTNESS = 0.01


def fit_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A mask for a photo, with soft edges.

    It is resized to the photo and then blurred by a Gaussian with a standard deviation of `SOFTNESS` times the photo's
    longer side. From black to white an edge takes about four of those.

    Args:
        mask: `(h, w)`, or `(h, w, 3)`, of which the luminance counts; 1 (or True) where the style goes, 0 where it
            does not. Of any size from `nstlib.images.MIN_SIDE` on.
        height, width: of the photo, in pixels.

    Returns:
        float32 `(height, width)` in [0, 1].

    Raises:
        ImageError: no such array, or one whose proportions are not those of the photo.
    """
    from scipy.ndimage import gaussian_filter  # here, so that painting without a mask need not wait

    mask = _as_image(mask)
    _check_proportions(*mask.shape[:2], height, width)
    fitted = luminance(resize(mask, (height, width)))
    softened = gaussian_filter(fitted, SOFTNESS * max(height, width), mode="nearest")
    return softened.clip(0, 1)


def _as_image(mask: np.ndarray) -> np.ndarray:
    if isinstance(mask, np.ndarray) and mask.dtype.kind == "b":
        mask = mask.astype(np.float32)
    if getattr(mask, "ndim", None) == 2:
        mask = np.stack([mask] * 3, axis=-1)
    return check_image(mask, "mask")


def _check_proportions(mask_height: int, mask_width: int, height: int, width: int) -> None:
    # Each picture may have been made smaller, and its shorter side been rounded by half a pixel.
    off = abs(mask_height * width - mask_width * height)
    if off > max(mask_height, mask_width, height, width):
        raise ImageError(
            f"mask: {mask_width} x {mask_height} px has other proportions than the photo, {width} x {height} px"
        )
