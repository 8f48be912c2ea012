"""Money in whole numbers equals money in decimals, for currencies of 0, 2 and 3 decimals."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.governance.money import (
    MOST,
    NO_AMOUNT,
    amounts,
    decimals_of,
    minor,
    minor_down,
    minor_up,
    over_up,
    parts,
    parts_down,
    parts_up,
    times_down,
    times_up,
)

AMOUNTS = st.floats(1e-6, 1e7)
DECIMALS = st.sampled_from([0, 2, 3])
SHARES = st.integers(1, 2_000_000)


def single(value: float) -> np.ndarray:
    return np.array([value])


@given(AMOUNTS, DECIMALS)
def test_parts_round_up_and_down_as_decimals_do(amount: float, decimals: int) -> None:
    exact = Decimal(repr(amount)).scaleb(decimals + 4)
    places = np.array([decimals])
    assert parts_up(single(amount), places)[0] == int(exact.to_integral_value(ROUND_CEILING))
    assert parts_down(single(amount), places)[0] == int(exact.to_integral_value(ROUND_FLOOR))


@given(st.integers(1, 10**15), SHARES)
def test_products_and_quotients_round_as_whole_numbers_do(number: int, factor: int) -> None:
    given_number, parts_of = np.array([number]), np.array([factor])
    assert times_up(given_number, parts_of)[0] == -(-number * factor // 10**6)
    assert times_down(given_number, parts_of)[0] == number * factor // 10**6
    divisor = max(factor % 10**6, 50_000)
    assert over_up(given_number, np.array([divisor]))[0] == -(-number * 10**6 // divisor)


@pytest.mark.parametrize("amount", [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e300, 5e-324])
def test_what_is_no_amount_never_becomes_one(amount: float) -> None:
    places = np.array([2])
    assert parts(single(amount), places)[0] == NO_AMOUNT
    if amount != 5e-324:
        assert minor(single(amount), places)[0] == NO_AMOUNT
        assert parts_up(single(amount), places)[0] == NO_AMOUNT, "a blank floor is no floor of 0.01"
    for scaled in (times_up, times_down, over_up):
        assert scaled(np.array([NO_AMOUNT]), np.array([500_000]))[0] == NO_AMOUNT


def test_a_floor_of_1_15_and_a_fifth_is_1_38_and_a_yen_is_not_split() -> None:
    floor = times_up(parts_up(single(1.15), np.array([2])), 1_200_000)
    assert minor_up(floor)[0] == 138, "in binary 1.15 x 1.2 is below 1.38, and its ceiling may be 1.39"
    assert minor_up(parts_up(single(99.01), np.array([0])))[0] == 100
    assert minor_down(parts_down(single(99.99), np.array([0])))[0] == 99
    assert amounts(np.array([138, 99]), np.array([2, 0])).tolist() == [1.38, 99.0]


def test_the_largest_amount_is_still_exact() -> None:
    assert minor(single(MOST / 100), np.array([2]))[0] == MOST
    assert minor(single(MOST / 100 + 1), np.array([2]))[0] == NO_AMOUNT


@pytest.mark.parametrize(
    ("currency", "most", "decimals"),
    [("JPY", 2, 0), ("EUR", 2, 2), ("KWD", 3, 3), ("KWD", 2, 2), (None, 2, 2), ("EUR", 0, 0)],
)
def test_a_currency_has_the_decimals_of_its_standard_and_no_more_than_the_list(
    currency: str | None, most: int, decimals: int
) -> None:
    assert decimals_of(currency, most) == decimals
