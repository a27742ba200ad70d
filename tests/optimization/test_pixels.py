import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from nstlib.errors import ImageError, OptimizationError
from nstlib.images import centre_crop, resize, transfer_colour
from nstlib.machine.precision import precision_in_use, use_bfloat16
from nstlib.objective.perceptual import LossTerms, PerceptualLoss
from nstlib.optimization import pixels as module
from nstlib.optimization.pixels import gatys

OBJECTIVE = PerceptualLoss(content_layers=("relu2_2",), style_layers=("relu1_2", "relu2_2"))
COLUMNS = ["step", "evals", "seconds", "total", "content", "style", "tv", "scale"]


@pytest.fixture(scope="module")
def pair():
    """A photo with edges and gradients, 32 x 40, and a striped style of another size."""
    rows, columns = np.mgrid[:32, :40] / np.array([32, 40]).reshape(2, 1, 1)
    disc = (rows - 0.5) ** 2 + (columns - 0.5) ** 2 < 0.1
    photo = np.stack([rows, columns, disc], axis=-1).astype(np.float32)
    stripes = np.sin(np.arange(36)[:, None] + 0.3 * np.arange(32)[None]) > 0
    style = np.where(stripes[:, :, None], [0.9, 0.5, 0.1], [0.1, 0.2, 0.6]).astype(np.float32)
    return photo, style


def run(pair, **arguments):
    arguments = {"steps": 3, "objective": OBJECTIVE, "progress": False} | arguments
    return gatys(*pair, **arguments)


def evaluate(image, photo, style, objective=OBJECTIVE):
    """The objective, without any of the code that is tested here."""
    image, photo, style = (tf.constant(x[None]) for x in (image, photo, style))
    terms = objective(image, objective.content_targets(photo), objective.style_targets(style))
    return {name: float(value) for name, value in terms._asdict().items()}


def uniform(pair):
    """Noise of full contrast, of the photo's size."""
    return np.random.default_rng(0).random(pair[0].shape, dtype=np.float32)


@pytest.fixture
def calls(monkeypatch):
    """The images at which a gradient was evaluated."""
    images = []
    compiled = module._compiled

    def counting(*arguments):
        gradient = compiled(*arguments)

        def count(image, *targets):
            images.append(image.numpy()[0])
            return gradient(image, *targets)

        return count

    monkeypatch.setattr(module, "_compiled", counting)
    return images


@pytest.fixture
def losses(monkeypatch):
    """Totals to hand out in place of the objective's, with a gradient of ones."""
    totals = []

    def scripted(*_):
        def gradient(image, *targets):
            total = totals.pop(0)
            return LossTerms(*(tf.constant(total),) * 4), tf.ones_like(image)

        return gradient

    monkeypatch.setattr(module, "_compiled", scripted)
    return totals


# --- the optimisation -----------------------------------------------------------------------


@pytest.mark.parametrize(("optimizer", "part"), [("lbfgs", 0.2), ("adam", 0.4)])
def test_the_loss_falls(pair, optimizer, part):
    result = run(pair, steps=25, optimizer=optimizer)
    total = result.history["total"]
    assert total.iloc[-1] < part * total.iloc[0]
    assert (result.history["content"].iloc[1:] > 0).all()
    assert result.history["style"].iloc[-1] < result.history["style"].iloc[0]


def test_lbfgs_never_accepts_a_worse_image(pair):
    assert run(pair, steps=15).history["total"].is_monotonic_decreasing


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_image_is_the_best_of_the_history(pair, optimizer):
    result = run(pair, steps=6, optimizer=optimizer, init="noise")
    assert result.image.shape == pair[0].shape
    assert result.image.dtype == np.float32
    assert result.image.min() >= 0
    assert result.image.max() <= 1
    best = result.history.loc[result.history["total"].idxmin()]
    for term, value in evaluate(result.image, *pair).items():
        assert value == pytest.approx(best[term], rel=1e-4)


