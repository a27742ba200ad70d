"""The yardsticks of the study: what a stylized image kept of the photo and took from the style.

The objective is what the methods minimise, never their judge. SSIM, patch and colour distance know nothing of VGG, of
Gram matrices or of any trained weight; the moment distance knows VGG, and means and covariances apart. Each rewards
something and is fooled by something; read them together.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from keras import ops
from skimage.metrics import structural_similarity

from nstlib.images import MIN_SIDE, ImageError, check_image, luminance, resize
from nstlib.losses import feature_moments, moment_loss
from nstlib.perceptual import PerceptualLoss

_MOMENTS = PerceptualLoss(style_statistic="moments")
_PATCH = 7
_OCTAVES = 3
_DIRECTIONS = 96
_SAMPLES = 8192


def ssim(image: np.ndarray, photo: np.ndarray) -> float:
    """Structural similarity of the luminance to that of the photo (Wang et al. 2004, Gaussian window, σ = 1.5).

    1 for the photo itself, near 0 for noise. It rewards doing nothing: the untouched photo is its best image, so a high
    value says that structure survived, not that the transfer is good.

    Raises:
        ImageError: not an image, or two images of different sizes.
    """
    image, photo = check_image(image, "image"), check_image(photo, "photo")
    if image.shape != photo.shape:
        raise ImageError(f"image: its shape {image.shape} is not that of the photo, {photo.shape}")
    return float(
        structural_similarity(
            luminance(image),
            luminance(photo),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def colour_distance(image: np.ndarray, style: np.ndarray) -> float:
    """Sliced Wasserstein distance between the colours of two images, in units of the [0, 1] range.

    The 1-Wasserstein distance between the pixels' projections, averaged over random directions of RGB (Bonneel et al.
    2015). 0 for equal palettes in equal shares, wherever the colours stand: a shuffled style image fools it.

    Args:
        image, style: images of any sizes.
    """
    return _sliced_wasserstein(
        *(_pixels(check_image(i, n)) for i, n in ((image, "image"), (style, "style")))
    )


def patch_distance(image: np.ndarray, style: np.ndarray) -> float:
    """Sliced Wasserstein distance between the 7×7 RGB patches of two images, averaged over up to three octaves.

    Measures strokes and palette at the scale of the pixels, without any network; the distance of Heitz et al. 2021 on
    pixels in place of features. 0 for the style image itself, which also fools it: nothing of the photo is asked for.
    An octave is left out where a side would fall below 16 pixels.

    Args:
        image, style: images of any sizes; what counts is the scale at which both are looked at.
    """
    pair = [check_image(image, "image"), check_image(style, "style")]
    distances = []
    for _ in range(_OCTAVES):
        distances.append(_sliced_wasserstein(*(_patches(i) for i in pair)))
        if min(min(i.shape[:2]) for i in pair) < 2 * MIN_SIDE:
            break
        pair = [resize(i, (i.shape[0] // 2, i.shape[1] // 2)) for i in pair]
    return float(np.mean(distances))


def moment_distance(image: np.ndarray, style: np.ndarray) -> float:
    """How far the feature moments of an image are from those of the style image.

    The mean, over relu1_2, relu2_2, relu3_3 and relu4_3 of `"vgg16-hed"`, of `nstlib.losses.moment_loss`: the relative
    squared error of the means plus that of the centred covariances (Li et al. 2017). 0 for the style image, 2 for an
    image without features; an image with more contrast than the style lies above. Whoever minimises moments, or Gram
    matrices of these layers, has this distance on its side: compare such methods by it with care.

    Args:
        image, style: images of any sizes; what counts is the scale at which both are looked at.
    """
    batches = (check_image(i, n)[None] for i, n in ((image, "image"), (style, "style")))
    features, targets = (_MOMENTS.extract(ops.convert_to_tensor(batch)) for batch in batches)
    losses = [
        moment_loss(features[n], feature_moments(targets[n])) for n, _ in _MOMENTS.style_layers
    ]
    return float(np.mean([float(loss[0]) for loss in losses]))


def evaluate(
    images: Mapping[str, np.ndarray],
    photo: np.ndarray,
    style: np.ndarray,
    *,
    objective: PerceptualLoss | None = None,
) -> pd.DataFrame:
    """All yardsticks for several stylized versions of one photo.

    Args:
        images: stylized images by the name of their method, each of the photo's size.
        photo, style: the content and the style image.
        objective: whose terms to report; None is `PerceptualLoss()`.

    Returns:
        One row an image: method; total, content, style (the objective: lower is a better match); ssim (of the photo,
        higher keeps more); moments, patch, colour (distance to the style, lower is closer).
    """
    objective = objective or PerceptualLoss()
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    content_targets = objective.content_targets(ops.convert_to_tensor(photo[None]))
    style_targets = objective.style_targets(ops.convert_to_tensor(style[None]))
    rows = []
    for method, image in images.items():
        image = check_image(image, f"images[{method!r}]")
        similarity = ssim(image, photo)
        terms = objective(ops.convert_to_tensor(image[None]), content_targets, style_targets)
        rows.append(
            {
                "method": method,
                "total": float(terms.total),
                "content": float(terms.content),
                "style": float(terms.style),
                "ssim": similarity,
                "moments": moment_distance(image, style),
                "patch": patch_distance(image, style),
                "colour": colour_distance(image, style),
            }
        )
    return pd.DataFrame(rows)


def _pixels(image: np.ndarray) -> np.ndarray:
    return image.reshape(-1, 3)


def _patches(image: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, (_PATCH, _PATCH), axis=(0, 1))
    rng = np.random.default_rng(0)
    rows = rng.integers(windows.shape[0], size=_SAMPLES)
    columns = rng.integers(windows.shape[1], size=_SAMPLES)
    return windows[rows, columns].reshape(_SAMPLES, -1)


def _sliced_wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((a.shape[1], _DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    levels = (np.arange(1024) + 0.5) / 1024

    # One direction at a time: all at once would take a gigabyte for an image of a megapixel.
    def quantiles(points, direction):
        values = np.sort(points @ direction)
        return np.interp(levels * (len(values) - 1), np.arange(len(values)), values)

    distances = [
        np.abs(quantiles(a, direction) - quantiles(b, direction)).mean()
        for direction in directions.T.astype(a.dtype)
    ]
    return float(np.mean(distances))
