"""Benchmark: experiments held to known answers, known truths, and a clock."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.bench.cases.known_log import PRICES, TARGETS, drawn, target
from tasks.bench.cases.known_trials import (
    REVENUE,
    cluster_effect,
    lift_of,
    looked_at,
    switchback_effect,
    visitor_effects,
    visitors,
)
from tasks.bench.cases.substitute_shop import substitute_shop
from tasks.operations.experiment_analyze import table_at
from tasks.runtime.memory import peak_memory
from tasks.trial.analysis import analyse
from tasks.trial.corrections import CORRECTIONS
from tasks.trial.randomisation import CLUSTER, Scheme
from tasks.trial.effects import Levels, absolute, arm_of, estimates
from tasks.trial.errors import OutsideSupport, TrialError
from tasks.trial.moments import analyse_moments
from tasks.trial.off_policy import evaluate
from tasks.trial.planning import Wanted, plan, trials
from tasks.trial.power import units_for_mean, units_for_proportion
from tasks.trial.ratio import sample_ratio
from tasks.trial.results import as_json
from tasks.trial.spec import read_spec
from tasks.trial.table import read_rows

Say = Callable[[str], None]

AA, COVERAGE, SHOPS, LOGS = 4000, 2000, 500, 400  # simulations
LOOKS, PER_LOOK = 20, 100
LIFT = 0.05
VISITORS = 2000  # per arm
CUT, DAYS = 0.9, 28
CHUNK = 1_000_000  # rows written at once
METRICS = {
    "mean_revenue": ("revenue", ""),
    "ratio_rev_per_session": ("per_session", ""),
    "cuped_revenue": ("revenue", "cuped_"),
    "proportion_conversion": ("conversion", ""),
}
FIELDS = {"diff": "difference", "se": "se", "df": "df", "p": "p", "lo": "low", "hi": "high"}


def reproduce(told: Mapping[str, Any]) -> dict[str, Any]:
    """Recompute every expected value of a file of known answers and return how far off each part is at most.

    The file gives conversions only through its answers: the counts are the whole numbers behind difference and relative lift.
    """
    expected = told["expected"]
    ours = _analysed(told)
    off: dict[str, float] = {}
    for name, wanted in expected.items():
        if name == "cuped_theta":
            off[name] = abs(ours["revenue"]["theta"] - wanted)
        elif name == "cuped_var_reduction":
            off[name] = abs(ours["revenue"]["variance_reduction"] - wanted)
        else:
            base, _, kind = name.rpartition("_")
            metric, prefix = METRICS[base]
            off[name] = _far(ours[metric][prefix + {"abs": "absolute", "rel": "relative"}[kind]], wanted)
    off["srm"] = max(abs(sample_ratio(*_counts(key)) - p) for key, p in told["srm_p_values"].items())
    off["power_units"] = float(max(abs(_units(key) - n) for key, n in told["power_n_per_arm"].items()))
    names = {"bonferroni": "bonferroni", "holm": "holm", "bh": "benjamini_hochberg"}
    p = np.array(told["multiple_testing"]["p"])
    off["corrections"] = max(
        float(np.abs(CORRECTIONS[ours_](p) - told["multiple_testing"][key]).max())
        for key, ours_ in names.items()
    )
    return {"largest_deviation": max(off.values()), "deviations": off}


def calibrate(say: Say, seed: int = 0) -> dict[str, Any]:
    """Return how often tests find what is not there, intervals cover the truth, and planned trials find the effect."""
    told: dict[str, Any] = {}
    for name, measure in (
        ("aa", _same_against_same),
        ("coverage", _coverage),
        ("power", _power),
        ("planned_by_simulation", _planned),
        ("interference", _interference),
    ):
        start = time.perf_counter()
        told[name] = measure(np.random.default_rng([seed, len(told)]))
        told[name]["seconds"] = time.perf_counter() - start
        say(
            f"{name}: "
            + ", ".join(f"{key} {value:.4g}" for key, value in told[name].items() if isinstance(value, float))
        )
    return told


def known_policies(told: Mapping[str, Any], say: Say, seed: int = 0) -> dict[str, Any]:
    """Return bias, its Monte-Carlo error and coverage of every estimator on logs whose policy values are known; and a refusal."""
    found: dict[str, Any] = {}
    for name in TARGETS:
        truth = told["bandit"]["true_value"][name]
        for rows in (1000, 10_000):
            values: dict[str, list[tuple[float, bool]]] = {}
            rng = np.random.default_rng([seed, rows, TARGETS.index(name)])
            for _ in range(LOGS):
                x, action, propensity, reward = drawn(rng, rows)
                estimates_, _support = evaluate(
                    x, action, propensity, reward, target(name, x), [f"{p:g}" for p in PRICES]
                )
                for kind, value in estimates_.items():
                    values.setdefault(kind, []).append((value.value, value.low <= truth <= value.high))
            for kind, pairs in values.items():
                value, covered = np.array(pairs).T
                error = value.std(ddof=1) / np.sqrt(len(value))
                found[f"{name} {kind} n={rows}"] = {
                    "bias": float(value.mean() - truth),
                    "monte_carlo_error": float(error),
                    "bias_in_errors": float(abs(value.mean() - truth) / error),
                    "coverage": float(covered.mean()),
                }
        worst = max(one["bias_in_errors"] for key, one in found.items() if key.startswith(name))
        say(f"off-policy {name}: worst bias {worst:.2f} Monte-Carlo errors")
    coverage = [one["coverage"] for one in found.values()]
    return {
        "estimators": found,
        "largest_bias_in_errors": max(one["bias_in_errors"] for one in found.values()),
        "coverage_low": min(coverage),
        "coverage_high": max(coverage),
        "refused": _outside(np.random.default_rng(seed)),
    }


def clock(rows: int, folder: Path, say: Say) -> dict[str, Any]:
    """Write a log of so many rows, analyse it as the command does, and return seconds and peak memory (MB)."""
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
        told = as_json(analyse(read_rows(table_at(path, spec), spec), spec))
        seconds = time.perf_counter() - start
        peak.sample()
    effect = told["metrics"]["revenue"]["cuped_relative"]
    return {
        "rows": rows,
        "seconds": seconds,
        "peak_memory_mb": peak.megabytes,
        "looks": len(told["looks"]),
        "lift": effect["difference"],
    }


def _analysed(told: Mapping[str, Any]) -> dict[str, Any]:
    expected, data = told["expected"], dict(told["data"])
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


def _far(ours: Mapping[str, float], wanted: Mapping[str, Any]) -> float:
    """Return the largest deviation, relative where the answer is larger than 1."""
    pairs = [(ours[name], wanted[key]) for key, name in FIELDS.items()]
    pairs += [(ours["difference"] / ours["se"], wanted["t"]), (ours["se"] ** 2, wanted["var"])]
    later = wanted["sequential"]
    pairs += [
        (ours["sequential_low"], later["lo"]),
        (ours["sequential_high"], later["hi"]),
        (ours["sequential_p"], later["p"]),
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


def _same_against_same(rng: np.random.Generator) -> dict[str, Any]:
    """Return how often A/A trials find an effect: at the end, at any look by the fixed test, and by the one that holds at every look."""
    names, found = ("fixed", "fixed_at_any_look", "always_valid"), np.zeros(3)
    for _ in range(AA):
        seen = looked_at(rng, LOOKS, PER_LOOK)
        fixed, always = (
            [effect.p < 0.05 for effect in seen],
            [effect.sequential_low > 0 or effect.sequential_high < 0 for effect in seen],
        )
        found += [fixed[-1], any(fixed), any(always)]
    return {**dict(zip(names, (found / AA).tolist(), strict=True)), "simulations": AA, "looks": LOOKS}


def _coverage(rng: np.random.Generator) -> dict[str, Any]:
    covered: dict[str, list[bool]] = {}
    for _ in range(COVERAGE):
        told = visitor_effects(rng, VISITORS, LIFT)
        told |= {
            "cluster": (cluster_effect(rng, LIFT), LIFT),
            "switchback": (switchback_effect(rng, LIFT), LIFT),
        }
        for name, (effect, truth) in told.items():
            covered.setdefault(name, []).append(effect.low <= truth <= effect.high)
    return {name: float(np.mean(values)) for name, values in covered.items()} | {"simulations": COVERAGE}


def _power(rng: np.random.Generator) -> dict[str, Any]:
    """Return how often the effect is found at the size that the closed form plans for 80 %."""
    pilot = visitors(rng, 1_000_000)
    units = units_for_mean(float(pilot.revenue.std() / REVENUE), LIFT)
    found = 0
    for _ in range(COVERAGE):
        control, treated = (arm_of(visitors(rng, units, lift).revenue) for lift in (0.0, LIFT))
        effect = absolute(*estimates(control, treated, False), Levels())
        found += effect.p < 0.05 and effect.difference > 0
    return {"found": found / COVERAGE, "units_per_arm": units, "simulations": COVERAGE}


def _planned(rng: np.random.Generator) -> dict[str, Any]:
    """Return the power that a cluster trial is planned for on one shop's history, and what it finds in other years of that shop."""
    shop = substitute_shop(rng, 80, 3)
    scheme, wanted = Scheme(CLUSTER, shop.group), Wanted(LIFT, 0.8, 0.05, 56)

    def revenue(days: int) -> np.ndarray:
        sales = shop.sales(
            np.ones((days, len(shop.group))), pd.date_range("2024-01-01", periods=days, unit="us"), rng
        )
        return (sales["units"] * sales["price"]).to_numpy().reshape(days, -1).T

    length, _ = plan(revenue(364), scheme, wanted, [7 * weeks for weeks in range(1, 27)], 0)
    found = []
    for _ in range(10):
        for control, treated in trials(
            revenue(364), scheme, wanted, length.periods, LIFT, SHOPS // 10, int(rng.integers(2**31))
        ):
            effect = lift_of(control, treated, adjusted=True)
            found.append(effect.p < 0.05 and effect.difference > 0)
    return {
        "planned": length.power,
        "found": float(np.mean(found)),
        "days": length.periods,
        "simulations": len(found),
    }


