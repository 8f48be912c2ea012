"""What the store knows of two versions: their verdicts, gates and figures, side by side."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from tasks.demand.paired_error import error_difference
from tasks.governance.approval import VERDICT
from tasks.governance.champion import HEAD
from tasks.operations.comparison.records import GateResult, GateRow, MetricRow, Reading, Side
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import track
from tasks.trial.gate_words import limit_of, title_of, value_of
from tasks.trial.gates import Gate

GATES_FILE = ("evaluate", "verdict.json")
HELD_OUT_FILE = ("forecast", "held_out/blend.parquet")
REASONS = " · "  # between the reasons in a tag


class Metric(NamedTuple):
    """A figure that versions are compared by: its words, the names of its metrics, which way is better."""

    title: str
    value: str
    low: str = ""
    high: str = ""
    unit: str = "share"
    better: str = "higher"


METRICS = {
    "season": Metric(
        "Gain of a season of lists, simulated", "trial.lift", low="trial.low", high="trial.high"
    ),
    "over_hold": Metric(
        "Gain of the policy over holding all prices",
        "gain.over_hold",
        low="gain.over_hold.low",
        high="gain.over_hold.high",
    ),
    "wape": Metric("Forecast error, held out (WAPE)", "forecast.blend.wape", better="lower"),
    "coverage": Metric(
        "Held-out sales inside the 80 % band",
        "forecast.coverage_randomised.all",
        low="forecast.coverage_randomised.all.low",
        high="forecast.coverage_randomised.all.high",
        better="",
    ),
    "elasticity": Metric("Median elasticity", "response.median_elasticity", unit="number", better=""),
    "width": Metric(
        "Width of the elasticities' intervals, median",
        "response.median_width",
        unit="number",
        better="lower",
    ),
}
"""Figures that every retraining logs, in the order in which they are shown."""


def side_of(version: int, policy: PolicyModel, approved: int | None) -> Side:
    """Return what a version says of itself; ``approved`` is the version that is champion."""
    tags = track.version_tags(HEAD, version) or {}
    claim = (track.json_of_version(HEAD, version, *GATES_FILE) or {}).get("list", {})
    return Side(
        version=version,
        name=f"{'champion ' if version == approved else ''}version {version}",
        verdict=tags.get(VERDICT, "missing"),
        headline=tags.get("headline", ""),
        trained=f"{policy.trained:%Y-%m-%d}",
        data_hash=tags.get("data_hash", ""),
        run=track.run_of_version(HEAD, version),
        reasons=[reason for reason in tags.get("reasons", "").split(REASONS) if reason],
        doubt=claim.get("refusal", ""),
        assumed_margins=claim.get("assumed_margins"),
    )


def gate_rows(candidate: int, champion: int | None) -> list[GateRow]:
    """Return the gates of both versions, those that the candidate failed first."""
    ours, theirs = _gates(candidate), {} if champion is None else _gates(champion)
    rows = [
        GateRow(name=name, title=title_of(name), candidate=ours.get(name), champion=theirs.get(name))
        for name in dict.fromkeys([*ours, *theirs])
    ]
    return sorted(rows, key=lambda row: row["candidate"] is None or row["candidate"]["passed"])


def _gates(version: int) -> dict[str, GateResult]:
    """Return what the gates of a version measured, empty where its evaluation is not in the store."""
    recorded = track.json_of_version(HEAD, version, *GATES_FILE) or {"gates": []}
    gates = [Gate(**gate) for gate in recorded["gates"]]
    return {
        gate.name: GateResult(
            text=value_of(gate),
            limit=limit_of(gate),
            value=gate.value,
            passed=gate.passed,
            untested=gate.untested,
        )
        for gate in gates
    }


def metric_rows(candidate: int, champion: int | None, confidence: float) -> list[MetricRow]:
    """Return the figures of both versions; of the forecast error the difference on the same periods.

    Args:
        candidate, champion: versions of the policy.
        confidence: probability of the interval of a difference.
    """
    ours = track.headlines_of_version(HEAD, candidate)
    theirs = {} if champion is None else track.headlines_of_version(HEAD, champion)
    differences = {"wape": None if champion is None else _error_difference(candidate, champion, confidence)}
    return [
        MetricRow(
            name=name,
            title=metric.title,
            unit=metric.unit,
            better=metric.better,
            candidate=_reading(metric, ours),
            champion=_reading(metric, theirs),
            difference=differences.get(name),
        )
        for name, metric in METRICS.items()
        if metric.value in ours or metric.value in theirs
    ]


def _reading(metric: Metric, logged: Mapping[str, float]) -> Reading | None:
    """Return a logged figure with its interval, as far as that was logged."""
    if metric.value not in logged:
        return None
    return Reading(value=logged[metric.value], low=logged.get(metric.low), high=logged.get(metric.high))


def _error_difference(candidate: int, champion: int, confidence: float) -> Reading | None:
    """Return how much more the candidate's forecast errs on the held-out periods that both have."""
    ours, theirs = _held_out(candidate), _held_out(champion)
    if ours is None or theirs is None:
        return None
    difference = error_difference(ours, theirs, confidence)
    if difference is None:
        return None
    return Reading(value=difference["value"], low=difference["low"], high=difference["high"])


def _held_out(version: int) -> pd.DataFrame | None:
    """Return the held-out forecasts of a version, none where they are not in the store."""
    content = track.file_of_version(HEAD, version, *HELD_OUT_FILE)
    return None if content is None else pd.read_parquet(io.BytesIO(content))
