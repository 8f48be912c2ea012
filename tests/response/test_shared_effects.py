"""What all products share is 0 where the data do not show it, and its interval keeps the doubt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.bench.cases.remembering_shop import MEMORY, remembering_shop
from tasks.response.elasticities import PanelResponse, panel_response
from tasks.response.identification import Identification
from tasks.response.shared_effects import NO_EFFECT, shared_effect
from tasks.response.slopes import NOTHING, Estimate

SHOPS = 24
IDENTIFICATION = Identification(
    confidence=0.95,
    min_prices=4,
    min_price_variation=0.03,
    min_periods=26,
    max_width=4.0,
    reference_memory=MEMORY,
)


def response(sales: pd.DataFrame) -> PanelResponse:
    return panel_response(sales, "D", IDENTIFICATION)


def test_a_mean_whose_interval_contains_0_is_0_and_keeps_its_upper_end() -> None:
    effect = shared_effect([Estimate(0.1, 0.2, 30), Estimate(0.3, 0.2, 30)], 0.95)
    assert (effect["estimate"], effect["low"]) == (0.0, 0.0)
    assert effect["high"] == pytest.approx(0.2 + 1.96 * 0.2 / np.sqrt(2), abs=1e-3)


def test_a_mean_that_the_data_show_is_kept_as_it_is() -> None:
    effect = shared_effect([Estimate(0.5, 0.1, 30), Estimate(0.7, 0.1, 30)], 0.95)
    assert effect["estimate"] == pytest.approx(0.6)
    assert effect["low"] > 0


def test_what_is_clearly_below_0_is_0_and_so_is_what_no_product_shows() -> None:
    below = shared_effect([Estimate(-1.0, 0.1, 30), Estimate(-1.1, 0.1, 30)], 0.95)
    assert below == {"estimate": 0.0, "low": 0.0, "high": 0.0}
    assert shared_effect([NOTHING], 0.95) == NO_EFFECT


@pytest.mark.slow
def test_shops_that_remember_nothing_have_no_remembered_price_and_elasticities_as_they_are() -> None:
    shops = [response(remembering_shop(seed, effect=0.0)) for seed in range(SHOPS)]
    assert np.mean([shop.remembered["estimate"] for shop in shops]) < 0.05
    assert np.mean([shop.table["elasticity"].mean() for shop in shops]) == pytest.approx(-2.0, abs=0.05)


@pytest.mark.slow
def test_the_interval_of_what_is_remembered_covers_it() -> None:
    effects = [response(remembering_shop(seed, effect=0.3)).remembered for seed in range(SHOPS)]
    assert sum(effect["low"] <= 0.3 <= effect["high"] for effect in effects) >= 21
