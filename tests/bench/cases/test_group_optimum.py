"""The yardsticks of markets of groups: against enumeration, dynamic programming and the market itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tasks.bench.cases.group_markets import GroupMarket, Traits, group_market
from tasks.bench.cases.group_optimum import Truth
from tasks.bench.cases.season_ascent import best_season
from tasks.bench.groups import season_value
from tasks.pricing import policies
from tasks.pricing.demand import answer_of
from tasks.pricing.products import Products


def short(sizes: tuple[int, ...], weeks: int, seed: int, traits: Traits | None = None) -> GroupMarket:
    """Return a market whose ladder has three steps."""
    market = group_market(sizes, traits or Traits(), seed, weeks)
    return replace(market, rules=replace(market.rules, ladder=np.array([0.95, 1.0, 1.05])))


def enumerated(truth: Truth) -> float:
    """Return what the best of all seasons earns: every list of every week, tried."""
    reach, remembered = truth.reach, np.ones(len(truth.market.products))

    def best(week: int, prices: np.ndarray, known: np.ndarray) -> float:
        if week == truth.market.rules.decisions:
            return 0.0
        memory = truth.market.rules.reference_memory
        lists = np.array(list(product(*(np.unique(row) for row in reach.ladder(prices)))))
        now = truth.earned(lists, known).sum(axis=1)
        later = (best(week + 1, row, memory * known + (1 - memory) * row) for row in lists)
        return max(value + rest for value, rest in zip(now, later, strict=True))

    return best(0, np.ones_like(remembered), remembered)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("sizes", "weeks"), [((1,), 5), ((2,), 3)])
def test_without_memory_the_path_of_weekly_optima_is_the_best_season(
    sizes: tuple[int, ...], weeks: int, seed: int
) -> None:
    truth = Truth(short(sizes, weeks, seed))
    path = truth.best_path()
    assert truth.season(path) == pytest.approx(enumerated(truth), rel=1e-9)
    assert truth.season(path) >= truth.held


@pytest.mark.parametrize("seed", range(3))
def test_with_memory_the_ascent_over_weeks_finds_the_best_season(seed: int) -> None:
    truth = Truth(short((2,), 3, seed, Traits(memory=True)))
    path = truth.best_path()
    best = truth.season(best_season(truth, path))
    assert best == pytest.approx(enumerated(truth), rel=1e-9)
    assert best >= truth.season(path)


@pytest.mark.parametrize("seed", range(3))
def test_the_best_list_of_a_week_is_that_of_enumeration(seed: int) -> None:
    truth = Truth(short((3, 2), 1, seed, Traits(doubt=True)))
    ones = np.ones(5)
    lists = np.array(list(product(*truth.reach.ladder(ones))))
    best = truth.earned(lists, ones).sum(axis=1).max()
    assert truth.season(truth.best_path()) == pytest.approx(best, rel=1e-12)


def test_the_yardstick_and_the_market_of_the_product_sell_the_same() -> None:
    market = group_market((3, 5), Traits(doubt=True), 1)
    truth, products = Truth(market), market.products
    ratio = np.random.default_rng(0).uniform(0.9, 1.1, len(products))
    for draw in range(3):
        answer = answer_of(products, np.full(len(products), draw))
        earned = market.rules.margin(products, ratio) * answer.units(products, ratio)
        np.testing.assert_allclose(truth.earned(ratio, ratio, [draw]), earned, rtol=1e-12)


def test_the_path_keeps_the_index_and_the_bounds() -> None:
    truth = Truth(group_market((4, 4, 4), Traits(index=True), 2))
    path = truth.best_path()
    index = truth.reach.index(path)
    assert np.abs(np.diff(index, prepend=0.0)).max() <= np.log1p(0.01) + 1e-9
    assert np.abs(index).max() <= np.log1p(0.03) + 1e-9
    assert (np.abs(path - 1) <= 0.2 + 1e-9).all()


@pytest.mark.parametrize("traits", [Traits(), Traits(memory=True), Traits(index=True)])
def test_the_policies_of_the_product_earn_by_the_yardstick_what_they_should(traits: Traits) -> None:
    truth = Truth(group_market((2, 2, 4, 12), traits, 3))
    products: Products = truth.market.products
    gain = truth.season(truth.best_path()) - truth.held
    shares = {
        name: (season_value(truth, policy) - truth.held) / gain
        for name, policy in {
            "hold": policies.hold,
            "myopic": policies.myopic,
            "best_fixed": policies.best_fixed(products, truth.market.rules),
        }.items()
    }
    assert shares["hold"] == pytest.approx(0.0, abs=1e-9)
    least = 0.97 if traits.index else 0.995
    assert shares["myopic"] > least, "the myopic list is planned in rounds, and is nearly the joint one"
    assert shares["best_fixed"] > 0.96, "a fixed list is reached within the index as well"
