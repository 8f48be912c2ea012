"""Slopes of one product: estimates worked by hand, errors that match their scatter, and the checks."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.response.panel import Panel
from tasks.response.slopes import bends_up, double_ml, fixed_effects, overdispersion, two_stage


def panel(rows: int = 600, groups: int = 4) -> tuple[Panel, np.ndarray]:
    rng = np.random.default_rng(2)
    series, week = np.arange(rows) % groups, np.arange(rows) // groups
    controls = rng.normal(size=(rows, 2))
    unseen, cost = rng.normal(size=rows), rng.normal(size=rows)
    price = 0.1 * controls[:, 0] + 0.1 * unseen + 0.2 * cost + 0.1 * rng.normal(size=rows)
    units = series - 2 * price + controls @ [0.5, -0.3] + 0.5 * unseen + 0.1 * rng.normal(size=rows)
    return Panel(
        units=units, price=price, controls=controls, series=series, week=week, instrument=cost
    ), unseen


def test_fixed_effects_are_those_of_a_regression_with_dummies() -> None:
    import statsmodels.api as sm

    rows, _ = panel()
    x = np.column_stack([rows.price, rows.controls, np.eye(4)[rows.series]])
    theirs = sm.OLS(rows.units, x).fit(cov_type="cluster", cov_kwds={"groups": rows.week})
    mine = fixed_effects(rows)
    assert mine.slope == pytest.approx(theirs.params[0])
    assert 0.8 * theirs.bse[0] < mine.error < 1.3 * theirs.bse[0]


def test_errors_know_that_surprises_and_prices_last() -> None:
    rng, slopes, errors = np.random.default_rng(6), [], []
    for _ in range(200):
        lasting = rng.normal(size=(2, 156))
        for t in range(1, 156):
            lasting[:, t] = 0.7 * lasting[:, t - 1] + np.sqrt(1 - 0.7**2) * lasting[:, t]
        week, nothing = np.arange(156), np.full(156, np.nan)
        waves = np.column_stack([week / 156, np.sin(week / 8), np.cos(week / 8)])
        estimate = fixed_effects(
            Panel(
                units=lasting[1] - 2 * lasting[0],
                price=lasting[0],
                controls=waves,
                series=np.zeros(156, int),
                week=week,
                instrument=nothing,
            )
        )
        slopes.append(estimate.slope)
        errors.append(estimate.error)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(slopes), rel=0.15), (
        "independent weeks would say 0.6 of it"
    )


def test_two_stages_by_hand_and_their_error() -> None:
    rows, _ = panel()
    dummies = np.column_stack([rows.controls, np.eye(4)[rows.series]])
    x, z = np.column_stack([rows.price, dummies]), np.column_stack([rows.instrument, dummies])
    beta = np.linalg.solve(z.T @ x, z.T @ rows.units)
    mine = two_stage(rows)
    assert mine.slope == pytest.approx(beta[0])
    assert mine.first_stage_f > 100
    assert abs(mine.slope + 2) < 3 * mine.error
    assert fixed_effects(rows).slope > -1.6, "the unseen reason of the price hides half of the answer"
    noise = rows._replace(instrument=np.random.default_rng(0).normal(size=600))
    assert two_stage(noise).first_stage_f < 10


def test_double_machine_learning_agrees_where_everything_is_seen() -> None:
    rows, unseen = panel()
    seen = rows._replace(controls=np.column_stack([rows.controls, unseen]))
    assert double_ml(seen).slope == pytest.approx(-2, abs=0.1)
    assert double_ml(seen).slope == pytest.approx(fixed_effects(seen).slope, abs=0.05)


def test_units_that_rise_with_the_price_bend_the_ladder() -> None:
    rows, _ = panel()
    rising = rows._replace(units=rows.units + 8 * np.maximum(rows.price, 0))
    assert bends_up(rising, 0.95)
    straight = rows._replace(units=-2 * rows.price + 0.1 * np.random.default_rng(1).normal(size=600))
    assert not bends_up(straight, 0.95)


def test_dispersion_is_0_for_poisson_units_and_measured_where_they_are_overdispersed() -> None:
    rng = np.random.default_rng(5)
    price, nothing = 0.2 * rng.normal(size=4000), np.full(4000, np.nan)
    mean = np.exp(3.5 - 2 * price)

    def dispersion(units: np.ndarray) -> float:
        panel = Panel(
            units=np.log(units),
            price=price,
            controls=np.empty((4000, 0)),
            series=np.zeros(4000, int),
            week=np.arange(4000),
            instrument=nothing,
        )
        return overdispersion(panel, fixed_effects(panel).slope)

    assert dispersion(rng.poisson(mean)) < 0.02
    assert dispersion(rng.poisson(mean * rng.gamma(4, 0.25, 4000)) + 1e-3) == pytest.approx(0.25, abs=0.06)
