"""Prices that never move: a forecast, no identified product, and a verdict that says so; never an error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from expectations.rules import Limits
from tasks.response.elasticities import panel_response
from tasks.response.identification import Identification
from tasks.sources import files
from tasks.sources.acceptance import accept
from tests.conftest import repricer

DAYS = 240


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    days = pd.date_range("2025-01-01", periods=DAYS).strftime("%Y-%m-%d")
    parts = [
        pd.DataFrame(
            {"date": days, "product_id": f"p{i}", "units": rng.poisson(5 + i, DAYS), "price": 3.0 + i}
        )
        for i in range(4)
    ]
    path = tmp_path / "flat.csv"
    pd.concat(parts).assign(unit_cost=1.5).to_csv(path, index=False)
    return path


def test_prices_that_never_move_are_accepted_and_identify_no_product(flat: Path) -> None:
    limits = Limits(period="D", future_hours=24, level_shift=20, spike=50, quarantine_share=0.05)
    sales = accept(files.read(flat, {}, None), limits, pd.Timestamp("2026-01-01")).sales
    identification = Identification(
        confidence=0.95,
        min_prices=4,
        min_price_variation=0.03,
        min_periods=26,
        max_width=4.0,
        reference_memory=0.7,
    )
    response = panel_response(sales, "D", identification)
    assert response.table["reason"].tolist() == ["its price never moved"] * 4
    assert response.median_elasticity is None


@pytest.mark.slow
def test_a_retraining_on_prices_that_never_move_forecasts_and_fails_its_gates(
    flat: Path, tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    done = repricer(
        *("retrain", "--profile", "smoke", "--source", "file", "--data", str(flat)),
        *("--set", f"data_folder={tmp_path / 'var'}", "--json", str(result)),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(result.read_text())
    assert summary["verdict"] == "FAIL"
    assert summary["response"] == {"identified": 0, "not_identified": 4, "median_elasticity": None}
    assert np.isfinite(summary["forecast"]["scores"]["blend"]["wape"])
    assert any("identified products is 0" in reason for reason in summary["reasons"]), summary["reasons"]
