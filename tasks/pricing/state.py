"""What the shop knows at the start of a week, and the numbers in which a policy reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tasks.pricing.counts import served_chance
from tasks.pricing.demand import Answer, pull
from tasks.pricing.group_worth import GroupWorth
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules

FEATURES = (
    "gain_down",
    "gain_up",
    "index_price",
    "price",
    "room_down",
    "room_up",
    "remembered",
    "siblings",
    "weeks_left",
    "within",
    "within_sd",
    "whole",
    "share",
    "margin",
    "surprise",
    "noise",
    "cover",
)
"""What is read beside the worth of each step."""
# Scales by which every feature is of O(1); the weights of a policy hold for these alone.
REWARD_SCALE = 10.0  # rewards of the training per weekly revenue: gains of a few percent become O(1)
GAIN_SCALE = 20.0  # a step of 5 % that is worth 5 % of the revenue becomes 1
RATIO_SCALE = 5.0  # a band of +-20 % becomes +-1
TYPICAL_WITHIN, TYPICAL_WHOLE, SLOPE_SCALE = 2.0, 1.0, 0.5  # slopes from 0 to 4 become -1 to 1
SURPRISES = (-1.0, 3.0)  # sales of nothing, and of four times what was expected
MOST_COVER = 2.0  # stock for twice the weeks left does not run out
MOST_ROOM = 0.2  # log distance to a bound beyond which it is out of sight
SCALES = [
    *(REWARD_SCALE, GAIN_SCALE, RATIO_SCALE, TYPICAL_WITHIN, TYPICAL_WHOLE, SLOPE_SCALE),
    *(*SURPRISES, MOST_COVER, MOST_ROOM),
]
"""All of them; a policy that was trained with others reads a state wrongly."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the shop knows at the start of a week about B products.

    Attributes:
        products: the products, whole groups of them.
        week: decisions taken so far.
        ratio: prices of last week, relative to the prices in force (B,).
        planned: prices of this week as far as they are planned, relative to the prices in force (B,).
        remembered: prices that buyers remember, relative to the prices in force (B,).
        within, within_variance: belief about the hidden within slope (B,).
        whole, whole_variance: belief about the hidden slope of the group (B,).
        surprise: smoothed units over what the belief expected, minus 1 (B,).
        stock: units on hand in the week, infinite where unknown (B,).
        index: log price index of each row's season since it began (B,).
        index_price: worth that a unit of log price costs, in weekly revenue of the product (B,).
        candidates: prices that the steps lead to where they are rounded, relative to the prices in force
            (B, actions); none: they are not.
    """

    products: Products
    week: int
    ratio: np.ndarray
    planned: np.ndarray
    remembered: np.ndarray
    within: np.ndarray
    within_variance: np.ndarray
    whole: np.ndarray
    whole_variance: np.ndarray
    surprise: np.ndarray
    stock: np.ndarray
    index: np.ndarray
    index_price: np.ndarray
    candidates: np.ndarray | None = None

    @property
    def believed(self) -> Answer:
        """Return how the products answer prices, by the belief's means."""
        slopes = self.products.slopes
        return Answer(
            within=self.within,
            whole=self.whole,
            curve=slopes.curve_weights,
            by_revenue=float(slopes.by_revenue.mean()),
            cross=slopes.mean_cross,
        )

    def plan(self, planned: np.ndarray, index_price: np.ndarray) -> Self:
        """Return the view with prices planned for this week, and the price of the index (B,)."""
        return replace(self, planned=planned, index_price=index_price)

    def at_index(self, index: np.ndarray) -> Self:
        """Return the view with another log price index since the season began (B,)."""
        return replace(self, index=index)

    def prices(self, rules: Rules) -> np.ndarray:
        """Return the prices that the steps lead to, relative to the prices in force (B, actions)."""
        return self.ratio[:, None] * rules.ladder if self.candidates is None else self.candidates


def opening(products: Products, ratio: np.ndarray | None = None) -> View:
    """Return what the shop knows before the first decision: the price in force is the one remembered.

    Args:
        products: of the market.
        ratio: prices now, relative to the prices in force at the end of the training (B,); none: the same.
    """
    ones, slopes, group = np.ones(len(products)), products.slopes, products.group
    now = ones if ratio is None else ratio
    return View(
        products=products,
        week=0,
        ratio=now,
        planned=now,
        remembered=now,
        within=slopes.mean_within[group],
        within_variance=slopes.within_variance[group],
        whole=slopes.mean_whole[group],
        whole_variance=slopes.whole_variance[group],
        surprise=0 * ones,
        stock=products.on_hand(products.stock),
        index=0 * ones,
        index_price=0 * ones,
    )


