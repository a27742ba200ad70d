"""Arguments that nobody should pass, and arrays of any kind: each is taken or refused by its name, before any work."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nstlib.errors import ImageError
from nstlib.images import MIN_SIDE, check_image
from nstlib.johnson.network import new_network
from nstlib.johnson.schedule import Schedule
from nstlib.methods import stylize
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.optimization.pixels import gatys

NO_NUMBERS = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.complex_numbers())
NO_COUNTS = st.one_of(NO_NUMBERS, st.integers(max_value=0), st.floats())
ANY_ARRAY = hnp.arrays(
    dtype=st.sampled_from(
        ["float16", "float32", "float64", "int8", "uint8", "int64", "bool", "c8", "O"]
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=MIN_SIDE + 2),
)
NEARLY_IMAGES = hnp.arrays(
    dtype="float32",
    shape=st.tuples(*[st.integers(MIN_SIDE - 1, MIN_SIDE + 2)] * 2, st.integers(2, 4)),
    elements=st.one_of(st.floats(0, 1, width=32), st.floats(width=32)),
    fill=st.floats(0, 1, width=32),
)
IMAGE = np.full((MIN_SIDE, MIN_SIDE, 3), 0.5, np.float32)
SHALLOW = PerceptualLoss(content_layers=["relu1_1"], style_layers=["relu1_1"])


@pytest.fixture(scope="module")
def network():
    return new_network(width=0.05)


@given(
    name=st.sampled_from(["content_weight", "style_weight", "total_variation_weight"]),
    value=st.one_of(NO_NUMBERS, st.floats(), st.integers()),
)
@example(name="style_weight", value=2**53 + 1)  # the first integer that is no float
def test_weights_are_finite_and_not_negative_or_refused(name, value):
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and math.isfinite(value) and value >= 0:
        assert getattr(PerceptualLoss(**{name: value}), name) == float(value)
    else:
        with pytest.raises(ValueError, match=name):
            PerceptualLoss(**{name: value})


def test_a_weight_that_no_float_holds_is_refused():
    with pytest.raises(ValueError, match=r"style_weight: 10+ is not a finite number"):
        PerceptualLoss(style_weight=10**400)


@given(value=NO_COUNTS)
@settings(max_examples=40, deadline=None)
def test_counts_that_are_none_are_refused(value):
    for name, call in {
        "steps": lambda: gatys(IMAGE, IMAGE, steps=value),
        "snapshots": lambda: gatys(IMAGE, IMAGE, snapshots=(value,)),
        "steps: ": lambda: Schedule(steps=value),
        "size": lambda: Schedule(size=value),
        "batch_size": lambda: Schedule(batch_size=value),
    }.items():
        with pytest.raises(ValueError, match=name):
            call()


@given(image=st.one_of(ANY_ARRAY, NEARLY_IMAGES))
@settings(
    max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_arrays_are_images_or_refused_by_name(image):
    try:
        found = check_image(image, "the picture")
    except ImageError:
        with pytest.raises(ImageError, match="the picture"):
            check_image(image, "the picture")
    else:
        assert found.dtype == np.float32
        assert found.ndim == 3
        assert found.shape[2] == 3
        assert min(found.shape[:2]) >= MIN_SIDE
        assert 0 <= found.min() <= found.max() <= 1


@given(
    image=hnp.arrays(
        dtype=st.sampled_from(["float32", "float64"]),
        shape=st.tuples(*[st.integers(MIN_SIDE, MIN_SIDE + 4)] * 2, st.just(3)),
        elements=st.floats(0, 1, width=32),
    )
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_an_image_is_taken_as_it_is(image):
    np.testing.assert_allclose(check_image(image, "the picture"), image, atol=1e-7)


@pytest.mark.slow
@given(height=st.integers(MIN_SIDE, 70), width=st.integers(MIN_SIDE, 70))
@settings(max_examples=12, deadline=None)
def test_pictures_of_odd_sizes_keep_them(network, height, width):
    photo = np.random.default_rng(height * width).random((height, width, 3), np.float32)
    assert network.stylize(photo).shape == photo.shape
    optimised = gatys(photo, IMAGE, objective=SHALLOW, steps=1, progress=False)
    assert optimised.image.shape == photo.shape


@pytest.mark.parametrize("method", ["johnson", "gatys", "hybrid"])
def test_a_picture_of_odd_size_keeps_it_by_every_method(network, method):
    photo = np.random.default_rng(0).random((37, 51, 3), np.float32)
    options = {"method": method, "network": network, "objective": SHALLOW, "progress": False}
    if method != "johnson":
        options["steps"] = 1
    assert stylize(photo, IMAGE, **options).shape == photo.shape
