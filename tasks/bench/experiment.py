"""Benchmark: the analysis of experiments against known answers, known policy values, and a clock."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.bench.cases.known_log import PRICES, TARGETS, drawn, target
from tasks.operations.experiment_analyze import table_at
from tasks.runtime.memory import peak_memory
from tasks.trial.analysis import analyse
from tasks.trial.corrections import CORRECTIONS
from tasks.trial.errors import OutsideSupport
from tasks.trial.moments import analyse_moments
from tasks.trial.off_policy import evaluate
from tasks.trial.power import units_for_mean, units_for_proportion
from tasks.trial.ratio import sample_ratio
from tasks.trial.results import as_json
from tasks.trial.spec import read_spec
from tasks.trial.table import read_rows

Say = Callable[[str], None]

LOGS = 400  # simulated logs of a policy and a size
LOG_SIZES = (1000, 10_000)  # decisions
LIFT = 0.05
DAYS = 28
VISITS = 5  # mean rows of a visitor
CHUNK = 1_000_000  # rows written at once
METRICS = {
    "mean_revenue": ("revenue", ""),
    "ratio_rev_per_session": ("per_session", ""),
    "cuped_revenue": ("revenue", "cuped_"),
    "proportion_conversion": ("conversion", ""),
}
CORRECTION_KEYS = {"bonferroni": "bonferroni", "holm": "holm", "bh": "benjamini_hochberg"}
EFFECTS = {"abs": "absolute", "rel": "relative"}
FIELDS = {"diff": "difference", "se": "se", "df": "df", "p": "p", "lo": "low", "hi": "high"}


def reproduce(cases: Mapping[str, Any]) -> dict[str, Any]:
    """Recompute the expected values of a file of known answers and return the largest deviation by part.

    The file gives conversions only through its answers: the counts are the whole numbers behind difference
    and relative lift.
    """
    expected = cases["expected"]
    ours = _analysed(cases)
    deviations: dict[str, float] = {}
    for name, wanted in expected.items():
        if name == "cuped_theta":
            deviations[name] = abs(ours["revenue"]["theta"] - wanted)
        elif name == "cuped_var_reduction":
            deviations[name] = abs(ours["revenue"]["variance_reduction"] - wanted)
        else:
            base, _, kind = name.rpartition("_")
            metric, prefix = METRICS[base]
            deviations[name] = _deviation(ours[metric][prefix + EFFECTS[kind]], wanted)
    deviations["srm"] = max(abs(sample_ratio(*_counts(key)) - p) for key, p in cases["srm_p_values"].items())
    deviations["power_units"] = float(
        max(abs(_units(key) - n) for key, n in cases["power_n_per_arm"].items())
    )
    expected_p = cases["multiple_testing"]
    p = np.array(expected_p["p"])
    deviations["corrections"] = max(
        float(np.abs(CORRECTIONS[name](p) - expected_p[key]).max()) for key, name in CORRECTION_KEYS.items()
    )
    return {"largest_deviation": max(deviations.values()), "deviations": deviations}


def known_policies(cases: Mapping[str, Any], say: Say, seed: int = 0) -> dict[str, Any]:
    """Return bias and coverage of every estimator on logs whose policy values are known; and a refusal.

    The bias is given in units of its Monte-Carlo error too.
    """
    estimators: dict[str, Any] = {}
    for number, name in enumerate(TARGETS):
        truth = cases["bandit"]["true_value"][name]
        for rows in LOG_SIZES:
            values = _values_on_logs(name, truth, rows, np.random.default_rng([seed, rows, number]))
            for kind, (value, covered) in values.items():
                estimators[f"{name} {kind} n={rows}"] = _bias(value, covered, truth)
        worst = max(figures["bias_in_errors"] for key, figures in estimators.items() if key.startswith(name))
        say(f"off-policy {name}: worst bias {worst:.2f} Monte-Carlo errors")
    coverage = [figures["coverage"] for figures in estimators.values()]
    return {
        "estimators": estimators,
        "largest_bias_in_errors": max(figures["bias_in_errors"] for figures in estimators.values()),
        "coverage_low": min(coverage),
        "coverage_high": max(coverage),
        "refused": _refusal_outside_support(np.random.default_rng(seed)),
    }


def _values_on_logs(
    name: str, truth: float, rows: int, rng: np.random.Generator
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return by estimator its values on simulated logs, and whether its intervals cover the truth (logs,)."""
    values: dict[str, list[tuple[float, bool]]] = {}
    for _ in range(LOGS):
        choices = drawn(rng, rows)
        estimates, _support = evaluate(choices, target(name, choices.context))
        for kind, value in estimates.items():
            values.setdefault(kind, []).append((value.value, value.low <= truth <= value.high))
    return {kind: tuple(np.array(pairs).T) for kind, pairs in values.items()}  # type: ignore[misc]


