from urllib.error import URLError

import h5py
import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate

from nstlib.errors import ExtractorError
from nstlib.objective import features as module
from nstlib.objective.features import (
    EXTRACTORS,
    POOLINGS,
    feature_extractor,
    layer_names,
    load_weights,
)

# TensorFlow's own, whenever Keras writes a variable to a file.
keras_writes = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
DEEPEST = ["relu1_1", "relu2_2", "relu3_3"]
FROM_KERAS = ["vgg16-caffe", "vgg19"]


def features(model, image):
    return {name: np.asarray(value)[0] for name, value in model(image[None]).items()}


def scipy_features(image, arrays, pooling, last):
    """What a network computes up to `last`, one convolution of SciPy after the other, in float64.

    A VGG pools 2 x 2 px before each block; AlexNet, whose names have no block, 3 x 3 px before its second and third
    convolution, and its first one takes every fourth pixel.
    """
    alexnet = last in layer_names("alexnet")
    reduce = {"avg": np.mean, "max": np.max}[pooling]
    x, found = image, {}
    for name, (kernel, bias) in arrays.items():
        if name in ("relu2_1", "relu3_1", "relu2", "relu3"):
            side = 3 if alexnet else 2
            windows = sliding_window_view(x, (side, side), axis=(0, 1))[::2, ::2]
            x = reduce(windows, axis=(-2, -1))
        edge = {"relu1": 2, "relu2": 2}.get(name, 1)
        padded = np.pad(x, ((edge, edge), (edge, edge), (0, 0)))
        maps = [
            correlate(padded, kernel[..., k].astype(np.float64), mode="valid", method="direct")
            for k in range(kernel.shape[-1])
        ]
        step = 4 if name == "relu1" else 1
        x = np.maximum(np.concatenate(maps, axis=-1)[::step, ::step] + bias, 0)
        found[name] = x
        if name == last:
            return found
    raise AssertionError(f"no layer {last}")


def standardised(image):
    """As torchvision's networks see an image."""
    return (image.astype(np.float64) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]


def centred(image):
    """As the authors' own VGGs see it: blue first."""
    return image[:, :, ::-1].astype(np.float64) * 255 - [103.939, 116.779, 123.68]


def assert_close(found, expected):
    for name, maps in found.items():
        assert maps.dtype == np.float32
        assert_allclose(maps, expected[name], rtol=1e-4, atol=1e-4 * expected[name].max())


# --- what it computes --------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", POOLINGS)
def test_features_are_those_of_scipy(pooling):
    image = np.random.default_rng(0).random((13, 10, 3), dtype=np.float32)
    expected = scipy_features(standardised(image), load_weights(), pooling, "relu3_3")
    found = features(feature_extractor(DEEPEST, pooling=pooling), image)
    assert list(found) == DEEPEST
    assert_close(found, expected)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_features_of_alexnet_are_those_of_scipy(pooling):
    image = np.random.default_rng(1).random((47, 31, 3), dtype=np.float32)
    names = layer_names("alexnet")
    expected = scipy_features(standardised(image), load_weights("alexnet"), pooling, "relu5")
    found = features(feature_extractor(names, extractor="alexnet", pooling=pooling), image)
    assert {name: maps.shape for name, maps in found.items()} == {
        "relu1": (11, 7, 64),
        "relu2": (5, 3, 192),
        "relu3": (2, 1, 384),
        "relu4": (2, 1, 256),
        "relu5": (2, 1, 256),
    }
    assert_close(found, expected)


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


@pytest.mark.parametrize(("extractor", "side"), [("vgg16", 16), ("alexnet", 31)])
def test_the_smallest_image_leaves_one_place_at_the_top(extractor, side):
    top = layer_names(extractor)[-1]
    image = np.zeros((side, side, 3), dtype=np.float32)
    maps = features(feature_extractor([top], extractor=extractor), image)[top]
    assert maps.shape[:2] == (1, 1)


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


