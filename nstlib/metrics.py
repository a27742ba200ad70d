"""The yardsticks of the study: what a stylized image kept of the photo and took from the style.

The objective is what the methods minimise, never their judge. SSIM, edges, patch and colour distance know nothing of
VGG, of Gram matrices or of any trained weight; the moment distance knows VGG, and means and covariances apart. Each
rewards something and is fooled by something; read them together.
"""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from keras import ops
from scipy.ndimage import distance_transform_edt, gaussian_gradient_magnitude
from skimage.feature import canny
from skimage.metrics import structural_similarity

from nstlib.images import MIN_SIDE, ImageError, check_image, luminance, resize
from nstlib.losses import feature_moments, moment_loss
from nstlib.perceptual import PerceptualLoss

_MOMENTS = PerceptualLoss(style_statistic="moments")
_PATCH = 7
_OCTAVES = 3
_DIRECTIONS = 96
_SAMPLES = 8192
_EDGE_SCALE = 2.0  # px, σ of the Gaussian
_LEAST_GRADIENT = 1e-3  # of the range, a pixel
_EDGE_TOLERANCE = 0.0075  # share of the diagonal


def ssim(image: np.ndarray, photo: np.ndarray) -> float:
    """Structural similarity of the luminance to that of the photo (Wang et al. 2004, Gaussian window, σ = 1.5).

    1 for the photo itself, near 0 for noise, low for the style image. It rewards doing nothing: the untouched photo is
    its best image, so a high value says that structure survived, not that the transfer is good. It cannot see colour.

    Raises:
        ImageError: not an image, or two images of different sizes.
    """
    image, photo = _same_size(image, photo)
    return _similarity(luminance(image), luminance(photo))


def ssim_colour(image: np.ndarray, photo: np.ndarray) -> float:
    """Structural similarity of red, green and blue to those of the photo, averaged; windows as in `ssim`.

    1 for the photo itself, near 0 for noise, low for the style image. It asks for the photo's colours too, which a
    style transfer is meant to replace: read it beside `ssim`, as how much of the loss is a loss of colour contrast.

    Raises:
        ImageError: not an image, or two images of different sizes.
    """
    image, photo = _same_size(image, photo)
    return float(np.mean([_similarity(image[..., c], photo[..., c]) for c in range(3)]))


def edge_preservation(image: np.ndarray, photo: np.ndarray) -> float:
    """How well the edges of the luminance agree with those of the photo: the F-measure, 0 to 1.

    Edges are Canny's (σ = 2, thresholds at the 80% and 90% quantiles of the gradient, so that contrast does not count;
    a gradient of less than 0.1% of the range a pixel is none). An edge pixel is right if the other image has one within
    0.75% of the diagonal, the tolerance of the BSDS benchmark (Arbelaez et al. 2011); precision is the share of the
    image's edge pixels that are right, recall that of the photo's. 1 for the photo itself, 0.8 or more after a change
    of gamma, 0 for a flat image. Noise meets some edges by chance, about 0.1 to 0.2 at 128 px, 0.2 to 0.3 at 256, 0.4
    to 0.5 at 512, and so does the style image: compare within one size. Strokes of the style count as wrong edges even
    where a viewer still sees the photo's.

    Raises:
        ImageError: not an image, or two images of different sizes.
    """
    image, photo = _same_size(image, photo)
    found, wanted = (_edges(luminance(each)) for each in (image, photo))
    if not found.any() or not wanted.any():
        return float(found.any() == wanted.any())
    reach = _EDGE_TOLERANCE * math.hypot(*photo.shape[:2])
    precision, recall = (
        np.mean(distance_transform_edt(~there)[here] <= reach)
        for here, there in ((found, wanted), (wanted, found))
    )
    return float(2 * precision * recall / max(precision + recall, np.finfo(float).tiny))


def _edges(grey: np.ndarray) -> np.ndarray:
    found = canny(grey, _EDGE_SCALE, low_threshold=0.8, high_threshold=0.9, use_quantiles=True)
    # Quantiles find edges in the rounding errors of a flat image too.
    return found & (gaussian_gradient_magnitude(grey, _EDGE_SCALE) > _LEAST_GRADIENT)


def total_variation(image: np.ndarray) -> float:
    """Mean absolute difference between neighbouring pixels, down and to the right, over all channels.

    0 for a flat image, 1/3 for uniform noise, 1 for a checkerboard of black and white. Neither high nor low is good in
    itself: compare with the style image's (ours have 0.06 to 0.2 at 192 to 256 px), or the untouched photo's (0.01 to
    0.08). High means grain or fine strokes, low a blur or large flat areas, whatever they show: added noise fools
    whoever reads it as strokes.
    """
    image = check_image(image, "image")
    return float(np.mean([np.abs(np.diff(image, axis=axis)).mean() for axis in (0, 1)]))


def colour_distance(image: np.ndarray, style: np.ndarray) -> float:
    """Sliced Wasserstein distance between the colours of two images, in units of the [0, 1] range.

    The 1-Wasserstein distance between the pixels' projections, averaged over random directions of RGB (Bonneel et al.
    2015). 0 for equal palettes in equal shares, wherever the colours stand: a shuffled style image fools it, and so
    does a transfer of colours without a stroke. The untouched photo lies at 0.05
    to 0.5, noise at 0.1 to 0.2.

    Args:
        image, style: images of any sizes.
    """
    return _distance(*(_colour_profile(i) for i in _checked(image, style)))


