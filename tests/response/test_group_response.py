"""The two slopes of substitute groups: found where they show, and in doubt where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest

from tasks.bench.cases.nested_shop import NestedShop, nested_shop
from tasks.bench.cases.simulated_shop import simulated_shop
from tasks.response.elasticities import PanelResponse, panel_response
from tasks.response.group_pooling import Slopes, pooled_draws
from tasks.response.group_response import GroupResponse, group_response
from tasks.response.group_totals import price_index
from tasks.response.identification import Identification

IDENTIFICATION = Identification(
    confidence=0.95,
    min_prices=4,
    min_price_variation=0.03,
    min_periods=26,
    max_width=4.0,
    reference_memory=0.7,
)


@cache
def example() -> tuple[NestedShop, GroupResponse]:
    shop = nested_shop(np.random.default_rng(5), theta=0.3, groups=8)
    return shop, respond(shop.sales)


def respond(sales: pd.DataFrame, period: str = "D", panel: PanelResponse | None = None) -> GroupResponse:
    panel = panel or panel_response(sales, period, IDENTIFICATION)
    return group_response(sales, period, IDENTIFICATION, panel, seed=3)


@cache
def of_products() -> PanelResponse:
    return panel_response(example()[0].sales, "D", IDENTIFICATION)


def test_the_price_index_of_a_group_is_that_worked_by_hand() -> None:
    weight, x = np.log([[3.0, 1.0]]), np.log([[0.5, 1.0]])
    index, attractiveness = price_index(weight, x, 2.0, np.ones((1, 2), bool))
    assert index[0] == pytest.approx(-np.log((3 * 4 + 1) / 4) / 2), "half the price draws 2^2 times as much"
    assert attractiveness[0] == pytest.approx(np.log(4))
    same, _ = price_index(weight, np.log([[0.7, 0.7]]), 2.0, np.ones((1, 2), bool))
    assert same[0] == pytest.approx(np.log(0.7)), "prices that change alike are the index"


def test_both_slopes_of_a_shop_are_found_and_told_apart() -> None:
    shop, response = example()
    table = response.table
    assert not response.refusal
    assert abs((table["within"] - shop.b).mean()) < 0.3
    assert abs((table["whole"] - shop.eta).mean()) < 0.4
    assert (table["whole_low"] < shop.eta).mean() > 0.8
    assert (shop.eta < table["whole_high"]).mean() > 0.8


def test_the_units_at_the_prices_in_force_are_near_those_of_the_shop() -> None:
    shop, response = example()
    truth = shop.demand.units(response.products["price"].to_numpy()) * 7
    assert np.corrcoef(np.log(truth), np.log(response.products["units"]))[0, 1] > 0.9


def test_the_same_seed_gives_the_same_draws_and_the_order_of_rows_does_not_matter() -> None:
    shop, response = example()
    again = respond(shop.sales.sample(frac=1.0, random_state=1))
    for name, draws in response.draws.items():
        np.testing.assert_allclose(again.draws[name], draws, rtol=1e-6, err_msg=name)


def test_prices_that_move_all_alike_show_the_group_slope_and_not_the_within_slope() -> None:
    shop, _ = example()
    first = shop.sales.groupby(["date", "category"])["price"].transform("first")
    base = shop.sales.groupby("product_id")["price"].transform("median")
    alike = shop.sales.assign(price=base * first / shop.sales.groupby("category")["price"].transform("first"))
    table = respond(alike, panel=of_products()).table
    width = table["within_high"] - table["within_low"]
    assert (width > 2).all(), "the within slope is what is usual anywhere, with its width"


def test_where_no_index_moves_the_groups_are_not_identified_and_their_slopes_stay_wide() -> None:
    shop, _ = example()
    calm = shop.sales["date"] < shop.sales["date"].max() - pd.Timedelta(days=14)
    base = shop.sales.groupby("product_id")["price"].transform("median")
    still = shop.sales.assign(price=shop.sales["price"].where(~calm, base), promotion_deal=0.0)
    response = respond(still, panel=of_products())
    assert response.refusal
    assert ((response.table["whole_high"] - response.table["whole_low"]) > 1).all()


def test_unseen_shocks_in_prices_identify_no_group_without_an_instrument() -> None:
    sales = simulated_shop(np.random.default_rng(4), products=25, shocks=True).sales
    response = respond(sales, "W")
    assert "nothing in the table tells why the price moved" in response.refusal
    assert not response.table["identified"].any()


def test_a_cost_as_instrument_removes_the_bias_of_unseen_shocks_from_the_within_slope() -> None:
    sales = simulated_shop(np.random.default_rng(4), products=25, shocks=True, costs=True).sales
    response = respond(sales, "W")
    table = response.table.iloc[0]
    assert table["within_low"] < 2.0 < table["within_high"], (
        "independent products of elasticity -2 on average"
    )
    assert table["within"] == pytest.approx(2.0, abs=0.3)


def test_products_alone_in_their_category_are_groups_of_one() -> None:
    shop = nested_shop(np.random.default_rng(8), theta=1.0, groups=12, size=1)
    response = respond(shop.sales)
    assert (response.table["members"] == 1).all()
    assert abs((response.table["whole"] - shop.b).mean()) < 0.5
    assert not response.refusal


def test_the_error_of_the_common_mean_is_drawn_once_for_all_groups() -> None:
    rng, groups, blocks = np.random.default_rng(0), 40, 12
    error, shared = np.full(groups, 0.5), 0.4 * rng.normal(size=blocks)
    without = 2.0 + 0.05 * rng.normal(size=(groups, blocks)) + shared / np.sqrt(blocks)
    draws = pooled_draws(Slopes(2.0 + 0.5 * rng.normal(size=groups), error, without), 2000, rng)
    assert draws is not None
    alone = 0.5 / np.sqrt(groups)
    assert draws.mean(axis=1).std() > 2 * alone, (
        "a surprise of the whole shop does not average away over groups"
    )
    independent = without - shared / np.sqrt(blocks)
    calm = pooled_draws(Slopes(2.0 + 0.5 * rng.normal(size=groups), error, independent), 2000, rng)
    assert calm is not None
    assert calm.mean(axis=1).std() < 1.5 * alone


def test_a_group_whose_members_answer_each_other_more_is_taken_to_answer_more_as_a_whole() -> None:
    steepness, nearer = np.linspace(0.7, 1.3, 16), []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth = 2.5 * steepness
        estimate = truth + 0.5 * rng.normal(size=16)
        slopes = Slopes(estimate, np.full(16, 0.5), estimate[:, None] + 0.15 * rng.normal(size=(16, 12)))
        errors = []
        for scale in (None, steepness):
            draws = pooled_draws(slopes, 400, rng, scale)
            assert draws is not None
            errors.append(float(np.sqrt(np.mean((draws.mean(axis=0) - truth) ** 2))))
        nearer.append(errors[1] < errors[0])
    assert np.mean(nearer) >= 0.9, "a nested logit has eta = theta b: what is known of b tells of eta"


def test_a_group_that_shows_its_own_slope_keeps_it_whatever_its_members_do() -> None:
    rng, truth = np.random.default_rng(3), np.linspace(3.2, 1.8, 16)
    without = np.repeat(truth[:, None], 12, axis=1)
    draws = pooled_draws(Slopes(truth, np.full(16, 0.1), without), 400, rng, np.linspace(0.7, 1.3, 16))
    assert draws is not None
    assert np.abs(draws.mean(axis=0) - truth).max() < 0.1


def test_a_group_without_an_estimate_takes_the_pooled_slope_with_a_wider_interval() -> None:
    rng = np.random.default_rng(1)
    estimate, error = np.r_[rng.normal(1.0, 0.3, 11), np.nan], np.r_[np.full(11, 0.1), np.inf]
    without = np.repeat(estimate[:, None], 12, axis=1)
    draws = pooled_draws(Slopes(estimate, error, without), 2000, rng)
    assert draws is not None
    assert draws[:, 11].mean() == pytest.approx(np.nanmean(estimate), abs=0.1)
    assert draws[:, 11].std() > 1.5 * draws[:, :11].std(axis=0).max()
    nothing = Slopes(np.full(3, np.nan), np.full(3, np.inf), np.full((3, 12), np.nan))
    assert pooled_draws(nothing, 10, rng) is None


@dataclass
class Scores:
    bias: list[float]
    covered: list[float]


@pytest.mark.slow
def test_intervals_cover_the_slopes_of_simulated_shops() -> None:
    scores, cuts = {"within": Scores([], []), "whole": Scores([], [])}, []
    for seed in range(20):
        shop = nested_shop(np.random.default_rng(1000 + seed), theta=(0.0, 0.2, 0.5, 1.0)[seed % 4])
        response = respond(shop.sales)
        for name, truth in (("within", shop.b), ("whole", shop.eta)):
            low, high = response.table[f"{name}_low"], response.table[f"{name}_high"]
            scores[name].bias.append(float((response.table[name] - truth).mean()))
            scores[name].covered.append(float(((low <= truth) & (truth <= high)).mean()))
        prices = response.products["price"].to_numpy()
        before, cut = shop.demand.units(prices), 0.8 * prices
        claimed = response.demand.from_base(prices, before).units_of_list(cut) @ cut
        low, high = np.quantile(claimed, [0.025, 0.975])
        cuts.append(low <= shop.demand.units(cut) @ cut <= high)
    assert sum(cuts) >= 17, (
        f"the revenue of a cut of all prices by a fifth: covered in {sum(cuts)} of 20 shops"
    )
    for name, score in scores.items():
        assert abs(np.mean(score.bias)) < 0.15, f"{name}: bias {np.mean(score.bias):.3f}"
        assert np.mean(score.covered) > 0.9, f"{name}: covered {np.mean(score.covered):.3f}"
