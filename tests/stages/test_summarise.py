"""The summary of a retraining: what is to be known of the source stands among its reasons."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.runtime.artifacts import Artifact, save_table
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Versions
from tasks.stages import summarise as stage
from tasks.stages.summary_page import POLICY_ORDER, as_markdown, headline
from tests.conftest import MODELS

TRIAL = {
    "lift": None,
    "low": None,
    "high": None,
    "luck_low": None,
    "luck_high": None,
    "srm_p": 0.5,
    "aa_found": 0.05,
    "aa_trials": 20,
}
CLAIM = {"objective": "revenue", "up": 1, "down": 2, "held": 3, "at_ends": 2, "index": 0.004}
CLAIM |= {"assumed": 0, "refusal": "", "lift": 0.02, "low": 0.01, "high": 0.03}


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.track, "stage_seconds", lambda _attempt: {"prepare": 1.0})
    for name in ("log_headlines", "note"):
        monkeypatch.setattr(stage.track, name, lambda *_arguments: None)
    monkeypatch.setattr(stage, "_headlines", lambda _summary: {})
    monkeypatch.setattr(stage, "as_markdown", lambda _summary, _settings: "")


def market(folder: Path, cost: float) -> Artifact:
    """Return a stored market of one product."""
    frame = pd.DataFrame({"product_id": ["a"], "price": 2.0, "unit_cost": cost})
    return save_table(frame, folder / "market.parquet")


def summary_of(folder: Path, cost: float, objective: str, currency: str | None = None) -> Any:
    """Return the summary of a retraining that earned its objective at a cost."""
    interval = {"value": 1.0, "low": 0.9, "high": 1.1}
    priced = {"policy": dict.fromkeys(POLICY_ORDER, interval), "objective": objective}
    stages: Any = {
        "prepare": {"data_hash": "h", "rows_in": 2, "rows_accepted": 2, "rows_quarantined": 0, "notes": []},
        "forecast": {"scores": defaultdict(dict), "coverage": {}, "lambda": 0.5},
        "respond": {"identified": 1, "not_identified": 0, "median_elasticity": -2.0},
        "price": priced | {"market": market(folder, cost)},
        "evaluate": {
            "reasons": ["lift 4 %"],
            "verdict": "PASS",
            "trial": TRIAL,
            "list": CLAIM,
            "off_policy": None,
        },
    }
    attempt, versions = Attempt(id="a", folder=str(folder), run_id="r"), Versions(**dict.fromkeys(MODELS, 1))
    settings = Settings(source={"currency": currency})
    return stage.summarise(attempt, settings, stages, versions=versions, peak_memory_mb=1.0)


@pytest.mark.parametrize(
    ("objective", "meaning"),
    [
        ("revenue", "the policy maximises revenue, which mostly lowers prices, and no price is protected"),
        ("profit", "the policy maximises profit, so every price holds"),
    ],
)
def test_without_any_cost_the_summary_begins_with_what_that_means(
    untracked: None, tmp_path: Path, objective: str, meaning: str
) -> None:
    summary = summary_of(tmp_path, np.nan, objective)
    assert summary["reasons"][0].startswith(f"No unit cost in the sales: {meaning}")
    assert "map unit_cost" in summary["reasons"][0]
    page = as_markdown(summary, "default").splitlines()
    assert page[4] == f"- {summary['reasons'][0]}", "the first reason under the headline"
    assert summary["reasons"][1:] == ["lift 4 %"]
    assert summary_of(tmp_path, 1.0, objective)["reasons"] == ["lift 4 %"]


def test_the_currency_stands_in_the_heading_and_in_the_json_where_it_is_named(
    untracked: None, tmp_path: Path
) -> None:
    named, plain = (summary_of(tmp_path, 1.0, "profit", code) for code in ("EUR", None))
    assert "| Policy, profit (EUR) per product-week in simulation |" in as_markdown(named, "default")
    assert "| Policy, profit per product-week in simulation |" in as_markdown(plain, "default")
    assert named.pop("currency") == "EUR"
    assert named == plain, "nothing else changes"


@pytest.mark.parametrize("notes", [[], ["product_id: 1 pair of ids differs only by case"]])
def test_notes_on_the_source_follow_the_reasons(untracked: None, tmp_path: Path, notes: list[str]) -> None:
    numbers: dict[str, Any] = defaultdict(float)
    prepared = {"data_hash": "h", "rows_in": 2, "rows_accepted": 2, "rows_quarantined": 0}
    stages = dict.fromkeys(("forecast", "respond"), numbers) | {
        "price": {"policy": {}, "objective": "profit", "market": market(tmp_path, 1.0)},
        "prepare": prepared | {"notes": notes},
        "evaluate": {"reasons": ["lift 4 %"], "verdict": "PASS", "trial": {}, "list": {}, "off_policy": None},
    }
    attempt = Attempt(id="a", folder=str(tmp_path), run_id="r")
    versions: Any = {}
    summary = stage.summarise(attempt, Settings(), stages, versions=versions, peak_memory_mb=1.0)
    assert summary["reasons"] == ["lift 4 %", *notes]


def test_the_headline_says_verdict_gain_and_prices_in_one_sentence(untracked: None, tmp_path: Path) -> None:
    summary = summary_of(tmp_path, 1.0, "revenue")
    assert headline(summary) == "PASS: +2.0 % revenue a week (1.0 to 3.0); 1 prices up, 2 down, 3 held"
    assert as_markdown(summary, "default").splitlines()[2] == f"**{headline(summary)}**"
    summary["list"] |= {"lift": None, "low": None, "high": None}
    assert headline(summary).startswith("PASS: change in revenue not known; ")