def patch_distance(image: np.ndarray, style: np.ndarray) -> float:
    """Sliced Wasserstein distance between the 7×7 RGB patches of two images, averaged over up to three octaves.

    Measures strokes and palette at the scale of the pixels, without any network; the distance of Heitz et al. 2021 on
    pixels in place of features. 0 for the style image itself, which also fools it: nothing of the photo is asked for.
    The untouched photo lies at 0.05 to 0.5, noise at 0.07 to 0.2, and most of it is palette: a transfer of colours
    alone comes close. An octave is left out where a side would fall below 16 pixels.

    Args:
        image, style: images of any sizes; what counts is the scale at which both are looked at.
    """
    return _patch_distance(*(_patch_profiles(i) for i in _checked(image, style)))


def moment_distance(image: np.ndarray, style: np.ndarray) -> float:
    """How far the feature moments of an image are from those of the style image.

    The mean, over relu1_2, relu2_2, relu3_3 and relu4_3 of `"vgg16-hed"`, of `nstlib.losses.moment_loss`: the relative
    squared error of the means plus that of the centred covariances (Li et al. 2017). 0 for the style image, 2 for an
    image without features, 1 to 2 for noise beside our style images; an image with more contrast than the style lies
    above, an untouched photo at 0.5 or far above. The style image fools it, and whoever minimises moments, or Gram
    matrices of these layers, has this distance on its side: compare such methods by it with care.

    Args:
        image, style: images of any sizes; what counts is the scale at which both are looked at.
    """
    image, style = _checked(image, style)
    return _moment_distance(image, _moments(style))


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
        One row an image: method; total, content, style (the objective: lower is a better match); ssim, ssim_colour,
        edges (of the photo, higher keeps more); moments, patch, colour (distance to the style, lower is closer);
        variation, the total variation.
    """
    objective = objective or PerceptualLoss()
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    content_targets = objective.content_targets(ops.convert_to_tensor(photo[None]))
    style_targets = objective.style_targets(ops.convert_to_tensor(style[None]))
    moments, patches, colours = _moments(style), _patch_profiles(style), _colour_profile(style)
    rows = []
    for method, image in images.items():
        image = check_image(image, f"images[{method!r}]")
        kept = {
            "ssim": ssim(image, photo),
            "ssim_colour": ssim_colour(image, photo),
            "edges": edge_preservation(image, photo),
        }
        terms = objective(ops.convert_to_tensor(image[None]), content_targets, style_targets)
        rows.append(
            {
                "method": method,
                "total": float(terms.total),
                "content": float(terms.content),
                "style": float(terms.style),
                **kept,
                "moments": _moment_distance(image, moments),
                "patch": _patch_distance(_patch_profiles(image), patches),
                "colour": _distance(_colour_profile(image), colours),
                "variation": total_variation(image),
            }
        )
    return pd.DataFrame(rows)


def _same_size(image: np.ndarray, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    image, photo = check_image(image, "image"), check_image(photo, "photo")
    if image.shape != photo.shape:
        raise ImageError(f"image: its shape {image.shape} is not that of the photo, {photo.shape}")
    return image, photo


def _similarity(plane: np.ndarray, reference: np.ndarray) -> float:
    """SSIM of two planes of one size in [0, 1], with the settings of Wang et al."""
    return float(
        structural_similarity(
            plane,
            reference,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def _checked(image: np.ndarray, style: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return check_image(image, "image"), check_image(style, "style")


# Each distance is between what one image and the other are reduced to, so that `evaluate` reduces the style once.


def _moments(image: np.ndarray) -> dict:
    features = _MOMENTS.extract(ops.convert_to_tensor(image[None]))
    return {name: feature_moments(features[name]) for name, _ in _MOMENTS.style_layers}


def _moment_distance(image: np.ndarray, moments: Mapping) -> float:
    features = _MOMENTS.extract(ops.convert_to_tensor(image[None]))
    losses = [moment_loss(features[name], target) for name, target in moments.items()]
    return float(np.mean([float(loss[0]) for loss in losses]))


def _colour_profile(image: np.ndarray) -> np.ndarray:
    return _profile(image.reshape(-1, 3))


def _patch_profiles(image: np.ndarray) -> list[np.ndarray]:
    """One profile an octave, as long as a side has 16 pixels."""
    profiles = []
    while True:
        profiles.append(_profile(_patches(image)))
        if len(profiles) == _OCTAVES or min(image.shape[:2]) < 2 * MIN_SIDE:
            return profiles
        image = resize(image, (image.shape[0] // 2, image.shape[1] // 2))


def _patch_distance(profiles: list[np.ndarray], others: list[np.ndarray]) -> float:
    return float(np.mean([_distance(a, b) for a, b in zip(profiles, others, strict=False)]))


def _patches(image: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, (_PATCH, _PATCH), axis=(0, 1))
    rng = np.random.default_rng(0)
    rows = rng.integers(windows.shape[0], size=_SAMPLES)
    columns = rng.integers(windows.shape[1], size=_SAMPLES)
    return windows[rows, columns].reshape(_SAMPLES, -1)


def _profile(points: np.ndarray) -> np.ndarray:
    """Quantiles of points `(N, D)` along random directions, `(directions, levels)`."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((points.shape[1], _DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    ranks = (np.arange(1024) + 0.5) / 1024 * (len(points) - 1)
    order = np.arange(len(points))
    # One direction at a time: all at once would take a gigabyte for an image of a megapixel.
    columns = directions.T.astype(points.dtype)
    return np.stack([np.interp(ranks, order, np.sort(points @ column)) for column in columns])


def _distance(profile: np.ndarray, other: np.ndarray) -> float:
    """The sliced 1-Wasserstein distance of two sets of points, from their quantiles."""
    return float(np.abs(profile - other).mean())
