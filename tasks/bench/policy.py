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
from tasks.bench.cases.policies import KINDS, Case, Exam, StockExam, SubstitutesExam, cases_of, exam_of
from tasks.bench.cases.stock import CaseError, StockCase
from tasks.bench.cases.worlds import CaseWorld
from tasks.bench.cases.yardsticks import fitted_programme, fluid_again, tabular_q
from tasks.pricing.demand import draw_demand
from tasks.pricing.dqn import Plan, train
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.slopes import CURVES, LEAST_SLOPE, SlopeDraws
from tasks.pricing.state import opening

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
LAST = 10  # evaluations of which the worst is reported
TIMED_STEPS = 1_000_000  # environment steps by which a world alone is timed
DRAWS, TIMED_MEMBERS = 200, 4  # draws of the slopes of the market that is timed, members of its groups
SHOP, SEASON = 4096, 13  # products and weeks of the market that is timed
TIMED_RULES = Rules(
    ladder=np.linspace(0.95, 1.05, 5),
    decisions=SEASON,
    discount=0.98,
    reference_memory=0.7,
    reference_effect=0.15,
    objective="profit",
    markup=0.35,
    stated_margin=0.3,
)
Say = Callable[[str], None]


def bench_policy(cases: Path, seeds: int, only: list[str], steps: int | None, say: Say) -> dict[str, Any]:
    """Solve the cases exactly, train the agent on them seed by seed, and return percent of the optimum.

    Args:
        cases: file in the format of the known optima.
        seeds: trainings of a case.
        only: names of cases; all of them if empty.
        steps: environment steps of a training; none: as planned.
        say: called with a line after every training.

    Raises:
        CaseError: a name in ``only`` is not in the file, or the file holds no case.
    """
    from tasks.pricing.network import few_threads

    few_threads()
    document = json.loads(cases.read_text(encoding="utf-8"))
    plan = PLAN if steps is None else replace(PLAN, environment_steps=steps)
    known = cases_of(document)
    unknown = set(only) - set(known)
    if unknown:
        raise CaseError(
            f"bench policy: `--case` must name a case of the file, {', '.join(known)}. "
            f"Received: {', '.join(sorted(unknown))}."
        )
    results: dict[str, Any] = {}
    for name, (kind, parameters) in known.items():
        if only and name not in only:
            continue
        try:
            results[name] = {"kind": kind, **_solved(name, KINDS[kind](parameters), seeds, plan, say)}
        except CaseError as error:
            results[name] = {"kind": kind, "refused": str(error)}
            say(f"{name}: refused: {error}")
    return {"cases": results, "closed_forms": _closed_forms(document), "market": _market_speeds(say)}


def _solved(name: str, case: Case, seeds: int, plan: Plan, say: Say) -> dict[str, Any]:
    """Return what the agent earns in a case, in percent of the optimum, with baselines and times."""
    optimum = float(case.optimal[0])
    exam = exam_of(case, plan.environments, 0)
    baselines = _baselines(exam)
    shares = ", ".join(f"{other} {100 * value / optimum:.1f} %" for other, value in baselines.items())
    say(f"{name}: optimum {optimum:.2f}; {shares}")
    percent: dict[str, list[float]] = {"last": [], "best": [], "worst_of_last_ten": []}
    seconds: list[float] = []
    prices: list[list[float]] = []
    for seed in range(seeds):
        exam = exam_of(case, plan.environments, int(np.random.SeedSequence([seed, 1]).generate_state(1)[0]))
        start = time.perf_counter()
        earned, weights, taken = _trained(exam, plan, seed)
        seconds.append(time.perf_counter() - start)
        for key, value in earned.items():
            percent[key].append(100 * value / optimum)
        if isinstance(exam, SubstitutesExam):
            prices.append(exam.prices(weights).tolist())
        figures = ", ".join(f"{key} {values[-1]:.2f} %" for key, values in percent.items())
        say(f"{name} seed {seed}: {figures}, {seconds[-1]:.0f} s")
    return {
        "optimum": optimum,
        "percent": percent,
        "baselines": baselines,
        "environment_steps": taken,
        "seconds": seconds,
        "steps_per_second": taken * seeds / sum(seconds),
        "market_steps_per_cpu_second": market_speed(exam.world),
        **(_priced(exam, prices) if isinstance(exam, SubstitutesExam) else {}),
    }


