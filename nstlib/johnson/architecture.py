"""The image transformation network of Johnson et al. 2016 as a plan, which Keras and other runtimes build from.

With instance normalisation (Ulyanov et al. 2017). Departures from the paper's supplement, each the usual practice
today: instance in place of batch normalisation, resize and convolution in place of transposed convolution (Odena et al.
2016; bilinear, since with nearest a short training draws a grid of 4 pixels into flat areas), reflection padding at
every convolution in place of one wide frame, and an output of exactly the input's size for every size. One departure is
ours: the output is linear, where Johnson's is a scaled tanh. In short trainings tanh saturates in dark areas, its
gradient vanishes, and they stay black; `nstlib.johnson.training` keeps a linear output in range with a penalty instead.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from nstlib.arguments import is_finite

NORMALIZATIONS = ("instance", "batch")
UPSAMPLINGS = ("resize", "transposed")
PADDINGS = ("reflect", "zeros")
EPSILON = 1e-5  # beside the variance, in both kinds of normalisation

_RESIDUAL_BLOCKS = 5


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a network is made of.

    Attributes:
        width: multiplies the 32, 64 and 128 channels of the paper, above 0 and at most 8; at 1 there are 1,679,235
            parameters.
        normalization: `"instance"` or `"batch"`.
        upsampling: `"resize"` (bilinear, then convolution) or `"transposed"` convolution.
        padding: `"reflect"` or `"zeros"`.

    Raises:
        ValueError: an unknown choice or another width.
    """

    width: float = 1.0
    normalization: str = "instance"
    upsampling: str = "resize"
    padding: str = "reflect"

    def __post_init__(self):
        width = self.width
        if not is_finite(width) or not 0 < width <= 8:
            raise ValueError(f"width: {width!r} is not a number above 0 and at most 8")
        object.__setattr__(self, "width", float(width))  # of NumPy, it would not fit on a card
        for argument, accepted in (
            ("normalization", NORMALIZATIONS),
            ("upsampling", UPSAMPLINGS),
            ("padding", PADDINGS),
        ):
            value = getattr(self, argument)
            if value not in accepted:
                raise ValueError(f"{argument}: {value!r} is not one of {', '.join(accepted)}")

    @property
    def channels(self) -> tuple[int, int, int]:
        """Of the three sizes of feature maps: full, half and quarter."""
        return tuple(max(1, round(self.width * count)) for count in (32, 64, 128))


class Builder(Protocol):
    """What a runtime has to offer so that the network can be built for it; `x` is whatever it calls a feature map.

    Every method gives a feature map. Weights are asked for in the order of the calls: of a convolution kernel and bias,
    of a normalisation scale and offset, and for batch normalisation mean and variance after them.
    """

    def affine(self, x: Any, scale: float, offset: float) -> Any:
        """Scale · x + offset, by two numbers."""

    def convolve(self, x: Any, filters: int, kernel: int, stride: int = 1) -> Any:
        """Convolution with bias, padded by half a kernel on all sides."""

    def transpose(self, x: Any, filters: int) -> Any:
        """Transposed convolution with bias, a kernel of 3 and a stride of 2, to twice the sides."""

    def normalize(self, x: Any) -> Any:
        """Normalisation with scale and offset."""

    def relu(self, x: Any) -> Any:
        """The larger of x and 0."""

    def add(self, x: Any, y: Any) -> Any:
        """The sum of two."""

    def double(self, x: Any) -> Any:
        """Bilinear upsampling to twice the sides, pixel centres at halves."""

    def crop_like(self, x: Any, images: Any) -> Any:
        """Cut at the bottom and on the right to the sides of the images."""


def build(architecture: Architecture, b: Builder, images: Any) -> Any:
    """The network from images in [0, 1] to images, built by `b`."""
    full, half, quarter = architecture.channels

    def block(x):
        return b.relu(b.normalize(x))

    def residual(x):
        y = block(b.convolve(x, quarter, 3))
        return b.add(x, b.normalize(b.convolve(y, quarter, 3)))

    def upsample(x, filters):
        if architecture.upsampling == "transposed":
            return b.transpose(x, filters)
        return b.convolve(b.double(x), filters, 3)

    x = b.affine(images, 2.0, -1.0)
    x = block(b.convolve(x, full, 9))
    x = block(b.convolve(x, half, 3, 2))
    x = block(b.convolve(x, quarter, 3, 2))
    for _ in range(_RESIDUAL_BLOCKS):
        x = residual(x)
    x = block(upsample(x, half))
    x = block(upsample(x, full))
    # Halving rounds up, so a side that is no multiple of 4 comes back up to 3 pixels too long.
    x = b.crop_like(x, images)
    return b.affine(b.convolve(x, 3, 9), 0.5, 0.5)


def weight_shapes(architecture: Architecture) -> list[tuple[int, ...]]:
    """Shapes of the weights in their order: kernels `(height, width, in, out)`, of a transposed convolution `(height,
    width, out, in)`, everything else `(channels,)`."""
    shapes = _Shapes(4 if architecture.normalization == "batch" else 2)
    build(architecture, shapes, 3)
    return shapes.found


@dataclass
class _Shapes:
    """A builder whose feature maps are numbers of channels."""

    vectors: int  # of a normalisation
    found: list[tuple[int, ...]] = field(default_factory=list)

    def affine(self, x, scale, offset):
        return x

    def convolve(self, x, filters, kernel, stride=1):
        self.found += [(kernel, kernel, x, filters), (filters,)]
        return filters

    def transpose(self, x, filters):
        self.found += [(3, 3, filters, x), (filters,)]
        return filters

    def normalize(self, x):
        self.found += [(x,)] * self.vectors
        return x

    def relu(self, x):
        return x

    def add(self, x, y):
        return x

    def double(self, x):
        return x

    def crop_like(self, x, images):
        return x
