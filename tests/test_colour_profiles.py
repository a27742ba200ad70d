import icc
import numpy as np
import pytest
from PIL import ImageCms
from samples import floats, noise

from nstlib.colour_profiles import as_srgb, from_code_points, from_profile, srgb_profile
from nstlib.errors import ImageError

LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
LEVEL = 1 / 255
# The primaries of sRGB as Display P3 has them: CSS Color Module Level 4, and every article about wide gamuts.
SRGB_IN_P3 = {
    (0.917488, 0.200287, 0.138561): (1, 0, 0),
    (0.458402, 0.985265, 0.298295): (0, 1, 0),
    (0.0, 0.0, 0.959588): (0, 0, 1),
    (0.5, 0.5, 0.5): (0.5, 0.5, 0.5),
}


def patches(colours, dtype=np.uint8) -> np.ndarray:
    return np.rint(np.array([list(colours)]) * np.iinfo(dtype).max).astype(dtype)


def seen_in_srgb(space, dtype=np.uint8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Colours of sRGB, and the samples that hold them in another space."""
    colours = np.random.default_rng(seed).uniform(0.1, 0.9, (20, 30, 3))
    values = icc.converted(colours, icc.SRGB, space)
    return colours, np.rint(values * np.iinfo(dtype).max).astype(dtype)


class TestProfile:
    def test_the_primaries_of_srgb_in_display_p3(self):
        image = from_profile(patches(SRGB_IN_P3), icc.rgb_profile(icc.DISPLAY_P3))
        np.testing.assert_allclose(image[0], list(SRGB_IN_P3.values()), atol=3.5 * LEVEL)

    @pytest.mark.parametrize("space", [icc.DISPLAY_P3, icc.ADOBE_RGB, icc.PROPHOTO, icc.BT_2020])
    def test_one_picture_in_other_spaces_is_the_same(self, space):
        colours, samples = seen_in_srgb(space)
        assert np.abs(samples * LEVEL - colours).max() > 0.05
        image = from_profile(samples, icc.rgb_profile(space))
        assert image.dtype == np.float32
        assert np.abs(image - colours).mean() < 0.6 * LEVEL  # eight bits cannot say more
        expected = icc.converted(samples / 255, space, icc.SRGB)
        np.testing.assert_allclose(image, expected, atol=1.3 * LEVEL)

    @pytest.mark.parametrize("space", [icc.DISPLAY_P3, icc.ADOBE_RGB, icc.PROPHOTO])
    def test_sixteen_bits_are_converted_at_sixteen_bits(self, space):
        colours, samples = seen_in_srgb(space, np.uint16)
        image = from_profile(samples, icc.rgb_profile(space))
        np.testing.assert_allclose(image, colours, atol=0.1 * LEVEL)

    @pytest.mark.parametrize("profile", [srgb_profile(), icc.rgb_profile(icc.SRGB)])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_a_profile_of_srgb_changes_nothing(self, profile, dtype):
        samples = noise().astype(dtype) * (1 if dtype == np.uint8 else 251)
        np.testing.assert_array_equal(from_profile(samples, profile), as_srgb(samples))

    @pytest.mark.parametrize(("dtype", "step"), [(np.uint8, 0.6 * LEVEL), (np.uint16, 1e-5)])
    @pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
    def test_grey_by_a_grey_profile(self, dtype, step, gamma):
        ramp = np.linspace(0, np.iinfo(dtype).max, 256).astype(dtype).reshape(16, 16, 1)
        image = from_profile(ramp, icc.grey_profile(gamma))
        expected = icc.encode((ramp / np.iinfo(dtype).max) ** (round(gamma * 256) / 256), None)
        np.testing.assert_allclose(image, np.repeat(expected, 3, 2), atol=step)

    @pytest.mark.parametrize(
        ("numbers", "formula"),
        [
            ((2.0,), lambda x: x**2),
            ((2.0, 0.5, -0.25), lambda x: np.where(x >= 0.5, 0.25 * (x - 0.5) ** 2, 0)),
            ((2.0, 0.5, 0.5, -0.25), lambda x: (x / 2 + 0.5) ** 2 - 0.25),
            ((2.0, 0.5, 0.5, 0.25, 0.5), lambda x: np.where(x >= 0.5, (x / 2 + 0.5) ** 2, x / 4)),
            (
                (2.0, 0.5, 0.25, 0.25, 0.5, 0.25, 0.0),
                lambda x: np.where(x >= 0.5, (x / 2 + 0.25) ** 2 + 0.25, x / 4),
            ),
        ],
    )
    def test_every_kind_of_parametric_curve(self, numbers, formula):
        ramp = np.linspace(0, 65535, 300).astype(np.uint16).reshape(20, 15, 1)
        kind = {1: 0, 3: 1, 4: 2, 5: 3, 7: 4}[len(numbers)]
        image = from_profile(ramp, icc.grey_profile(icc.parametric(kind, numbers)))
        expected = icc.encode(formula(ramp / 65535), None)
        np.testing.assert_allclose(image[..., :1], expected, atol=1e-5)
        # LittleCMS, which knows the kinds too, agrees at its 8 bits.
        eight = (ramp >> 8).astype(np.uint8)
        again = from_profile(eight, icc.grey_profile(icc.parametric(kind, numbers)))
        np.testing.assert_allclose(
            again[..., :1], icc.encode(formula(eight / 255), None), atol=2 * LEVEL
        )

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_the_black_point_is_compensated(self, dtype):
        profile = icc.grey_profile(icc.points([0.1, 1]))
        ends = np.array([[[0], [np.iinfo(dtype).max]]], dtype)
        np.testing.assert_allclose(from_profile(ends, profile)[0, :, 0], [0, 1], atol=LEVEL)

    def test_a_curve_in_points(self):
        ramp = np.linspace(0, 65535, 300).astype(np.uint16).reshape(20, 15, 1)
        image = from_profile(ramp, icc.grey_profile(icc.points([0, 0.25, 1])))
        expected = icc.encode(np.interp(ramp / 65535, [0, 0.5, 1], [0, 0.25, 1]), None)
        np.testing.assert_allclose(image[..., :1], expected, atol=3e-5)

    def test_a_table_of_colours_is_applied_to_sixteen_bits_too(self):
        table = icc.swapping_profile()
        samples = np.random.default_rng(0).integers(0, 2**16, (20, 30, 3)).astype(np.uint16)
        eight = np.rint(samples / 257).astype(np.uint8)
        image = from_profile(samples, table)
        np.testing.assert_array_equal(image, from_profile(eight, table))
        assert np.abs(image - as_srgb(samples)).max() > 0.5

    def test_grey_with_an_rgb_profile(self):
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
        image = from_profile(ramp, icc.rgb_profile(icc.PROPHOTO))
        expected = icc.encode((ramp / 255) ** 1.8, None)
        np.testing.assert_allclose(image, np.repeat(expected, 3, 2), atol=1.5 * LEVEL)

    def test_cmyk_by_its_profile(self):
        inks = np.zeros((1, 3, 4), np.uint8)
        inks[0, 1, 0], inks[0, 2, 3] = 255, 255
        image = from_profile(inks, icc.cmyk_profile(60, -30, -40))
        expected = [(1, 1, 1), icc.lab_in_srgb(60, -30, -40), (0, 0, 0)]
        np.testing.assert_allclose(image[0], expected, atol=3 * LEVEL)
        assert (
            np.abs(as_srgb(inks)[0, 1] - expected[1]).max() > 0.3
        )  # what the simple formula makes of it

    @pytest.mark.parametrize(
        "profile",
        [
            b"",
            b"junk" * 9,
            b"junk" * 99,
            icc.rgb_profile(icc.DISPLAY_P3)[:200],
            srgb_profile()[:140],
        ],
    )
    def test_broken_profiles(self, profile):
        with pytest.raises(ImageError, match="colour profile is broken"):
            from_profile(noise(), profile)

    @pytest.mark.parametrize(
        ("channels", "profile", "space"),
        [
            (3, icc.grey_profile(2.2), "GRAY"),
            (3, icc.cmyk_profile(60, 0, 0), "CMYK"),
            (3, LAB, "LAB"),
            (1, icc.cmyk_profile(60, 0, 0), "CMYK"),
            (4, srgb_profile(), "RGB"),
        ],
    )
    def test_profiles_for_other_pixels(self, channels, profile, space):
        samples = np.resize(noise(), (24, 40, channels))
        with pytest.raises(ImageError, match=f"(?i)colour profile is for {space} and not"):
            from_profile(samples, profile)

    def test_the_profile_of_srgb_is_the_same_bytes_every_time(self):
        made = srgb_profile()
        srgb_profile.cache_clear()
        assert srgb_profile() == made
        assert made[24:36] == bytes.fromhex("07cf000a0012000000000000")


class TestCodePoints:
    @pytest.mark.parametrize(("number", "space"), [(12, icc.DISPLAY_P3), (9, icc.BT_2020)])
    def test_other_primaries(self, number, space):
        colours, samples = seen_in_srgb(space, np.uint16)
        image = from_code_points(samples, number, 13)
        assert image.dtype == np.float32
        np.testing.assert_allclose(image, colours, atol=1e-4)

    def test_colours_beyond_srgb_are_clipped(self):
        image = from_code_points(patches([(0, 1, 0), (1, 0, 0)]), 12, 13)
        np.testing.assert_allclose(image[0], [(0, 1, 0), (1, 0, 0)], atol=1e-6)
        assert image.min() == 0

    @pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (2, 2), (1, 1), (5, 6)])
    def test_all_else_is_srgb(self, primaries, transfer):
        np.testing.assert_array_equal(from_code_points(noise(), primaries, transfer), floats())

    @pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
    def test_hdr(self, transfer, name):
        with pytest.raises(ImageError, match=f"HDR picture .{name}"):
            from_code_points(noise(), 9, transfer)
