import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from nstlib.optimization import lbfgs
from nstlib.optimization.lbfgs import minimize_in_box


def run(function, start, *, steps=200, **options):
    """The points that were accepted, the start first, and how many evaluations it took."""
    evaluated, accepted = [], []

    def counting(point):
        value, gradient = function(point)
        evaluated.append((point.copy(), float(value)))
        return value, gradient

    def on_step():
        accepted.append(evaluated[-1])

    minimize_in_box(counting, start, steps=steps, on_step=on_step, **options)
    return [evaluated[0], *accepted], evaluated


def quadratic(side=20, seed=0):
    """A convex function whose minimum in [0, 1] has elements at both bounds and between.

    The elements of each row of the array depend on each other, each row in its own scale.
    """
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(side, side)))[0]
    matrix = (basis * np.geomspace(0.2, 5, side)) @ basis.T
    scale = np.geomspace(0.5, 2, side)[:, None]
    target = rng.uniform(-0.7, 1.7, (side, side))

    def function(point):
        away = point.reshape(side, side).astype(np.float64) - target
        gradient = scale * (away @ matrix)
        return np.sum(away * gradient) / 2, gradient.reshape(point.shape).astype(point.dtype)

    return function, np.full((side, side), 0.5, np.float32)


def test_finds_the_minimum_that_scipy_finds():
    function, start = quadratic()
    accepted, _ = run(function, start)
    expected = minimize(
        lambda x: (lambda v, g: (v, g.ravel()))(*function(x)),
        start.astype(np.float64).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, 1)] * start.size,
        options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-9},
    )
    assert 0.2 < np.isin(expected.x, (0, 1)).mean() < 0.8
    point, value = accepted[-1]
    assert value == pytest.approx(expected.fun, rel=1e-4)
    np.testing.assert_allclose(point.ravel(), expected.x, atol=5e-3)


def test_needs_no_more_gradients_than_scipy_and_mostly_one_a_step():
    function, start = quadratic()
    accepted, evaluated = run(function, start, steps=40)
    theirs = []
    minimize(
        lambda x: (lambda v, g: (theirs.append(v), (v, g.ravel()))[1])(*function(x)),
        start.astype(np.float64).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, 1)] * start.size,
        options={"maxfun": len(evaluated), "ftol": 0, "gtol": 0},
    )
    drop = theirs[0] - min(theirs)
    assert accepted[0][1] - accepted[-1][1] > 0.99 * drop
    assert len(evaluated) < 1.3 * len(accepted)


def test_follows_a_curved_valley():
    def function(point):
        return rosen(point.astype(float)), rosen_der(point.astype(float)).astype(np.float32)

    start = np.array([0.1, 0.9, 0.2, 0.7], np.float32)
    accepted, _ = run(function, start, steps=500, high=2.0)
    np.testing.assert_allclose(accepted[-1][0], 1, atol=0.02)


def test_every_step_lowers_the_value_and_stays_in_the_box():
    function, start = quadratic(seed=1)
    accepted, evaluated = run(function, start, low=0.25, high=0.75)
    assert np.all(np.diff([value for _, value in accepted]) < 0)
    points = np.stack([point for point, _ in evaluated])
    assert points.dtype == np.float32
    assert points.min() >= 0.25
    assert points.max() <= 0.75


def rounded(function, digits):
    """The function with the value rounded to binary digits, as a sum in low precision is; its gradient stays exact."""

    def blurred(point):
        value, gradient = function(point)
        unit = 2.0 ** (np.floor(np.log2(value)) + 1 - digits)
        return np.round(value / unit) * unit, gradient

    return blurred


def test_a_value_that_rounding_blurs_is_lowered_as_far_as_the_exact_one():
    exact, start = quadratic()
    floor = run(exact, start)[0][-1][1]

    def level(**options):
        accepted, _ = run(rounded(exact, 8), start, steps=60, **options)
        return min(exact(point)[0] for point, _ in accepted) - floor

    strict, tolerant = level(), level(rounding=2**-7)
    assert tolerant < strict / 20
    assert tolerant < 1e-3 * (exact(start)[0] - floor)


def test_steps_uphill_stay_within_the_rounding_of_the_lowest_value():
    blurred, start = rounded(quadratic()[0], 8), quadratic()[1]
    accepted, _ = run(blurred, start, steps=60, rounding=2**-7)
    values = np.array([value for _, value in accepted])
    assert (np.diff(values) >= 0).any()
    assert np.all(values[1:] <= np.minimum.accumulate(values)[:-1] * (1 + 2**-7))


def test_a_long_run_keeps_more_changes_and_a_short_one_ten(monkeypatch):
    def valley(point):
        return rosen(point.astype(float)), rosen_der(point.astype(float)).astype(np.float32)

    kept, product = [], lbfgs._inverse_hessian

    def counting(pairs, vector):
        kept.append(len(pairs))
        return product(pairs, vector)

    monkeypatch.setattr(lbfgs, "_inverse_hessian", counting)
    start = np.random.default_rng(0).random(300, dtype=np.float32)
    run(valley, start, steps=340, high=2.0)
    assert max(kept[:100]) == 10
    assert 15 < max(kept[:200]) <= 20
    assert max(kept) == 30


def test_the_first_change_has_the_size_asked_for():
    function, start = quadratic()
    _, evaluated = run(function, start, steps=1, first_step=0.01)
    change = evaluated[1][0] - start
    assert np.sqrt(np.mean(change**2)) == pytest.approx(0.01, rel=1e-3)


def test_a_start_outside_is_clipped_and_left_alone():
    function, start = quadratic()
    start = start * 4
    _, evaluated = run(function, start, steps=1)
    assert evaluated[0][0].max() == 1
    assert start.max() == 2


def test_ends_where_nothing_is_left_to_gain():
    # Downhill leads out of the box everywhere: no step is possible, and none is reported.
    accepted, evaluated = run(lambda x: (x.sum(), np.ones_like(x)), np.zeros(5, np.float32))
    assert len(accepted) == len(evaluated) == 1
    # A gradient that lies: no length of the step lowers the value, and the search gives up.
    accepted, evaluated = run(lambda x: (x.sum(), -np.ones_like(x)), np.full(5, 0.5, np.float32))
    assert len(accepted) == 1
    assert len(evaluated) < 30


def test_errors_come_through():
    def fail(point):
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        run(fail, np.zeros(3, np.float32))
