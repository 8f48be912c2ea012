"""Benchmark: the pricing agent in markets of substitute groups, held to their joint optimum seed by seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tasks.bench.cases.group_markets import SIZES, VARIANTS, GroupMarket, Traits, group_market
from tasks.bench.cases.group_optimum import Truth
from tasks.bench.cases.season_ascent import best_season
from tasks.pricing import policies
from tasks.pricing.demand import draw_demand
from tasks.pricing.dqn import Plan
from tasks.pricing.listing import Policy
from tasks.pricing.market import step
from tasks.pricing.plan import Seeds
from tasks.pricing.state import opening
from tasks.pricing.training import train_policy

MARKET_SEED = 100  # of the markets that are reported
LEAST_SEASONS = 4  # in which a policy is valued; sales of chance move its prices a little
Say = Callable[[str], None]


def bench_groups(
    plan: Plan, seeds: int, markets: Sequence[str], variants: Sequence[str], say: Say
) -> dict[str, Any]:
    """Train the agent in markets of groups, and return its share of what the joint optimum gains over hold.

    Args:
        plan: of the training.
        seeds: trainings in every market.
        markets: names of ``SIZES``; all of them if empty.
        variants: names of ``VARIANTS``; all of them if empty.
        say: called with a line after every training.

    Raises:
        ValueError: a name is not one of them.
    """
    from tasks.pricing.network import few_threads

    _check("--market", markets, SIZES)
    _check("--variant", variants, VARIANTS)
    few_threads()
    measured = []
    for market in markets or SIZES:
        for variant in variants or VARIANTS:
            say(f"{market}, {variant}")
            truth = Truth(group_market(SIZES[market], VARIANTS[variant], MARKET_SEED))
            measured.append(
                {"market": market, "variant": variant}
                | _yardsticks(truth, VARIANTS[variant])
                | _agents(truth, plan, seeds, say)
            )
    return {
        "seeds": seeds,
        "environment_steps": plan.environment_steps,
        **_total(measured),
        "markets": measured,
    }


def _check(option: str, names: Sequence[str], known: Mapping[str, Any]) -> None:
    """Refuse a name that is not known."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(
            f"bench groups: `{option}` must be one of {', '.join(known)}. Received: {', '.join(unknown)}."
        )


def _yardsticks(truth: Truth, traits: Traits) -> dict[str, Any]:
    """Return what the optimum gains over hold, and the shares of it that simpler policies gain.

    Where slopes are known and the index is free, the season that looks ahead is known as well.
    """
    market, path = truth.market, truth.best_path()
    held, optimum = truth.held, truth.season(path)
    earned = {
        "best_fixed": season_value(truth, policies.best_fixed(market.products, market.rules)),
        "myopic": season_value(truth, policies.myopic),
        "hold": season_value(truth, policies.hold),
    }
    if not (traits.doubt or traits.index):
        earned["best_season"] = truth.season(best_season(truth, path))
    shares = {name: _share(truth, value, optimum) for name, value in earned.items()}
    return {"held": held, "optimum": optimum, "gain": optimum / held - 1, "share": shares}


def _agents(truth: Truth, plan: Plan, seeds: int, say: Say) -> dict[str, Any]:
    """Return the share of the optimum's gain of an agent per seed, and how fast they were trained.

    A network that is kept at step 0 is the myopic list: nothing that was learned earned more.
    """
    market, optimum = truth.market, truth.season(truth.best_path())
    shares, kept, seconds, cpu_seconds, steps = [], [], [], [], 0
    for seed in range(seeds):
        numbers = (int(state) for state in np.random.SeedSequence([seed, MARKET_SEED]).generate_state(5) >> 1)
        names = ("training", "selection", "comparison", "random", "mimic")
        draws = Seeds(**dict(zip(names, numbers, strict=True)))
        start, cpu_start = time.perf_counter(), time.process_time()
        policy, learning = train_policy(market.products, market.rules, plan, draws, lambda _: None)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu_start)
        steps = int(learning["step"].max())
        kept.append(int(learning.loc[learning["best"], "step"].iloc[-1]))
        shares.append(_share(truth, season_value(truth, policy, seed), optimum))
        say(f"  seed {seed}: {100 * shares[-1]:.2f} % of the optimum's gain, {seconds[-1]:.0f} s")
    return {
        "agent": shares,
        "kept_at_step": kept,
        "agent_mean": float(np.mean(shares)),
        "agent_worst": min(shares),
        "seconds": seconds,
        "steps": steps,
        "steps_per_second": steps * seeds / sum(seconds),
        "steps_per_cpu_second": steps * seeds / sum(cpu_seconds),
    }


def season_value(truth: Truth, policy: Policy, seed: int = 0) -> float:
    """Return what a season under a policy earns, the mean over seasons that meet each draw (currency).

    What chance adds to sales moves the policy alone: its lists are valued by the expected units of the draw.

    Args:
        truth: of the market.
        policy: that decides.
        seed: of what chance adds.
    """
    market = truth.market
    draws = np.arange(len(market.products.slopes))
    met = np.resize(draws, max(LEAST_SEASONS, len(draws)))
    paths = _played(market, policy, met, seed)
    return float(
        np.mean([truth.season(path, [draw]) for path, draw in zip(paths, met.tolist(), strict=True)])
    )


def _played(market: GroupMarket, policy: Policy, met: np.ndarray, seed: int) -> np.ndarray:
    """Return the lists of a policy, relative to the prices in force (seasons, weeks, products).

    Args:
        market: that is played.
        policy: that decides.
        met: draw of the slopes that every season meets (seasons,).
        seed: of what chance adds.
    """
    rules, size = market.rules, len(market.products)
    view = opening(market.products.repeat(len(met)))
    rng = np.random.default_rng(seed)
    chance = draw_demand(view.products, rules.decisions, rng, np.repeat(met, size))
    path = []
    for _ in range(rules.decisions):
        plan = policy(view, rules)
        view, _ = step(view.plan(view.planned, plan.index_price), plan.actions, chance, rules)
        path.append(view.ratio.reshape(len(met), size))
    return np.stack(path, axis=1)


def _share(truth: Truth, value: float, optimum: float) -> float:
    """Return the gain over hold as a share of that of the optimum."""
    return (value - truth.held) / (optimum - truth.held)


def _total(measured: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the figures over all markets."""
    return {
        "share": float(np.mean([market["agent_mean"] for market in measured])),
        "least_share": min(market["agent_mean"] for market in measured),
        "worst_seed": min(market["agent_worst"] for market in measured),
        **{
            name: float(1 / np.mean([1 / market[name] for market in measured]))
            for name in ("steps_per_second", "steps_per_cpu_second")
        },
    }
