import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance
from skimage.metrics import structural_similarity

from nstlib.data.pictures import photo as load_photo
from nstlib.data.pictures import photo_names, style_names
from nstlib.data.pictures import style as load_style
from nstlib.errors import ImageError
from nstlib.images import centre_crop, luminance
from nstlib.metrics import (
    colour_distance,
    edge_preservation,
    evaluate,
    lpips,
    moment_distance,
    patch_distance,
    patch_strength,
    ssim,
    ssim_colour,
    stroke_strength,
    total_variation,
)
from nstlib.objective.features import feature_extractor
from nstlib.objective.losses import (
    content_loss,
    feature_moments,
    gram_matrix,
    moment_loss,
    style_loss,
)
from nstlib.objective.perceptual import PerceptualLoss

DISTANCES = [colour_distance, patch_distance]
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
COLUMNS = ["method", "total", "content", "style", "ssim", "ssim_colour", "edges", "lpips"]
COLUMNS += ["lpips_alex", "strokes", "patches", "moments", "patch", "colour", "variation"]
# Pairs by which to hold the docstrings to their numbers: a few small ones, or all of them at a size of use.
PAIRS = pytest.mark.parametrize(
    ("photos", "styles", "size"),
    [
        pytest.param(["coffee"], style_names()[:2], 128, id="few", marks=pytest.mark.slow),
        pytest.param(photo_names(), style_names(), 256, id="all", marks=pytest.mark.full),
    ],
)


@pytest.fixture(scope="module")
def large_photo():
    return load_photo("astronaut", size=192)


def flat(*colour, height=20, width=18):
    return np.full((height, width, 3), colour, dtype=np.float32)


def shuffled(image, seed=0):
    """The pixels of an image at other places."""
    pixels = image.reshape(-1, 3)
    return np.random.default_rng(seed).permutation(pixels).reshape(image.shape)


def noisy(image, deviation, seed=0):
    normal = np.random.default_rng(seed).standard_normal(image.shape)
    return np.clip(image + deviation * normal, 0, 1).astype(np.float32)


# --- structural similarity ---------------------------------------------------------------------


def test_ssim_of_the_photo_is_one(photo):
    assert ssim(photo, photo) == pytest.approx(1)


