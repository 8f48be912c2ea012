"""The closed loop: its verdict on chains known to be right, wrong or idle; the command as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from expectations.columns import PRICE, SERIES
from tasks.bench.cases.price_yardstick import Yardstick
from tasks.bench.cases.true_shops import TrueShop, true_shop
from tasks.bench.closed_loop import Chain, bench_closed_loop, close_loop, shops_of
from tests.conftest import repricer

WEEKS = 4
LADDER = np.linspace(0.8, 1.2, 9)
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


def chain_of(move: Any, trial: dict[str, float | None], listed: dict[str, float] | None = None) -> Chain:
    """Return a chain with these claims that prices by ``move`` (table of prices in force -> prices)."""

    def retrain(settings: Settings) -> dict[str, Any]:
        assert len(pd.read_parquet(str(settings.source.path))) == 64 * 364
        summary = {"objective": "revenue", "trial": trial, "verdict": "PASS", "reasons": []}
        return summary | {"versions": {"pricing_policy": 3}} | ({"list": listed} if listed else {})

    def recommend(settings: Settings, version: int, prices: str, out: str, seed: int) -> None:
        assert version == 3
        table = pd.read_csv(prices, dtype=dict.fromkeys(SERIES, "str"))
        logged = {"reference_price": table[PRICE], "randomised_price": 0.0, "propensity": 1.0}
        listed = table.assign(**{PRICE: move(table), **logged})
        listed.sample(frac=1, random_state=0).to_csv(out, index=False)

    return Chain(retrain=retrain, recommend=recommend)


@pytest.fixture
def shop() -> TrueShop:
    return true_shop("nested", 1)


@pytest.fixture
def settings() -> Settings:
    steps = {"ladder_low": LADDER[0], "ladder_high": LADDER[-1], "ladder_steps": len(LADDER)}
    return Settings(profile="closed_loop", price=steps)


def test_a_chain_that_holds_earns_nothing_and_regrets_the_same_every_week(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    result = close_loop(shop, settings, chain_of(lambda table: table[PRICE], CLAIM), WEEKS, tmp_path)
    assert result["list"] == {**CLAIM, "true": 0.0}
    assert result["season"] == {**CLAIM, "true": 0.0}
    assert result["covered"] == {"list": False, "season": False}
    assert result["weekly_regret"] == [result["best_possible"]] * WEEKS
    assert result["moves"] == {"up": 0, "down": 0, "held": 64, "at_ends": 0}
    assert {"list", "season", "share_of_possible", "weekly_regret"} == set(result["hold"])
    sales = pd.read_parquet(tmp_path / "sales.parquet")
    assert len(sales) == 64 * WEEKS * 7
    assert {"units", "price", "reference_price", "propensity", "randomised_price"} <= set(sales)


def test_the_best_list_earns_all_that_is_possible_and_its_truth_is_worked_out_by_hand(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    yardstick = Yardstick(shop=shop, objective="revenue", ladder=LADDER, decimals=2)
    best = chain_of(lambda _: yardstick.best, CLAIM, {**CLAIM, "up": 64})
    result = close_loop(shop, settings, best, WEEKS, tmp_path)
    assert result["claimed_by"] == "list"
    assert result["share_of_possible"] == 1.0
    assert result["weekly_regret"] == pytest.approx([0.0] * WEEKS, abs=1e-12)
    prices = yardstick.best
    earned, held = (list_ @ shop.demand.units(list_) for list_ in (prices, shop.price))
    assert result["best_possible"] == pytest.approx(earned / held - 1)
    assert result["one_list"]["season"]["true"] == pytest.approx(result["list"]["true"])
    assert result["covered"]["list"] == (0.05 <= earned / held - 1 <= 0.15)


def test_a_cut_of_a_fifth_loses_where_the_siblings_pay_for_it(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    cut = chain_of(lambda table: (0.8 * table[PRICE]).round(2), {"lift": 0.2, "low": 0.19, "high": 0.21})
    measured = bench_closed_loop(settings, [("nested", 1)], cut, weeks=WEEKS, folder=tmp_path, say=print)
    totals = measured["totals"]["all"]
    assert measured["totals"]["nested"] == totals
    assert totals["true"] == pytest.approx(-0.09, abs=0.02)
    assert (totals["passed"], totals["losing_passed"], totals["coverage_list"]) == (1, 1, 0.0)
    assert totals["losing_passed_season"] == 1
    assert totals["share_of_possible"] < 0
    assert totals["width_of_passed"] == pytest.approx(0.05), "half of 0.02 over a claim of 0.2"
    assert measured["shops"][0]["moves"]["at_ends"] == 64
    json.dumps(measured, allow_nan=False)


def test_a_lift_that_was_not_shown_is_neither_covered_nor_missed(
    shop: TrueShop, settings: Settings, tmp_path: Path
) -> None:
    silent = chain_of(lambda table: table[PRICE], {"lift": None, "low": None, "high": None})
    result = close_loop(shop, settings, silent, WEEKS, tmp_path)
    assert result["covered"] == {"list": None, "season": None}


def test_a_list_without_a_product_is_refused(shop: TrueShop, settings: Settings, tmp_path: Path) -> None:
    lacking = chain_of(lambda table: table[PRICE].where(table["product_id"] != "p007"), CLAIM)
    with pytest.raises(ValueError, match="no price for p007 in all"):
        close_loop(shop, settings, lacking, WEEKS, tmp_path)


def test_shops_go_through_the_kinds_in_turn_with_the_next_seed_each_time_round() -> None:
    assert shops_of(3, 5, ["ces", "logit"]) == [("ces", 5), ("logit", 5), ("ces", 6)]
    assert len(set(shops_of(20, 1, []))) == 20
    with pytest.raises(ValueError, match=r"`--kind` must name a kind of shop: nested, .*Received: cse"):
        shops_of(1, 1, ["cse"])


@pytest.mark.slow
def test_the_command_closes_the_loop_of_a_shop(tmp_path: Path) -> None:
    options = [part for value in TINY for part in ("--set", value)]
    where = ["--folder", str(tmp_path / "shops"), "--json", str(tmp_path / "out.json")]
    finished = repricer(
        "bench", "closed-loop", "--shops", "1", "--kind", "nested_cost", "--weeks", "2", *options, *where
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    measured = json.loads((tmp_path / "out.json").read_text())
    (shop,) = measured["shops"]
    assert {
        "list",
        "season",
        "best_possible",
        "share_of_possible",
        "verdict",
        "covered",
        "weekly_regret",
        "hold",
        "one_list",
    } <= set(shop)
    assert shop["objective"] == "profit"
    assert shop["best_possible"] == pytest.approx(0.408, abs=0.01), "the truth does not hang on the chain"
    assert sum(shop["moves"][name] for name in ("up", "down", "held")) == 64
    assert len(shop["weekly_regret"]) == 2
    first = shop["best_possible"] - shop["list"]["true"]
    assert shop["weekly_regret"][0] == pytest.approx(first)
    assert shop["one_list"]["weekly_regret"] == pytest.approx([first] * 2)
    assert "nested_cost-1" in finished.stdout
    assert len(list((tmp_path / "shops" / "nested_cost-1").glob("list_*.csv"))) == 2
