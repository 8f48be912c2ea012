"""Benchmark: the pricing agent against problems whose optimum is exact, seed by seed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tasks.bench.cases.closed_forms import best_price
from tasks.bench.cases.policies import KINDS, Exam, StockExam, SubstitutesExam, cases_of, exam_of
from tasks.bench.cases.stock import CaseError, StockCase
from tasks.bench.cases.worlds import CaseWorld
from tasks.bench.cases.yardsticks import fitted_programme, fluid_again, tabular_q
from tasks.pricing.dqn import Plan, train
from tasks.pricing.market import Products, Rules, draw_luck, opening, step

PLAN = Plan(
    hidden=(64, 64),
    environments=512,
    environment_steps=800_000,
    replay=100_000,
    batch=1024,
    gradient_steps=2,
    learning_rate=0.003,
    target_averaging=0.005,
    exploration=0.05,
    n_step=2,
    evaluations=20,
    evaluation_draws=0,
)
"""How the agent is trained on every case: no case has settings of its own."""
SEASONS, TABLE_SEASONS = 5, 20_000  # seasons that the fitted programme and the table learn from
LAST = 10  # evaluations of which the worst is told
TIMED_STEPS = 1_000_000  # environment steps by which a world alone is timed
SHOP, SEASON = 4096, 13  # products and weeks of the market that is timed
Say = Callable[[str], None]


def bench_policy(cases: Path, seeds: int, only: list[str], steps: int | None, say: Say) -> dict[str, Any]:
    """Solve every case exactly, train the agent on it seed by seed, and return percent of the optimum.

    Args:
        cases: file in the format of the known optima.
        seeds: trainings of every case.
        only: names of cases; all of them if empty.
        steps: environment steps of a training; none: as planned.
        say: told of every training.
    """
    from tasks.pricing.network import few_threads

    few_threads()
    told = json.loads(cases.read_text(encoding="utf-8"))
    plan = PLAN if steps is None else replace(PLAN, environment_steps=steps)
    named = cases_of(told)
    unknown = set(only) - set(named)
    if unknown:
        raise CaseError(
            f"bench policy: `--case` must name a case of the file, {', '.join(named)}. Received: {', '.join(sorted(unknown))}."
        )
    found: dict[str, Any] = {}
    for name, (kind, parameters) in named.items():
        if only and name not in only:
            continue
        try:
            found[name] = _case(name, kind, parameters, seeds, plan, say)
        except CaseError as error:
            found[name] = {"kind": kind, "refused": str(error)}
            say(f"{name}: refused: {error}")
    market = {
        "steps_per_cpu_second": shop_speed(stocked=False),
        "stocked_steps_per_cpu_second": shop_speed(stocked=True),
    }
    say(
        "market of the retraining: "
        + ", ".join(f"{name} {speed / 1e6:.2f} million" for name, speed in market.items())
    )
    return {"cases": found, "closed_forms": _closed_forms(told), "market": market}


def _case(
    name: str, kind: str, parameters: Mapping[str, Any], seeds: int, plan: Plan, say: Say
) -> dict[str, Any]:
    case = KINDS[kind](parameters)
    optimum = float(case.optimal[0])
    baselines = _baselines(exam_of(case, plan.environments, 0))
    say(
        f"{name}: optimum {optimum:.2f}; "
        + ", ".join(f"{k} {100 * v / optimum:.1f} %" for k, v in baselines.items())
    )
    percent: dict[str, list[float]] = {"last": [], "best": [], "worst_of_last_ten": []}
    seconds: list[float] = []
    prices: list[list[float]] = []
    for seed in range(seeds):
        judge = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
        exam = exam_of(case, plan.environments, judge)
        start = time.perf_counter()
        figures, weights, taken = _trained(exam, plan, seed)
        seconds.append(time.perf_counter() - start)
        for key, value in figures.items():
            percent[key].append(100 * value / optimum)
        if isinstance(exam, SubstitutesExam):
            prices.append(exam.prices(weights).tolist())
        say(
            f"{name} seed {seed}: "
            + ", ".join(f"{k} {v[-1]:.2f} %" for k, v in percent.items())
            + f", {seconds[-1]:.0f} s"
        )
    result = {
        "kind": kind,
        "optimum": optimum,
        "percent": percent,
        "baselines": baselines,
        "environment_steps": taken,
        "seconds": seconds,
        "steps_per_second": taken * seeds / sum(seconds),
        "market_steps_per_cpu_second": market_speed(exam.world),
    }
    if isinstance(exam, SubstitutesExam):
        ladder = (exam.case.ladders[:, 1] - exam.case.ladders[:, 0]).tolist()
        result |= {"prices": prices, "optimal_prices": exam.case.optimal[1].tolist(), "ladder_step": ladder}
    return result


def _trained(exam: Exam, plan: Plan, seed: int) -> tuple[dict[str, float], dict[str, np.ndarray], int]:
    """Return what the last, the kept and the worst of the last networks earn exactly, the kept weights, and the steps taken.

    The kept network is chosen by the judge, whose luck is neither the training's nor the report's.
    """
    values: list[float] = []
    for record in train(exam.world, exam.judged, plan, seed):
        values.append(exam.exact(record.weights))
        if record.best:
            best, weights = values[-1], record.weights
    return {"last": values[-1], "best": best, "worst_of_last_ten": min(values[-LAST:])}, weights, record.step


def _baselines(exam: Exam) -> dict[str, float]:
    """Return what the yardsticks earn, currency."""
    told = exam.case.baselines()
    if isinstance(exam, StockExam):
        case: StockCase = exam.case
        told |= {
            "never_up": case.never_up(),
            "fluid_again": fluid_again(exam.world),  # type: ignore[arg-type]
            "fitted_programme": fitted_programme(case, SEASONS, np.random.default_rng(0)),
            "tabular_q": tabular_q(case, TABLE_SEASONS, np.random.default_rng(0)),
        }
    return {name: float(value) for name, value in told.items()}


def market_speed(world: CaseWorld) -> float:
    """Return steps of the world alone per second of CPU, with random prices."""
    rng = np.random.default_rng(0)
    actions = rng.integers(world.actions, size=(world.decisions, world.num_envs))
    episodes = max(1, TIMED_STEPS // (world.num_envs * world.decisions))
    start = time.process_time()
    for _ in range(episodes):
        world.reset()
        for t in range(world.decisions):
            world.step(actions[t])
    return episodes * world.decisions * world.num_envs / (time.process_time() - start)


def shop_speed(stocked: bool) -> float:
    """Return steps of the market of a retraining per second of CPU, with random prices, as training plays it.

    Args:
        stocked: whether the shop knows its stock, a few weeks of sales and some that arrive.
    """
    rng = np.random.default_rng(0)
    units, price = 1 + rng.gamma(2.0, 8.0, SHOP), rng.uniform(1.0, 9.0, SHOP)
    stock = (
        {"stock": np.floor(units * rng.uniform(1.0, 13.0, SHOP)), "arrivals": np.floor(0.3 * units)}
        if stocked
        else {}
    )
    fixed = {
        "dispersion": np.full(SHOP, 0.1),
        "standard_error": np.full(SHOP, 0.3),
        "identified": np.ones(SHOP, bool),
    }
    products = Products(
        price, 1.1 * price, 0.6 * price, units, elasticity=rng.uniform(-3.0, -1.0, SHOP), **fixed, **stock
    )
    rules = Rules(np.linspace(0.8, 1.2, 9), SEASON, 0.98, 0.7, 0.15, "profit", 0.35, 0.3)
    actions = rng.integers(len(rules.ladder), size=(SEASON, SHOP))
    seasons = max(1, TIMED_STEPS // (SHOP * SEASON))
    start = time.process_time()
    for _ in range(seasons):
        luck, view = replace(draw_luck(products, SEASON, rng), rng=rng), opening(products)
        for action in actions:
            view, _ = step(view, action, luck, rules)
    return seasons * SEASON * SHOP / (time.process_time() - start)


def _closed_forms(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the prices that have a formula, as the file asks for them."""
    asked = told.get("closed_form", {}).get("cases", [])
    return [
        {"demand": case["demand"], **best_price(case["demand"], case["parameters"])._asdict()}
        for case in asked
    ]
