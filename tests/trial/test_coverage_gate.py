"""The gate of the forecast's 80 % interval passes what covers 80 %, and refuses what does not."""

from __future__ import annotations

from typing import Any

import pytest

from conf import load
from tasks.trial.candidate_gates import MIN_PERIODS, coverage_gate
from tasks.trial.evaluation_settings import EvaluationSettings

SETTINGS = EvaluationSettings(**load("default", []).evaluate.model_dump())


def row(value: float, error: float = 0.02, periods: int = 1000) -> dict[str, Any]:
    return {"value": value, "low": value - error, "high": value + error, "periods": periods}


@pytest.mark.parametrize("value", [0.71, 0.8, 0.89])
def test_coverage_near_80_percent_passes(value: float) -> None:
    assert coverage_gate({"all": row(value), "slow": row(value)}, SETTINGS).passed


@pytest.mark.parametrize("value", [0.15, 0.66, 0.95])
def test_coverage_far_from_80_percent_is_refused_on_either_side(value: float) -> None:
    gate = coverage_gate({"all": row(value)}, SETTINGS)
    assert not gate.passed
    assert f"all series ({value:.1%} covered), is" in gate.sentence


def test_slow_movers_are_refused_though_all_series_together_pass() -> None:
    gate = coverage_gate(
        {"all": row(0.78), "slow": row(0.15, 0.05, MIN_PERIODS), "rest": row(0.81)}, SETTINGS
    )
    assert not gate.passed
    assert gate.value == pytest.approx(0.6)
    assert "slow movers" in gate.sentence


def test_too_few_periods_of_slow_movers_are_not_looked_at_alone() -> None:
    assert coverage_gate({"all": row(0.78), "slow": row(0.15, 0.05, MIN_PERIODS - 1)}, SETTINGS).passed


def test_a_miss_within_the_sampling_error_passes_and_the_tolerance_is_the_setting() -> None:
    assert coverage_gate({"all": row(0.65, error=0.06)}, SETTINGS).passed
    strict = EvaluationSettings(**load("default", ["evaluate.coverage_tolerance=0.05"]).evaluate.model_dump())
    assert not coverage_gate({"all": row(0.65, error=0.06)}, strict).passed


def test_without_a_held_out_unit_the_coverage_is_not_known_and_does_not_pass() -> None:
    gate = coverage_gate({}, SETTINGS)
    assert not gate.passed
    assert "not known" in gate.sentence