def _priced(exam: SubstitutesExam, prices: list[list[float]]) -> dict[str, Any]:
    """Return the prices of a substitutes' case by seed, with the best ones and the steps of the ladders."""
    ladders = exam.case.ladders
    return {
        "prices": prices,
        "optimal_prices": exam.case.optimal[1].tolist(),
        "ladder_step": (ladders[:, 1] - ladders[:, 0]).tolist(),
    }


def _trained(exam: Exam, plan: Plan, seed: int) -> tuple[dict[str, float], dict[str, np.ndarray], int]:
    """Return the exact earnings of the last, the kept and the worst of the last networks, weights and steps.

    The weights are those of the kept network. It is chosen by simulation, on draws that neither the training
    nor the report meets.
    """
    values: list[float] = []
    for record in train(exam.world, exam.simulated, plan, seed):
        values.append(exam.exact(record.weights))
        if record.best:
            best, weights = values[-1], record.weights
    return {"last": values[-1], "best": best, "worst_of_last_ten": min(values[-LAST:])}, weights, record.step


def _baselines(exam: Exam) -> dict[str, float]:
    """Return what the yardsticks earn, currency."""
    earned = exam.case.baselines()
    if isinstance(exam, StockExam):
        case: StockCase = exam.case
        earned |= {
            "never_up": case.never_up(),
            "fluid_again": fluid_again(exam.world),  # type: ignore[arg-type]
            "fitted_programme": fitted_programme(case, SEASONS, np.random.default_rng(0)),
            "tabular_q": tabular_q(case, TABLE_SEASONS, np.random.default_rng(0)),
        }
    return {name: float(value) for name, value in earned.items()}


def _market_speeds(say: Say) -> dict[str, float]:
    """Return the speed of the market of a retraining, without and with stock (steps per second of CPU)."""
    speeds = {
        "steps_per_cpu_second": shop_speed(stocked=False),
        "stocked_steps_per_cpu_second": shop_speed(stocked=True),
    }
    figures = ", ".join(f"{name} {speed / 1e6:.2f} million" for name, speed in speeds.items())
    say(f"market of the retraining: {figures}")
    return speeds


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
    products = _timed_products(stocked, rng)
    actions = rng.integers(len(TIMED_RULES.ladder), size=(SEASON, SHOP))
    seasons = max(1, TIMED_STEPS // (SHOP * SEASON))
    start = time.process_time()
    for _ in range(seasons):
        draws, view = replace(draw_demand(products, SEASON, rng), rng=rng), opening(products)
        for action in actions:
            view, _ = step(view, action, draws, TIMED_RULES)
    return seasons * SEASON * SHOP / (time.process_time() - start)


def _timed_products(stocked: bool, rng: np.random.Generator) -> Products:
    """Return products of usual sizes, prices and elasticities."""
    units, price = 1 + rng.gamma(2.0, 8.0, SHOP), rng.uniform(1.0, 9.0, SHOP)
    stock: dict[str, np.ndarray] = {}
    if stocked:
        stock["stock"] = np.floor(units * rng.uniform(1.0, 13.0, SHOP))
        stock["arrivals"] = np.floor(0.3 * units)
    return Products(
        price=price,
        list_price=1.1 * price,
        unit_cost=0.4 * price,  # below all prices that a season of steps down leads to
        units=units,
        dispersion=np.full(SHOP, 0.1),
        slopes=_timed_slopes(rng),
        group=np.arange(SHOP) // TIMED_MEMBERS,
        identified=np.ones(SHOP, bool),
        **stock,
    )


def _timed_slopes(rng: np.random.Generator) -> SlopeDraws:
    """Return draws of the slopes of groups of four."""
    groups = SHOP // TIMED_MEMBERS
    within = rng.uniform(1.5, 3.5, groups) + 0.3 * rng.normal(size=(DRAWS, groups))
    curve = rng.choice(CURVES, DRAWS)
    return SlopeDraws(within=within.clip(min=LEAST_SLOPE), whole=0.4 * within, curve=curve)


def _closed_forms(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the prices that have a formula, for the cases of the file that have one."""
    cases = document.get("closed_form", {}).get("cases", [])
    return [
        {"demand": case["demand"], **best_price(case["demand"], case["parameters"])._asdict()}
        for case in cases
    ]
