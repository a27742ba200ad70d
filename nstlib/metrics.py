"""The yardsticks of the study: what a stylized image kept of the photo and took from the style.

The objective is what the methods minimise, never their judge. SSIM, edges, strokes, patches of colour, patch and colour
distance know nothing of any trained weight; LPIPS and the moment distance know the features that the objective is made
of. Each rewards something and is fooled by something; read them together, and look at the picture.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from keras import ops
from scipy.ndimage import distance_transform_edt, gaussian_filter, gaussian_gradient_magnitude
from skimage.feature import canny
from skimage.metrics import structural_similarity

from nstlib.errors import ImageError
from nstlib.images import MIN_SIDE, check_image, luminance, resize
from nstlib.objective.features import feature_extractor
from nstlib.objective.losses import feature_moments, moment_loss
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.objective.pretrained import pretrained_weights

# The columns of `evaluate`, in order.
YARDSTICKS = (
    *("total", "content", "style"),
    *("ssim", "ssim_colour", "edges", "lpips", "lpips_alex"),
    *("strokes", "patches"),
    *("moments", "patch", "colour", "variation"),
)

# Its own layers, whatever the objective's are: a yardstick stays as it is when the objective changes.
_MOMENT_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
_PATCH = 7
_OCTAVES = 3
_DIRECTIONS = 96
_SAMPLES = 8192
_TOGETHER = 2**22  # projections held in memory at once
_EDGE_SCALE = 2.0  # px, σ of the Gaussian
_LEAST_GRADIENT = 1e-3  # of the range, a pixel
_EDGE_TOLERANCE = 0.0075  # share of the diagonal
# σ in px of the Gaussians whose differences are bands: four of strokes, marks of about 1 to 20 px, and one of patches.
_STROKE_SCALES, _PATCH_SCALES = (0.7, 1.4, 2.8, 5.6, 11.2), (11.2, 22.4)
_STROKE_WINDOW, _PATCH_WINDOW = 32, 48  # px
_QUIET = 3  # one in so many windows of the photo is quiet enough to see the strokes in
_LPIPS_LAYERS = {
    "vgg": ("vgg16", ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")),
    "alex": ("alexnet", ("relu1", "relu2", "relu3", "relu4", "relu5")),
}
_LPIPS_LEAST = {"vgg": MIN_SIDE, "alex": 31}  # px a side, for a pixel to be left at the top


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

    The mean, over relu1_2, relu2_2, relu3_3 and relu4_3 of `"vgg16"`, of `nstlib.objective.losses.moment_loss`: the
    relative squared error of the means plus that of the centred covariances (Li et al. 2017). 0 for the style image, 2
    for an image without features; beside our style images noise has 1.3 to 3.3 and an untouched photo 1 or far above,
    the more the more contrast it has. The style image fools it, and whoever minimises moments, or Gram matrices of
    these layers, has this distance on its side: compare such methods by it with care.

    Args:
        image, style: images of any sizes; what counts is the scale at which both are looked at.
    """
    image, style = _checked(image, style)
    return _moment_distance(image, _moments(style))


def lpips(image: np.ndarray, photo: np.ndarray, net: str = "vgg") -> float:
    """Learned perceptual distance to the photo (Zhang et al. 2018, 'The Unreasonable Effectiveness of Deep Features').

    The features of an ImageNet network, of unit length at every place; their squared differences, weighted as people's
    judgements of small distortions taught it, averaged over places and summed over five layers (eq. 1). 0 for the photo
    itself, which is its best image; at 256 px 0.3 to 0.6 for a blur of σ = 2 px and 0.5 to 1 for another picture. A
    painting of the photo, mostly at 0.5 to 0.8, lies no lower than a flat image of the photo's mean colour may: compare
    methods on one photo. With `"vgg"` it shares the convolutions of the objective, so whoever minimises content there
    has it on its side; `"alex"` shares none.

    Args:
        image, photo: two images of one size, at least 31 px a side for `"alex"`.
        net: `"vgg"` (VGG-16) or `"alex"` (AlexNet).

    Raises:
        ImageError: not an image, two images of different sizes, or a side too short.
        ValueError: an unknown net.
        ExtractorError: its weights are not to be had.
    """
    if net not in _LPIPS_LAYERS:
        raise ValueError(f"net: {net!r} is not one of {', '.join(_LPIPS_LAYERS)}")
    image, photo = _same_size(image, photo)
    if min(photo.shape[:2]) < _LPIPS_LEAST[net]:
        raise ImageError(
            f"image: {photo.shape[1]} x {photo.shape[0]} px; lpips with net={net!r} needs {_LPIPS_LEAST[net]} px a side"
        )
    return _learned_distance(_unit_features(image, net), _unit_features(photo, net), net)


