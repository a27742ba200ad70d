import dataclasses
import json
import math

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from nstlib.data.pictures import photo as load_photo
from nstlib.data.pictures import photo_names
from nstlib.data.pictures import style as load_style
from nstlib.objective.features import feature_extractor
from nstlib.objective.losses import feature_moments, moment_loss
from nstlib.objective.perceptual import STYLE_STATISTICS, LossTerms, PerceptualLoss


def tensor(*images):
    return keras.ops.convert_to_tensor(np.stack(images))


def terms(objective, image, photo, style, **options) -> LossTerms:
    """The objective of one image, as floats."""
    values = objective(
        tensor(image),
        objective.content_targets(tensor(photo)),
        objective.style_targets(tensor(style)),
        **options,
    )
    return LossTerms(*map(float, values))


def flat(image):
    return np.broadcast_to(image.mean(axis=(0, 1)), image.shape).astype(np.float32)


# --- what the terms mean -----------------------------------------------------------------------


@pytest.mark.parametrize("statistic", STYLE_STATISTICS)
def test_the_content_image_has_no_content_loss(statistic, photo, style):
    found = terms(PerceptualLoss(style_statistic=statistic), photo, photo, style)
    assert found.content == 0
    assert found.style > 0.1


@pytest.mark.parametrize("statistic", STYLE_STATISTICS)
def test_the_style_image_has_no_style_loss(statistic, photo, style):
    found = terms(PerceptualLoss(style_statistic=statistic), style, photo, style)
    assert found.style == pytest.approx(0, abs=1e-9)
    assert found.content > 0.1


def test_a_flat_image_has_a_content_loss_of_about_one(photo, style):
    found = terms(PerceptualLoss(), flat(photo), photo, style)
    assert 0.5 < found.content < 1.5
    assert found.tv == 0


def test_content_loss_has_the_same_order_of_values_for_every_photo(style):
    objective = PerceptualLoss()
    for name in photo_names():
        photo = load_photo(name, size=64)
        assert 1 / 3 < terms(objective, flat(photo), photo, style).content < 3, name


def test_total_is_the_weighted_sum_of_the_terms(noise, photo, style):
    objective = PerceptualLoss(content_weight=0.7, style_weight=3.0, total_variation_weight=11.0)
    found = terms(objective, noise, noise[::-1], style)
    assert min(found) > 0.01
    expected = 0.7 * found.content + 3.0 * found.style + 11.0 * found.tv
    assert found.total == pytest.approx(expected, rel=1e-5)


def test_a_weight_of_zero_drops_its_term_from_the_total(photo, style):
    objective = PerceptualLoss(content_weight=0, style_weight=1, total_variation_weight=0)
    found = terms(objective, photo, photo, style)
    assert found.total == found.style


def test_total_variation_is_that_of_the_pixels(noise, photo, style):
    down, right = (np.mean(np.diff(noise, axis=axis) ** 2) for axis in (0, 1))
    found = terms(PerceptualLoss(), noise, noise, style)
    assert found.tv == pytest.approx(down + right, rel=1e-5)


@pytest.mark.parametrize("statistic", STYLE_STATISTICS)
def test_terms_have_the_same_order_of_values_at_every_size(statistic):
    objective = PerceptualLoss(style_statistic=statistic)
    found = []
    for size in (32, 64, 128):
        photo, style = load_photo("astronaut", size=size), load_style("brush_flow", size=size)
        found.append(
            (
                terms(objective, flat(photo), photo, style).content,
                terms(objective, photo, photo, style).style,
            )
        )
    contents, styles = np.array(found).T
    assert contents.max() < 1.5 * contents.min()
    assert styles.max() < 2 * styles.min()


def test_gatys_formulas_grow_with_the_size():
    objective = PerceptualLoss(content_layers=["relu2_2"], normalize=False)
    small, large = (
        terms(objective, flat(photo), photo, photo).content
        for photo in (load_photo("astronaut", size=size) for size in (48, 96))
    )
    assert large > 2 * small


def test_a_batch_has_the_mean_of_its_images(photo, style):
    objective = PerceptualLoss()
    images, photos = [photo, flat(photo), style], [photo, photo, photo[::-1]]
    alone = [terms(objective, i, p, style) for i, p in zip(images, photos, strict=True)]
    together = objective(
        tensor(*images),
        objective.content_targets(tensor(*photos)),
        objective.style_targets(tensor(style)),
    )
    assert_allclose([float(value) for value in together], np.mean(alone, axis=0), rtol=1e-4)


