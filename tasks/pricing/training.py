"""A candidate policy: trained in the fitted market, and compared with the policies that it must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from tasks.pricing import dqn, policies
from tasks.pricing.comparison import Interval, distinct_prices, earnings, gains_of, play_policies
from tasks.pricing.environment import MarketEnv
from tasks.pricing.greedy import Greedy
from tasks.pricing.listing import Policy
from tasks.pricing.market_table import Response, rules_of
from tasks.pricing.mimic import Mimic, mimic
from tasks.pricing.plan import PricingPlan, Seeds
from tasks.pricing.products import Products, products_of
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import Seasons, movable, play
from tasks.pricing.slopes import SlopeDraws


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A trained policy and what it earns.

    Attributes:
        market: one row per product and store.
        rules: of that market.
        policy: what decides.
        learning: a row per evaluation of the training: ``step``, ``loss``, ``mean_q``, ``value``, ``best``.
        bars: what the rules to beat earn where the training is evaluated, comparable with ``value``, by name.
        seasons: of the comparison, by policy.
        earnings: per product-week, by policy (currency); the best fixed steps are a bar for the gains alone.
        gains: over the policies that the candidate must beat (share).
        distinct_prices: steps of the ladder that it uses.
        slopes: of the market's groups.
        mimic: tree that imitates it.
    """

    market: pd.DataFrame
    slopes: SlopeDraws
    rules: Rules
    policy: Greedy
    learning: pd.DataFrame
    bars: dict[str, float]
    seasons: dict[str, Seasons]
    earnings: dict[str, Interval]
    gains: dict[str, Interval]
    distinct_prices: int
    mimic: Mimic

    @property
    def products(self) -> Products:
        """Return the products of the market."""
        return products_of(self.market, self.slopes)


def candidate_of(
    market: pd.DataFrame,
    response: Response,
    plan: PricingPlan,
    seeds: Seeds,
    report: Callable[[dqn.Record], None],
) -> Candidate:
    """Train a policy in the market and compare it with the baselines.

    Args:
        market: one row per product and store.
        response: how demand answers prices.
        plan: of the market, of the training and of the comparison.
        seeds: of all draws.
        report: called with every record of the training.
    """
    slopes = response.slopes.with_lone_products
    products, rules = products_of(market, slopes), rules_of(plan, response.effects)
    policy, learning = train_policy(products, rules, plan.training, seeds, report)
    seasons = play_policies(products, rules, policy, plan, seeds)
    return Candidate(
        market=market,
        slopes=slopes,
        rules=rules,
        policy=policy,
        learning=learning,
        bars=evaluated_rules(products, rules, plan.training.evaluation_draws, seeds.selection),
        seasons=seasons,
        earnings={
            name: earnings(played, plan.confidence)
            for name, played in seasons.items()
            if name != "best_fixed"
        },
        gains=gains_of(seasons["dqn"], seasons, plan.confidence),
        distinct_prices=distinct_prices(seasons["dqn"], products.price, rules),
        mimic=mimic(movable(products, rules), rules, policy, seeds.mimic),
    )


def evaluated_rules(products: Products, rules: Rules, draws: int, seed: int) -> dict[str, float]:
    """Return what rules earn per product-week on the draws of the training's evaluations, by name (currency).

    Args:
        products: of the market; those that may not move are left out, as in the training.
        rules: of the market.
        draws: seasons of every product in an evaluation.
        seed: of the selection.
    """
    moving = movable(products, rules)
    simple: dict[str, Policy] = {"hold": policies.hold, "myopic": policies.myopic}
    return {
        name: float(play(moving, rules, policy, draws, seed).rewards.mean())
        for name, policy in simple.items()
    }


def train_policy(
    products: Products,
    rules: Rules,
    plan: dqn.Plan,
    seeds: Seeds,
    report: Callable[[dqn.Record], None],
) -> tuple[Greedy, pd.DataFrame]:
    """Return the best policy of a training, and a row per evaluation.

    Args:
        products: of the market; those that may not move teach nothing and are left out.
        rules: of the market.
        plan: of the training.
        seeds: of the training and of the selection.
        report: called with every record of the training.
    """
    moving = movable(products, rules)

    def value(weights: Mapping[str, np.ndarray]) -> float:
        seasons = play(moving, rules, Greedy(weights), plan.evaluation_draws, seeds.selection)
        return float(seasons.rewards.mean())

    world = MarketEnv(moving, rules, plan.environments)
    records = []
    for record in dqn.train(world, value, plan, seeds.training):
        report(record)
        records.append(record)
    best = next((record for record in reversed(records) if record.best), records[0])
    rows = [{name: cell for name, cell in asdict(record).items() if name != "weights"} for record in records]
    return Greedy(best.weights), pd.DataFrame(rows)
