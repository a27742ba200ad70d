"""Checks of arguments that many functions share."""

import math
from collections.abc import Sequence
from numbers import Integral, Real


def is_whole(value: object) -> bool:
    """Whether this is a whole number: of Python's or NumPy's types, bool excepted."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_finite(value: object) -> bool:
    """Whether this is a finite number that a float holds: of Python's or NumPy's types, bool excepted."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        return False


def check_count(value: int, name: str, *, least: int, why: str = "") -> None:
    """Refuse what is no count: a whole number of at least `least`.

    Args:
        value: the argument.
        name: what the caller calls it.
        least: the smallest that is accepted.
        why: a reason for that, to end the message with.

    Raises:
        ValueError: with the argument's name, the value and what is accepted.
    """
    if not is_whole(value) or value < least:
        reason = f": {why}" if why else ""
        raise ValueError(f"{name}: {value!r} is not a whole number of at least {least}{reason}")


def check_seed(value: int, name: str = "seed") -> None:
    """Refuse what NumPy, Python and Keras do not all take as a seed.

    Args:
        value: the argument.
        name: what the caller calls it.

    Raises:
        ValueError: not a whole number from 0 to 2**32 - 1.
    """
    if not is_whole(value) or not 0 <= value < 2**32:
        raise ValueError(f"{name}: {value!r} is not a whole number from 0 to 2**32 - 1")


def check_shares(shares: Sequence[float] | None, name: str, *, count: int) -> list[float]:
    """Positive numbers, one for each of some things that are mixed, as shares of their sum.

    Args:
        shares: the argument, a list of numbers; None is equal shares.
        name: what the caller calls it.
        count: how many things there are.

    Returns:
        `count` numbers that add up to 1.

    Raises:
        ValueError: not so many numbers, or one that is not finite and above 0.
    """
    if shares is None:
        return [1 / count] * count
    if not hasattr(shares, "__len__") or len(shares) != count:
        raise ValueError(f"{name}: {shares!r} is not one number for each of the {count}")
    for share in shares:
        if not is_finite(share) or share <= 0:
            raise ValueError(f"{name}: {share!r} is not a finite number above 0")
    parts = [float(share) / max(shares) for share in shares]  # no sum overflows
    return [part / sum(parts) for part in parts]
