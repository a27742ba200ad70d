"""One call for every method: a photo and a style in, a stylized image out."""

import numpy as np

from nstlib.data.pictures import STYLE_SIZE
from nstlib.data.pictures import style as style_image
from nstlib.errors import NetworkError
from nstlib.images import check_image, transfer_colour, transfer_luminance
from nstlib.johnson.network import Network, load_network
from nstlib.objective.features import layer_names
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.optimization.pixels import gatys

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
        progress: show a progress bar.

    Returns:
        The stylized image, float32 `(H, W, 3)` in [0, 1].

    Raises:
        NetworkError: no network given for a style image of your own, or none shipped under that name.
        DataError: there is no style of that name, or a painting that cannot be fetched.
        OptimizationError: the loss became infinite or not a number.
        ImageError, ValueError: bad arguments.
    """
    photo = check_image(photo, "photo")
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(METHODS)}")
    if preserve_colour is not None and preserve_colour not in _PRESERVE:
        raise ValueError(
            f"preserve_colour: {preserve_colour!r} is neither None nor one of {', '.join(_PRESERVE)}"
        )
    if method != "gatys":
        network = network or _network(style)
    if method == "johnson":
        image = network.stylize(photo)
    else:
        image = gatys(
            photo,
            style_image(style, size=STYLE_SIZE) if isinstance(style, str) else style,
            steps=_STEPS[method] if steps is None else steps,
            objective=objective or (network and network_objective(network)),
            init=network.stylize(photo) if method == "hybrid" else "content",
            scales=(1,) if method == "hybrid" else None,
            progress=progress,
        ).image
    return image if preserve_colour is None else _PRESERVE[preserve_colour](image, photo)


def network_objective(network: Network) -> PerceptualLoss | None:
    """What a network was trained on, from its card; None for one made elsewhere, which may not say.

    Raises:
        NetworkError: what the card says is no objective, or names an extractor or a layer that this nstlib does not
            know.
    """
    settings = network.card.get("objective")
    if settings is None:
        return None
    try:
        objective = PerceptualLoss(**settings)
        known = layer_names(objective.extractor)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"network: the objective on its card is none ({error})") from error
    for name, _ in (*objective.content_layers, *objective.style_layers):
        if name not in known:
            raise NetworkError(
                f"network: the objective on its card names {name!r}, which is no layer of {objective.extractor!r}"
            )
    return objective


def _network(style: np.ndarray | str) -> Network:
    if not isinstance(style, str):
        raise NetworkError(
            "network: a style image of your own needs the network that was trained for it; "
            "method='gatys' works without"
        )
    return load_network(style)