def stroke_strength(image: np.ndarray, photo: np.ndarray, style: np.ndarray) -> float:
    """How strong the marks are where the photo is quiet, as a share of the painting's own.

    Differences of Gaussians of the luminance at σ = 0.7 · 2^k px, k = 0 … 4; the root mean square of each of the four
    in windows of 32 px. Of the windows the third in which the photo has least energy: there, whatever stands out
    was painted. The image's mean over the style image's mean over all its windows, averaged over the four bands.

    1 is as much texture as the painting, a flat image has 0. Beside our style images an untouched photo has up to 0.5
    at 512 px and up to 0.8 at 256, next to nothing if it is mostly plain sky: read it beside the photo's own. It asks
    how strong marks are, not whether they are those of the painter: the style image itself fools it, fine noise of all
    colours has 0.35 to 0.8 and grey noise with a grain of some px 1 or more.

    Args:
        image, photo: two images of one size, at least 32 px a side.
        style: the style image, at least 32 px a side, at the size at which the method saw it.

    Raises:
        ImageError: not an image, two images of different sizes, or a side too short.
    """
    image, photo = _same_size(image, photo)
    _at_least(_STROKE_WINDOW, photo=photo, style=style)
    return _strokes(image, _quiet_windows(photo), _marks(check_image(style, "style")))


def patch_strength(image: np.ndarray, style: np.ndarray) -> float:
    """How strong patches of colour of some 20 to 50 px are, as a share of the painting's own.

    The difference of Gaussians at σ = 11.2 and 22.4 px of red, green and blue; its root mean square in windows of 48
    px, averaged; the image's over the style image's. 1 for the style image, 0 for a flat image, 0.1 to 0.2 for noise.
    Far above 1 beside a low `stroke_strength` are patches of one colour where strokes belong. Large shapes of the photo
    count too, 0.1 to 2.4 beside our style images: compare methods on one photo.

    Args:
        image, style: images of at least 48 px a side.

    Raises:
        ImageError: not an image, or a side too short.
    """
    _at_least(_PATCH_WINDOW, image=image, style=style)
    image, style = _checked(image, style)
    return float(_patchiness(image) / _above_zero(_patchiness(style)))


def _bands(pixels: np.ndarray, scales: Sequence[float]) -> np.ndarray:
    """Differences `(bands, H, W, ...)` of pixels `(H, W, ...)` blurred by one scale after the other."""
    blurred = [gaussian_filter(pixels, scale, axes=(0, 1)) for scale in scales]
    return np.stack([fine - coarse for fine, coarse in itertools.pairwise(blurred)])


def _window_rms(bands: np.ndarray, side: int) -> np.ndarray:
    """Root mean square of each band in each whole window of that side, `(bands, windows)`."""
    rows, columns = bands.shape[1] // side, bands.shape[2] // side
    whole = bands[:, : rows * side, : columns * side]
    windows = whole.reshape(len(bands), rows, side, columns, side, -1)
    return np.sqrt(np.square(windows).mean(axis=(2, 4, 5))).reshape(len(bands), -1)


def _above_zero(values):
    return np.maximum(values, np.finfo(np.float32).eps)