def test_ssim_is_that_of_the_luminance_in_skimage(photo, style):
    grey, other = (image.astype(np.float64) @ [0.2126, 0.7152, 0.0722] for image in (photo, style))
    expected = structural_similarity(
        grey, other, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(photo, style) == pytest.approx(expected, abs=1e-5)
    assert ssim(style, photo) == pytest.approx(ssim(photo, style))


def test_ssim_falls_with_noise_to_nearly_nothing(photo):
    values = [ssim(noisy(photo, deviation), photo) for deviation in (0, 0.02, 0.05, 0.1, 0.3)]
    assert values == sorted(values, reverse=True)
    first, second = np.random.default_rng(0).random((2, 80, 80, 3), dtype=np.float32)
    assert abs(ssim(first, second)) < 0.05


def test_ssim_does_not_see_a_change_of_hue(photo):
    # Red and blue exchanged in such shares that the luminance stays.
    moved = np.array([0.1, 0, -0.1 * 0.2126 / 0.0722], dtype=np.float32)
    base = 0.4 + 0.2 * photo  # far enough from 0 and 1
    assert ssim(base + moved, base) == pytest.approx(1, abs=1e-4)
    assert colour_distance(base + moved, base) > 0.1


@pytest.mark.parametrize("yardstick", [ssim, ssim_colour, edge_preservation])
def test_what_looks_at_places_wants_one_size(photo, yardstick):
    with pytest.raises(ImageError, match=r"\(60, 56, 3\).*\(64, 56, 3\)"):
        yardstick(photo[:60], photo)


def test_ssim_of_the_colours_is_the_mean_over_channels_in_skimage(photo, style):
    expected = structural_similarity(
        photo,
        style,
        data_range=1,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim_colour(photo, style) == pytest.approx(expected, abs=1e-6)
    assert ssim_colour(photo, photo) == pytest.approx(1)
    grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2)
    assert ssim_colour(grey, photo) < ssim_colour(photo, photo)


# --- edges and variation -----------------------------------------------------------------------


def disc(radius, centre=(64, 64), size=128):
    rows, columns = np.mgrid[:size, :size]
    inside = np.hypot(rows - centre[0], columns - centre[1]) <= radius
    return np.repeat(0.2 + 0.6 * inside[..., None], 3, axis=2).astype(np.float32)


def test_edges_of_the_photo_survive_in_the_photo_and_after_a_gamma(large_photo):
    assert edge_preservation(large_photo, large_photo) == 1
    assert edge_preservation(large_photo**0.5, large_photo) > 0.8
    assert edge_preservation(1 - large_photo, large_photo) > 0.95
    assert edge_preservation(0.3 + 0.2 * large_photo, large_photo) > 0.95


def test_edges_of_noise_a_flat_image_and_the_style_are_not_those_of_the_photo(large_photo):
    random = np.random.default_rng(0).random(large_photo.shape, dtype=np.float32)
    painting = centre_crop(load_style("brush_flow", size=192), *large_photo.shape[:2])
    assert edge_preservation(random, large_photo) < 0.35
    assert edge_preservation(np.full_like(large_photo, 0.5), large_photo) < 0.15
    assert edge_preservation(painting, large_photo) < 0.35


@pytest.mark.parametrize("grey", [0.0, 0.1, 0.3, 0.5, 0.9])
def test_a_flat_image_has_no_edges(grey):
    for name in ("astronaut", "coffee", "rocket"):
        photo = load_photo(name, size=128)
        assert edge_preservation(np.full_like(photo, grey), photo) == 0


def uniform(like, seed):
    return np.random.default_rng(seed).random(like.shape, dtype=np.float32)


@PAIRS
def test_known_values_of_the_photo_noise_and_the_style_image(photos, styles, size):
    """What the docstrings say, on pairs that are not picked."""
    by_chance = {128: (0.08, 0.22), 256: (0.2, 0.35)}[size]
    for index, name in enumerate(photos):
        photo = load_photo(name, size=size)
        random = uniform(photo, index)
        assert ssim_colour(random, photo) < 0.03
        assert by_chance[0] < edge_preservation(random, photo) < by_chance[1]
        assert total_variation(photo) < 0.1 < total_variation(random)
        assert 0.01 < total_variation(photo) < 0.08
        for style_name in styles:
            painting = load_style(style_name, size=size)
            fitted = centre_crop(painting, *photo.shape[:2])
            assert max(ssim(fitted, photo), ssim_colour(fitted, photo)) < 0.15
            assert edge_preservation(fitted, photo) < by_chance[1]
            assert 0.06 < total_variation(painting) < 0.2
            for distance in DISTANCES:
                assert distance(painting, painting) == 0
                assert 0.045 < distance(photo, painting) < 0.5
                assert 0.07 < distance(random, painting) < 0.2


@PAIRS
def test_known_strengths_of_the_photo_noise_and_the_style_image(photos, styles, size):
    for index, name in enumerate(photos):
        photo = load_photo(name, size=size)
        random = uniform(photo, index)
        coarse = gaussian_filter(random[..., :1] - 0.5, 1, axes=(0, 1))
        coarse = np.clip(0.5 + 0.3 * coarse / coarse.std(), 0, 1).repeat(3, axis=2)
        for style_name in styles:
            painting = load_style(style_name, size=size)
            fitted = centre_crop(painting, *photo.shape[:2])
            assert 0 < stroke_strength(photo, photo, painting) < 0.8
            assert 0.35 < stroke_strength(random, photo, painting) < 0.8
            assert 0.8 < stroke_strength(fitted, photo, painting) < 1.2
            assert stroke_strength(coarse, photo, painting) > 1
            assert 0.1 < patch_strength(photo, painting) < 2.4
            assert patch_strength(random, painting) < 0.2
            assert 0.8 < patch_strength(fitted, painting) < 1.2


@PAIRS
def test_known_learned_distances(photos, styles, size):
    for index, name in enumerate(photos):
        photo = load_photo(name, size=size)
        blurred = gaussian_filter(photo, 2, axes=(0, 1))
        flat_mean = np.broadcast_to(photo.mean(axis=(0, 1)), photo.shape)
        for net in ("vgg", "alex"):
            assert 0.2 < lpips(blurred, photo, net) < 0.6
            assert 0.5 < lpips(flat_mean, photo, net) < 1.1
            assert lpips(uniform(photo, index), photo, net) > 0.65
            for style_name in styles:
                fitted = centre_crop(load_style(style_name, size=size), *photo.shape[:2])
                assert 0.5 < lpips(fitted, photo, net) < 1
        assert lpips(flat_mean, photo) < 0.8


@PAIRS
def test_known_values_under_the_features(photos, styles, size):
    """What the docstrings of the losses and of the moment distance say, in the same way."""
    extract = feature_extractor(LAYERS)

    def content(image, photo):
        return float(content_loss(extract(image[None])["relu3_3"], photo["relu3_3"])[0])

    def mean(loss, image, style):
        return np.mean([float(loss(image[name], style[name])[0]) for name in LAYERS])

    def style_term(maps, target):
        return style_loss(gram_matrix(maps), gram_matrix(target))

    def moments(maps, target):
        return moment_loss(maps, feature_moments(target))

    paintings = {name: load_style(name, size=size) for name in styles}
    of_style = {name: extract(painting[None]) for name, painting in paintings.items()}
    for index, name in enumerate(photos):
        photo = load_photo(name, size=size)
        of_photo, of_noise = (extract(i[None]) for i in (photo, uniform(photo, index)))
        assert 1.15 < content(uniform(photo, index), of_photo) < 1.9
        assert 0.35 < content(photo[..., [2, 0, 1]], of_photo) < 0.75
        grey = np.repeat(luminance(photo)[..., None], 3, axis=2)
        assert 0.2 < content(grey, of_photo) < 0.5
        for style_name, maps in of_style.items():
            assert content(centre_crop(paintings[style_name], *photo.shape[:2]), of_photo) > 1.1
            assert mean(style_term, of_photo, maps) > 0.5
            assert 0.7 < mean(style_term, of_noise, maps) < 3.3
            assert mean(moments, of_photo, maps) > 1
            assert 1.3 < mean(moments, of_noise, maps) < 3.3


def test_an_edge_counts_as_kept_within_the_tolerance_and_not_beyond():
    # 0.75% of the diagonal of 128 x 128 px are 1.36 px.
    assert edge_preservation(disc(40, (64, 65)), disc(40)) > 0.95
    assert edge_preservation(disc(36), disc(40)) < 0.2


def test_precision_and_recall_both_count():
    both = np.maximum(disc(20, (36, 36)), disc(20, (92, 92)))
    # Half of the edges are missing, or half are too many: 2 · 1 · ½ / 1½.
    assert edge_preservation(disc(20, (36, 36)), both) == pytest.approx(2 / 3, abs=0.03)
    assert edge_preservation(both, disc(20, (36, 36))) == pytest.approx(2 / 3, abs=0.03)


def test_total_variation_of_known_images():
    board = (np.indices((16, 20)).sum(axis=0) % 2).astype(np.float32)
    assert total_variation(np.repeat(board[..., None], 3, axis=2)) == 1
    assert total_variation(flat(0.2, 0.5, 0.7)) == 0
    random = np.random.default_rng(0).random((128, 128, 3), dtype=np.float32)
    assert total_variation(random) == pytest.approx(1 / 3, abs=0.01)
    ramp = np.broadcast_to(np.linspace(0, 1, 21, dtype=np.float32)[:, None, None], (21, 20, 3))
    assert total_variation(ramp) == pytest.approx((1 / 20 + 0) / 2)


# --- colour ------------------------------------------------------------------------------------


def test_colour_distance_forgets_where(photo):
    assert colour_distance(shuffled(photo), photo) == pytest.approx(0, abs=1e-9)
    repeated = np.tile(photo, (2, 1, 1))
    assert colour_distance(repeated, photo) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("colour", "other"),
    [((0, 0, 0), (1, 1, 1)), ((0.2, 0.5, 0.7), (0.2, 0.9, 0.7)), ((1, 0, 0), (0, 0.5, 1))],
)
def test_two_flat_colours_are_at_half_their_distance(colour, other):
    """The mean of |cos| over the directions of space is 1/2."""
    expected = np.linalg.norm(np.subtract(colour, other)) / 2
    found = colour_distance(flat(*colour), flat(*other, height=32, width=40))
    assert found == pytest.approx(expected, rel=0.15)


