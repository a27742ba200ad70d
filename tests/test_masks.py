"""Where the style goes: masks of any size fitted to a photo."""

import numpy as np
import pytest
from scipy.special import erf

from nstlib.errors import ImageError
from nstlib.images import luminance
from nstlib.masks import SOFTNESS, fit_mask


def half(height, width, split):
    """White from the column `split` on."""
    return np.repeat((np.arange(width) >= split)[None], height, axis=0)


def test_an_edge_is_that_of_a_gaussian_of_the_stated_width():
    deviation = SOFTNESS * 400
    expected = (1 + erf((np.arange(400) + 0.5 - 150) / deviation / 2**0.5)) / 2
    fitted = fit_mask(half(40, 400, 150), 40, 400)
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, np.broadcast_to(expected, fitted.shape), atol=2e-3)


def test_far_from_edges_black_and_white_stay():
    fitted = fit_mask(half(64, 64, 30), 64, 64)
    np.testing.assert_array_equal(fitted[:, :26], 0)
    np.testing.assert_array_equal(fitted[:, 34:], 1)
    for value in (0.0, 1.0):
        np.testing.assert_array_equal(fit_mask(np.full((16, 20), value), 32, 40), value)


def test_a_mask_of_another_size_falls_on_the_same_places():
    large = fit_mask(half(160, 320, 128), 40, 80)
    np.testing.assert_allclose(large, fit_mask(half(40, 80, 32), 40, 80), atol=0.03)
    small = fit_mask(half(20, 40, 16), 40, 80)
    assert abs(small.mean() - large.mean()) < 0.005


def test_of_colours_the_luminance_counts():
    colours = np.random.default_rng(0).random((20, 30, 3))
    np.testing.assert_allclose(
        fit_mask(colours, 20, 30), fit_mask(luminance(colours), 20, 30), atol=1e-6
    )


@pytest.mark.parametrize(
    ("mask", "photo"),
    [((200, 300), (667, 1000)), ((667, 1000), (200, 300)), ((300, 199), (1000, 664))],
)
def test_a_side_that_was_rounded_is_no_other_shape(mask, photo):
    assert fit_mask(np.ones(mask), *photo).shape == photo


@pytest.mark.parametrize(
    ("mask", "photo"), [((40, 40), (40, 44)), ((60, 40), (40, 60)), ((64, 64), (512, 530))]
)
def test_other_proportions_are_refused(mask, photo):
    sizes = f"{mask[1]} x {mask[0]} px .* the photo, {photo[1]} x {photo[0]} px"
    with pytest.raises(ImageError, match=f"mask: {sizes}"):
        fit_mask(np.ones(mask), *photo)


@pytest.mark.parametrize(
    "mask", ["where.png", None, np.ones((20, 20), np.uint8), np.full((20, 20), 2.0), np.ones(20)]
)
def test_what_is_no_mask_is_refused_by_its_name(mask):
    with pytest.raises(ImageError, match=r"^mask: "):
        fit_mask(mask, 20, 20)