def _at_least(side: int, **images: np.ndarray) -> None:
    for name, image in images.items():
        height, width, _ = check_image(image, name).shape
        if min(height, width) < side:
            raise ImageError(f"{name}: {width} x {height} px; accepted: at least {side} px a side")


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
        photo: the content image, `(H, W, 3)`.
        style: the style image, of any size.
        objective: whose terms to report; None is `PerceptualLoss()`.

    Returns:
        One row an image: method, then the columns `YARDSTICKS`: total, content, style (the objective: lower is a better
        match); ssim, ssim_colour, edges (of the photo, higher keeps more); lpips and lpips_alex (`lpips` with `"vgg"`
        and `"alex"`, lower keeps more); strokes and patches (`stroke_strength` and `patch_strength`: at 1 as strong as
        the painting's); moments, patch, colour (distance to the style, lower is closer); variation, the total
        variation. NaN are lpips_alex where a side of the photo has less than 31 px, strokes where one of the photo or
        of the style image has less than 32, patches where one has less than 48.

    Raises:
        ImageError: not an image, or one that has not the photo's size.
        ExtractorError: weights that are not to be had.
    """
    objective = objective or PerceptualLoss()
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    content_targets = objective.content_targets(ops.convert_to_tensor(photo[None]))
    style_targets = objective.style_targets(ops.convert_to_tensor(style[None]))
    moments, profiles, colours = _moments(style), _patch_profiles(style), _colour_profile(style)
    least = min(*photo.shape[:2], *style.shape[:2])
    seen = {
        net: _unit_features(photo, net)
        for net, smallest in _LPIPS_LEAST.items()
        if min(photo.shape[:2]) >= smallest
    }
    strokes = (_quiet_windows(photo), _marks(style)) if least >= _STROKE_WINDOW else None
    patches = _above_zero(_patchiness(style)) if least >= _PATCH_WINDOW else None
    rows = []
    for method, image in images.items():
        image = check_image(image, f"images[{method!r}]")
        kept = {
            "ssim": ssim(image, photo),
            "ssim_colour": ssim_colour(image, photo),
            "edges": edge_preservation(image, photo),
        }
        learned = {
            net: _learned_distance(_unit_features(image, net), features, net)
            for net, features in seen.items()
        }
        terms = objective(ops.convert_to_tensor(image[None]), content_targets, style_targets)
        rows.append(
            {
                "method": method,
                "total": float(terms.total),
                "content": float(terms.content),
                "style": float(terms.style),
                **kept,
                "lpips": learned["vgg"],
                "lpips_alex": learned.get("alex", math.nan),
                "strokes": _strokes(image, *strokes) if strokes else math.nan,
                "patches": float(_patchiness(image) / patches) if patches else math.nan,
                "moments": _moment_distance(image, moments),
                "patch": _patch_distance(_patch_profiles(image), profiles),
                "colour": _distance(_colour_profile(image), colours),
                "variation": total_variation(image),
            }
        )
    return pd.DataFrame(rows, columns=["method", *YARDSTICKS])


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


# Each distance is between what one image and the other are reduced to, so that `evaluate` reduces photo and style once.


def _unit_features(image: np.ndarray, net: str) -> list:
    """The features of the layers of LPIPS, `(H', W', C)`, of unit length at every place."""
    extractor, layers = _LPIPS_LAYERS[net]
    extract = feature_extractor(layers, extractor=extractor, pooling="max")
    features = extract(ops.convert_to_tensor(image[None]))
    maps = [features[name][0] for name in layers]
    return [
        each / (ops.sqrt(ops.sum(ops.square(each), axis=-1, keepdims=True)) + 1e-10)
        for each in maps
    ]


def _learned_distance(features: list, others: list, net: str) -> float:
    linear = pretrained_weights(_LPIPS_LAYERS[net][0]).linear
    return sum(
        float(ops.mean(ops.matmul(ops.square(a - b), weights)))
        for a, b, weights in zip(features, others, linear, strict=True)
    )


def _strokes(image: np.ndarray, quiet: np.ndarray, marks: np.ndarray) -> float:
    return float(np.mean(_stroke_bands(image)[:, quiet].mean(axis=1) / marks))


def _quiet_windows(photo: np.ndarray) -> np.ndarray:
    """Indices of the windows with the least energy."""
    energy = np.square(_stroke_bands(photo)).sum(axis=0)
    return np.argsort(energy, kind="stable")[: max(1, len(energy) // _QUIET)]


def _marks(style: np.ndarray) -> np.ndarray:
    """Mean over all windows, a number above 0 a band."""
    return _above_zero(_stroke_bands(style).mean(axis=1))


def _stroke_bands(image: np.ndarray) -> np.ndarray:
    return _window_rms(_bands(luminance(image), _STROKE_SCALES), _STROKE_WINDOW)


def _patchiness(image: np.ndarray) -> float:
    return _window_rms(_bands(image, _PATCH_SCALES), _PATCH_WINDOW).mean()


def _moments(image: np.ndarray) -> dict:
    return {name: feature_moments(maps) for name, maps in _moment_features(image).items()}


def _moment_distance(image: np.ndarray, moments: Mapping) -> float:
    features = _moment_features(image)
    losses = [moment_loss(features[name], target) for name, target in moments.items()]
    return float(np.mean([float(loss[0]) for loss in losses]))


def _moment_features(image: np.ndarray) -> dict:
    return feature_extractor(_MOMENT_LAYERS)(ops.convert_to_tensor(image[None]))


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
    directions = directions.T.astype(points.dtype)
    ranks = (np.arange(1024) + 0.5) / 1024 * (len(points) - 1)
    order = np.arange(len(points))
    # Some directions at a time: all at once would take a gigabyte for an image of a megapixel.
    together = max(1, _TOGETHER // len(points))
    quantiles = []
    for start in range(0, _DIRECTIONS, together):
        projections = np.sort(directions[start : start + together] @ points.T, axis=1)
        quantiles += [np.interp(ranks, order, projection) for projection in projections]
    return np.stack(quantiles)


def _distance(profile: np.ndarray, other: np.ndarray) -> float:
    """The sliced 1-Wasserstein distance of two sets of points, from their quantiles."""
    return float(np.abs(profile - other).mean())
