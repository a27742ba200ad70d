"""L-BFGS for many variables in a box, in single precision.

SciPy's L-BFGS-B computes in double precision and sorts all variables at every step to find its Cauchy point. For the
pixels of an image that takes as long as a good part of the gradient itself; this method reaches the same losses after
the same number of gradients (the docs' page on design).
"""

from collections import deque
from collections.abc import Callable

import numpy as np

# Pairs of changes that are kept: SciPy's ten, and in a long run a tenth of its steps, since the valley gets narrow.
# More than thirty gain little for the time they take (the docs' page on design).
_MEMORY = (10, 30)
_SUFFICIENT = 1e-4  # share of the decrease that the slope promises (Nocedal & Wright, eq. 3.4)
_TRIALS = 20  # of one line search


def minimize_in_box(
    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    *,
    steps: int,
    on_step: Callable[[], None],
    low: float = 0.0,
    high: float = 1.0,
    first_step: float = 0.02,
    rounding: float = 0.0,
) -> int:
    """Lowers a function of an array whose elements stay between two bounds.

    L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5) with projection (Bertsekas 1982): elements at a bound that
    the gradient would push across it sit a step out, the others move along the quasi-Newton direction, clipped to the
    bounds, as far as Armijo's condition holds. Ends after `steps`, or earlier where no step lowers the function. Where
    rounding blurs the values, a step may also end above the lowest so far, by as much as that (the relaxed condition of
    Shi, Xie, Byrd & Nocedal 2022): the gradients still lead downhill when the values no longer show it.

    Args:
        value_and_gradient: an array like `start` to the value there and the gradient, an array of the same shape. It is
            called in the order of the search; what it raises comes through.
        start: float32, any shape; clipped to the bounds.
        steps: at most this many, each with one evaluation or more.
        on_step: called after each step, the last evaluation being that of the accepted point.
        low, high: the bounds.
        first_step: root mean square of the first change that is tried, before there is a curvature to go by.
        rounding: what rounding may move the value by, as a share of it, at least 0.

    Returns:
        How many steps were taken.
    """
    point = np.clip(start, low, high)
    value, gradient = value_and_gradient(point)
    lowest, pairs, taken = value, deque(), 0
    while taken < steps:
        held = ((point <= low) & (gradient > 0)) | ((point >= high) & (gradient < 0))
        free = np.where(held, 0, gradient)
        norm = _dot(free, free) ** 0.5
        if norm == 0:
            break
        if pairs:
            direction = np.where(held, 0, -_inverse_hessian(pairs, free))
        else:
            direction = free * (-first_step * free.size**0.5 / norm)
        begin = point, value, gradient
        ceiling = lowest + rounding * abs(lowest)
        accepted = _search(value_and_gradient, begin, direction, ceiling, low, high)
        if accepted is None and pairs:
            pairs.clear()  # the curvature misled: once more along the gradient
            continue
        if accepted is None:
            break
        change, difference = accepted[0] - point, accepted[2] - gradient
        curvature = _dot(change, difference)
        if curvature > 1e-10 * _dot(difference, difference):
            if len(pairs) >= min(max(taken // 10, _MEMORY[0]), _MEMORY[1]):
                pairs.popleft()
            pairs.append((change, difference, curvature))
        point, value, gradient = accepted
        lowest, taken = min(lowest, value), taken + 1
        on_step()
    return taken


def _search(value_and_gradient, begin, direction, ceiling, low, high):
    """The first point on the clipped ray that is low enough, with value and gradient; None if there is none."""
    point, value, gradient = begin
    slope = _dot(gradient, direction)
    length = 1.0
    for _ in range(_TRIALS):
        trial = np.clip(point + length * direction, low, high)
        trial_value, trial_gradient = value_and_gradient(trial)
        promised = _dot(gradient, trial - point)
        if trial_value < ceiling + min(0.0, _SUFFICIENT * promised):
            return trial, trial_value, trial_gradient
        # The minimum of the parabola through both values with the slope at the first, kept within a decade.
        excess = float(trial_value - value) - slope * length
        parabola = -slope * length / (2 * excess) if excess > 0 else 0.5
        length *= min(max(parabola, 0.1), 0.5)
    return None


def _inverse_hessian(pairs, vector: np.ndarray) -> np.ndarray:
    """The product of L-BFGS' approximation and the vector (Nocedal & Wright 2006, algorithm 7.4)."""
    result, factors = vector.copy(), []
    for change, difference, curvature in reversed(pairs):
        factor = _dot(change, result) / curvature
        factors.append(factor)
        result -= factor * difference
    _, difference, curvature = pairs[-1]
    result *= curvature / _dot(difference, difference)
    for (change, difference, curvature), factor in zip(pairs, reversed(factors), strict=True):
        result += (factor - _dot(difference, result) / curvature) * change
    return result


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.vdot(a, b))