@pytest.fixture
def in_bfloat16(monkeypatch):
    """Optimises in bfloat16 on any processor, `change` done to the total; gives the precision of each eval."""

    def optimise(pair, steps, change):
        used, compiled = [], module._compiled

        def changed(objective):
            exact = compiled(objective)

            def gradient(image, *targets):
                used.append(precision_in_use())
                terms, direction = exact(image, *targets)
                if used[-1] == "bfloat16":
                    total = tf.constant(change(len(used), float(terms.total)))
                    terms = terms._replace(total=total)
                return terms, direction

            return gradient

        monkeypatch.setattr(module, "_compiled", changed)
        monkeypatch.setattr("nstlib.machine.precision.has_bfloat16", lambda: True)
        use_bfloat16()
        try:
            history = run(pair, steps=steps).history
            assert precision_in_use() == "bfloat16"
        finally:
            use_bfloat16(False)
        assert history["step"].iloc[-1] == steps
        return used

    return optimise


def test_where_bfloat16_sees_no_way_down_float32_goes_on(pair, in_bfloat16):
    used = in_bfloat16(pair, 30, lambda evals, total: 100.0 if evals > 5 else total)
    assert {*used} == {"bfloat16", "float32"}
    assert used == sorted(used)


def test_a_total_that_stands_still_by_rounding_ends_nothing(pair, in_bfloat16):
    used = in_bfloat16(pair, 100, lambda _, total: float(tf.cast(total, tf.bfloat16)))
    assert {*used} == {"bfloat16"}
    assert len(used) < 130


def test_a_run_that_gets_worse_gives_back_its_best_image(pair):
    # Every step of this size ends in the corners of the cube of colours.
    result = run(pair, steps=3, optimizer=keras.optimizers.SGD(1e6), init="content")
    assert result.history["total"].idxmin() == 0
    np.testing.assert_array_equal(result.image, pair[0])
    assert not np.shares_memory(result.image, pair[0])  # to draw on it must not spoil the photo


def test_the_best_image_is_not_overwritten_by_later_steps(pair, losses):
    losses.extend([5.0, 4.0, 3.0, 6.0, 7.0])
    start = uniform(pair)
    result = run(pair, steps=4, optimizer=keras.optimizers.SGD(0.01), init=start)
    np.testing.assert_allclose(result.image, np.clip(start - 0.02, 0, 1), atol=1e-6)
    assert result.history["total"].tolist() == [5, 4, 3, 6, 7]


def test_content_alone_from_noise_finds_the_content(pair, calls):
    objective = PerceptualLoss(
        content_layers=("relu1_2", "relu2_2"),
        style_layers=("relu1_2",),
        style_weight=0,
        total_variation_weight=0,
    )
    result = run(pair, steps=60, objective=objective, init="noise")

    def distance(image):
        return np.sqrt(np.mean((image - pair[0]) ** 2))

    assert distance(result.image) < 0.5 * distance(calls[0])
    assert result.history["total"].iloc[-1] < 0.02 * result.history["total"].iloc[0]
    np.testing.assert_allclose(result.history["total"], result.history["content"], rtol=1e-6)


def test_the_style_may_be_small_large_wide_or_the_photo_itself(pair):
    photo = pair[0]
    for style in (photo, np.tile(pair[1][:16], (1, 3, 1)), pair[1][:17, :16]):
        assert run((photo, style), steps=1).image.shape == photo.shape


