"""A network as an ONNX model, written operation by operation.

Feature maps are `(1, C, H, W)` inside, where every runtime is quick, and each step of the plan is one operation that
every runtime has: what a converter makes of the Keras model runs slowly in some of them and wrongly in others.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nstlib.johnson.architecture import EPSILON, Architecture, build
from nstlib.johnson.saved import SavedNetwork

_OPSET = 17
_IR_VERSION = 8  # of the same year: runtimes refuse what is newer than they are
_BLOCK = 8  # pixels a side
INPUT, OUTPUT = "images", "painted"


def onnx_model(
    saved: SavedNetwork,
    *,
    height: int | None = None,
    width: int | None = None,
    large: bool = False,
) -> onnx.ModelProto:
    """The model, checked by the `onnx` package.

    It takes `images`, float32 `(1, H, W, 3)` in [0, 1], and gives `painted` of the same shape, nearly in [0, 1].

    Args:
        saved: architecture and weights.
        height, width: of the images in pixels; None for any.
        large: for large images. The normalisation of some runtimes adds up all pixels in float32 one by one, which at a
            megapixel is wrong in the third digit; here blocks are added up first. It takes about a sixth longer.
    """
    builder = _NodesForLarge if large else _Nodes
    b = builder(saved.architecture, iter(saved.weights))
    x = b.node("Transpose", INPUT, perm=[0, 3, 1, 2])
    x = build(saved.architecture, b, x)
    b.node("Transpose", x, output=OUTPUT, perm=[0, 2, 3, 1])
    shape = [1, height or "height", width or "width", 3]
    graph = helper.make_graph(
        b.nodes,
        "transformer",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape)],
        b.constants,
    )
    opset = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(
        graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="nstlib"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class _Nodes:
    """Builds ONNX nodes; a feature map is the name of a tensor `(1, C, H, W)`."""

    def __init__(self, architecture: Architecture, weights: Iterator[np.ndarray]):
        self.architecture, self.weights = architecture, weights
        self.nodes, self.constants = [], []

    def node(self, kind: str, *inputs: str, output: str = "", **attributes) -> str:
        """One operation; the name of what it gives."""
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], output, **attributes))
        return output

    def constant(self, value, dtype=np.float32) -> str:
        """A tensor of the graph; its name."""
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value, dtype)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def affine(self, x, scale, offset):
        scaled = self.node("Mul", x, self.constant(scale))
        return self.node("Add", scaled, self.constant(offset))

    def convolve(self, x, filters, kernel, stride=1):
        pads = 4 * [kernel // 2]
        if self.architecture.padding == "reflect":
            along = [0, 0, *pads[:2], 0, 0, *pads[2:]]
            x, pads = self.node("Pad", x, self.constant(along, np.int64), mode="reflect"), 4 * [0]
        weights = self._convolution()
        return self.node("Conv", x, *weights, pads=pads, strides=2 * [stride])

    def transpose(self, x, filters):
        weights = self._convolution()
        return self.node("ConvTranspose", x, *weights, pads=[0, 0, 1, 1], strides=[2, 2])

    def _convolution(self) -> list[str]:
        kernel, bias = next(self.weights), next(self.weights)
        return [self.constant(kernel.transpose(3, 2, 0, 1)), self.constant(bias)]

    def normalize(self, x):
        batch = self.architecture.normalization == "batch"
        kind, count = ("BatchNormalization", 4) if batch else ("InstanceNormalization", 2)
        vectors = [self.constant(next(self.weights)) for _ in range(count)]
        return self.node(kind, x, *vectors, epsilon=EPSILON)

    def relu(self, x):
        return self.node("Relu", x)

    def add(self, x, y):
        return self.node("Add", x, y)

    def double(self, x):
        options = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        return self.node("Resize", x, "", self.constant([1, 1, 2, 2]), **options)

    def crop_like(self, x, images):
        sides = self.node("Shape", images, start=2, end=4)
        start, axes = self.constant([0, 0], np.int64), self.constant([2, 3], np.int64)
        return self.node("Slice", x, start, sides, axes)


class _NodesForLarge(_Nodes):
    """Instance normalisation with means over means of blocks, as the runtime's own does not take them."""

    def normalize(self, x):
        if self.architecture.normalization == "batch":
            return super().normalize(x)
        scale, offset = (self.constant(next(self.weights)[None, :, None, None]) for _ in range(2))
        centred = self.node("Sub", x, self._mean(x))
        variance = self._mean(self.node("Mul", centred, centred))
        deviation = self.node("Sqrt", self.node("Add", variance, self.constant(EPSILON)))
        scaled = self.node("Mul", centred, self.node("Div", scale, deviation))
        return self.node("Add", scaled, offset)

    def _mean(self, x):
        block = {"kernel_shape": [_BLOCK, _BLOCK], "strides": [_BLOCK, _BLOCK]}
        means = x
        for _ in range(2):
            # What is missing of a block at the edge counts as zeros: means are sums over the area of a block.
            means = self.node(
                "AveragePool", means, auto_pad="SAME_UPPER", count_include_pad=1, **block
            )
        total = self.node("ReduceSum", means, self.constant([2, 3], np.int64), keepdims=1)
        sides = self.node("Cast", self.node("Shape", x, start=2, end=4), to=TensorProto.FLOAT)
        blocks = self.node(
            "Div", self.node("ReduceProd", sides, keepdims=0), self.constant(_BLOCK**4)
        )
        return self.node("Div", total, blocks)
