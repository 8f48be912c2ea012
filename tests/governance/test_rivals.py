"""Two shops that price against each other, each by its guard and its own history, for a year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.governance.shelf_prices import recent_range, slow_references
from tests.governance.shelves import GUARD, guarded

BEGIN = pd.Timestamp("2025-01-06")
DAYS, PAST = 365, 364
A_YEAR = 1 + GUARD.reference_year


def history(prices: list[float]) -> pd.DataFrame:
    dates = BEGIN + pd.to_timedelta(np.arange(len(prices)), "D")
    return pd.DataFrame({"date": dates, "product_id": "a", "store_id": "all", "price": prices})


def next_price(prices: list[float], wanted: float, reference: float) -> float:
    """Return the price of tomorrow, as a publication a day would have it."""
    week = prices[-7:]
    bounds = {"in_force": prices[-1], "recent_low": min(week), "recent_high": max(week)}
    return float(guarded(wanted, reference=reference, **bounds).price[0])


@pytest.mark.parametrize("greed", [1.27, 0.7], ids=["each dearer than the other", "each cheaper"])
def test_a_year_of_two_rivals_stays_inside_the_band_around_a_slow_reference(greed: float) -> None:
    ours, theirs = [10.0] * PAST, [10.0] * PAST
    references = [10.0, 10.0]
    for day in range(DAYS):
        if day % 7 == 0:  # a reference moves with the weeks that are over
            references = [
                float(slow_references(history(prices), GUARD)["slow_reference"].iloc[0])
                for prices in (ours, theirs)
            ]
        ours.append(next_price(ours, greed * theirs[-1], references[0]))
        theirs.append(next_price(theirs, greed * ours[-1], references[1]))
        for prices, reference in zip((ours, theirs), references, strict=True):
            assert reference * (1 - GUARD.band) <= prices[-1] <= reference * (1 + GUARD.band)
            assert 10 / A_YEAR * 0.8 <= prices[-1] <= 10 * A_YEAR * 1.2, "the reference is slow, too"
    assert recent_range(history(ours), BEGIN + pd.Timedelta(days=len(ours) - 1))["recent_low"].iloc[0] > 0
    moved = {round(price, 2) for price in ours[PAST:]}
    assert len(moved) > 4, "they do move, a step a week"
    assert ours[-1] == pytest.approx(ours[-30], rel=0.02), "and stop at the end of the band"
