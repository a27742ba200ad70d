import numpy as np
import onnx
import onnxruntime
import pytest
from runs import random_image, random_network

from nstlib.johnson.onnx_graph import onnx_model

pytestmark = pytest.mark.usefixtures("few_layers")


@pytest.fixture(scope="module")
def network(few_layers):
    return random_network(scale=0.05)


def painted(model, image):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"images": image[None]})[0][0]


@pytest.mark.parametrize("size", [(16, 16), (37, 50), (64, 31)], ids=str)
def test_one_model_takes_any_size(network, size):
    image = random_image(*size)
    expected = network.model.predict_on_batch(image[None])[0]
    np.testing.assert_allclose(painted(onnx_model(network.saved()), image), expected, atol=1e-4)


def test_a_model_of_one_size_refuses_others(network):
    model = onnx_model(network.saved(), height=20, width=24)
    assert painted(model, random_image(20, 24)).shape == (20, 24, 3)
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        painted(model, random_image(24, 24))


def test_every_step_is_one_operation_that_runtimes_have(network):
    model = onnx_model(network.saved())
    kinds = {node.op_type for node in model.graph.node}
    assert kinds == {
        *("Transpose", "Mul", "Add", "Pad", "Conv", "InstanceNormalization", "Relu", "Resize"),
        *("Shape", "Slice"),
    }
    assert {opset.domain for opset in model.opset_import} == {""}


def test_the_weights_are_those_of_the_network(network):
    weights = network.saved().weights
    found = [
        onnx.numpy_helper.to_array(each) for each in onnx_model(network.saved()).graph.initializer
    ]
    kernels = [each for each in found if each.ndim == 4]
    expected = [each.transpose(3, 2, 0, 1) for each in weights if each.ndim == 4]
    for one, other in zip(kernels, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("size", [(16, 16), (37, 50), (64, 31), (130, 200)], ids=str)
def test_the_model_for_large_images_paints_the_same(network, size):
    image = random_image(*size)
    expected = network.model.predict_on_batch(image[None])[0]
    model = onnx_model(network.saved(), large=True)
    np.testing.assert_allclose(painted(model, image), expected, atol=1e-4)
