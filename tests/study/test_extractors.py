import numpy as np
import pytest

from nstlib.images import transfer_colour
from nstlib.metrics import evaluate
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.optimization.pixels import gatys
from nstlib.study.extractors import NETWORK_FREE, compare_extractors, with_balance_of

SHALLOW = {"content_layers": ["relu2_1"], "style_layers": ["relu1_1", "relu2_1"]}
TRAINED = PerceptualLoss(**SHALLOW, style_weight=7)
RANDOM = PerceptualLoss(**SHALLOW, extractor="vgg16-random")
START = "start: colour transfer"


def shares(objective, image, photo, style):
    """α · content and β · style."""
    targets = objective.content_targets(photo[None]), objective.style_targets(style[None])
    terms = objective(image[None], *targets)
    content = objective.content_weight * float(terms.content)
    return content, objective.style_weight * float(terms.style)


@pytest.fixture(scope="module")
def found(photo, style):
    return compare_extractors(photo, style, {"trained": TRAINED, "random": RANDOM}, evals=3)


def test_style_counts_as_much_as_in_the_other_objective(photo, style):
    image = transfer_colour(photo, style)
    heavy = PerceptualLoss(**SHALLOW, extractor="vgg16-random", content_weight=5, style_weight=2)
    balanced = with_balance_of(TRAINED, heavy, image, photo=photo, style=style)
    (content, ours), (their_content, theirs) = (
        shares(each, image, photo, style) for each in (balanced, TRAINED)
    )
    assert ours / content == pytest.approx(theirs / their_content, rel=1e-5)
    assert balanced.settings() == heavy.settings() | {"style_weight": balanced.style_weight}


def test_an_objective_is_in_balance_with_itself(photo, style):
    balanced = with_balance_of(
        TRAINED, TRAINED, transfer_colour(photo, style), photo=photo, style=style
    )
    assert balanced.style_weight == pytest.approx(7)


def test_nothing_can_be_balanced_at_the_photo(photo, style):
    with pytest.raises(ValueError, match="a term of an objective is 0"):
        with_balance_of(TRAINED, RANDOM, photo, photo=photo, style=style)


def test_each_extractor_has_the_same_start_and_its_own_picture(found, photo, style):
    assert list(found.images) == list(found.scores["extractor"]) == [START, "trained", "random"]
    np.testing.assert_array_equal(found.images[START], transfer_colour(photo, style))
    balanced = with_balance_of(TRAINED, RANDOM, found.images[START], photo=photo, style=style)
    for name, objective in (("trained", TRAINED), ("random", balanced)):
        options = {"steps": 3, "max_evals": 3, "objective": objective, "progress": False}
        alone = gatys(photo, style, **options).image
        np.testing.assert_allclose(found.images[name], alone, atol=1e-3)
    weights = found.scores["style_weight"].tolist()
    assert np.isnan(weights[0])
    assert weights[1:] == pytest.approx([7, balanced.style_weight])


def test_scores_are_those_that_know_no_trained_weight(found, photo, style):
    assert list(found.scores.columns) == ["extractor", "style_weight", *NETWORK_FREE]
    expected = evaluate(found.images, photo, style)[[*NETWORK_FREE]]
    np.testing.assert_array_equal(found.scores[[*NETWORK_FREE]], expected)


def test_something_must_be_compared(photo, style):
    with pytest.raises(ValueError, match="objectives is empty"):
        compare_extractors(photo, style, {}, evals=1)


def test_without_content_nothing_can_be_balanced(photo, style):
    whole, empty = (PerceptualLoss(content_weight=weight) for weight in (1, 0))
    for pair in ((whole, empty), (empty, whole)):
        with pytest.raises(ValueError, match="content_weight: 0"):
            with_balance_of(*pair, transfer_colour(photo, style), photo=photo, style=style)
