"""The closed loop: its verdict on chains known to be right, wrong or idle; the command as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from expectations.columns import PRICE, SERIES
from tasks.bench.cases.price_rules import PriceRules
from tasks.bench.cases.price_yardstick import Yardstick
from tasks.bench.cases.true_shops import TrueShop, true_shop
from tasks.bench.closed_loop import bench_closed_loop, close_loop, shops_of
from tasks.bench.closed_loop_chain import Chain
from tasks.bench.closed_loop_figure import figure_of
from tasks.bench.closed_loop_results import ShopResult
from tasks.bench.closed_loop_totals import totals_of
from tests.conftest import repricer

WEEKS = 4
Move = Callable[[pd.DataFrame, pd.DataFrame | None], pd.Series]
CLAIM = {"lift": 0.1, "low": 0.05, "high": 0.15}
TINY = [
    "source.products=12",  # the others hold, as they were not in the training
    "forecast.lstm.epochs=1",
    "price.seasons=10",
    "price.dqn.environment_steps=20000",
    "price.dqn.evaluations=2",
    "evaluate.markets=10",
    "forecast.lstm.steps=5",
]


def response_of(settings: Settings, version: int, request: pd.DataFrame) -> pd.DataFrame:
    """Answer every price with 20 units, and every product with an elasticity of -2.5."""
    assert version == 5
    if PRICE in request:
        return pd.DataFrame({"units": 20.0}, index=request.index)
    return pd.DataFrame({"elasticity": -2.5, "identified": True}, index=request.index)


def no_mislead(settings: Settings, error: float, seed: int) -> None:
    """Leave the belief as it is."""


def chain_of(
    move: Move, trial: dict[str, float | None], listed: dict[str, float] | None = None, verdict: str = "PASS"
) -> Chain:
    """Return a chain with these claims that prices by ``move`` (prices in force and sales -> prices)."""

    def retrain(settings: Settings) -> dict[str, Any]:
        assert len(pd.read_parquet(str(settings.source.path))) == 64 * 364
        summary = {"objective": "revenue", "trial": trial, "verdict": verdict, "reasons": []}
        versions = {"pricing_policy": 3, "price_response": 5}
        return summary | {"versions": versions} | ({"list": listed} if listed else {})

    def recommend(
        settings: Settings, version: int, prices: str, out: str, seed: int, *, sales: str | None
    ) -> None:
        assert version == 3
        table = pd.read_csv(prices, dtype=dict.fromkeys(SERIES, "str"))
        past = None if sales is None else pd.read_parquet(sales)
        logged = {"reference_price": table[PRICE], "randomised_price": 0.0, "propensity": 1.0}
        listed = table.assign(**{PRICE: move(table, past), **logged})
        listed.sample(frac=1, random_state=0).to_csv(out, index=False)

    return Chain(retrain=retrain, recommend=recommend, respond=response_of, mislead=no_mislead)


def holding(table: pd.DataFrame, sales: pd.DataFrame | None) -> pd.Series:
    """Return the prices in force."""
    return table[PRICE]


def learning(table: pd.DataFrame, sales: pd.DataFrame | None) -> pd.Series:
    """Raise all prices by 1 % a week once there are sales, else hold."""
    return table[PRICE] if sales is None else (1.01 * table[PRICE]).round(2)


@pytest.fixture
def shop() -> TrueShop:
    return true_shop("nested", 1)


@pytest.fixture
def settings() -> Settings:
    return Settings(profile="closed_loop")


@cache
def best_lists() -> np.ndarray:
    """Return the best lists of the shop's season."""
    return Yardstick(shop=true_shop("nested", 1), objective="revenue", rules=PriceRules()).best_lists


