"""Checks of arguments that many functions share."""

from numbers import Integral


def is_whole(value: object) -> bool:
    """Whether this is a whole number: of Python's or NumPy's types, bool excepted."""
    return isinstance(value, Integral) and not isinstance(value, bool)


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