@pytest.fixture
def other_settings():
    """Keras set to half precision with channels first."""
    before = keras.config.floatx(), keras.config.image_data_format(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_image_data_format(before[1])
    keras.config.set_dtype_policy(before[2])


@pytest.mark.parametrize(
    ("extractor", "layers"), [("vgg16", ("relu1_2", "relu2_1")), ("alexnet", ("relu1", "relu2"))]
)
def test_settings_of_keras_change_nothing(noise, other_settings, extractor, layers):
    built = module._cached_extractor.__wrapped__(layers, extractor, "avg", None)
    assert {weight.dtype for weight in built.weights} == {"float32"}
    found = features(built, noise)
    expected = scipy_features(standardised(noise), load_weights(extractor), "avg", layers[-1])
    assert list(found) == list(layers)
    assert_close(found, expected)


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extractor", "counts"),
    [("vgg16", "22333"), ("vgg16-caffe", "22333"), ("vgg16-random", "22333"), ("vgg19", "22444")],
)
def test_layer_names(extractor, counts):
    expected = [
        f"relu{block}_{n}"
        for block, count in zip("12345", counts, strict=True)
        for n in range(1, int(count) + 1)
    ]
    assert list(layer_names(extractor)) == expected


def test_layer_names_of_alexnet():
    assert layer_names("alexnet") == ("relu1", "relu2", "relu3", "relu4", "relu5")


def test_the_default_extractor_is_the_first():
    assert layer_names() == layer_names(EXTRACTORS[0])
    assert feature_extractor(["relu1_2"]) is feature_extractor(["relu1_2"], extractor="vgg16")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": ["conv3_3"]}, ["layers", "conv3_3", "relu1_1", "relu5_3"]),
        ({"layers": ["relu3_4"]}, ["layers", "relu3_4", "relu3_3"]),
        ({"layers": []}, ["layers", "empty", "relu1_1"]),
        ({"layers": ["relu1_1"], "extractor": "alexnet"}, ["layers", "relu1_1", "relu1, relu2"]),
        ({"layers": ["relu1_1"], "extractor": "vgg11"}, ["extractor", "vgg11", *EXTRACTORS]),
        ({"layers": ["relu1_1"], "pooling": "median"}, ["pooling", "median", *POOLINGS]),
    ],
)
def test_an_unknown_name_lists_the_known(arguments, words):
    with pytest.raises(ValueError, match=words[0]) as caught:
        feature_extractor(**arguments)
    assert [word for word in words if word not in str(caught.value)] == []


def test_names_of_an_unknown_extractor():
    with pytest.raises(ValueError, match="vgg16, alexnet, vgg16-caffe, vgg19, vgg16-random"):
        layer_names("vgg11")


# --- weights -----------------------------------------------------------------------------------


def test_weights_that_were_never_trained_are_always_the_same():
    first, again = load_weights("vgg16-random"), load_weights("vgg16-random")
    for name, (kernel, bias) in load_weights("vgg16").items():
        assert first[name][0].shape == kernel.shape
        assert_array_equal(first[name][0], again[name][0])
        assert_array_equal(first[name][1], np.zeros_like(bias))


def test_weights_that_were_never_trained_keep_the_scale():
    """With the deviation of He et al. 2015 the mean square of a layer is about that of the one below."""
    image = np.random.default_rng(0).random((48, 48, 3), dtype=np.float32)
    model = feature_extractor(["relu1_2", "relu5_3"], extractor="vgg16-random", pooling="max")
    low, high = (np.square(maps).mean() for maps in features(model, image).values())
    for kernel, _ in load_weights("vgg16-random").values():
        assert kernel.mean() == pytest.approx(0, abs=0.01)
        assert kernel.var() * np.prod(kernel.shape[:-1]) == pytest.approx(2, rel=0.1)
    assert low / 100 < high < low * 100


