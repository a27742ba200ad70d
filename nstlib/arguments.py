"""Checks of arguments that many functions share."""


def check_count(value: int, name: str, *, least: int) -> None:
    """Refuses what is no count: an int, bool excepted, of at least `least`.

    Raises:
        ValueError: with the argument's name, the value and what is accepted.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}: {value!r} is not a whole number of at least {least}")