# --- layers ------------------------------------------------------------------------------------


def test_terms_average_over_layers_by_weight(noise, photo, style):
    def one(layer):
        objective = PerceptualLoss(content_layers=[layer], style_layers=[layer])
        return np.array(terms(objective, noise, noise[::-1], style))[1:3]

    first, second = one("relu1_2"), one("relu2_1")
    for layers, expected in [
        (["relu1_2", "relu2_1"], (first + second) / 2),
        ({"relu1_2": 1, "relu2_1": 3}, (first + 3 * second) / 4),
        ({"relu1_2": 0.5, "relu2_1": 1.5}, (first + 3 * second) / 4),
        ({"relu1_2": 2, "relu2_1": 0}, first),
    ]:
        objective = PerceptualLoss(content_layers=layers, style_layers=layers)
        assert_allclose(
            terms(objective, noise, noise[::-1], style)[1:3], expected, rtol=1e-5, err_msg=layers
        )


def test_a_list_of_layers_is_a_mapping_to_one():
    by_list = PerceptualLoss(style_layers=["relu1_2", "relu2_1"])
    assert by_list == PerceptualLoss(style_layers={"relu1_2": 1, "relu2_1": 1.0})


def test_targets_hold_the_layers_of_their_term_and_no_more(photo, style):
    objective = PerceptualLoss(content_layers=["relu2_2"], style_layers=["relu1_1", "relu3_1"])
    assert set(objective.content_targets(tensor(photo))) == {"relu2_2"}
    grams = objective.style_targets(tensor(style))
    assert {name: tuple(gram.shape) for name, gram in grams.items()} == {
        "relu1_1": (1, 64, 64),
        "relu3_1": (1, 256, 256),
    }
    assert set(objective.extract.output) == {"relu1_1", "relu2_2", "relu3_1"}


def test_extractor_pooling_and_weights_are_passed_on(noise, style):
    objective = PerceptualLoss(content_layers=["relu2_1"], style_layers=["relu2_1"], pooling="max")
    assert objective.extract is feature_extractor(["relu2_1"], pooling="max")
    averaged = PerceptualLoss(content_layers=["relu2_1"], style_layers=["relu2_1"])
    contents = {terms(o, noise, flat(noise), style).content for o in (objective, averaged)}
    assert len(contents) == 2


def test_content_variances_take_the_place_of_the_photos_own(noise, photo, style):
    objective = PerceptualLoss(content_layers=["relu1_2"])
    features = np.asarray(objective.content_targets(tensor(noise))["relu1_2"])
    own = terms(objective, noise[::-1], noise, style).content
    given = terms(objective, noise[::-1], noise, style, content_variances={"relu1_2": 10.0})
    assert given.content == pytest.approx(own * features.var() / 10, rel=1e-4)


def test_moments_are_those_of_the_losses(noise, style):
    objective = PerceptualLoss(style_layers=["relu1_1", "relu2_1"], style_statistic="moments")
    model = feature_extractor(["relu1_1", "relu2_1"])
    maps, target = model(tensor(noise)), model(tensor(style))
    expected = np.mean([moment_loss(maps[n], feature_moments(target[n])) for n in maps])
    assert terms(objective, noise, noise, style).style == pytest.approx(expected, rel=1e-5)


def test_unnormalised_is_gatys_formula(noise, style):
    content, weights = "relu2_1", {"relu1_1": 0.2, "relu2_2": 0.3}
    objective = PerceptualLoss(
        content_layers=[content],
        style_layers=weights,
        content_weight=1e-3,
        style_weight=1.0,
        total_variation_weight=0,
        normalize=False,
    )
    photo = noise[::-1]
    model = feature_extractor([content, *weights])
    of_image, of_photo, of_style = (
        {name: np.asarray(value)[0].astype(np.float64) for name, value in model(x[None]).items()}
        for x in (noise, np.ascontiguousarray(photo), style)
    )
    expected_content = np.sum((of_image[content] - of_photo[content]) ** 2) / 2
    expected_style = 0
    for name, weight in weights.items():
        grams = []
        for maps in (of_image[name], of_style[name]):
            rows = maps.reshape(-1, maps.shape[-1])
            # The paper's images are of one size; the library divides each Gram matrix by its own.
            grams.append(rows.T @ rows / rows.size)
        expected_style += weight * np.sum((grams[0] - grams[1]) ** 2) / 4
    found = terms(objective, noise, photo, style)
    assert found.content == pytest.approx(expected_content, rel=1e-4)
    assert found.style == pytest.approx(expected_style, rel=1e-4)
    assert found.total == pytest.approx(1e-3 * expected_content + expected_style, rel=1e-4)