@pytest.mark.parametrize("extractor", ["vgg16", "alexnet", "vgg16-random"])
def test_weights_stand_by_the_name_of_their_layer(extractor):
    arrays = load_weights(extractor)
    assert tuple(arrays) == layer_names(extractor)
    model = feature_extractor(layer_names(extractor)[:2], extractor=extractor)
    for name in layer_names(extractor)[:2]:
        for found, expected in zip(model.get_layer(name).get_weights(), arrays[name], strict=True):
            assert_array_equal(found, expected)


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_a_file_that_is_not_there_is_named(extractor, tmp_path):
    with pytest.raises(ExtractorError, match=r"missing\.h5"):
        feature_extractor(
            layer_names(extractor)[:1], extractor=extractor, weights=tmp_path / "missing.h5"
        )


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
        feature_extractor(layer_names(extractor)[:1], extractor=extractor, weights=path)


# --- weights of Keras --------------------------------------------------------------------------


def keras_name(extractor):
    return extractor.split("-")[0].upper()


@pytest.mark.parametrize("extractor", FROM_KERAS)
def test_without_a_network_the_error_says_what_to_do(extractor, monkeypatch):
    def offline(*, include_top, weights):
        assert (include_top, weights) == (False, "imagenet")
        raise URLError("no route to host")

    monkeypatch.setattr(keras.applications, keras_name(extractor), offline)
    with pytest.raises(ExtractorError) as caught:
        feature_extractor(["relu1_1"], extractor=extractor)
    for words in (extractor, "no route to host", "extractor='vgg16'", "weights=", "notop.h5"):
        assert words in str(caught.value)


def keras_file(extractor, folder):
    """The weights of a new network as Keras 3 saves them, and the arrays in it by layer name."""
    model = getattr(keras.applications, keras_name(extractor))(weights=None, include_top=False)
    path = folder / f"{extractor}.weights.h5"
    model.save_weights(path)
    layers = [layer for layer in model.layers if layer.weights]
    return path, dict(
        zip(layer_names(extractor), (layer.get_weights() for layer in layers), strict=True)
    )


def legacy_file(extractor, folder, **other):
    """A file in the layout of those that Keras downloads, and the arrays in it by layer name.

    `other` holds, by layer name, the shapes of a kernel and a bias that are not those of the network.
    """
    path, arrays, channels = folder / f"{extractor}_notop.h5", {}, 3
    with h5py.File(path, "w") as file:
        names = [f"block{name[4]}_conv{name[6]}" for name in layer_names(extractor)]
        file.attrs["layer_names"] = [name.encode() for name in names]
        for value, (name, relu) in enumerate(zip(names, layer_names(extractor), strict=True)):
            width = min(512, 64 * 2 ** (int(relu[4]) - 1))
            pair = other.get(relu, ((3, 3, channels, width), (width,)))
            shapes = dict(zip((f"{name}_W_1:0", f"{name}_b_1:0"), pair, strict=True))
            group = file.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in shapes]
            for key, shape in shapes.items():
                # One number all over takes no room in the file.
                group.create_dataset(key, shape=shape, dtype="float32", fillvalue=value)
            arrays[relu] = [np.full(shape, value, dtype="float32") for shape in shapes.values()]
            channels = width
    return path, arrays


@keras_writes
@pytest.mark.parametrize(
    ("extractor", "write"), [("vgg16-caffe", keras_file), ("vgg19", legacy_file)]
)
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
        load_weights("vgg16-caffe", path)


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
    path, _ = legacy_file("vgg16-caffe", tmp_path, relu2_1=(kernel, bias))
    with pytest.raises(ExtractorError, match=r"vgg16-caffe_notop\.h5"):
        feature_extractor(["relu2_2"], extractor="vgg16-caffe", weights=path)


@pytest.mark.parametrize("extractor", FROM_KERAS)
def test_a_keras_extractor_runs_on_its_own_weights(noise, extractor, tmp_path):
    path, arrays = legacy_file(extractor, tmp_path)
    model = feature_extractor(["relu2_1"], extractor=extractor, weights=str(path))
    expected = scipy_features(centred(noise), arrays, "avg", "relu2_1")["relu2_1"]
    assert expected.max() > 0
    assert_allclose(features(model, noise)["relu2_1"], expected, rtol=1e-4)