def test_colour_distance_of_grey_images_is_scipys(photo, style):
    """Grey pixels lie on a line, so that two flat ones calibrate the directions."""
    unit = colour_distance(flat(0, 0, 0), flat(1, 1, 1))
    first, second = photo[..., 1], style[..., 1]
    found = colour_distance(*(np.repeat(grey[:, :, None], 3, axis=2) for grey in (first, second)))
    expected = wasserstein_distance(first.ravel(), second.ravel())
    assert found / unit == pytest.approx(expected, rel=5e-3)


def test_colour_distance_is_the_mean_of_scipys_over_directions(photo, style):
    """Directions evenly spread over the sphere (a Fibonacci lattice) in place of random ones."""
    n = np.arange(200) + 0.5
    height, angle = 1 - 2 * n / n.size, np.pi * (1 + np.sqrt(5)) * n
    radius = np.sqrt(1 - height**2)
    directions = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
    pixels, others = photo.reshape(-1, 3), style.reshape(-1, 3)
    expected = np.mean([wasserstein_distance(pixels @ d, others @ d) for d in directions])
    assert colour_distance(photo, style) == pytest.approx(expected, rel=0.1)


# --- patches -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(16, 16), (16, 70), (33, 31), (64, 56)])
def test_patch_distance_of_the_style_itself_is_zero(shape):
    image = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    assert patch_distance(image, image) == 0