def test_a_chain_that_holds_earns_nothing_and_regrets_what_could_be_had_in_every_week(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    result = close_loop(shop, settings, chain_of(holding, CLAIM), WEEKS, tmp_path)
    best = Yardstick(shop=shop, objective="revenue", rules=PriceRules()).best_lifts[:WEEKS]
    assert result["list"] == {**CLAIM, "true": 0.0}
    assert result["season"] == {**CLAIM, "true": 0.0}
    assert result["covered"] == {"list": False, "season": False}
    assert result["weekly_regret"] == best.tolist()
    assert (result["best_possible"], result["best_possible_season"]) == (best[0], best.mean())
    assert (result["share_of_possible"], result["share_of_possible_season"]) == (0.0, 0.0)
    assert result["moves"] == {"up": 0, "down": 0, "held": 64, "at_ends": 0}
    assert result["changes"] == {"step": 0.0, "index_week": 0.0, "index_season": 0.0, "broken": 0}
    for arm in ("hold", "one_list", "frozen"):
        assert result[arm]["season"]["true"] == 0.0, arm  # type: ignore[literal-required]
    sales = pd.read_parquet(tmp_path / "sales.parquet")
    assert len(sales) == 64 * WEEKS * 7
    assert {"units", "price", "reference_price", "propensity", "randomised_price"} <= set(sales)


def test_the_best_lists_earn_all_that_is_possible_and_their_truth_is_worked_out_by_hand(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    lists = iter([*best_lists()[:WEEKS], *best_lists()[:WEEKS]])  # of both seasons
    best = chain_of(lambda *_: pd.Series(next(lists)), CLAIM, {**CLAIM, "up": 64})
    result = close_loop(shop, settings, best, WEEKS, tmp_path)
    assert result["claimed_by"] == "list"
    assert (result["share_of_possible"], result["share_of_possible_season"]) == (1.0, 1.0)
    assert result["weekly_regret"] == pytest.approx([0.0] * WEEKS, abs=1e-12)
    prices = best_lists()[0]
    earned, held = (list_ @ shop.demand.units(list_) for list_ in (prices, shop.price))
    assert result["best_possible"] == pytest.approx(earned / held - 1)
    assert result["one_list"]["season"]["true"] == pytest.approx(result["list"]["true"])
    assert result["covered"]["list"] == (0.05 <= earned / held - 1 <= 0.15)
    assert result["changes"]["broken"] == 0
    assert result["changes"]["step"] <= 0.05 + 1e-9
    assert 0.009 < result["changes"]["index_week"] <= np.log(1.01)


def test_all_sales_of_the_season_are_fed_back_from_the_second_week_on_and_kept_from_the_frozen_belief(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    seen: list[int] = []

    def counting(table: pd.DataFrame, sales: pd.DataFrame | None) -> pd.Series:
        seen.append(0 if sales is None else sales["date"].nunique())
        return learning(table, sales)

    result = close_loop(shop, settings, chain_of(counting, CLAIM), WEEKS, tmp_path)
    assert seen == [0, 7, 14, 21, 0, 0, 0, 0]
    assert result["frozen"]["season"]["true"] == 0.0
    assert result["season"]["true"] != 0.0
    sales = pd.read_parquet(tmp_path / "sales.parquet")
    assert sales["date"].min() == shop.history["date"].max() + pd.Timedelta(days=1)


def test_the_arm_without_substitutes_overlooks_that_siblings_pay_for_a_cut(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    arm = close_loop(shop, settings, chain_of(holding, CLAIM), WEEKS, tmp_path)["independent"]
    assert 1.5 * 0.01 < arm["list"]["lift"] < 1.7 * 0.05, "at -2.5, a cut of 1 % brings 1.5 % of revenue"
    assert (arm["list"]["low"], arm["season"]["high"]) == (None, None)
    assert arm["list"]["true"] < 0.5 * arm["list"]["lift"]


def test_a_cut_of_a_fifth_breaks_the_rules_and_loses_where_the_siblings_pay_for_it(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    cut = chain_of(lambda table, _: (0.8 * table[PRICE]).round(2), {"lift": 0.2, "low": 0.19, "high": 0.21})
    measured = bench_closed_loop(settings, [("nested", 1)], cut, weeks=WEEKS, folder=tmp_path, say=print)
    totals = measured["totals"]["all"]
    assert measured["totals"]["nested"] == totals
    assert totals["true"] == pytest.approx(-0.09, abs=0.02)
    assert (totals["passed"], totals["losing_passed"], totals["coverage_list"]) == (1, 1, 0.0)
    assert totals["losing_passed_season"] == 1
    assert totals["share_of_possible"] is not None
    assert totals["share_of_possible"] < 0
    assert totals["width_of_passed"] == pytest.approx(0.05), "half of 0.02 over a claim of 0.2"
    assert measured["shops"][0]["moves"]["at_ends"] == 64
    assert measured["shops"][0]["changes"]["broken"] == 64 * WEEKS
    json.dumps(measured, allow_nan=False)


def test_totals_tell_shops_that_passed_and_independent_products_apart(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    lost = close_loop(shop, settings, chain_of(holding, CLAIM, verdict="FAIL"), 1, tmp_path)
    won: ShopResult = {**lost, "verdict": "PASS", "kind": "independent", "best_possible": 0.04}
    won["list"], won["season"] = ({"lift": 0.02, "low": 0.01, "high": 0.05, "true": 0.03} for _ in range(2))
    won["covered"], won["best_possible_season"] = {"list": True, "season": True}, 0.06
    totals = totals_of([lost, won])
    assert list(totals) == ["all", "nested", "independent"]
    everything = totals["all"]
    assert (everything["coverage_list"], everything["coverage_list_passed"]) == (0.5, 1.0)
    assert (everything["coverage_season"], everything["coverage_season_passed"]) == (0.5, 1.0)
    assert everything["share_of_possible"] == pytest.approx(0.03 / (0.04 + lost["best_possible"]))
    assert everything["share_of_passed"] == pytest.approx(0.75)
    assert everything["share_of_independent"] == pytest.approx(0.75)
    assert everything["share_of_independent_season"] == pytest.approx(0.5)
    assert everything["width_of_passed"] == pytest.approx(1.0), "half of 0.04 over a claim of 0.02"
    assert (totals["nested"]["share_of_passed"], totals["nested"]["share_of_independent"]) == (None, None)
    figure_of([lost, won]).savefig(tmp_path / "out.png")
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_a_lift_that_was_not_shown_is_neither_covered_nor_missed(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    silent = chain_of(holding, {"lift": None, "low": None, "high": None})
    result = close_loop(shop, settings, silent, WEEKS, tmp_path)
    assert result["covered"] == {"list": None, "season": None}


def test_a_list_without_a_product_is_refused(shop: TrueShop, settings: Settings, tmp_path: Path) -> None:
    lacking = chain_of(lambda table, _: table[PRICE].where(table["product_id"] != "p007"), CLAIM)
    with pytest.raises(ValueError, match="no price for p007 in all"):
        close_loop(shop, settings, lacking, WEEKS, tmp_path)


def test_shops_go_through_the_kinds_in_turn_with_the_next_seed_each_time_round() -> None:
    assert shops_of(3, 5, ["ces", "logit"]) == [("ces", 5), ("logit", 5), ("ces", 6)]
    assert shops_of(3, 5, ["ces", "logit"], 2)[3:] == [("ces", 7), ("logit", 7), ("ces", 8)]
    assert len(set(shops_of(20, 1, [], 3))) == 60
    with pytest.raises(ValueError, match=r"`--kind` must name a kind of shop: nested, .*Received: cse"):
        shops_of(1, 1, ["cse"])


@pytest.mark.slow
def test_the_command_closes_the_loop_of_three_shops(tmp_path: Path) -> None:
    kinds = ["nested_cost", "independent", "linear_cost"]
    chosen = [part for kind in kinds for part in ("--kind", kind)]
    options = [part for value in TINY for part in ("--set", value)]
    folder, out, picture = tmp_path / "shops", tmp_path / "out.json", tmp_path / "out.png"
    where = ["--folder", str(folder), "--json", str(out), "--plot", str(picture)]
    finished = repricer(
        "bench", "closed-loop", "--shops", "3", "--weeks", "2", "--jobs", "2", *chosen, *options, *where
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    measured = json.loads(out.read_text())
    assert [shop["kind"] for shop in measured["shops"]] == kinds, "as chosen, not as they ended"
    assert list(measured["totals"]) == ["all", *kinds]
    for shop in measured["shops"]:
        assert set(ShopResult.__annotations__) == set(shop)
        assert sum(shop["moves"][name] for name in ("up", "down", "held")) == 64
        regret = shop["best_possible"] - shop["list"]["true"]
        assert shop["weekly_regret"][0] == pytest.approx(regret)
        assert shop["one_list"]["weekly_regret"][0] == pytest.approx(regret)
        assert len(shop["weekly_regret"]) == 2
        for part in (folder / shop["shop"], folder / shop["shop"] / "frozen"):
            assert len(list(part.glob("list_*.csv"))) == 2, part
        assert shop["shop"] in finished.stdout
    first = measured["shops"][0]
    assert first["objective"] == "profit"
    assert first["best_possible"] == pytest.approx(0.042, abs=0.001), "the truth does not hang on the chain"
    assert picture.stat().st_size > 10_000
