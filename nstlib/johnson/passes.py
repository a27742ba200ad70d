"""One pass of a trained network over a photo, whatever runs it.

Instance normalisation takes brightness and contrast away, layer by layer. A photo in the dark is painted as by day,
which is welcome. So is the noise of a frame that shows nothing: it comes out as a texture nearly as strong as that of
a photo (results/tables/benchmark_contrast.csv). A floor under the deviation in one layer does not help, for the next
layer enlarges what that leaves small. So the contrast of the picture decides: below one grey level of 255 it stays as
it is, from two on it is painted, and in between it is a mixture, so that the frames of a film that fades in do not
jump.
"""

from collections.abc import Callable

import numpy as np

from nstlib.images import check_image
from nstlib.johnson import SLIM_WIDTH
from nstlib.machine.memory import within_memory

# Contrast up to which there is nothing to paint, and from which a picture is painted wholly.
_NOTHING, _PICTURE = 1 / 255, 2 / 255


def paint(
    image: np.ndarray,
    run: Callable[[np.ndarray], np.ndarray],
    *,
    width: float,
    runtime: str = "johnson",
) -> np.ndarray:
    """The image as a network paints it.

    Args:
        image: `(H, W, 3)` in [0, 1].
        run: from images `(1, H, W, 3)` to images of the same shape, nearly in [0, 1].
        width: of the network, as in `Architecture`; it decides how much memory a pass takes.
        runtime: `"johnson"` for Keras or `"openvino"`.

    Returns:
        float32 `(H, W, 3)` in [0, 1].

    Raises:
        ImageError: not an image, a side below 16 pixels, or too large for the memory.
    """
    image = check_image(image, "image")
    method = f"{runtime} slim" if width <= SLIM_WIDTH else runtime
    with within_memory(*image.shape[:2], method=method):
        painted = np.clip(run(image[None])[0], 0.0, 1.0)
        share = np.float32(np.clip((contrast(image) - _NOTHING) / (_PICTURE - _NOTHING), 0, 1))
        return (1 - share) * image + share * painted


def contrast(image: np.ndarray) -> float:
    """The standard deviation over the pixels of an image `(H, W, 3)`, of the channel that varies most."""
    # Means over the width first: float32 added up over all pixels drifts.
    centred = image - image.mean(axis=1).mean(axis=0)
    return float(np.sqrt(np.square(centred).mean(axis=1).mean(axis=0).max()))