def test_patch_distance_sees_where_and_colour_distance_does_not(style):
    mixed = shuffled(style)
    assert patch_distance(mixed, style) > 0.05
    assert colour_distance(mixed, style) == pytest.approx(0, abs=1e-9)


def test_patches_of_flat_images_are_at_the_distance_of_one_line():
    """A flat patch is one point of 147 dimensions; |cos| to a line has the mean √(2 / 147π)."""
    found = patch_distance(flat(0, 0, 0), flat(1, 1, 1))
    dimensions = 7 * 7 * 3
    assert found == pytest.approx(np.sqrt(dimensions) * np.sqrt(2 / (np.pi * dimensions)), rel=0.2)


def test_patch_distance_takes_images_of_any_sizes(style):
    part = style[:40, 8:]
    assert 0 < patch_distance(part, style) < patch_distance(flat(0.5, 0.5, 0.5), style)


@pytest.mark.parametrize("distance", DISTANCES)
def test_distances_grow_with_noise(distance, style):
    part = style[:30, :30]
    values = [distance(noisy(part, deviation), part) for deviation in (0, 0.1, 0.2, 0.4)]
    assert values[0] == 0
    assert np.all(np.diff(values) > 0)


@pytest.mark.parametrize("distance", DISTANCES)
def test_distances_are_symmetric_and_repeatable(distance, photo, style):
    first, second = photo[:30, :30], style[:30, :30]
    found = distance(first, second)
    assert found == pytest.approx(distance(second, first))
    assert found == distance(first, second)


