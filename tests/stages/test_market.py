"""The stages hand their own section, the response and the rules of the shop to the market."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conf import Settings, load
from tasks.governance.shelf_prices import SLOW_REFERENCE
from tasks.pricing.greedy import Greedy
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.products import products_of
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tasks.runtime.artifacts import save_arrays, save_json, save_table
from tasks.runtime.records import Effect, Priced, Responded
from tasks.stages.market import guard_of, market_table, plan_of, policy_of, response_of
from tests.pricing.small_market import gainful_weights, model_of, random_groups, shop_rules
from tests.pricing.test_market_table import response

DRAWS = {
    "within": np.array([[2.0, -0.3], [2.5, 3.0]]),
    "whole": np.array([[1.0, 0.5], [1.1, 0.6]]),
    "curve": np.array([0.0, 1.0]),
}


def responded(folder: Path, memory: float) -> Responded:
    """Return a stored response of two products, groups of their own."""
    answer = response(["a", "b"])
    table = save_table(answer.elasticities, folder / "elasticities.parquet")
    return Responded(
        elasticities=table,
        reference_memory=memory,
        reference_effect=Effect(estimate=0.1, low=0.0, high=0.2),
        rival_cross=Effect(estimate=0.5, low=0.0, high=1.0),
        rival_reaction=Effect(estimate=0.2, low=0.0, high=0.4),
        identified=1,
        not_identified=0,
        median_elasticity=-2.0,
        median_width=0.5,
        groups=table,
        group_products=save_table(answer.groups, folder / "group_products.parquet"),
        group_draws=save_arrays(DRAWS, folder / "group_draws.npz"),
        groups_refused="",
        model_files={},
    )


def sales() -> pd.DataFrame:
    """Return half a year of two products at 2.00, a cost known of one."""
    dates = pd.date_range("2025-01-06", periods=26, freq="7D", unit="us")
    frames = [pd.DataFrame({"date": dates, "product_id": name, "unit_cost": cost}) for name, cost in COSTS]
    return pd.concat(frames, ignore_index=True).assign(store_id="all", category="x", units=5.0, price=2.0)


COSTS = (("a", 1.2), ("b", np.nan))


def market(*sets: str, prices: float = 2.0) -> pd.DataFrame:
    settings = load("smoke", ["source.period=W", *sets])
    outlook = pd.DataFrame({"product_id": ["a", "b"], "store_id": "all", "mean": 7.0})
    return market_table(settings, sales().assign(price=prices), outlook, response(["a", "b"]))


def test_the_market_takes_its_effects_and_slopes_from_the_response(tmp_path: Path) -> None:
    answer = response_of(responded(tmp_path, 0.6))
    effects = answer.effects
    assert (effects.reference_memory, effects.reference_effect) == (0.6, 0.1)
    assert (effects.rival_cross, effects.rival_reaction) == (0.5, 0.2)
    assert answer.slopes.within.tolist() == [[2.0, 0.05], [2.5, 3.0]], "no dearer product sells more"
    np.testing.assert_array_equal(answer.slopes.whole, DRAWS["whole"])
    assert answer.groups["group"].tolist() == [0, 1]


def test_the_plan_of_the_stage_changes_only_with_its_section_and_the_source() -> None:
    plain = plan_of(load("smoke", []))
    assert plan_of(load("smoke", ["respond.reference_memory=0.1", "evaluate.markets=7"])) == plain
    assert plan_of(load("smoke", ["price.markup=0.5"])).markup == 0.5
    assert plan_of(load("smoke", ["source.period=W"])).period == "W"


def test_the_rules_of_the_shop_reach_the_market_and_the_guard_alike() -> None:
    settings = load("smoke", ["price.guard.step=0.04", "price.guard.index_season=0.02"])
    plan, guard = plan_of(settings), guard_of(settings)
    assert (plan.step, plan.index_week, plan.index_season) == (0.04, 0.01, 0.02)
    assert (guard.step, guard.index_week, guard.index_season) == (0.04, 0.01, 0.02)


def test_every_price_of_the_market_has_its_band() -> None:
    table = market("price.guard.band=0.1")
    assert table[SLOW_REFERENCE].tolist() == [2.0, 2.0]
    assert table["lowest"].tolist() == pytest.approx([1.8, 1.8])
    assert table["highest"].tolist() == pytest.approx([2.2, 2.2])
    products = products_of(table, response(["a", "b"]).slopes)
    assert products.lowest.tolist() == pytest.approx([1.8, 1.8])


@pytest.mark.parametrize(
    ("objective", "aim", "costs", "assumed"),
    [
        ("auto", "profit", [1.2, 1.5], [False, True]),
        ("profit", "profit", [1.2, np.nan], None),
        ("revenue", "revenue", [1.2, np.nan], None),
    ],
)
def test_the_automatic_objective_is_profit_at_an_assumed_margin(
    objective: str, aim: str, costs: list[float], assumed: list[bool] | None
) -> None:
    sets = [f"price.objective={objective}", "price.margins={x: 0.25}"]
    assert plan_of(load("smoke", sets)).objective == aim
    table = market(*sets)
    np.testing.assert_allclose(table["unit_cost"], costs)
    assert (table["cost_assumed"].tolist() if "cost_assumed" in table else None) == assumed


def stored(model: PolicyModel, folder: Path) -> Priced:
    """Return the record of a policy, stored as the stage stores it."""
    table = save_table(model.market, folder / "market.parquet")
    return Priced(
        market=table,
        objective=model.rules.objective,
        learning=table,
        policy={},
        gains={},
        distinct_prices=5,
        model_files={
            "policy_market": table,
            "policy_draws": save_arrays(model.slopes.arrays, folder / "policy_draws.npz"),
            "policy_rules": save_json(model.rules.to_json(), folder / "policy_rules.json"),
            "policy_weights": save_arrays(model.policy.weights, folder / "policy_weights.npz"),
            "policy_prices": save_json({"decimals": None}, folder / "policy_prices.json"),
        },
    )


def grouped_policy() -> PolicyModel:
    shop = random_groups([1, 3, 2], seed=1)
    return model_of(shop, shop_rules(reference_effect=0.2), Greedy(gainful_weights()))


def dated_policy() -> PolicyModel:
    """Return a policy that knows when its training ended, as commands need it."""
    model = grouped_policy()
    return replace(model, market=model.market.assign(date=pd.Timestamp("2026-01-04")))


def test_a_stored_policy_writes_the_same_list(tmp_path: Path) -> None:
    model = grouped_policy()
    read = policy_of(stored(model, tmp_path))
    lists = [price_list(policy, in_force(policy), Variation(0.0, 0.05), 1) for policy in (model, read)]
    pd.testing.assert_frame_equal(*lists)


def test_the_served_model_answers_with_the_same_list(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from tasks.served.policy import PricingPolicy

    model = grouped_policy()
    files = stored(model, tmp_path)["model_files"]
    served = PricingPolicy()
    served.load_context(SimpleNamespace(artifacts={name: file["path"] for name, file in files.items()}))
    answer, prices = served.predict(None, in_force(model)), in_force(model)
    ids = ["product_id", "store_id"]
    pd.testing.assert_frame_equal(answer[ids], prices[ids])
    recommended = model.recommend(prices)
    pd.testing.assert_frame_equal(answer.drop(columns=ids), recommended, check_exact=False)


def test_the_claim_is_of_the_list_that_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext
    from unittest.mock import MagicMock

    from tasks.pricing.list_claim import list_claim
    from tasks.runtime import track
    from tasks.runtime.artifacts import load_table
    from tasks.runtime.attempt import Attempt
    from tasks.stages.claim import claim

    monkeypatch.setattr(track, "stage_run", lambda *_: nullcontext(MagicMock()))
    model = dated_policy()
    attempt = Attempt(id="a", folder=str(tmp_path), run_id="r")
    answer = responded(tmp_path, 0.6) | {"groups_refused": "no index moves"}
    claimed = claim.fn(attempt, Settings(), answer, stored(model, tmp_path))
    table = load_table(claimed["prices"])
    expected = list_claim(table, model.products, model.rules, confidence=0.95, refusal="no index moves")
    assert claimed["list"] == expected
    assert claimed["list"]["up"] + claimed["list"]["down"] + claimed["list"]["held"] == 6


def test_the_market_of_a_retraining_obeys_the_hard_rules_of_the_guard(tmp_path: Path) -> None:
    rules = tmp_path / "rules.csv"
    rules.write_text("scope,name,most_price,step,approved_by\nproduct,b,2.04,0.02,\n")
    sets = ("guard.margin_floor=0.6", "guard.least_price=1.7", f"guard.rules={rules}")
    table = market(*sets, "price.guard.band=0.2").set_index("product_id")
    assert table.loc["a", ["lowest", "highest"]].tolist() == pytest.approx([1.92, 2.4]), "1.20 x 1.6"
    assert table.loc["b", ["lowest", "highest"]].tolist() == pytest.approx([1.7, 2.04]), "1.4 is assumed"
    assert table.loc["b", ["hard_low", "hard_high"]].tolist() == [1.7, 2.04]
    assert table["step"].fillna(0).tolist() == [0.0, 0.02], "a is held to that of the settings"
    shop = products_of(table.reset_index(), response(["a", "b"]).slopes)
    allowed = shop_rules().allowed(shop, np.ones(2))
    assert [np.flatnonzero(row).tolist() for row in allowed] == [[1, 2, 3, 4], [2]], (
        "1.95 to 2.10; 2.00 alone"
    )


def test_the_market_counts_assumed_costs_as_floors_once_they_are_agreed() -> None:
    sets = ("price.margins={x: 0.02}", "price.guard.band=0.2")
    assert market(*sets)["lowest"].tolist() == pytest.approx([1.6, 1.6])
    agreed = market(*sets, "guard.margins_agreed_by=Ada")
    assert agreed["lowest"].tolist() == pytest.approx([1.6, 1.96])
