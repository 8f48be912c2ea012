"""Settings of `price`: the market, the agent that is trained in it, and its price list."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from conf.paths import LocalPath
from conf.section import Section

LEAST, MOST = 0.01, 0.95  # margins; a percentage that was meant as a share is far outside


def _margin(value: Any) -> Any:
    """Return a margin within its limits; a percentage or the text of a number is refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not LEAST <= value <= MOST:
        raise ValueError(f"a margin is a share of the shelf price, {LEAST} to {MOST}, such as 0.25 for 25 %")
    return value


Margin = Annotated[float, BeforeValidator(_margin)]


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


class Guard(Section):
    """Rules that a shop has for its prices: they hold in the market, for the agent and for the list alike.

    Their limits are hard: a shop tightens a rule as it likes, and loosens it so far and no further.
    """

    step: float = Field(gt=0, le=0.25)
    """Most that a price may differ from any price of the last seven local days (share of that price)."""
    band: float = Field(gt=0, le=0.5)
    """Most that a price may differ from its slow reference price (share of the reference)."""
    reference_weeks: int = Field(ge=4, le=260)
    """The slow reference price is the median of the shelf prices of so many trailing weeks (weeks)."""
    reference_year: float = Field(ge=0, le=0.5)
    """Most that the slow reference price itself moves in a year (share of it per year)."""
    index_week: float = Field(ge=0, le=0.2)
    """Most that the revenue-weighted price index of the list moves in a week (share of the index)."""
    index_season: float = Field(ge=0, le=0.5)
    """Most that the index has moved at any time since the season began (share of the index)."""


class Price(Section):
    """The market, its ladder, the agent and its price list."""

    objective: Literal["auto", "revenue", "profit"]
    """`auto`: profit, at an assumed margin where no cost is known; `profit`: of known costs alone, products
    without one hold; `revenue`. None undercuts a known cost."""
    active_weeks: int = Field(ge=1, le=104)
    """A product is in the market if it sold in so many last weeks; where its cost is older, its price holds
    (weeks)."""
    ladder_low: float = Field(ge=0.5, le=1)
    """Lowest step of the ladder, relative to the price in force (ratio)."""
    ladder_high: float = Field(ge=1, le=1.5)
    """Highest step of the ladder, relative to the price in force (ratio)."""
    ladder_steps: int = Field(ge=2, le=101)
    """Steps of the ladder (steps)."""
    decisions: int = Field(ge=2)
    """Price decisions in an episode, one a week (weeks)."""
    discount: float = Field(gt=0, le=1)
    """Worth of a unit of reward one week later (1/week)."""
    markup: float = Field(ge=0, le=10)
    """Mark-up on cost of the cost-plus baseline (share of cost)."""
    stated_margin: float = Field(ge=LEAST, le=MOST)
    """Margin assumed where no cost is known: it sets the objective and is never a floor (share of the shelf
    price without tax)."""
    margins: dict[str, Margin]
    """The same by department, or by category where the sales have no department; all others have
    `stated_margin`. On the command line, with a name of several words or signs in quotes:
    `--set 'price.margins={dairy: 0.25, soft drinks: 0.3, "eggs, fresh": 0.2}'`."""
    confidence: float = Field(gt=0.5, lt=1)
    """Probability of the intervals of what policies earn (1)."""
    seasons: int = Field(ge=2)
    """Seasons of every product on which the policies are compared, none met in training (seasons)."""
    decimals: int = Field(ge=0, le=4)
    """Decimals of a price in the list (decimals)."""
    channels: LocalPath | None
    """Table of the channels of stores with their fees and taxes, CSV or Parquet; none: there is one channel.
    Every store has a row."""
    guard: Guard
    variation: Variation
    dqn: Dqn
