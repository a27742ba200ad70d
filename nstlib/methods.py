"""One call for every method: a photo and a style in, a stylized image out.

Keras and the pictures known by name are loaded by the calls that need them: an engine paints without them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nstlib.arguments import check_shares, is_finite
from nstlib.colour_profiles import decode_light, encode_light
from nstlib.errors import ImageError, NetworkError
from nstlib.images import check_image, transfer_colour, transfer_luminance
from nstlib.johnson.saved import network_names, network_path, read_network
from nstlib.machine.memory import explain_exhaustion
from nstlib.masks import fit_mask

if TYPE_CHECKING:
    from nstlib.objective.perceptual import PerceptualLoss

METHODS = ("johnson", "gatys", "hybrid")
_STEPS = {"gatys": 100, "hybrid": 20}
_PRESERVE = {
    "luminance": lambda image, photo: transfer_luminance(photo, image),
    "histogram": transfer_colour,
}


class Painter(Protocol):
    """What paints in one pass: a `Network`, or an `Engine`."""

    card: Mapping[str, Any]

    def stylize(self, image: np.ndarray) -> np.ndarray:
        """The image in one style."""


def stylize(
    photo: np.ndarray,
    style: np.ndarray | str | Sequence[np.ndarray | str],
    *,
    style_shares: Sequence[float] | None = None,
    method: str = "johnson",
    network: Painter | None = None,
    objective: "PerceptualLoss | None" = None,
    steps: int | None = None,
    preserve_colour: str | None = None,
    strength: float = 1.0,
    mask: np.ndarray | None = None,
    progress: bool = True,
) -> np.ndarray:
    """The photo in the given style, by the given method.

    Args:
        photo: the content image, `(H, W, 3)`; the result has its size.
        style: the style image `(H, W, 3)`, or the name of one that nstlib knows: `style_names()`, `painting_names()`.
            Or a list of several, for `"gatys"` and `"hybrid"`: the picture has some of each.
        style_shares: how much of each of several styles: positive numbers, which are divided by their sum. None is
            equal shares.
        method: `"johnson"`, one pass through a network; `"gatys"`, optimisation of the pixels;
            `"hybrid"`, a few steps of the optimisation from what the network made.
        network: the network of this style for `"johnson"` and `"hybrid"`, of `load_network` or `load_engine`; None is
            the one that ships under the style's name. Of several styles it is that of the first.
        objective: what is minimised; None is that of the network; for `"gatys"` of a style by name that of the one
            which ships. `PerceptualLoss()` where there is none.
        steps: of the optimisation; None is 100 for `"gatys"`, 20 for `"hybrid"`.
        preserve_colour: keep the photo's colours: `"luminance"` takes only lightness from the stylized image and hue
            and saturation from the photo, `"histogram"` gives the stylized image the photo's distribution of each
            channel (both after Gatys et al. 2017, 'Preserving Color in Neural Artistic Style Transfer').
        strength: from 0, the photo, to 1, what was painted: the share of it in their `blend`.
        mask: where the style goes: `(h, w)` or `(h, w, 3)` in [0, 1], white for the style and black for the photo, of
            the photo's proportions. It is fitted to the photo, and its edges are softened, by `nstlib.masks.fit_mask`.
        progress: show a progress bar.

    Returns:
        The stylized image, float32 `(H, W, 3)` in [0, 1].

    Raises:
        NetworkError: no network given for a style image of your own, none shipped under that name, or several styles
            for `"johnson"`.
        DataError: there is no style of that name, or a painting that cannot be fetched.
        OptimizationError: the loss became infinite or not a number.
        ImageError: not an image, or a photo too large for the memory, found before the work or in the midst of it;
            or a mask of other proportions.
        ValueError: bad arguments.
    """
    photo = check_image(photo, "photo")
    styles = list(style) if isinstance(style, list | tuple) else [style]
    if not styles:
        raise ValueError("style: an empty list; accepted: at least one style")
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(METHODS)}")
    if preserve_colour is not None and preserve_colour not in _PRESERVE:
        raise ValueError(
            f"preserve_colour: {preserve_colour!r} is neither None nor one of {', '.join(_PRESERVE)}"
        )
    _check_strength(strength)
    check_shares(style_shares, "style_shares", count=len(styles))
    share = strength if mask is None else strength * fit_mask(mask, *photo.shape[:2])
    if method == "johnson" and len(styles) > 1:
        raise NetworkError(
            f"style: a network paints one style, not a mix of {len(styles)}; method='gatys' mixes, and 'hybrid', which "
            "starts from the network of the first"
        )
    if method != "gatys":
        network = network or _network(styles[0])
    with explain_exhaustion(*photo.shape[:2]):
        if method == "johnson":
            image = network.stylize(photo)
        else:
            objective = objective or _objective_of(network, styles[0])
            image = _optimise(
                photo, styles, style_shares, method, network, objective, steps, progress
            )
        if preserve_colour is not None:
            image = _PRESERVE[preserve_colour](image, photo)
        return blend(photo, image, share)


def _optimise(photo, styles, shares, method, network, objective, steps, progress) -> np.ndarray:
    from nstlib.data.pictures import style as known
    from nstlib.data.pictures import style_size
    from nstlib.optimization.pixels import gatys

    return gatys(
        photo,
        [known(each, size=style_size(each)) if isinstance(each, str) else each for each in styles],
        style_shares=shares,
        steps=_STEPS[method] if steps is None else steps,
        objective=objective,
        init=network.stylize(photo) if method == "hybrid" else "colour",
        scales=(1,) if method == "hybrid" else None,
        progress=progress,
    ).image


def blend(photo: np.ndarray, image: np.ndarray, strength: float | np.ndarray) -> np.ndarray:
    """Photo and image mixed as light mixes: half of each is what two projectors show on one screen.

    The values of files are no amounts of light. They are decoded by the transfer function of sRGB (IEC 61966-2-1),
    averaged, and encoded again; the average of the values themselves would be too dark.

    Args:
        photo: `(H, W, 3)` in [0, 1].
        image: what was painted of it, of the same shape.
        strength: share of the image, from 0 to 1, as a number or one for each pixel, `(H, W)`; at either end the one or
            the other comes back as it is.

    Returns:
        float32 `(H, W, 3)` in [0, 1].

    Raises:
        ImageError: not an image, or two of different shapes.
        ValueError: a strength that is no number from 0 to 1, nor an array of such.
    """
    photo, image = check_image(photo, "photo"), check_image(image)
    if photo.shape != image.shape:
        raise ImageError(f"image: its shape {image.shape} is not that of the photo, {photo.shape}")
    share = _as_share(strength, photo)
    if (share == 1).all():
        return image
    if (share == 0).all():
        return photo
    mixed = encode_light((1 - share) * decode_light(photo) + share * decode_light(image))
    return np.where(share == 1, image, np.where(share == 0, photo, mixed))


def _as_share(strength: float | np.ndarray, photo: np.ndarray) -> np.ndarray:
    """float32 that broadcasts to the photo."""
    if not isinstance(strength, np.ndarray):
        _check_strength(strength)
        return np.float32(strength)
    if strength.shape != photo.shape[:2] or not ((strength >= 0) & (strength <= 1)).all():
        raise ValueError(
            f"strength: an array of shape {strength.shape} is not one of {photo.shape[:2]} with values from 0 to 1"
        )
    return strength[..., None].astype(np.float32)


def _check_strength(strength: float) -> None:
    if not is_finite(strength) or not 0 <= strength <= 1:
        raise ValueError(f"strength: {strength!r} is not a number from 0 to 1")


def network_objective(network: Painter) -> "PerceptualLoss | None":
    """What a network was trained on, from its card; None for one made elsewhere, which may not say.

    Raises:
        NetworkError: what the card says is no objective, or names an extractor or a layer that this nstlib does not
            know.
    """
    settings = network.card.get("objective")
    if settings is None:
        return None
    from nstlib.objective.perceptual import PerceptualLoss

    try:
        return PerceptualLoss(**settings)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"network: the objective on its card is none ({error})") from error


def _objective_of(network: Painter | None, style: np.ndarray | str) -> "PerceptualLoss | None":
    """That of the network, or of the one that ships for a style by name; None if there is neither."""
    if network:
        return network_objective(network)
    if isinstance(style, str) and style in network_names():
        return network_objective(read_network(network_path(style)))
    return None


def _network(style: np.ndarray | str) -> Painter:
    if not isinstance(style, str):
        raise NetworkError(
            "network: a style image of your own needs the network that was trained for it; "
            "method='gatys' works without"
        )
    from nstlib.johnson.network import load_network

    return load_network(style)
