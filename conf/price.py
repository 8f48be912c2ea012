"""Settings of `price`: the market, the agent that is trained in it, and its price list."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conf.section import Section


class Dqn(Section):
    """The Double DQN (van Hasselt et al. 2016)."""

    hidden: tuple[int, ...]
    """Widths of the hidden layers (units)."""
    environments: int = Field(ge=1)
    """Product environments stepped at once (environments)."""
    environment_steps: int = Field(ge=1)
    """Steps of all environments together (steps)."""
    replay: int = Field(ge=1)
    """Transitions kept (transitions)."""
    batch: int = Field(ge=1)
    """Transitions in a gradient step (transitions)."""
    learning_rate: float = Field(gt=0)
    """First step size of Adam, decayed to zero (1)."""
    target_averaging: float = Field(gt=0, le=1)
    """Weight of the online network in the slowly averaged target, per gradient step (1)."""
    exploration: float = Field(ge=0, le=1)
    """Last probability of a random action (1)."""
    gradient_steps: int = Field(ge=1)
    """Gradient steps per week of the market (steps)."""
    n_step: int = Field(ge=1)
    """Weeks of rewards before bootstrapping (weeks)."""
    evaluations: int = Field(ge=1)
    """Times that the network is evaluated; the best one is kept (times)."""
    evaluation_draws: int = Field(ge=1)
    """Seasons of every product in such an evaluation (seasons)."""


class Variation(Section):
    """Small random variation of a price list.

    It gives the next estimate an instrument, and the log of decisions its propensities.
    """

    share: float = Field(ge=0, le=0.5)
    """Probability that a price is moved; 0: the list as planned (probability)."""
    size: float = Field(gt=0, le=0.1)
    """How far up or down (share of the planned price)."""


class Price(Section):
    """The market, its ladder, the agent and its price list."""

    objective: Literal["auto", "revenue", "profit"]
    """`auto`: profit where enough products have a cost, else revenue; neither undercuts a known cost."""
    cost_share: float = Field(gt=0, le=1)
    """`auto` takes profit where this share of the products has a known cost; the others then hold (share)."""
    active_weeks: int = Field(ge=1)
    """A product is in the market if it sold in so many last weeks; where its cost is older, its price holds
    (weeks)."""
    ladder_low: float = Field(gt=0)
    """Lowest step of the ladder, relative to the price in force (ratio)."""
    ladder_high: float = Field(gt=0)
    """Highest step of the ladder, relative to the price in force (ratio)."""
    ladder_steps: int = Field(ge=2)
    """Steps of the ladder (steps)."""
    decisions: int = Field(ge=2)
    """Price decisions in an episode, one a week (weeks)."""
    discount: float = Field(gt=0, le=1)
    """Worth of a unit of reward one week later (1/week)."""
    markup: float = Field(ge=0)
    """Mark-up on cost of the cost-plus baseline (share of cost)."""
    stated_margin: float = Field(gt=0, lt=1)
    """Margin that cost-plus assumes where no cost is known (share of the list price)."""
    confidence: float = Field(gt=0.5, lt=1)
    """Probability of the intervals of what policies earn (1)."""
    seasons: int = Field(ge=2)
    """Seasons of every product on which the policies are compared, none met in training (seasons)."""
    decimals: int = Field(ge=0, le=4)
    """Decimals of a price in the list (decimals)."""
    variation: Variation
    dqn: Dqn
