"""Benchmark: simulated trials whose truth is known, to which tests, intervals and planned sizes are held."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tasks.bench.cases.known_trials import (
    REVENUE,
    cluster_effect,
    lift_of,
    looked_at,
    switchback_effect,
    visitor_effects,
    visitors,
)
from tasks.bench.cases.substitute_shop import SubstituteShop, substitute_shop
from tasks.trial.effects import Effect, Levels, absolute, arm_of, estimates
from tasks.trial.errors import TrialError
from tasks.trial.planning import Goal, History, plan, trials
from tasks.trial.power import units_for_mean
from tasks.trial.randomisation import CLUSTER, Scheme
from tasks.trial.spec import read_spec
from tasks.trial.table import read_rows

Say = Callable[[str], None]

AA_TRIALS, COVERAGE, SHOPS = 4000, 2000, 500  # simulations
LOOKS, PER_LOOK = 20, 100
ALPHA, POWER = 0.05, 0.8
LIFT = 0.05
VISITORS = 2000  # per arm
PILOT = 1_000_000  # visitors from whom the variation is taken
CUT, DAYS = 0.9, 28
PLANNED_SHOP, STEALING_SHOP = (80, 3), (40, 2)  # substitute groups and their products
YEAR, WEEKS, DAYS_BEFORE = 364, range(1, 27), 56  # history (days), lengths of a trial, days before it
YEARS = 10  # other years in which the planned trial is simulated


def calibrate(say: Say, seed: int = 0) -> dict[str, Any]:
    """Return how often tests report absent effects, intervals cover, and planned trials detect."""
    measures = {
        "aa": _same_against_same,
        "coverage": _coverage,
        "power": _power,
        "planned_by_simulation": _planned,
        "interference": _interference,
    }
    figures: dict[str, Any] = {}
    for number, (name, measure) in enumerate(measures.items()):
        start = time.perf_counter()
        figures[name] = measure(np.random.default_rng([seed, number]))
        figures[name]["seconds"] = time.perf_counter() - start
        shown = (f"{key} {value:.4g}" for key, value in figures[name].items() if isinstance(value, float))
        say(f"{name}: " + ", ".join(shown))
    return figures


def _same_against_same(rng: np.random.Generator) -> dict[str, Any]:
    """Return how often A/A trials report an effect, by the test that is read and by when it is read."""
    reports = np.zeros(3)
    for _ in range(AA_TRIALS):
        effects = looked_at(rng, LOOKS, PER_LOOK)
        fixed = [effect.p < ALPHA for effect in effects]
        always_valid = [effect.sequential_low > 0 or effect.sequential_high < 0 for effect in effects]
        reports += [fixed[-1], any(fixed), any(always_valid)]
    names = ("fixed", "fixed_at_any_look", "always_valid")
    shares = dict(zip(names, (reports / AA_TRIALS).tolist(), strict=True))
    return {**shares, "simulations": AA_TRIALS, "looks": LOOKS}


def _coverage(rng: np.random.Generator) -> dict[str, Any]:
    """Return by estimator how often its interval covers the truth."""
    covered: dict[str, list[bool]] = {}
    for _ in range(COVERAGE):
        effects = visitor_effects(rng, VISITORS, LIFT) | {
            "cluster": (cluster_effect(rng, LIFT), LIFT),
            "switchback": (switchback_effect(rng, LIFT), LIFT),
        }
        for name, (effect, truth) in effects.items():
            covered.setdefault(name, []).append(effect.low <= truth <= effect.high)
    return {name: float(np.mean(values)) for name, values in covered.items()} | {"simulations": COVERAGE}


def _power(rng: np.random.Generator) -> dict[str, Any]:
    """Return how often the effect is detected at the size that the closed form plans for 80 %."""
    pilot = visitors(rng, PILOT)
    units = units_for_mean(float(pilot.revenue.std() / REVENUE), LIFT)
    detected = 0
    for _ in range(COVERAGE):
        control, treated = (arm_of(visitors(rng, units, lift).revenue) for lift in (0.0, LIFT))
        detected += _is_gain(absolute(*estimates(control, treated, adjusted=False), Levels()))
    return {"found": detected / COVERAGE, "units_per_arm": units, "simulations": COVERAGE}


def _planned(rng: np.random.Generator) -> dict[str, Any]:
    """Return the planned power of a cluster trial on a shop's history, and its power in other years."""
    shop = substitute_shop(rng, *PLANNED_SHOP)
    scheme, goal = Scheme(unit=CLUSTER, owner=shop.group), Goal(LIFT, POWER, ALPHA)
    history = History(_yearly_revenue(shop, rng), scheme, DAYS_BEFORE)
    length, _ = plan(history, goal, [7 * weeks for weeks in WEEKS], 0)
    detected = []
    for _ in range(YEARS):
        year = History(_yearly_revenue(shop, rng), scheme, DAYS_BEFORE)
        seed = int(rng.integers(2**31))
        for control, treated in trials(year, length.periods, LIFT, draws=SHOPS // YEARS, seed=seed):
            detected.append(_is_gain(lift_of(control, treated, adjusted=True)))
    return {
        "planned": length.power,
        "found": float(np.mean(detected)),
        "days": length.periods,
        "simulations": len(detected),
    }


def _interference(rng: np.random.Generator) -> dict[str, Any]:
    """Return the effect of a price cut by trials of items and of clusters, where siblings take sales."""
    groups, products = STEALING_SHOP[0], STEALING_SHOP[0] * STEALING_SHOP[1]
    shop = substitute_shop(rng, *STEALING_SHOP)
    truth, size = shop.lift(CUT), np.full(groups, float(STEALING_SHOP[1]))
    before = shop.mean(np.ones(products)) * shop.price
    by_item, by_cluster, covered = [], [], []
    for _ in range(SHOPS):
        items, clusters = np.arange(products) % 2 == 1, rng.permutation(groups) % 2 == 1
        revenue = _trial_revenue(shop, items, rng)
        arms = [arm_of(revenue[arm], x=before[arm]) for arm in (~items, items)]
        by_item.append(lift_of(*arms, adjusted=True).difference)
        revenue = _trial_revenue(shop, clusters[shop.group], rng)
        y, x = (np.bincount(shop.group, values) for values in (revenue, before))
        arms = [arm_of(y[arm], size[arm], x[arm], size[arm], grouped=True) for arm in (~clusters, clusters)]
        effect = lift_of(*arms, adjusted=True)
        by_cluster.append(effect.difference)
        covered.append(effect.low <= truth <= effect.high)
    return {
        "truth": truth,
        "item_level_reads": float(np.mean(by_item)),
        "cluster_level_reads": float(np.mean(by_cluster)),
        "cluster_coverage": float(np.mean(covered)),
        "item_level_refused": _item_refusal(),
        "simulations": SHOPS,
    }


def _is_gain(effect: Effect) -> bool:
    return effect.p < ALPHA and effect.difference > 0


def _yearly_revenue(shop: SubstituteShop, rng: np.random.Generator) -> np.ndarray:
    """Return a year's revenue at the base prices (products, days)."""
    dates = pd.date_range("2024-01-01", periods=YEAR, unit="us")
    sales = shop.sales(np.ones((YEAR, len(shop.group))), dates, rng)
    return (sales["units"] * sales["price"]).to_numpy().reshape(YEAR, -1).T


def _trial_revenue(shop: SubstituteShop, treated: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the revenue of a trial in which the treated products cost a tenth less (products,)."""
    dates = pd.date_range("2024-01-01", periods=DAYS, unit="us")
    sales = shop.sales(np.where(treated, CUT, 1.0)[None].repeat(DAYS, axis=0), dates, rng)
    return (sales["units"] * sales["price"]).to_numpy().reshape(DAYS, -1).sum(axis=0)


def _item_refusal() -> str:
    """Return the message with which items that were randomised among their substitutes are refused."""
    table = pd.DataFrame(
        {"product": ["a", "b"], "category": "coffee", "arm": ["A", "B"], "revenue": [1.0, 2.0]}
    )
    spec = read_spec({"unit": "product", "metrics": {"revenue": {"kind": "mean", "value": "revenue"}}})
    try:
        read_rows(table, spec)
    except TrialError as error:
        return str(error)
    raise AssertionError("an item-level design inside a substitute group was read")
