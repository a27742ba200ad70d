"""One call for every method: a photo and a style in, a stylized image out."""

import numpy as np

from nstlib.data import STYLE_SIZE
from nstlib.data import style as style_image
from nstlib.gatys import gatys
from nstlib.images import check_image, transfer_colour, transfer_luminance
from nstlib.perceptual import PerceptualLoss
from nstlib.transformer import Network, NetworkError, load_network

METHODS = ("johnson", "gatys", "hybrid")
_STEPS = {"gatys": 100, "hybrid": 20}
_PRESERVE = {
    "luminance": lambda image, photo: transfer_luminance(photo, image),
    "histogram": transfer_colour,
}


def stylize(
    photo: np.ndarray,
    style: np.ndarray | str,
    *,
    method: str = "johnson",
    network: Network | None = None,
    objective: PerceptualLoss | None = None,
    steps: int | None = None,
    preserve_colour: str | None = None,
    margin: int = 0,
    progress: bool = True,
) -> np.ndarray:
    """The photo in the given style, by the given method.

    Args:
        photo: the content image, `(H, W, 3)`; the result has its size.
        style: the style image `(H, W, 3)`, or the name of one that nstlib knows: `style_names()`, `painting_names()`.
        method: `"johnson"`, one pass through a network; `"gatys"`, optimisation of the pixels from the photo;
            `"hybrid"`, a few steps of the optimisation from what the network made.
        network: the network of this style for `"johnson"` and `"hybrid"`; None is the one that ships under the style's
            name.
        objective: what is minimised; None is that of the network, and `PerceptualLoss()` for `"gatys"` without one.
        steps: of the optimisation; None is 100 for `"gatys"`, 20 for `"hybrid"`.
        preserve_colour: keep the photo's colours: `"luminance"` takes only lightness from the stylized image and hue
            and saturation from the photo, `"histogram"` gives the stylized image the photo's distribution of each
            channel (both after Gatys et al. 2017, 'Preserving Color in Neural Artistic Style Transfer').
        margin: of the network's pass, as in `Network.stylize`; 0 for `"gatys"`, which has none.
        progress: show a progress bar.

    Raises:
        NetworkError: no network given for a style image of your own, or none shipped under that name.
        DataError: there is no style of that name, or a painting that cannot be fetched.
        ImageError, ValueError: bad arguments.
    """
    photo = check_image(photo, "photo")
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(METHODS)}")
    if preserve_colour is not None and preserve_colour not in _PRESERVE:
        raise ValueError(
            f"preserve_colour: {preserve_colour!r} is neither None nor one of {', '.join(_PRESERVE)}"
        )
    if method == "gatys" and margin != 0:
        raise ValueError(
            f"margin: {margin!r}, but method='gatys' makes no pass; only 0 is accepted"
        )
    if method != "gatys":
        network = network or _network(style)
    if method == "johnson":
        image = network.stylize(photo, margin=margin)
    else:
        image = gatys(
            photo,
            style_image(style, size=STYLE_SIZE) if isinstance(style, str) else style,
            steps=_STEPS[method] if steps is None else steps,
            objective=objective or (network and network_objective(network)),
            init=network.stylize(photo, margin=margin) if method == "hybrid" else "content",
            scales=(1,) if method == "hybrid" else None,
            progress=progress,
        ).image
    return image if preserve_colour is None else _PRESERVE[preserve_colour](image, photo)


def network_objective(network: Network) -> PerceptualLoss | None:
    """What a network was trained on, from its card; None for one made elsewhere, which may not say.

    Raises:
        NetworkError: what the card says is no objective.
    """
    settings = network.card.get("objective")
    if settings is None:
        return None
    try:
        return PerceptualLoss(**settings)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"network: the objective on its card is none ({error})") from error


def _network(style: np.ndarray | str) -> Network:
    if not isinstance(style, str):
        raise NetworkError(
            "network: a style image of your own needs the network that was trained for it; "
            "method='gatys' works without"
        )
    return load_network(style)