def _interference(rng: np.random.Generator) -> dict[str, Any]:
    """Return what a cut of a tenth reads as by items and by clusters where siblings steal, how often the clusters cover the truth."""
    shop = substitute_shop(rng, 40, 2)
    truth, dates = shop.lift(CUT), pd.date_range("2024-01-01", periods=DAYS, unit="us")
    size, before = np.full(40, 2.0), shop.mean(np.ones(80)) * shop.price
    read: dict[str, list[float]] = {"item": [], "cluster": []}
    covered = []

    def revenue(treated: np.ndarray) -> np.ndarray:
        sales = shop.sales(np.where(treated, CUT, 1.0)[None].repeat(DAYS, axis=0), dates, rng)
        return (sales["units"] * sales["price"]).to_numpy().reshape(DAYS, -1).sum(axis=0)

    for _ in range(SHOPS):
        items, pairs = np.arange(80) % 2 == 1, rng.permutation(40) % 2 == 1
        total = revenue(items)
        one, two = (arm_of(total[mine], x=before[mine]) for mine in (~items, items))
        read["item"].append(lift_of(one, two, adjusted=True).difference)
        y, x = (np.bincount(shop.group, values) for values in (revenue(pairs.repeat(2)), before))
        one, two = (
            arm_of(y[mine], size[mine], x[mine], size[mine], grouped=True) for mine in (~pairs, pairs)
        )
        effect = lift_of(one, two, adjusted=True)
        read["cluster"].append(effect.difference)
        covered.append(effect.low <= truth <= effect.high)
    return {
        "truth": truth,
        "item_level_reads": float(np.mean(read["item"])),
        "cluster_level_reads": float(np.mean(read["cluster"])),
        "cluster_coverage": float(np.mean(covered)),
        "item_level_refused": _item_refusal(),
        "simulations": SHOPS,
    }


def _item_refusal() -> str:
    table = pd.DataFrame(
        {"product": ["a", "b"], "category": "coffee", "arm": ["A", "B"], "revenue": [1.0, 2.0]}
    )
    spec = read_spec({"unit": "product", "metrics": {"revenue": {"kind": "mean", "value": "revenue"}}})
    try:
        read_rows(table, spec)
    except TrialError as error:
        return str(error)
    raise AssertionError("an item-level design inside a substitute group was read")


def _outside(rng: np.random.Generator) -> str:
    x, action, propensity, reward = drawn(rng, 1000)
    wanted = np.tile(np.eye(len(PRICES) + 1)[-1], (1000, 1))
    try:
        evaluate(x, action, propensity, reward, wanted, [*(f"{p:g}" for p in PRICES), "30"])
    except OutsideSupport as error:
        return str(error)
    raise AssertionError("a price that the log lacks was evaluated")


def _write_log(path: Path, rows: int) -> None:
    """Write a log of visits over four weeks, five to a visitor on average, in chunks."""
    rng, people = np.random.default_rng(0), max(rows // 5, 4)
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