@pytest.mark.parametrize("distance", DISTANCES)
def test_distances_name_what_is_no_image(distance, photo):
    with pytest.raises(ImageError, match="image"):
        distance(photo[:8], photo)
    with pytest.raises(ImageError, match="style"):
        distance(photo, photo * 255)


# --- learned distance --------------------------------------------------------------------------


@pytest.mark.parametrize("net", ["vgg", "alex"])
def test_lpips_of_the_photo_is_zero_and_grows_with_blur(photo, net):
    blurred = [gaussian_filter(photo, scale, axes=(0, 1)) for scale in (1, 2, 4, 8)]
    values = [lpips(image, photo, net) for image in (photo, *blurred)]
    assert values[0] == 0
    assert np.all(np.diff(values) > 0)
    assert lpips(photo, blurred[2], net) == pytest.approx(values[3], rel=1e-4)


@pytest.mark.parametrize(("net", "least"), [("vgg", 16), ("alex", 31)])
def test_lpips_says_how_small_an_image_may_be(noise, net, least):
    image = np.resize(noise, (least, least + 3, 3))
    assert lpips(image, image[::-1], net) > 0
    with pytest.raises(ImageError, match=f"{least - 1}.* px|px.* {least - 1}"):
        lpips(image[1:], image[1:], net)


def test_lpips_refuses_other_nets_and_sizes(photo):
    with pytest.raises(ValueError, match="net: 'squeeze' is not one of vgg, alex"):
        lpips(photo, photo, "squeeze")
    with pytest.raises(ImageError, match=r"\(60, 56, 3\).*\(64, 56, 3\)"):
        lpips(photo[:60], photo)
    with pytest.raises(ImageError, match="photo"):
        lpips(photo, photo * 255)


# --- strokes and patches -----------------------------------------------------------------------


def waves(height, width, *periods, contrast=0.1):
    """Waves along both axes and in all colours alike; whole ones fit into windows of 32 px."""
    rows, columns = np.mgrid[:height, :width]
    grey = sum(np.sin(2 * np.pi * rows / p) * np.sin(2 * np.pi * columns / p) for p in periods)
    return np.repeat((0.5 + contrast * grey)[..., None], 3, axis=2).astype(np.float32)


