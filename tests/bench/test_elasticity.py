"""The benchmark of the price response: the names of its JSON stay, and its simulated shops say what holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from conf import load
from tasks.bench.cases.simulated_shop import simulated_shop
from tasks.bench.elasticity import bench_elasticity, bench_memory, bench_simulated


def test_bench_elasticity_takes_a_table_with_other_names_without_stores_and_costs(tmp_path: Path) -> None:
    shop = simulated_shop(np.random.default_rng(1), products=4, weeks=120)
    table = shop.sales.drop(columns="store_id").rename(columns={"price": "net_price"}).assign(deal=0.0)
    table.loc[::5, "deal"] = 1.0
    table.to_csv(tmp_path / "sales.csv", index=False)
    measured = bench_elasticity(tmp_path / "sales.csv", load("default", ["source.columns.price=net_price"]))
    assert set(measured) == {"products", "flags", "promotable", "seconds", "predictive_check"}
    names = {
        "product_id",
        "elasticity",
        "low",
        "high",
        "method",
        "first_stage_f",
        "first_half",
        "second_half",
        "identified",
        "reason",
    }
    for row, truth in zip(measured["products"], shop.truth, strict=True):
        assert names <= set(row)
        assert row["first_stage_f"] is None
        assert row["elasticity"] == pytest.approx(truth, abs=1.0)
    json.dumps(measured, allow_nan=False)


def test_bench_elasticity_holds_everything_where_the_unseen_cannot_be_ruled_out() -> None:
    shops = bench_simulated(1, load("default", []))
    assert shops["unobserved_shocks_without_cost"]["promotable"] == 0
    assert shops["unobserved_shocks_without_cost"]["bias"] > 0.7
    assert abs(shops["unobserved_shocks_with_cost"]["bias"]) < 0.25


def test_bench_memory_says_how_often_the_interval_holds_what_buyers_remember() -> None:
    measured = bench_memory(2, load("default", []))
    for kind, effect in (("remembers_nothing", 0.0), ("remembers", 0.3)):
        figures = measured[kind]
        assert figures["true_effect"] == effect
        assert figures["covered"] == 2, f"{kind}: the interval holds the truth in {figures['covered']} of 2"
        assert figures["elasticity"] == pytest.approx(figures["true_elasticity"], abs=0.5)
    json.dumps(measured, allow_nan=False)
