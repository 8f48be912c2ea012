"""The summary of a retraining: what is to be known of the source stands among its reasons."""

from __future__ import annotations

import json
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
from tasks.stages.headline import GATES, headline
from tasks.stages.summary_page import POLICY_ORDER, as_markdown
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
CLAIM |= {"assumed": 0, "refusal": "", "lift": 0.02, "low": 0.01, "high": 0.03, "at_ends_share": 1 / 3}
CLAIM |= {"gain": 12.3, "gain_low": 6.1, "gain_high": 18.5, "assumed_margins": None}
TEA = {"category": "tea", "up": 1, "down": 0, "held": 2, "mean_change": 0.01, "gain": 13.3}
BREAD = {"category": "bread|rolls", "up": 0, "down": 2, "held": 1, "mean_change": -0.02, "gain": -1.0}
CLAIM |= {"categories": [TEA, BREAD]}


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.track, "stage_seconds", lambda _attempt: {"prepare": 1.0})
    for name in ("log_headlines", "note"):
        monkeypatch.setattr(stage.track, name, lambda *_arguments: None)
    monkeypatch.setattr(stage, "champion_beside", lambda _settings: None)
    monkeypatch.setattr(stage, "show_list", lambda *_arguments: None)
    monkeypatch.setattr(stage, "describe", lambda *_arguments: None)
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
            "list": dict(CLAIM),
            "off_policy": None,
            "gates": [{"name": "trial_lift", "passed": True}],
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
    stages["evaluate"]["gates"] = []
    attempt = Attempt(id="a", folder=str(tmp_path), run_id="r")
    versions: Any = {}
    summary = stage.summarise(attempt, Settings(), stages, versions=versions, peak_memory_mb=1.0)
    assert summary["reasons"] == ["lift 4 %", *notes]


def test_the_headline_says_verdict_gain_and_prices_in_one_sentence(untracked: None, tmp_path: Path) -> None:
    summary = summary_of(tmp_path, 1.0, "revenue")
    assert headline(summary) == "PASS: +2.0 % revenue a week (1.0 to 3.0); 1 prices up, 2 down, 3 held"
    assert as_markdown(summary, "default").splitlines()[2] == f"**{headline(summary)}**"
    summary["list"]["assumed_margins"] = [0.3, 0.3]
    assert "(1.0 to 3.0, at an assumed margin of 30 %)" in headline(summary)
    summary["list"]["assumed_margins"] = [0.2, 0.35]
    assert "at assumed margins of 20 % to 35 %" in headline(summary)
    summary["list"] |= {"lift": None, "low": None, "high": None}
    assert headline(summary).startswith("PASS: change in revenue not known; ")


def test_the_headline_of_a_failure_says_on_what_it_failed(untracked: None, tmp_path: Path) -> None:
    summary = summary_of(tmp_path, 1.0, "revenue")
    summary |= {"verdict": "FAIL", "failed_gates": ["trial_lift", "forecast", "forecast_varies"]}
    assert headline(summary).startswith("FAIL on the lift of the trial, the forecast: +2.0 % revenue a week")


def test_every_gate_of_a_candidate_has_its_words(untracked: None, tmp_path: Path) -> None:
    for gate in ("forecast", "response_predicts", "policy_over_hold", "trial_lift", "list_lift"):
        assert gate in GATES


def test_the_page_says_what_the_candidate_would_do(untracked: None, tmp_path: Path) -> None:
    page = as_markdown(summary_of(tmp_path, 1.0, "revenue", "EUR"), "default")
    assert "## What version 1 would do" in page
    assert "- Of 6 prices: 1 up, 2 down, 3 held; 2 (33 %) take the largest step of a week; " in page
    gain = "+12.30 (+6.10 to +18.50) a week, EUR; +2.0 % revenue"
    assert f"- Expected gain: {gain}, substitutes counted." in page
    assert "| tea | 1 | 0 | 2 | +1.0 % | +13.30 |" in page
    assert "| bread/rolls | 0 | 2 | 1 | -2.0 % | -1.00 |" in page
    unnamed = as_markdown(summary_of(tmp_path, 1.0, "revenue"), "default")
    assert "gain a week (in the currency of the table)" in unnamed


def test_many_categories_are_the_largest_and_one_row_of_the_rest(untracked: None, tmp_path: Path) -> None:
    summary = summary_of(tmp_path, 1.0, "revenue", "EUR")
    summary["list"]["categories"] = [TEA | {"category": f"c{i}", "gain": float(i)} for i in range(20)]
    page = as_markdown(summary, "default")
    assert "| c19 |" in page
    assert "| c7 |" not in page
    assert "| 8 others | 8 | 0 | 16 | +1.0 % | +28.00 |" in page


@pytest.mark.parametrize(
    ("champion", "sentence"),
    [
        (None, "No champion yet: the comparison is with the prices in force."),
        (
            {"version": 3, "lift": 0.018, "low": 0.01, "high": 0.026},
            "Champion: version 3; its list promised +1.8 % (1.0 to 2.6) when it was registered.",
        ),
        (
            {"version": 3, "lift": None, "low": None, "high": None},
            "Champion: version 3; what its list would change was not recorded.",
        ),
    ],
)
def test_the_champion_stands_beside_the_candidate(
    untracked: None, tmp_path: Path, champion: Any, sentence: str
) -> None:
    summary = summary_of(tmp_path, 1.0, "revenue")
    summary["champion"] = champion
    assert f"- {sentence}" in as_markdown(summary, "default")


def test_the_new_names_of_the_json(untracked: None, tmp_path: Path) -> None:
    summary = summary_of(tmp_path, 1.0, "revenue")
    assert summary["failed_gates"] == []
    assert summary["champion"] is None
    stored = json.loads((tmp_path / "summary.json").read_text())
    assert stored["list"]["gain"] == 12.3