def _bias(value: np.ndarray, covered: np.ndarray, truth: float) -> dict[str, float]:
    """Return bias, its Monte-Carlo error, and coverage over simulated logs."""
    error = value.std(ddof=1) / np.sqrt(len(value))
    return {
        "bias": float(value.mean() - truth),
        "monte_carlo_error": float(error),
        "bias_in_errors": float(abs(value.mean() - truth) / error),
        "coverage": float(covered.mean()),
    }


def clock(rows: int, folder: Path, say: Say) -> dict[str, Any]:
    """Write a log, analyse it as the command does, and return seconds and peak memory (MB)."""
    path = folder / "log.parquet"
    _write_log(path, rows)
    say(f"wrote {rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
    metrics = {
        "revenue": {"kind": "mean", "value": "revenue", "covariate": "before"},
        "per_session": {"kind": "ratio", "numerator": "revenue", "denominator": "sessions"},
    }
    spec = read_spec({"unit": "visitor", "events": True, "metrics": metrics})
    start = time.perf_counter()
    with peak_memory() as peak:
        analysis = as_json(analyse(read_rows(table_at(path, spec), spec), spec))
        seconds = time.perf_counter() - start
        peak.sample()
    effect = analysis["metrics"]["revenue"]["cuped_relative"]
    return {
        "rows": rows,
        "seconds": seconds,
        "peak_memory_mb": peak.megabytes,
        "looks": len(analysis["looks"]),
        "lift": effect["difference"],
    }


def _analysed(cases: Mapping[str, Any]) -> dict[str, Any]:
    """Return our analysis of the moments of the file, by metric."""
    expected, data = cases["expected"], dict(cases["data"])
    share = expected["proportion_conversion_abs"]["diff"] / expected["proportion_conversion_rel"]["diff"]
    data["conversion"] = {}
    for arm, rate in (("A", share), ("B", share + expected["proportion_conversion_abs"]["diff"])):
        n = data["revenue"][arm]["n"]
        data["conversion"][arm] = {"n": n, "sum": round(rate * n)}
    metrics = {
        "revenue": {"kind": "mean", "value": "revenue", "covariate": "pre"},
        "per_session": {"kind": "ratio", "numerator": "revenue", "denominator": "sessions"},
        "conversion": {"kind": "proportion", "value": "conversion"},
    }
    return dict(as_json(analyse_moments(data, read_spec({"metrics": metrics})))["metrics"])


def _deviation(ours: Mapping[str, float], expected: Mapping[str, Any]) -> float:
    """Return the largest deviation, relative where the expected value is larger than 1."""
    pairs = [(ours[name], expected[key]) for key, name in FIELDS.items()]
    pairs += [(ours["difference"] / ours["se"], expected["t"]), (ours["se"] ** 2, expected["var"])]
    sequential = expected["sequential"]
    pairs += [
        (ours["sequential_low"], sequential["lo"]),
        (ours["sequential_high"], sequential["hi"]),
        (ours["sequential_p"], sequential["p"]),
    ]
    return max(abs(a - b) / max(1.0, abs(b)) for a, b in pairs)


def _counts(key: str) -> tuple[list[int], list[float]]:
    """Return counts and shares of ``(10000, 10210)|(1, 1)``."""
    counts, shares = (json.loads(part.replace("(", "[").replace(")", "]")) for part in key.split("|"))
    return counts, shares


def _units(key: str) -> int:
    """Return our units per arm for ``conversion p=0.05 lift=0.02`` or ``revenue/visitor CV=3 lift=0.02``."""
    number = {name: float(value) for name, value in re.findall(r"(p|CV|lift)=([0-9.]+)", key)}
    return (
        units_for_proportion(number["p"], number["lift"])
        if "p" in number
        else units_for_mean(number["CV"], number["lift"])
    )


def _refusal_outside_support(rng: np.random.Generator) -> str:
    """Return the message with which a policy is refused that wants a price that the log lacks."""
    choices = drawn(rng, LOG_SIZES[0])
    unseen = np.tile(np.eye(len(PRICES) + 1)[-1], (LOG_SIZES[0], 1))
    try:
        evaluate(replace(choices, prices=[*choices.prices, "30"]), unseen)
    except OutsideSupport as error:
        return str(error)
    raise AssertionError("a price that the log lacks was evaluated")


def _write_log(path: Path, rows: int) -> None:
    """Write a log of visits over four weeks, in chunks."""
    rng, people = np.random.default_rng(0), max(rows // VISITS, 4)
    arm = np.where(rng.random(people) < 0.5, "A", "B")
    level = rng.gamma(2.0, 1.0, people)
    writer = None
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        who = rng.integers(people, size=count)
        revenue = rng.gamma(0.5, 10 * level[who]) * np.where(arm[who] == "B", 1 + LIFT, 1.0)
        day = np.datetime64("2026-03-02") + rng.integers(DAYS, size=count).astype("timedelta64[D]")
        table = pa.table(
            {
                "visitor": who,
                "arm": arm[who].tolist(),
                "date": day,
                "revenue": revenue,
                "sessions": np.ones(count),
                "before": level[who],
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
