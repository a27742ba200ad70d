import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from samples import floats, noise, smooth
from skimage.color import rgb2yuv

from nstlib.errors import ImageError
from nstlib.images import (
    MAX_PIXELS,
    MIN_SIDE,
    centre_crop,
    check_image,
    luminance,
    resize,
    to_uint8,
    transfer_colour,
    transfer_luminance,
)


@pytest.fixture(autouse=True)
def every_warning_is_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestCheckImage:
    def test_valid_array_is_returned_without_a_copy(self):
        image = floats()
        assert check_image(image) is image

    @pytest.mark.parametrize("dtype", [np.float16, np.float64, np.longdouble, ">f4"])
    def test_other_floats_are_converted(self, dtype):
        image = check_image(floats().astype(dtype))
        assert image.dtype == np.float32
        assert image.dtype.isnative
        np.testing.assert_allclose(image, floats(), atol=1e-3)

    @pytest.mark.parametrize(
        "view",
        [lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a[..., ::-1], np.asfortranarray],
    )
    def test_result_is_contiguous_with_the_same_values(self, view):
        image = check_image(view(floats()))
        assert image.flags.c_contiguous
        np.testing.assert_array_equal(image, view(floats()))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_rounding_beyond_the_range_is_clipped(self, dtype):
        image = floats().astype(dtype)
        image[0, 0, 0], image[1, 1, 1] = -9e-7, 1 + 9e-7
        before = image.copy()
        checked = check_image(image)
        assert checked.min() >= 0
        assert checked.max() <= 1
        np.testing.assert_array_equal(image, before)

    @pytest.mark.parametrize(
        ("value", "word"),
        [
            (np.nan, "NaN"),
            (np.inf, "infinite"),
            (-np.inf, "infinite"),
            (-1e-3, r"\[-0.001, "),
            (1.001, r"1\.001"),
            (1 + 2e-6, "values lie in"),
            (255.0, "divided by 255"),
        ],
    )
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_values_outside_the_range_are_refused(self, value, word, dtype):
        image = np.zeros((20, 20, 3), dtype)
        image[3, 4, 1] = value
        with pytest.raises(ImageError, match=rf"(?s)^canvas: .*{word}.*accepted"):
            check_image(image, "canvas")

    def test_message_counts_the_values_that_are_not_finite(self):
        image = floats()
        image[:2, :3] = np.nan
        with pytest.raises(ImageError, match="18 values"):
            check_image(image)

    @pytest.mark.parametrize(
        ("shape", "hint"),
        [
            ((20, 20), "three equal channels"),
            ((1, 20, 20, 3), "one image of a batch"),
            ((20, 20, 4), "alpha"),
            ((3, 20, 20), "channels come last"),
            ((20, 20, 1), "shape is"),
            ((20,), "shape is"),
            ((), "shape is"),
            ((0, 20, 3), "too small"),
            ((20, MIN_SIDE - 1, 3), "too small"),
        ],
    )
    def test_wrong_shapes_are_refused(self, shape, hint):
        with pytest.raises(ImageError, match=rf"^canvas: .*{hint}.*accepted"):
            check_image(np.zeros(shape, np.float32), "canvas")

    def test_too_many_pixels_are_refused_without_touching_them(self):
        # A view of one pixel: reading it would take seconds, copying it 800 MB.
        huge = np.broadcast_to(np.float32(0), (2**13 + 1, 2**13, 3))
        with pytest.raises(ImageError, match="too large"):
            check_image(huge)

    @pytest.mark.parametrize(
        ("dtype", "hint"),
        [
            (np.uint8, "divide by 255"),
            (np.uint16, "divide by 65535"),
            (np.int64, "dtype is int64"),
            (bool, "dtype is bool"),
            (np.complex64, "dtype is complex64"),
            (object, "dtype is object"),
        ],
    )
    def test_wrong_dtypes_are_refused(self, dtype, hint):
        with pytest.raises(ImageError, match=rf"^image: .*{hint}.*accepted: a float32 RGB"):
            check_image(np.zeros((20, 20, 3), dtype))

    @pytest.mark.parametrize("value", [None, 3, [[0.0]], "photo.jpg", Path("photo.jpg")])
    def test_other_objects_are_refused(self, value):
        with pytest.raises(ImageError, match=f"is a {type(value).__name__}"):
            check_image(value)

    def test_a_path_is_sent_to_load_image(self):
        with pytest.raises(ImageError, match="load_image"):
            check_image("photo.jpg")

    def test_arrays_of_other_libraries_are_read(self):
        class Tensor:
            def __array__(self, dtype=None, copy=None):
                return floats()

        np.testing.assert_array_equal(check_image(Tensor()), floats())

    def test_a_tensor_that_numpy_cannot_read_is_refused(self):
        class OnDevice:
            def __array__(self, dtype=None, copy=None):
                raise TypeError("copy it to the host first")

        with pytest.raises(ImageError, match="copy it to the host first") as caught:
            check_image(OnDevice())
        assert isinstance(caught.value.__cause__, TypeError)

    def test_error_is_a_value_error(self):
        assert issubclass(ImageError, ValueError)