def half_plain(height=96, width=288):
    """A photo whose left third is plain and whose rest is busy."""
    photo = waves(height, width, 8, 32)
    photo[:, : width // 3] = 0.5
    return photo


def numpy_strength(image, style, scales, side, where=slice(None)):
    """Over the windows `where`: RMS of the image over the mean RMS of the style, by a cell of loops."""

    def rms(pixels, fine, coarse):
        band = gaussian_filter(pixels, (fine, fine, 0)) - gaussian_filter(
            pixels, (coarse, coarse, 0)
        )
        return np.array(
            [
                np.linalg.norm(band[y : y + side, x : x + side]) / np.sqrt(side**2 * band.shape[2])
                for y in range(0, band.shape[0] - side + 1, side)
                for x in range(0, band.shape[1] - side + 1, side)
            ]
        )

    pixels, others = image.astype(np.float64), style.astype(np.float64)
    return np.mean(
        [
            rms(pixels, fine, coarse)[where].mean() / rms(others, fine, coarse).mean()
            for fine, coarse in itertools.pairwise(scales)
        ]
    )


def test_strokes_as_strong_as_the_paintings_have_one():
    painting = waves(96, 288, 4, 8, 16, 32)
    assert stroke_strength(painting, half_plain(), painting) == pytest.approx(1, rel=0.05)
    assert stroke_strength(half_plain(), half_plain(), painting) < 0.2  # what leaks over the border
    assert stroke_strength(np.full_like(painting, 0.3), half_plain(), painting) == 0


def test_strokes_are_those_of_numpy(photo, style):
    image = np.random.default_rng(0).random((100, 131, 3), dtype=np.float32)
    plain = np.full_like(image, 0.5)
    plain[40:] = image[40:]  # quiet in the first row of windows, less so in the others
    painting = np.tile(style, (2, 1, 1))
    expected = numpy_strength(
        luminance(image)[..., None],
        luminance(painting)[..., None],
        [0.7, 1.4, 2.8, 5.6, 11.2],
        32,
        slice(4),
    )
    assert stroke_strength(image, plain, painting) == pytest.approx(expected, rel=1e-4)


def test_strokes_count_in_the_quiet_third_of_the_photo_alone():
    photo, painting = half_plain(), waves(96, 288, 4, 8, 16, 32)
    near, far = painting.copy(), painting.copy()
    near[:, 144:] = 0.5  # 48 px from the quiet third: more than 4 σ of the coarsest Gaussian
    far[:, :144] = 0.5
    whole = stroke_strength(painting, photo, painting)
    assert stroke_strength(near, photo, painting) == pytest.approx(whole, rel=1e-5)
    assert stroke_strength(far, photo, painting) < 1e-3


def test_strengths_have_a_scale_and_no_level(style):
    painting = np.tile(style, (2, 2, 1))
    photo = half_plain(128, 112)
    for strength in (lambda i, s: stroke_strength(i, photo, s), patch_strength):
        whole = strength(painting, painting)
        faint = 0.2 + 0.5 * painting
        assert strength(faint, painting) == pytest.approx(whole / 2, rel=1e-3)
        assert strength(faint, faint) == pytest.approx(whole, rel=1e-3)
        assert strength(0.9 - 0.5 * painting, painting) == pytest.approx(whole / 2, rel=1e-3)


def test_an_untouched_photo_lies_between_a_flat_image_and_the_painting():
    photo, painting = load_photo("coffee", size=128), load_style("brush_flow", size=128)
    fitted = centre_crop(painting, *photo.shape[:2])
    values = [stroke_strength(i, photo, painting) for i in (0 * photo, photo, fitted)]
    assert values[0] == 0
    assert 0.1 < values[1] < 0.8 * values[2]


def test_patches_are_those_of_numpy(style):
    image = np.random.default_rng(0).random((100, 131, 3), dtype=np.float32)
    expected = numpy_strength(image, style, [11.2, 22.4], 48)
    assert patch_strength(image, style) == pytest.approx(expected, rel=1e-4)
    assert patch_strength(style, style) == 1
    assert patch_strength(np.full_like(style, 0.7), style) == pytest.approx(0, abs=1e-5)


def test_patches_of_one_colour_have_patches_and_no_strokes():
    """Where the painting has marks of up to 16 px, an image of smooth spots of 48 px."""
    painting, photo = waves(192, 192, 4, 8, 16, 32), np.full((192, 192, 3), 0.5, np.float32)
    spots = waves(192, 192, 96)
    assert patch_strength(spots, painting) > 3
    assert stroke_strength(spots, photo, painting) < 0.5 * stroke_strength(
        painting, photo, painting
    )
    red = np.stack([spots[..., 0], 1 - spots[..., 0], np.full_like(spots[..., 0], 0.5)], axis=2)
    assert patch_strength(red, painting) > 2  # colours of one luminance count


def test_strengths_refuse_small_images_and_other_sizes(photo):
    with pytest.raises(ImageError, match=r"photo: 56 x 31 px; accepted: at least 32 px"):
        stroke_strength(photo[:31], photo[:31], photo)
    with pytest.raises(ImageError, match=r"style: 31 x 64 px; accepted: at least 32 px"):
        stroke_strength(photo, photo, photo[:, :31])
    with pytest.raises(ImageError, match=r"\(60, 56, 3\).*\(64, 56, 3\)"):
        stroke_strength(photo[:60], photo, photo)
    with pytest.raises(ImageError, match=r"image: 56 x 47 px; accepted: at least 48 px"):
        patch_strength(photo[:47], photo)
    with pytest.raises(ImageError, match=r"style: 47 x 64 px; accepted: at least 48 px"):
        patch_strength(photo, photo[:, :47])


# --- moments of features -----------------------------------------------------------------------


def test_moment_distance_is_the_mean_over_the_layers(photo, style):
    extract = feature_extractor(LAYERS)
    found, targets = extract(photo[None]), extract(style[None])
    losses = [float(moment_loss(found[n], feature_moments(targets[n]))[0]) for n in LAYERS]
    assert moment_distance(photo, style) == pytest.approx(np.mean(losses), rel=1e-5)
    assert moment_distance(style, style) == 0


def test_moment_distance_sees_a_lost_texture(style):
    blurred = np.broadcast_to(style.mean(axis=(0, 1)), style.shape).astype(np.float32)
    mixed = 0.5 * style + 0.5 * blurred
    distances = [moment_distance(image, style) for image in (style, mixed, blurred)]
    assert distances == sorted(distances)


# --- all of them -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scores(photo, style):
    images = {"untouched": photo, "style image": style, "shuffled": shuffled(photo)}
    return evaluate(images, photo, style).set_index("method", drop=False)


def test_evaluate_gives_one_row_an_image_in_order(scores):
    assert list(scores.columns) == COLUMNS
    assert list(scores["method"]) == ["untouched", "style image", "shuffled"]
    assert np.isfinite(scores[COLUMNS[1:]].to_numpy(dtype=float)).all()


def test_evaluate_the_untouched_photo(scores, photo, style):
    row = scores.loc["untouched"]
    assert row["content"] == 0
    assert row["ssim"] == pytest.approx(1)
    assert row["moments"] == moment_distance(photo, style)
    assert row["patch"] == patch_distance(photo, style)
    assert row["colour"] == colour_distance(photo, style)
    assert row["lpips"] == 0
    assert row["strokes"] == stroke_strength(photo, photo, style)
    assert row["patches"] == patch_strength(photo, style)


def test_evaluate_the_style_image(scores, photo, style):
    row = scores.loc["style image"]
    assert row["style"] == pytest.approx(0, abs=1e-9)
    assert row["moments"] == row["patch"] == row["colour"] == 0
    assert row["ssim"] == ssim(style, photo)
    assert row["lpips"] == lpips(style, photo)
    assert row["lpips_alex"] == lpips(style, photo, "alex")
    assert row["patches"] == 1
    assert row["content"] == scores["content"].max()


def test_evaluate_reports_the_terms_of_the_objective_given(photo, style):
    objective = PerceptualLoss(
        content_layers=["relu1_1"], style_layers=["relu1_2"], content_weight=2, style_weight=3
    )
    image = noisy(photo, 0.1)
    (row,) = evaluate({"noisy": image}, photo, style, objective=objective).to_dict("records")
    terms = objective(
        image[None], objective.content_targets(photo[None]), objective.style_targets(style[None])
    )
    found = [row["total"], row["content"], row["style"]]
    assert_allclose(found, [float(terms.total), float(terms.content), float(terms.style)])


def test_evaluate_leaves_out_yardsticks_for_which_the_pictures_are_too_small(noise):
    (row,) = evaluate({"itself": noise}, noise, noise).to_dict("records")
    assert np.isnan([row["lpips_alex"], row["strokes"], row["patches"]]).all()
    image = np.tile(noise, (2, 2, 1))  # 40 x 36 px
    (row,) = evaluate({"itself": image}, image, image).to_dict("records")
    assert row["strokes"] == pytest.approx(1)
    assert row["lpips_alex"] == 0
    assert np.isnan(row["patches"])


def test_evaluate_names_what_is_no_image(photo, style):
    with pytest.raises(ImageError, match="'grey'"):
        evaluate({"grey": photo[..., 0]}, photo, style)


def test_evaluate_wants_images_of_the_photos_size(photo, style):
    with pytest.raises(ImageError, match=r"\(60, 56, 3\)"):
        evaluate({"cut": photo[:60]}, photo, style)
