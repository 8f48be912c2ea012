"""What a week teaches of the slopes, worked by hand, and what must teach nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing.demand import Answer, DemandDraws, draw_demand
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.slopes import CURVES, LEAST_SLOPE, SlopeDraws
from tasks.pricing.state import View, opening
from tests.pricing.small_market import group_of, market_rules, products

RULES = market_rules()
CUT, HOLD, DEARER = 1, 2, 3


def doubtful(units: list[float], variance: float = 0.25, **changes: np.ndarray) -> Products:
    """Return a group whose within slope is 3 and whole slope 1, both with a variance."""
    spread = np.sqrt(variance) * np.array([[-1.0], [1.0]])
    slopes = SlopeDraws(within=3 + spread, whole=1 + spread, curve=np.zeros(2))
    return group_of(units, slopes=slopes, **changes)


def sold(shop: Products, actions: list[int], units: list[float]) -> View:
    """Return the view after a week that sold so many units."""
    ones = np.ones(len(shop))
    answer = Answer(within=3 * ones, whole=ones, curve=np.array([k == 0 for k in CURVES], float))

    class Week(DemandDraws):
        def buyers(self, week: int, expected: np.ndarray) -> np.ndarray:  # noqa: ARG002 - whatever they are
            return np.array(units)

    draws = Week(answer=answer, frailty=np.ones((1, len(shop))), uniform=np.ones((1, len(shop))))
    return step(opening(shop), np.array(actions), draws, RULES)[0]


def test_one_week_of_two_members_by_hand() -> None:
    # 30 and 10 units at b = 3, eta = 1; the second at 0.9: w = 0.9^-3 = 1.371742, S = 0.75 + 0.25 w
    # mu = 30 S^(-2/3), 10 w S^(-2/3);  x = 0, ln 0.9;  z = x - mean of x by mu
    w = 0.9**-3
    mu = np.array([30.0, 10.0 * w]) * (0.75 + 0.25 * w) ** (-2 / 3)
    share = mu[1] / mu.sum()
    z = np.log(0.9) * np.array([-share, 1 - share])
    units = np.array([26.0, 18.0])
    surplus = units - 44.0 * mu / mu.sum()
    h, v = -z * mu, mu + 0.1 * mu**2
    variance = 1 / (1 / 0.25 + (h**2 / v).sum())
    mean = 3 + variance * (h * surplus / v).sum()
    view = sold(doubtful([30.0, 10.0], dispersion=np.full(2, 0.1)), [HOLD, CUT], [26.0, 18.0])
    assert view.within == pytest.approx([mean] * 2)
    assert view.within_variance == pytest.approx([variance] * 2)
    assert view.whole.tolist() == [1.0, 1.0], "a group's total moves with much that is not its prices"
    assert view.whole_variance == pytest.approx([0.25] * 2)
    assert mean > 3.0, "the cheaper one sold more of the total than b = 3 says"


def test_one_week_of_a_single_product_by_hand() -> None:
    # 20 units at eta = 1, price 0.9: mu = 20 / 0.9 = 22.222, h = -ln(0.9) mu = 2.341, v = mu
    # 1 / P' = 4 + 2.341^2 / 22.222, eta' = 1 + P' x 2.341 x (30 - 22.222) / 22.222
    mu = 20 / 0.9
    h = -np.log(0.9) * mu
    variance = 1 / (1 / 0.25 + h**2 / mu)
    view = sold(doubtful([20.0]), [CUT], [30.0])
    assert view.whole == pytest.approx([1 + variance * h * (30 - mu) / mu])
    assert view.whole_variance == pytest.approx([variance])
    assert view.within.tolist() == [3.0]


@pytest.mark.parametrize("units", [[0.0, 0.0], [60.0, 2.0], [30.0, 10.0]])
def test_holding_teaches_nothing(units: list[float]) -> None:
    start, view = opening(doubtful([30.0, 10.0])), sold(doubtful([30.0, 10.0]), [HOLD, HOLD], units)
    for name in ("within", "within_variance", "whole", "whole_variance"):
        np.testing.assert_array_equal(getattr(view, name), getattr(start, name), err_msg=name)


def test_a_common_change_teaches_nothing_of_the_within_slope() -> None:
    view = sold(doubtful([30.0, 10.0]), [CUT, CUT], [50.0, 5.0])
    assert view.within == pytest.approx([3.0, 3.0])
    assert view.within_variance == pytest.approx([0.25, 0.25])


def test_a_level_that_all_members_share_teaches_nothing() -> None:
    w = 0.9**-3
    mu = np.array([30.0, 10.0 * w]) * (0.75 + 0.25 * w) ** (-2 / 3)
    for level in (0.5, 1.0, 2.0):
        view = sold(doubtful([30.0, 10.0]), [HOLD, CUT], list(level * mu))
        assert view.within == pytest.approx([3.0, 3.0]), f"sales of {level} times what was expected"


def test_a_week_that_sold_out_teaches_nothing() -> None:
    shop = doubtful([30.0, 10.0], stock=np.array([np.inf, 12.0]))
    view = sold(shop, [HOLD, CUT], [30.0, 40.0])
    assert view.stock[1] == 0.0
    assert view.within.tolist() == [3.0, 3.0], "sales that the stock cut are not the demand"
    assert view.within_variance == pytest.approx([0.25, 0.25])
    assert view.surprise[1] == 0.0
    served = sold(doubtful([30.0, 10.0], stock=np.array([np.inf, 100.0])), [HOLD, CUT], [30.0, 40.0])
    assert served.within[0] > 3.0


def test_a_lone_product_that_sold_out_teaches_nothing() -> None:
    view = sold(doubtful([20.0], stock=np.array([5.0])), [CUT], [30.0])
    assert (view.whole[0], view.whole_variance[0]) == (1.0, pytest.approx(0.25))


def test_no_week_makes_dearer_products_sell_more() -> None:
    view = sold(doubtful([30.0, 10.0], variance=2.0), [HOLD, CUT], [3000.0, 0.0])
    assert (view.within == LEAST_SLOPE).all()
    assert (sold(doubtful([20.0], variance=0.9), [CUT], [0.0]).whole >= 0).all()


def test_the_belief_finds_the_hidden_within_slope() -> None:
    rng = np.random.default_rng(3)
    slopes = SlopeDraws(
        within=np.maximum(3 + 0.6 * rng.normal(size=(60, 1)), 1.0), whole=np.ones((60, 1)), curve=np.zeros(60)
    )
    shop = group_of([2000.0, 2000.0], slopes=slopes).repeat(60)
    draws = draw_demand(shop, 8, np.random.default_rng(5))
    view, start = opening(shop), opening(shop)
    for week in range(8):
        actions = np.tile([CUT, DEARER] if week % 2 else [HOLD, HOLD], 60)
        view, _ = step(view, actions, draws, RULES)
    error, before = (np.abs(v.within - draws.answer.within).mean() for v in (view, start))
    assert error < 0.15 * before


def test_the_belief_finds_the_hidden_slope_of_a_single_product() -> None:
    shop = replace(products(1, error=0.6, dispersion=0.0), units=np.array([2000.0])).repeat(50)
    draws = draw_demand(shop, 8, np.random.default_rng(5))
    view, start = opening(shop), opening(shop)
    for week in range(8):
        view, _ = step(view, np.full(50, 0 if week == 0 else HOLD), draws, RULES)
    error, before = (np.abs(v.whole - draws.answer.whole).mean() for v in (view, start))
    assert error < 0.15 * before
