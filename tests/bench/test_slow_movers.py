"""Shops of slow movers are what they say, and the benchmark finds that the interval covers them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from expectations.columns import PRICE, PRODUCT, UNITS
from tasks.bench.cases.slow_movers import DAYS, PRODUCTS, slow_shops
from tasks.demand.counts import probability_up_to
from tests.conftest import repricer


def test_shops_have_80_to_95_percent_zeros_whole_units_and_moving_prices() -> None:
    shops = slow_shops(5, seed=3)
    zeros = [shop.zeros for shop in shops]
    assert zeros == sorted(zeros)
    assert all(0.79 <= share <= 0.96 for share in zeros)
    for shop in shops:
        assert len(shop.sales) == PRODUCTS * DAYS
        assert (shop.sales[UNITS] % 1 == 0).all()
        assert (shop.sales.groupby(PRODUCT)[PRICE].nunique() > 1).all()


def test_the_zeros_of_a_shop_are_those_of_its_stated_distribution() -> None:
    shop = slow_shops(1, seed=4)[0]
    expected = probability_up_to(np.zeros(len(shop.mean)), shop.mean, shop.dispersion)
    assert shop.zeros == pytest.approx(expected.mean(), abs=0.01)


def test_the_same_seed_gives_the_same_shop_and_another_seed_another() -> None:
    first, again, other = (slow_shops(1, seed)[0].sales for seed in (5, 5, 6))
    assert first.equals(again)
    assert not first.equals(other)


@pytest.mark.slow
def test_the_command_finds_that_intervals_of_slow_movers_cover_what_they_claim(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    finished = repricer("bench", "slow-movers", "--shops", "2", "--seed", "9", "--json", str(out))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    measured = json.loads(out.read_text(encoding="utf-8"))
    assert measured["within"] == 2
    for shop in measured["shops"]:
        assert shop["counted"] == shop["products"] == PRODUCTS
        assert shop["pinball"] < 1.15 * shop["pinball_of_truth"], "near the best that can be had"
