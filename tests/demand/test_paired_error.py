"""Which forecaster errs less on the same held-out periods: worked by hand, and its interval by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.demand.paired_error import error_difference


def held_out(medians: dict[str, list[float]], units: dict[str, list[float]], origin: str) -> pd.DataFrame:
    """Return held-out forecasts of series by name."""
    frames = []
    for product, values in medians.items():
        dates = pd.date_range(origin, periods=len(values))
        frame = pd.DataFrame({"origin": pd.Timestamp(origin), "date": dates, "q50": values})
        frames.append(frame.assign(units=units[product], product_id=product, store_id="all"))
    return pd.concat(frames, ignore_index=True)


UNITS = {"a": [10.0, 10.0], "b": [20.0, 20.0]}


def test_the_difference_is_that_of_the_errors_over_the_units() -> None:
    ours = held_out({"a": [9.0, 11.0], "b": [20.0, 20.0]}, UNITS, "2025-01-01")  # errors 2 and 0
    theirs = held_out({"a": [10.0, 10.0], "b": [16.0, 22.0]}, UNITS, "2025-01-01")  # errors 0 and 6
    difference = error_difference(ours, theirs, 0.95)
    assert difference is not None
    assert difference["value"] == pytest.approx((2 - 6) / 60)
    assert difference["low"] < difference["value"] < difference["high"]
    assert difference["periods"] == 4
    swapped = error_difference(theirs, ours, 0.95)
    assert swapped is not None
    assert (swapped["value"], swapped["low"]) == pytest.approx((-difference["value"], -difference["high"]))


def test_forecasts_of_other_origins_or_of_other_sales_are_not_compared() -> None:
    ours = held_out({"a": [9.0, 11.0], "b": [20.0, 20.0]}, UNITS, "2025-01-01")
    assert error_difference(ours, ours.assign(origin=pd.Timestamp("2025-01-02")), 0.95) is None
    assert error_difference(ours, ours.assign(units=ours["units"] + 1), 0.95) is None, "corrected sales"
    assert error_difference(ours[ours["product_id"] == "a"], ours, 0.95) is None, "one series has no spread"


def test_the_interval_covers_the_difference_that_is_there_as_often_as_it_says() -> None:
    rng, covered, trials, series = np.random.default_rng(0), 0, 200, 40
    names = [f"p{i}" for i in range(series)]
    units = dict.fromkeys(names, [20.0] * 4)
    for _ in range(trials):
        bias = rng.normal(0, 2, series)  # errors of a series go together
        medians = 22 + bias[:, None] + rng.normal(0, 0.1, (series, 4))
        ours = held_out(dict(zip(names, medians.tolist(), strict=True)), units, "2025-01-01")
        theirs = held_out(dict.fromkeys(names, [20.0] * 4), units, "2025-01-01")
        difference = error_difference(ours, theirs, 0.95)
        assert difference is not None
        true = expected_error(2.0, np.hypot(2, 0.1)) / 20
        covered += difference["low"] <= true <= difference["high"]
    assert covered / trials == pytest.approx(0.95, abs=0.05)


def expected_error(mean: float, sd: float) -> float:
    """Return E|x| of a normal x (folded normal)."""
    from scipy import stats

    return float(
        sd * np.sqrt(2 / np.pi) * np.exp(-(mean**2) / (2 * sd**2))
        + mean * (1 - 2 * stats.norm.cdf(-mean / sd))
    )
