"""What a pricing policy is trained for: the section ``price`` of the settings, as this subject needs it."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.pricing.dqn import Plan


@dataclass(frozen=True, kw_only=True)
class PricingPlan:
    """How the market is built, how the agent is trained in it, and how policies are compared.

    Attributes:
        period: length of a period of the sales table, ``D`` or ``W``.
        objective: ``revenue`` or ``profit``, where no cost is known at the stated margins.
        active_weeks: a product is in the market if it sold in so many last weeks; an older cost is stale
            (weeks).
        ladder_low, ladder_high: lowest and highest step of a week, relative to the price of the week before
            (ratio).
        ladder_steps: steps between them, evenly spaced (steps).
        decisions: price decisions of a season, one a week (weeks).
        discount: worth of a reward one week later (1/week).
        markup: mark-up on cost of the cost-plus policy (share of cost).
        stated_margin: margin that is assumed where no cost is known (share of the list price).
        step: most that a price changes in a week (share of it).
        index_week, index_season: most that the price index of the whole list moves (share).
        confidence: probability of the intervals of what policies earn (1).
        seasons: seasons of every product on which policies are compared (seasons).
        training: of the agent.
        currency: ISO 4217 code of all money; none: it is not named.
    """

    period: str
    objective: str
    active_weeks: int
    ladder_low: float
    ladder_high: float
    ladder_steps: int
    decisions: int
    discount: float
    markup: float
    stated_margin: float
    step: float
    index_week: float
    index_season: float
    confidence: float
    seasons: int
    training: Plan
    currency: str | None = None


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Seeds of independent draws.

    Attributes:
        training: initial weights, exploration, replay and seasons of the training.
        selection: seasons by which the best network of the training is chosen.
        comparison: seasons on which policies are compared, none met in training or selection.
        random: steps of the random policy.
        mimic: seasons of the tree that imitates the policy.
    """

    training: int
    selection: int
    comparison: int
    random: int
    mimic: int
