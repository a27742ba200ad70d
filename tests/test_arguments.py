import math

import numpy as np
import pytest

from nstlib.arguments import check_count, check_seed, check_shares, is_whole

NO_WHOLE_NUMBERS = [True, False, np.True_, 1.0, np.float32(1), "1", None, [1], np.array([1, 2])]


@pytest.mark.parametrize("value", [0, -3, 10**30, np.int8(5), np.uint64(2**63)])
def test_whole_numbers(value):
    assert is_whole(value)


@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS)
def test_nothing_else_is_whole(value):
    assert not is_whole(value)


@pytest.mark.parametrize("value", [2, 3, np.int64(2)])
def test_counts_pass(value):
    assert check_count(value, "steps", least=2) is None


@pytest.mark.parametrize("value", [1, 0, -1, *NO_WHOLE_NUMBERS])
def test_what_is_no_count_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^steps: .* is not a whole number of at least 2$"):
        check_count(value, "steps", least=2)


def test_a_reason_ends_the_message():
    with pytest.raises(ValueError, match=r"of at least 2: one is no choice$"):
        check_count(1, "steps", least=2, why="one is no choice")


@pytest.mark.parametrize("value", [0, 2**32 - 1, np.uint32(7)])
def test_seeds_pass(value):
    assert check_seed(value) is None


@pytest.mark.parametrize("value", [-1, 2**32, *NO_WHOLE_NUMBERS])
def test_what_is_no_seed_is_refused_by_name(value):
    with pytest.raises(
        ValueError, match=r"^chance: .* is not a whole number from 0 to 2\*\*32 - 1$"
    ):
        check_seed(value, "chance")


# --- shares ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        (None, [0.5, 0.5]),
        ((3, 1), [0.75, 0.25]),
        (np.array([0.2, 0.2]), [0.5, 0.5]),
        ([1e308, 1e308], [0.5, 0.5]),
    ],
)
def test_shares_add_up_to_one(shares, expected):
    assert check_shares(shares, "shares", count=2) == pytest.approx(expected)


@pytest.mark.parametrize("shares", [(), (1,), (1, 2, 3), 1, "12", {1, 2, 3}])
def test_another_number_of_shares_is_refused(shares):
    with pytest.raises(ValueError, match=r"^parts: .*"):
        check_shares(shares, "parts", count=2)


@pytest.mark.parametrize("share", [0, -1, math.nan, math.inf, True, None, "1", 10**400])
def test_a_share_is_a_number_above_0(share):
    with pytest.raises(ValueError, match=r"^parts: .* is not a finite number above 0$"):
        check_shares((1, share), "parts", count=2)