def test_limits_hold_together():
    assert MIN_SIDE == 16
    # Pillow warns above its own limit; ours must come first for its message to be the one seen.
    assert MAX_PIXELS == 64 * 2**20 < Image.MAX_IMAGE_PIXELS
    assert MAX_PIXELS // MIN_SIDE >= 2**16


class TestToUint8:
    def test_every_level_comes_back(self):
        levels = np.arange(256, dtype=np.uint8)
        np.testing.assert_array_equal(to_uint8(levels / np.float32(255)), levels)

    def test_values_go_to_the_nearest_level(self):
        values = np.random.default_rng(0).random((30, 20, 3), dtype=np.float32)
        assert to_uint8(values).dtype == np.uint8
        assert np.abs(to_uint8(values) / 255 - values).max() <= 0.5 / 255 + 1e-6


class TestResize:
    @pytest.mark.parametrize(
        ("shape", "size", "expected"),
        [
            ((24, 40), 20 * 2, (24, 40)),
            ((24, 40), 80, (48, 80)),
            ((40, 24), 80, (80, 48)),
            ((30, 30), 17, (17, 17)),
            ((321, 481), 256, (171, 256)),
            ((481, 321), 256, (256, 171)),
            ((24, 40), (50, 20), (50, 20)),
            ((24, 40), [50, 20], (50, 20)),
            ((24, 40), np.int64(80), (48, 80)),
            ((16, 16), MIN_SIDE, (16, 16)),
        ],
    )
    def test_shapes(self, shape, size, expected):
        assert resize(np.zeros((*shape, 3), np.float32), size).shape == (*expected, 3)

    @settings(deadline=None, max_examples=60)
    @given(
        st.integers(16, 90),
        st.integers(16, 90),
        st.integers(16, 90),
        st.integers(16, 90),
        st.floats(0, 1, width=32),
    )
    def test_constant_images_stay_exactly_constant(self, height, width, rows, columns, value):
        image = np.full((height, width, 3), value, np.float32)
        for result in (resize(image, (rows, columns)), centre_crop(image, rows, columns)):
            assert result.shape == (rows, columns, 3)
            np.testing.assert_array_equal(result, np.float32(value))

    @settings(deadline=None, max_examples=40)
    @given(st.integers(0, 99), st.integers(16, 100), st.integers(16, 100))
    def test_range_is_kept(self, seed, height, width):
        # Black and white noise is where Lanczos overshoots most.
        image = (noise(seed=seed) > 127).astype(np.float32)
        for result in (resize(image, (height, width)), centre_crop(image, height, width)):
            assert result.dtype == np.float32
            assert result.flags.c_contiguous
            assert result.min() >= 0
            assert result.max() <= 1

    def test_same_size_is_an_equal_copy(self):
        image = floats()
        for result in (resize(image, 40), resize(image, (24, 40)), centre_crop(image, 24, 40)):
            np.testing.assert_array_equal(result, image)
            assert not np.shares_memory(result, image)

    def test_shrinking_averages_detail_away(self):
        # A pattern finer than the result can show: without antialiasing it would survive.
        image = np.zeros((128, 128, 3), np.float32)
        image[:, ::2] = 1
        result = resize(image, 32)[2:-2, 2:-2]
        np.testing.assert_allclose(result, 0.5, atol=0.01)

    def test_mean_is_kept(self):
        for size in (16, 30, 100):
            result = resize(smooth(40, 40), size)
            np.testing.assert_allclose(result.mean((0, 1)), smooth(40, 40).mean((0, 1)), atol=0.005)

    def test_ramp_stays_a_ramp(self):
        # A linear ramp is 0 at the left and 1 at the right edge of the picture at every size.
        def ramp(width):
            row = (np.arange(width) + 0.5) / width
            return np.broadcast_to(row[None, :, None], (16, width, 3)).astype(np.float32)

        for width in (32, 50, 100, 256):
            result = resize(ramp(64), (16, width))
            inner = slice(width // 10, -width // 10)
            np.testing.assert_allclose(result[:, inner], ramp(width)[:, inner], atol=2e-3)

    def test_lanczos_by_its_formula(self):
        """One output pixel against the textbook sum, with the kernel stretched by the ratio."""
        image, ratio = floats(), 40 / 17
        result = resize(image, (24, 17))
        centre = (8 + 0.5) * ratio
        offset = (np.arange(40) + 0.5 - centre) / ratio
        weight = np.where(np.abs(offset) < 3, np.sinc(offset) * np.sinc(offset / 3), 0)
        expected = np.tensordot(weight / weight.sum(), image, axes=(0, 1)).clip(0, 1)
        np.testing.assert_allclose(result[:, 8], expected, atol=1e-6)

    def test_channels_do_not_mix(self):
        image = floats()
        image[..., 1] = 0
        result = resize(image, 100)
        assert result[..., 1].max() == 0
        np.testing.assert_array_equal(result[..., ::-1], resize(image[..., ::-1], 100))

    def test_float64_is_accepted(self):
        np.testing.assert_array_equal(resize(floats().astype(np.float64), 60), resize(floats(), 60))

    @pytest.mark.parametrize(
        "size",
        [
            *(0, -32, 15, 32.0, True, np.True_, None, "32", 10**9, 10**400),
            *((32, 0), (32, -5), (32, 15), (32, 32.5), (True, 32), (32,), (32, 32, 32), ()),
        ],
    )
    def test_bad_sizes(self, size):
        with pytest.raises(ImageError, match=r"(?s)^size: .*accepted"):
            resize(floats(), size)

    @pytest.mark.parametrize("size", [24, 2**20, (2**13 + 1, 2**13)])
    def test_size_that_does_not_suit_the_image(self, size):
        # 24 px leave 14 for the shorter side; the others give too many pixels.
        with pytest.raises(ImageError, match=r"size: .* of a 40 x 24 px image"):
            resize(floats(), size)

    def test_bad_image(self):
        with pytest.raises(ImageError, match=r"^image: "):
            resize(noise(), 32)

    def test_a_box_is_the_part_that_is_resized(self):
        image = smooth(40, 60)
        part = resize(image, (32, 40), box=(10, 4, 50, 36))
        np.testing.assert_allclose(part, image[4:36, 10:50], atol=1e-6)

    def test_a_box_may_end_within_a_pixel(self):
        image = np.zeros((33, 40, 3), np.float32)
        image[:, :20] = 1  # an edge in the middle of the box, and of the result
        result = resize(image, 32, box=(0, 0, 40, 32.5))
        assert result.shape == (26, 32, 3)
        np.testing.assert_allclose(result[:, :14], 1, atol=0.05)
        np.testing.assert_allclose(result[:, 18:], 0, atol=0.05)

    @pytest.mark.parametrize(
        "box",
        [
            (0, 0, 0, 40),
            (-1, 0, 60, 40),
            (0, 0, 60.5, 40),
            (0, 30, 60, 20),
            (0, 0, np.nan, 40),
            3,
            (1, 2, 3),
            "abcd",
        ],
    )
    def test_boxes_outside_the_image_are_refused(self, box):
        with pytest.raises(ImageError, match=r"^box: is .*accepted: .* within 60 x 40 px"):
            resize(smooth(40, 60), 32, box=box)


class TestCentreCrop:
    @pytest.mark.parametrize(("height", "width"), [(20, 20), (60, 30), (16, 90), (37, 41)])
    @pytest.mark.parametrize("shape", [(24, 40), (40, 24), (33, 33)])
    def test_is_the_centre_of_a_covering_resize(self, shape, height, width):
        image = noise(*shape).astype(np.float32) / 255
        scale = max(height / shape[0], width / shape[1])
        cover = (max(height, round(shape[0] * scale)), max(width, round(shape[1] * scale)))
        top, left = (cover[0] - height) // 2, (cover[1] - width) // 2
        expected = resize(image, cover)[top : top + height, left : left + width]
        np.testing.assert_allclose(centre_crop(image, height, width), expected, atol=2e-5)

    @pytest.mark.parametrize(("height", "width"), [(24, 20), (24, 17), (16, 40), (23, 40)])
    def test_same_scale_is_a_crop(self, height, width):
        top, left = (24 - height) // 2, (40 - width) // 2
        expected = floats()[top : top + height, left : left + width]
        np.testing.assert_allclose(centre_crop(floats(), height, width), expected, atol=1e-6)

    def test_long_strip_needs_no_large_intermediate(self):
        strip = np.broadcast_to(np.float32(0.25), (16, 50_000, 3))
        result = centre_crop(strip, 500, 500)
        np.testing.assert_array_equal(result, np.full((500, 500, 3), 0.25, np.float32))

    @settings(deadline=None, max_examples=60)
    @given(*[st.integers(16, 3000)] * 4)
    def test_any_sizes(self, rows, columns, height, width):
        image = np.broadcast_to(np.float32(1), (rows, columns, 3))
        # Keeps the examples cheap; the frame is what can go wrong, not the number of pixels.
        if rows * columns + height * width < 500_000:
            assert centre_crop(image, height, width).shape == (height, width, 3)

    @pytest.mark.parametrize("side", [0, -1, 15, 20.0, True, None, "20", 10**9])
    def test_bad_sides_are_named(self, side):
        with pytest.raises(ImageError, match=r"^height: .*accepted"):
            centre_crop(floats(), side, 20)
        with pytest.raises(ImageError, match=r"^width: .*accepted"):
            centre_crop(floats(), 20, side)

    def test_too_many_pixels(self):
        with pytest.raises(ImageError, match=r"^height, width: .*too large"):
            centre_crop(floats(), 2**13, 2**13 + 1)

    def test_bad_image(self):
        with pytest.raises(ImageError, match=r"^image: "):
            centre_crop(floats()[..., 0], 20, 20)


class TestLuminance:
    def test_rec_709_primaries(self):
        for channel, weight in enumerate((0.2126, 0.7152, 0.0722)):
            image = np.zeros((16, 20, 3), np.float32)
            image[..., channel] = 1
            np.testing.assert_allclose(luminance(image), weight, rtol=1e-6)

    def test_grey_is_its_own_luminance(self):
        grey = floats()[..., :1]
        result = luminance(np.repeat(grey, 3, axis=2))
        assert result.dtype == np.float32
        assert result.shape == (24, 40)
        np.testing.assert_allclose(result, grey[..., 0], rtol=1e-6)

    def test_stays_in_range(self):
        assert luminance(np.ones((16, 16, 3), np.float32)).max() == 1
        assert luminance(np.zeros((16, 16, 3), np.float32)).max() == 0

    def test_bad_image(self):
        with pytest.raises(ImageError, match=r"^image: "):
            luminance(noise())


class TestTransferColour:
    def test_the_palette_becomes_that_of_the_reference(self):
        image, reference = floats() * 0.3, floats(seed=1) ** 2
        result = transfer_colour(image, reference)
        assert result.dtype == np.float32
        levels = np.linspace(0.05, 0.95, 19)
        for channel in range(3):
            np.testing.assert_allclose(
                np.quantile(result[..., channel], levels),
                np.quantile(reference[..., channel], levels),
                atol=0.02,
            )

    def test_each_channel_keeps_its_order(self):
        image = floats()
        result = transfer_colour(image, floats(seed=1) ** 2)
        for channel in range(3):
            order = np.argsort(image[..., channel], axis=None)
            assert (np.diff(result[..., channel].ravel()[order]) >= 0).all()

    def test_an_image_is_its_own_reference(self):
        np.testing.assert_allclose(transfer_colour(floats(), floats()), floats(), atol=1e-6)

    def test_the_reference_is_named(self):
        with pytest.raises(ImageError, match="reference"):
            transfer_colour(floats(), floats() * 255)


class TestTransferLuminance:
    def test_lightness_from_the_one_and_colour_from_the_other(self):
        image, reference = 0.4 + 0.2 * floats(), 0.4 + 0.2 * floats(seed=1)
        result = transfer_luminance(image, reference)
        np.testing.assert_allclose(luminance(result), luminance(reference), atol=1e-6)
        chroma, expected = (rgb2yuv(x)[..., 1:] for x in (result, image))
        # scikit-image's U and V are those of Rec. 601, and no less free of grey.
        np.testing.assert_allclose(chroma, expected, atol=1e-6)
        assert result.dtype == np.float32

    def test_an_image_keeps_its_own(self):
        np.testing.assert_allclose(transfer_luminance(floats(), floats()), floats(), atol=1e-6)

    def test_stays_in_range(self):
        result = transfer_luminance(floats(), np.ones_like(floats()))
        assert result.max() <= 1
        assert result.min() >= 0

    def test_images_that_do_not_centre_crop(self):
        with pytest.raises(ImageError, match=r"reference: its shape \(16, 16, 3\)"):
            transfer_luminance(floats(), np.zeros((16, 16, 3), np.float32))