def test_arguments_are_left_alone(pair):
    photo, style, init = (image.copy() for image in (*pair, pair[0]))
    result = run((photo, style), init=init, optimizer="adam")
    result.image[:] = 0
    for image, before in ((photo, pair[0]), (style, pair[1]), (init, pair[0])):
        np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_equal_arguments_give_equal_images(pair, optimizer):
    first, second = (run(pair, init="noise", seed=1, optimizer=optimizer) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    pd.testing.assert_frame_equal(
        first.history.drop(columns="seconds"), second.history.drop(columns="seconds")
    )
    other = run(pair, init="noise", seed=2, optimizer=optimizer)
    assert other.history["total"].iloc[0] != first.history["total"].iloc[0]


def test_the_global_random_state_is_left_alone(pair):
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    run(pair, steps=1, init="noise")
    assert np.random.random() == expected  # noqa: NPY002


def test_the_gradient_is_that_of_the_objective(pair):
    # In float32 a difference of 0.01 in one value changes the total by some 1e-4 of it.
    photo, style = pair[0][:16, :16], pair[1]
    image = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
    targets = [
        OBJECTIVE.content_targets(tf.constant(photo[None])),
        OBJECTIVE.style_targets(tf.constant(style[None])),
    ]

    def total(image):
        return float(OBJECTIVE(tf.constant(image[None]), *targets).total)

    _, gradient = module._compiled(OBJECTIVE)(tf.constant(image[None]), *targets)
    gradient = gradient.numpy()[0]
    scale = float(np.abs(gradient).max())
    for index in np.random.default_rng(1).integers((16, 16, 3), size=(8, 3)):
        index = tuple(index)
        up, down = image.copy(), image.copy()
        up[index] += 0.01
        down[index] -= 0.01
        difference = (total(up) - total(down)) / 0.02
        assert gradient[index] == pytest.approx(difference, rel=0.05, abs=0.02 * scale)


# --- where it starts ------------------------------------------------------------------------


def test_initial_images(pair, calls):
    photo, style = pair
    given = uniform(pair)
    for init, expected in (
        ("content", photo),
        ("colour", transfer_colour(photo, style)),
        ("style", centre_crop(style, *photo.shape[:2])),
        (given, given),
        (given[:, ::-1].astype(np.float64), given[:, ::-1]),
    ):
        calls.clear()
        run(pair, steps=1, init=init)
        np.testing.assert_array_equal(calls[0], expected)


def test_initial_noise_is_faint_and_depends_on_the_seed_alone(pair, calls):
    starts = []
    for seed, photo in ((0, pair[0]), (0, 1 - pair[0]), (1, pair[0])):
        calls.clear()
        run((photo, pair[1]), steps=1, init="noise", seed=seed)
        starts.append(calls[0])
    np.testing.assert_array_equal(starts[0], starts[1])
    assert np.abs(starts[0] - starts[2]).mean() > 0.01
    assert starts[0].mean() == pytest.approx(0.5, abs=0.01)
    assert 0.01 < starts[0].std() < 0.1
    neighbours = np.corrcoef(starts[0][:, 1:].ravel(), starts[0][:, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.1


def test_initial_images_that_are_none(pair):
    with pytest.raises(
        ValueError, match="init: 'random' is not one of content, colour, style, noise"
    ):
        run(pair, init="random")
    with pytest.raises(ImageError, match=r"init: its shape \(40, 32, 3\)"):
        run(pair, init=pair[0].transpose(1, 0, 2))
    with pytest.raises(ImageError, match="init: dtype"):
        run(pair, init=np.zeros(pair[0].shape, np.uint8))
    with pytest.raises(ImageError, match="init"):
        run(pair, init=None)


# --- how long it goes on --------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    ["lbfgs", "adam", "sgd", keras.optimizers.RMSprop(0.01)],
    ids=["lbfgs", "adam", "sgd", "an instance"],
)
def test_the_history(pair, optimizer):
    rows = []
    result = run(pair, steps=4, optimizer=optimizer, init="content", on_step=rows.append)
    history = result.history
    assert list(history) == COLUMNS
    assert history["step"].tolist() == [0, 1, 2, 3, 4]
    assert history["evals"].iloc[0] == 1
    assert history["evals"].diff().iloc[1:].ge(1).all()
    assert history["seconds"].is_monotonic_increasing
    assert history["seconds"].iloc[0] > 0
    weights = OBJECTIVE.content_weight, OBJECTIVE.style_weight, OBJECTIVE.total_variation_weight
    expected = history[["content", "style", "tv"]] @ weights
    np.testing.assert_allclose(history["total"], expected, rtol=1e-5)
    first = evaluate(pair[0], *pair)
    assert history["content"].iloc[0] == pytest.approx(0, abs=1e-6)
    for term in ("total", "style", "tv"):
        assert history[term].iloc[0] == pytest.approx(first[term], rel=1e-4)
    assert rows == history.to_dict("records")[1:]


def test_evals_count_the_gradients(pair, calls):
    history = run(pair, steps=8, init="noise").history
    assert history["evals"].iloc[-1] == len(calls)
    calls.clear()
    history = run(pair, steps=5, optimizer="adam").history
    assert history["evals"].tolist() == [1, 2, 3, 4, 5, 6]
    assert len(calls) == 6


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("budget", [1, 2, 5])
def test_no_gradient_beyond_the_budget(pair, calls, optimizer, budget):
    result = run(pair, steps=50, max_evals=budget, optimizer=optimizer, init="noise")
    assert len(calls) == budget
    assert result.history["evals"].iloc[0] == 1
    assert result.history["evals"].iloc[-1] <= budget
    if optimizer == "adam":
        assert len(result.history) == budget


def test_a_budget_that_ends_between_two_steps_keeps_image_and_history_together(pair, losses):
    # The first trial of the first step of L-BFGS is worse than the start, the second is better.
    start = uniform(pair)
    for budget, expected in ((2, [5]), (3, [5, 4])):
        losses[:] = [5.0, 9.0, 4.0]
        result = run(pair, steps=5, max_evals=budget, init=start)
        assert result.history["total"].tolist() == expected
        assert result.history["evals"].tolist() == [1, 3][: len(expected)]
        moved = start - result.image
        assert moved.min() >= 0
        assert (moved.max() > 0) == (budget == 3)


def test_a_budget_that_is_not_reached_changes_nothing(pair):
    np.testing.assert_array_equal(run(pair).image, run(pair, max_evals=1000).image)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_on_step_ends_it(pair, optimizer):
    result = run(pair, steps=9, optimizer=optimizer, on_step=lambda row: row["step"] == 2)
    assert result.history["step"].tolist() == [0, 1, 2]
    assert evaluate(result.image, *pair)["total"] == pytest.approx(
        result.history["total"].min(), rel=1e-4
    )


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_an_error_in_on_step_comes_through(pair, optimizer):
    def fail(row):
        raise KeyError(row["step"])

    with pytest.raises(KeyError, match="1"):
        run(pair, optimizer=optimizer, on_step=fail)


# --- optimizers -----------------------------------------------------------------------------


def test_the_photo_in_the_colours_of_the_style_is_where_it_starts(pair, calls):
    run(pair, steps=1)
    np.testing.assert_array_equal(calls[0], transfer_colour(*pair))


def test_sgd_is_gradient_descent(pair, losses):
    losses.extend([3.0, 2.0, 1.0])
    image = run(pair, steps=2, optimizer=keras.optimizers.SGD(0.1), init="content").image
    np.testing.assert_allclose(image, np.clip(pair[0] - 0.2, 0, 1), atol=1e-6)


def test_an_instance_serves_again_at_another_size(pair):
    optimizer = keras.optimizers.Adam(0.01)
    first = run(pair, optimizer=optimizer)
    other = run((pair[0][:24, :24], pair[1]), optimizer=optimizer)
    assert other.image.shape == (24, 24, 3)
    np.testing.assert_array_equal(run(pair, optimizer=optimizer).image, first.image)
    assert int(optimizer.iterations) == 0


def test_adam_by_name_has_a_rate_for_pixels(pair):
    np.testing.assert_array_equal(
        run(pair, optimizer="adam").image, run(pair, optimizer=keras.optimizers.Adam(0.02)).image
    )


@pytest.mark.parametrize("optimizer", ["newton", "", None, 7, 0.1, keras.optimizers.Adam], ids=str)
def test_unknown_optimizers(pair, optimizer):
    with pytest.raises(ValueError, match=r"optimizer: .* is neither 'lbfgs' nor"):
        run(pair, optimizer=optimizer)


# --- what stops it --------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_no_number(pair, losses, optimizer, bad):
    losses.extend([3.0, bad])
    with pytest.raises(OptimizationError, match="not finite after 2 evaluations"):
        run(pair, optimizer=optimizer)


def test_a_gradient_that_is_no_number_is_seen_whatever_the_loss_says(pair, monkeypatch):
    def gradient(image, *targets):
        return LossTerms(*(tf.constant(1.0),) * 4), tf.fill(image.shape, np.float32("nan"))

    monkeypatch.setattr(module, "_compiled", lambda _: gradient)
    with pytest.raises(OptimizationError, match="gradient is not finite after 1 evaluations"):
        run(pair)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_snapshot_is_what_that_budget_gives(pair, optimizer):
    options = {"steps": 8, "optimizer": optimizer, "init": "noise"}
    snapshots = run(pair, **options, snapshots=(1, 3, 6, 1000)).snapshots
    assert list(snapshots) == [1, 3, 6, 1000]
    for budget in (1, 3, 6):
        np.testing.assert_array_equal(
            snapshots[budget], run(pair, **options, max_evals=budget).image
        )
    np.testing.assert_array_equal(snapshots[1000], run(pair, **options).image)
    assert run(pair).snapshots == {}
    assert list(run(pair, **options, snapshots=(n for n in (1, 3))).snapshots) == [1, 3]


@pytest.mark.parametrize("argument", ["steps", "max_evals"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "3", True], ids=repr)
def test_counts_that_are_none(pair, argument, value):
    with pytest.raises(ValueError, match=f"{argument}: {value!r} is not a whole number"):
        run(pair, **{argument: value})


def test_steps_are_required(pair):
    with pytest.raises(ValueError, match="steps: None"):
        run(pair, steps=None)


def test_images_that_are_none(pair):
    photo, style = pair
    with pytest.raises(ImageError, match=r"photo: .*too small"):
        run((photo[:15], style))
    with pytest.raises(ImageError, match="style: "):
        run((photo, 255 * style))


# --- coarse to fine -------------------------------------------------------------------------


def test_each_scale_starts_from_the_result_of_the_one_before(pair, calls):
    result = run(pair, scales=(0.5, 1), steps=4, init="content")
    small = tuple(resize(image, tuple(side // 2 for side in image.shape[:2])) for image in pair)
    assert calls[0].shape == (16, 20, 3)
    np.testing.assert_array_equal(calls[0], small[0])
    coarse = run(small, steps=4, init="content")
    begin = resize(coarse.image, pair[0].shape[:2])
    np.testing.assert_array_equal(result.image, run(pair, steps=4, init=begin).image)
    assert result.image.shape == pair[0].shape

    history = result.history
    fine = history[history["scale"] == 1]
    assert history["scale"].tolist() == [0.5] * 5 + [1.0] * 5
    assert history["step"].tolist() == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]
    assert history["evals"].is_monotonic_increasing
    assert history["seconds"].is_monotonic_increasing
    assert fine["total"].iloc[0] == pytest.approx(evaluate(begin, *pair)["total"], rel=1e-4)


def test_budgets_hold_at_each_scale_and_snapshots_at_the_last(pair):
    options = {"scales": (0.5, 1), "max_evals": 3, "optimizer": "adam", "steps": 9}
    result = run(pair, **options, snapshots=(2,))
    assert result.history["evals"].tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(
        result.snapshots[2], run(pair, **options | {"snapshots": (1, 2)}).snapshots[2]
    )
    assert result.snapshots[2].shape == pair[0].shape


def test_a_small_scale_has_few_steps(pair):
    history = run(pair, scales=(0.5, 1), optimizer="adam", steps=13).history
    assert history["scale"].tolist() == [0.5] * 11 + [1.0] * 14


def test_a_run_ended_at_a_small_scale_gives_a_full_image(pair):
    rows = []
    result = run(pair, scales=(0.5, 1), on_step=lambda row: rows.append(row) or True)
    assert len(rows) == 1
    assert result.history["scale"].tolist() == [0.5, 0.5]
    assert result.image.shape == pair[0].shape


def test_initial_images_are_scaled_down_too(pair, calls):
    begin = uniform(pair)
    run(pair, init=begin, scales=(0.5, 1), steps=1)
    np.testing.assert_array_equal(calls[0], resize(begin, (16, 20)))


@pytest.mark.parametrize(
    ("side", "expected"), [(40, [1]), (511, [1]), (512, [0.25, 0.5, 1]), (1024, [0.25, 0.5, 1])]
)
def test_large_photos_begin_small(side, expected):
    photo = np.zeros((64, side, 3), np.float32)
    style = np.zeros((64, 64, 3), np.float32)
    assert module._default_scales(photo, [style]) == expected
    assert module._default_scales(photo, [style, style[:20]]) == [1]


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(24, 600, [1]), (62, 1024, [0.25, 0.5, 1]), (61, 1024, [0.5, 1])],
)
def test_thin_photos_begin_no_smaller_than_a_photo_may_be(height, width, expected):
    photo, style = np.zeros((height, width, 3), np.float32), np.zeros((64, 64, 3), np.float32)
    scales = module._default_scales(photo, [style])
    assert scales == expected
    assert module._check_scales(scales, photo, [style]) == expected


@pytest.mark.parametrize(
    "scales", [(), (0.5,), (1, 0.5), (0, 1), (0.5, 0.5, 1), (float("nan"), 1), 1, "ab"], ids=repr
)
def test_scales_that_are_none(pair, scales):
    with pytest.raises(ValueError, match=r"scales: .* are not shares of the size that rise to 1"):
        run(pair, scales=scales)


def test_a_scale_too_small_to_paint_at(pair):
    with pytest.raises(ValueError, match=r"scales: 0.4 of the photo's 32 px is less than 16 px"):
        run(pair, scales=(0.4, 1))


# --- graphs ---------------------------------------------------------------------------------


def test_equal_objectives_share_a_graph_and_a_size_is_traced_once(pair):
    def objective():
        # Settings of no other test.
        return PerceptualLoss(
            content_layers=["relu1_2"], style_layers={"relu1_1": 0.5}, content_weight=0.125
        )

    function = module._compiled(objective())
    assert module._compiled(objective()) is function
    run(pair, steps=2, objective=objective())
    assert function.experimental_get_tracing_count() == 1
    run(pair, steps=2, objective=objective(), optimizer="adam", init="noise")
    assert function.experimental_get_tracing_count() == 1
    # A second size makes the graph one for all sizes.
    for size in (24, 28, 20):
        run((pair[0][:size, :size], pair[1]), steps=1, objective=objective())
    assert function.experimental_get_tracing_count() == 2


# --- several styles ----------------------------------------------------------------------------


def test_one_style_is_a_mix_of_itself(pair):
    photo, style = pair
    alone = run(pair).image
    np.testing.assert_allclose(run((photo, [style])).image, alone, atol=1e-4)
    twice = run((photo, [style, style]), style_shares=(1, 4)).image
    np.testing.assert_allclose(twice, alone, atol=0.01)


@pytest.mark.parametrize("statistic", ["gram", "moments"])
def test_a_mix_minimises_the_distance_to_the_mean_of_its_targets(pair, statistic):
    photo, style = pair
    other = uniform(pair)[:20, :24]  # of another size
    objective = PerceptualLoss(
        content_layers=("relu2_2",), style_layers=("relu1_2",), style_statistic=statistic
    )
    result = run((photo, (style, other)), style_shares=(3, 1), objective=objective, init="noise")
    one, two = (objective.style_targets(tf.constant(x[None])) for x in (style, other))
    mixed = keras.tree.map_structure(lambda a, b: 0.75 * a + 0.25 * b, one, two)
    image, photo = (tf.constant(x[None]) for x in (result.image, photo))
    expected = float(objective(image, objective.content_targets(photo), mixed).total)
    assert result.history["total"].min() == pytest.approx(expected, rel=1e-4)
    assert result.history["total"].is_monotonic_decreasing


def test_more_of_a_style_brings_the_picture_nearer_to_it(pair):
    photo, style = pair
    styles = (style, photo[::-1, ::-1, ::-1].copy())
    losses = [
        evaluate(run((photo, styles), style_shares=shares).image, photo, style)["style"]
        for shares in ((9, 1), (1, 1), (1, 9))
    ]
    assert losses == sorted(losses)
    assert losses[0] < 0.9 * losses[2]


@pytest.mark.parametrize("init", ["colour", "style"])
def test_starts_that_come_from_the_style_are_mixed_too(pair, init, calls):
    photo, style = pair
    other = uniform(pair)
    run((photo, (style, other)), style_shares=(1, 3), init=init, max_evals=1)
    make = {
        "colour": lambda s: transfer_colour(photo, s),
        "style": lambda s: centre_crop(s, 32, 40),
    }
    expected = 0.25 * make[init](style) + 0.75 * make[init](other)
    np.testing.assert_allclose(calls[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("style", "options", "message"),
    [
        ([], {}, "style: the list is empty"),
        ([np.zeros((20, 20, 3)), np.zeros((20, 20))], {}, r"style\[1\]: shape is \(20, 20\)"),
        (
            np.zeros((20, 20, 3)),
            {"style_shares": (1, 2)},
            r"style_shares: \(1, 2\) is not one number",
        ),
        ([np.zeros((20, 20, 3))] * 2, {"style_shares": (1, 0)}, "style_shares: 0 is not a finite"),
        (
            [np.zeros((64, 64, 3)), np.zeros((16, 16, 3))],
            {"scales": (0.5, 1)},
            "scales: 0.5 of the style's 16 px is less than 16 px",
        ),
    ],
)
def test_mixes_that_are_none(pair, style, options, message):
    with pytest.raises(ValueError, match=message):
        run((pair[0], style), **options)


@pytest.mark.parametrize(
    "options", [{"seed": -1}, {"seed": "x"}, {"init": "noise", "seed": 2**32}, {"snapshots": 5}]
)
def test_seeds_and_snapshots_that_are_none(pair, options):
    with pytest.raises(ValueError, match=[*options][-1]):
        run(pair, **options)