# --- a value object ----------------------------------------------------------------------------

OBJECTIVES = [
    PerceptualLoss(),
    PerceptualLoss(style_layers={"relu1_1": 0.2, "relu5_1": 3}, normalize=False, pooling="max"),
    PerceptualLoss(style_statistic="moments", content_weight=0, weights="local.weights.h5"),
    PerceptualLoss(extractor="vgg19", content_layers=["relu4_4"], total_variation_weight=0.3),
]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_settings_survive_json(objective):
    settings = json.loads(json.dumps(objective.settings()))
    again = PerceptualLoss(**settings)
    assert again == objective
    assert hash(again) == hash(objective)
    assert again.settings() == objective.settings()


def test_settings_of_a_path_survive_json(tmp_path):
    objective = PerceptualLoss(weights=tmp_path / "local.weights.h5")
    assert PerceptualLoss(**json.loads(json.dumps(objective.settings()))) == objective


def test_weights_may_come_from_numpy():
    layers = {"relu1_1": np.float32(0.5), "relu2_1": np.int64(2)}
    objective = PerceptualLoss(style_layers=layers, style_weight=np.int64(3))
    assert objective == PerceptualLoss(
        style_layers={"relu1_1": 0.5, "relu2_1": 2}, style_weight=3.0
    )
    json.dumps(objective.settings())


def test_settings_name_every_attribute():
    fields = [field.name for field in dataclasses.fields(PerceptualLoss)]
    assert list(PerceptualLoss().settings()) == fields


def test_objectives_differ_where_their_settings_do():
    assert len({*OBJECTIVES, *(PerceptualLoss(**o.settings()) for o in OBJECTIVES)}) == 4


def test_an_objective_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PerceptualLoss().style_weight = 1.0


# --- what it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["content_weight", "style_weight", "total_variation_weight"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, True, None, "1"])
def test_a_weight_is_a_finite_number_of_at_least_zero(argument, value):
    with pytest.raises(ValueError, match=argument):
        PerceptualLoss(**{argument: value})


@pytest.mark.parametrize("argument", ["content_layers", "style_layers"])
@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ("relu1_1", "not 'relu1_1'"),
        (5, "not 5"),
        ([("relu1_1", 1, 2)], "is not a name and its weight"),
        ([], "at least one layer"),
        ({}, "at least one layer"),
        ({"relu1_1": 0, "relu2_1": 0.0}, "at least one layer with a weight above 0"),
        (["relu1_1", "relu2_1", "relu1_1"], "relu1_1.* twice"),
        ({"relu1_1": -1}, r"\['relu1_1'\]: -1 is negative"),
        ({"relu1_1": math.nan}, r"\['relu1_1'\]: nan is not a finite number"),
        ({"relu1_1": True}, r"\['relu1_1'\]: True is not a finite number"),
    ],
)
def test_layers_are_names_with_weights(argument, layers, words):
    with pytest.raises(ValueError, match=f"{argument}.*{words}"):
        PerceptualLoss(**{argument: layers})


def test_an_unknown_statistic_lists_the_known():
    with pytest.raises(ValueError, match=r"style_statistic: 'mean'.*gram, moments"):
        PerceptualLoss(style_statistic="mean")


def test_gatys_formula_is_for_gram_matrices():
    with pytest.raises(ValueError, match="normalize=False"):
        PerceptualLoss(style_statistic="moments", normalize=False)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("content_layers", ["conv3_3"]),
        ("style_layers", ["relu3_4"]),
        ("extractor", "vgg11"),
        ("pooling", "median"),
        ("style_statistic", "mean"),
    ],
)
def test_an_unknown_name_is_refused_by_its_argument(argument, value):
    with pytest.raises(ValueError, match=f"^{argument}: '.*is (not one of|no layer of) "):
        PerceptualLoss(**{argument: value})