def expected_worths(view: View, rules: Rules, ratio: np.ndarray) -> np.ndarray:
    """Return what a price changes of the group's earnings this week, by the belief (B, prices).

    It is in weekly revenue of the product at the price in force, over having that price, the others as
    planned, less what the index costs.

    Args:
        view: what the shop knows.
        rules: of the market.
        ratio: prices relative to the prices in force (B, prices).
    """
    products, unmoved = view.products, np.ones((len(ratio), 1))
    pulled = pull(ratio, view.remembered[:, None], view.ratio[:, None], rules)
    pull_planned = pull(view.planned, view.remembered, view.ratio, rules)
    worth = GroupWorth(
        products=products,
        rules=rules,
        answer=view.believed,
        ratio=view.planned,
        pull=pull_planned,
        served=_served(view, pull_planned),
    ).at(np.hstack([unmoved, ratio]), np.hstack([0 * unmoved, np.broadcast_to(pulled, ratio.shape)]))
    change = (worth[:, 1:] - worth[:, :1]) / (products.price * products.units)[:, None]
    return np.asarray(change - view.index_price[:, None] * np.log(ratio))


def expected_gains(view: View, rules: Rules, ratio: np.ndarray) -> np.ndarray:
    """Return what prices are worth over the price of last week, as ``expected_worths`` says (B, prices)."""
    worths = expected_worths(view, rules, np.column_stack([view.ratio, ratio]))
    return np.asarray(worths[:, 1:] - worths[:, :1])


def _served(view: View, planned: np.ndarray | float) -> np.ndarray | float:
    """Return the chance that one more buyer of each product is served (B,); 1 where no stock is known."""
    products = view.products
    if not np.isfinite(view.stock).any():
        return 1.0
    mean = view.believed.units(products, view.planned, planned)
    return served_chance(mean, products.dispersion, view.stock)


def features_of(rules: Rules) -> list[str]:
    """Return the names of the numbers in a state."""
    return [*(f"worth_at_{step:g}" for step in rules.ladder), *FEATURES]


def observe(view: View, rules: Rules) -> np.ndarray:
    """Return the state as the agent reads it, in the order of ``features_of`` (B, features) float32.

    What is known of the steps comes first, in the units of the rewards over the weeks left: what last week's
    price is worth a week, if it is kept, and what a step gains this week. The agent learns what later steps
    add to them. ``gain_down`` and ``gain_up`` are what the largest steps would change this week. ``siblings``
    is the mean log price of the others in the group. ``noise`` is the standard deviation of a week's units
    relative to their mean. ``cover`` is the stock in weeks of usual sales, relative to the weeks left.
    """
    products = view.products
    worths = expected_worths(view, rules, np.column_stack([view.ratio, view.prices(rules)]))
    kept, gains = worths[:, :1], worths[:, 1:] - worths[:, :1]
    known = np.empty((len(products), len(rules.ladder) + len(FEATURES)), np.float32)
    known[:, : len(rules.ladder)] = REWARD_SCALE * (kept + gains / max(rules.later[view.week], 1.0))
    state = known[:, len(rules.ladder) :]
    state[:, :2] = GAIN_SCALE * gains[:, [0, -1]]
    state[:, 2] = view.index_price
    state[:, 3] = RATIO_SCALE * np.log(view.ratio)
    price = view.ratio * products.price
    low = np.fmax(products.lowest, rules.floor(products))
    state[:, 4] = RATIO_SCALE * room(price, low)
    state[:, 5] = RATIO_SCALE * room(products.highest, price)
    state[:, 6] = RATIO_SCALE * np.log(view.remembered / view.ratio)
    state[:, 7] = RATIO_SCALE * _siblings(view)
    state[:, 8] = 1 - view.week / rules.decisions
    state[:, 9] = SLOPE_SCALE * (view.within - TYPICAL_WITHIN)
    state[:, 10] = np.sqrt(view.within_variance)
    state[:, 11] = SLOPE_SCALE * (view.whole - TYPICAL_WHOLE)
    state[:, 12] = products.share
    state[:, 13] = rules.margin(products, view.ratio) / price
    state[:, 14] = np.clip(view.surprise, *SURPRISES)
    state[:, 15] = np.sqrt(1 / products.units + products.dispersion)
    cover = view.stock / products.units / (rules.decisions - view.week + 1)
    state[:, 16] = np.minimum(cover, MOST_COVER) - 1
    return known


def room(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the log distance between prices as far as it is in sight; a bound of 0 is not (B,)."""
    with np.errstate(divide="ignore"):
        return np.clip(np.log(above) - np.log(below), 0.0, MOST_ROOM)


def _siblings(view: View) -> np.ndarray:
    """Return the mean log price of the others of the group by their shares; 0 without others (B,)."""
    products, share = view.products, view.products.share
    logs = share * np.log(view.planned)
    others = products.group_sum(logs) - logs
    return np.where(products.alone, 0.0, others / np.maximum(1 - share, np.finfo(float).eps))
