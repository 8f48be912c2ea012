"""The list of a week: the best allowed step of every product beside the others, within the shop's index.

What is best for a product depends on what its siblings charge, so the list is planned in rounds until each
price suits the others. No one shop's sales say what happens when everything becomes dearer, so the
revenue-weighted price index of the list stays in a band; it is spent where it earns most:

    argmax over steps of  Q_i(a) - mu log step_a,      mu by bisection, one for all products of the shop

with Q in revenue of the product: weighed by revenue, this is the best list of its index (a Lagrange
multiplier; Everett 1963, Operations Research 11:399).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from tasks.pricing.rules import Rules
from tasks.pricing.state import View

ROUNDS = 4  # of planning; prices of a week move by few steps, so few rounds are needed
CHARGED = 4.0  # weeks for which a step of this week is charged, about: later ones undo it
LEAST_STEP = 1e-3  # log step that counts as one; the multiplier must reach beyond its worth
HALVINGS = 40  # of the bracket of the multiplier
STILL = 1e-8  # worth of keeping a price, in weekly revenue: what earns the same does not move
MARGIN = 1e-9  # of the index that rounding of floats may take


class Policy(Protocol):
    """What decides the prices of a week."""

    def __call__(self, view: View, rules: Rules) -> ListPlan:
        """Return the list of a week, every step an allowed one."""
        ...


class Score(Protocol):
    """What every step is worth to a product beside the planned prices of the others."""

    def __call__(self, view: View, rules: Rules) -> np.ndarray:
        """Return worths in weekly revenue of the product, less what the index costs (B, actions)."""
        ...


@dataclass(frozen=True, kw_only=True)
class ListPlan:
    """A list, and how it came about.

    Attributes:
        actions: steps (B,).
        view: in which the siblings take the steps of the last round but one.
        worth: of the steps there, less what the index costs; minus infinity where not allowed (B, actions).
        index_price: what the index costs, for the next week to begin with (B,).
        side: 1 where the index ends at the upper bound of its band, -1 at the lower, 0 where it is free (B,).
    """

    actions: np.ndarray
    view: View
    worth: np.ndarray
    index_price: np.ndarray
    side: np.ndarray


def listed(view: View, rules: Rules, score: Score, may: np.ndarray | None = None) -> ListPlan:
    """Return the list of a week.

    It is planned first as if the index cost nothing. Where that leaves the band, the index ends at the bound
    that was crossed, and its price is what the last week found, corrected round by round.

    Args:
        view: what the shop knows.
        rules: of the market.
        score: worth of the steps.
        may: which steps each product may take (B, actions); none: those of the rules.
    """
    may = rules.allowed(view.products, view.ratio) if may is None else may
    prices, index = view.prices(rules), Index.of(view, rules)
    weeks = min(rules.later[view.week], CHARGED)
    free, actions = np.zeros(len(may)), np.full(len(may), rules.hold)
    still = STILL * (rules.ladder == 1.0)
    plan, side = view.plan(view.ratio, free), free
    for turn in range(ROUNDS):
        worth, before = np.where(may, score(plan, rules) + still, -np.inf), actions
        side = np.where(side == 0, index.side(worth.argmax(axis=1)), side)
        actions, multiplier = index.best(worth, side)
        allowed = np.take_along_axis(may, actions[:, None], axis=1)[:, 0]
        actions = np.where(allowed, actions, rules.hold)  # where no worth is known the price holds
        index_price = plan.index_price + multiplier / weeks
        result = ListPlan(
            actions=actions,
            view=plan,
            worth=worth - multiplier[:, None] * index.logs,
            index_price=index_price,
            side=side,
        )
        if (actions == before).all():
            break
        if turn == 0:
            index_price = np.where(view.index_price * side > 0, view.index_price, index_price)
        plan = view.plan(_at(prices, actions), index_price)
    return result


@dataclass(frozen=True, kw_only=True)
class Index:
    """The price index of the lists of all seasons, and between what it may change this week.

    Attributes:
        season: number of each row's season (B,).
        logs: log steps (B, actions).
        weight: share of each row in the revenue of its season (B,).
        low, high: log change that is allowed in each row's season (B,).
    """

    season: np.ndarray
    logs: np.ndarray
    weight: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, view: View, rules: Rules) -> Self:
        """Return the index of a week, weighted by revenue at the prices of last week."""
        products = view.products
        revenue = products.price * view.ratio * products.units
        low, high = rules.index_room(view.index)
        return cls(
            season=products.season,
            logs=np.log(view.prices(rules) / view.ratio[:, None]),
            weight=revenue / products.season_sum(revenue),
            low=low - MARGIN,
            high=high + MARGIN,
        )

    def change(self, actions: np.ndarray) -> np.ndarray:
        """Return the log change of the index of each row's season (B,)."""
        return np.bincount(self.season, self.weight * _at(self.logs, actions))[self.season]

    def side(self, actions: np.ndarray) -> np.ndarray:
        """Return 1 where a list is above its band, -1 below it, else 0 (B,)."""
        change = self.change(actions)
        return (change > self.high).astype(float) - (change < self.low)

    def best(self, worth: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the best steps inside the band, and the multiplier (B,), (B,).

        Args:
            worth: of the steps, minus infinity where one is not allowed (B, actions).
            side: of the band at which a season's index ends; 0: it is free (B,).
        """
        free = worth.argmax(axis=1)
        if not side.any():
            return free, np.zeros(len(worth))
        finite = np.where(np.isfinite(worth), worth, worth.max(axis=1, keepdims=True))
        spread = np.ptp(finite, axis=1).max() / LEAST_STEP + 1.0
        nearer, farther, multiplier = self._parted(worth, side, spread)
        return np.where(side == 0, free, self._filled(nearer, farther, worth)), multiplier * (side != 0)

    def _parted(
        self, worth: np.ndarray, side: np.ndarray, spread: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the best lists on either side of a bound, and the multiplier of the inner one (B,) each.

        A product that takes one step on both sides takes it at every multiplier in between, so that fewer and
        fewer are looked at.

        Args:
            worth: of the steps, minus infinity where one is not allowed (B, actions).
            side: of the band at which a season's index ends (B,).
            spread: multiplier beyond which all take their largest allowed step.
        """
        side, low, high = (self._of_season(values) for values in (side, self.low, self.high))
        beyond, inside = -side * spread, side * spread  # a positive one makes dear steps dearer
        farther, nearer = (_priced(end[self.season], worth, self.logs) for end in (beyond, inside))
        change, rows = self._of_season(self.change(nearer)), np.flatnonzero(farther != nearer)
        for _ in range(HALVINGS):
            middle, season = (beyond + inside) / 2, self.season[rows]
            trial = _priced(middle[season], worth[rows], self.logs[rows])
            more = _at(self.logs[rows], trial) - _at(self.logs[rows], nearer[rows])
            moved = change + np.bincount(season, self.weight[rows] * more, minlength=len(side))
            crossed = (moved > high).astype(float) - (moved < low) == side
            beyond, inside = np.where(crossed, middle, beyond), np.where(crossed, inside, middle)
            change, outer = np.where(crossed, change, moved), crossed[season]
            farther[rows] = np.where(outer, trial, farther[rows])
            nearer[rows] = np.where(outer, nearer[rows], trial)
            rows = rows[farther[rows] != nearer[rows]]
        return nearer, farther, inside[self.season]

    def _of_season(self, values: np.ndarray) -> np.ndarray:
        """Return the values of the seasons, of those of their rows, which are all the same (seasons,)."""
        of_season = np.zeros(int(self.season.max()) + 1)
        of_season[self.season] = values
        return of_season

    def _filled(self, nearer: np.ndarray, farther: np.ndarray, worth: np.ndarray) -> np.ndarray:
        """Return the list that uses most of the band (B,).

        Where many products are worth the same, no multiplier parts them, and any of them may move. Where one
        of few products is a large part of the shop, a list may jump over the band or leave most of it: then
        as many of the best steps are taken as fit.

        Args:
            nearer, farther: best lists on either side of the bound at which the index ends (B,).
            worth: of the steps, minus infinity where one is not allowed (B, actions).
        """
        hold = np.abs(self.logs).argmin(axis=1)
        parted, fitted = self._between(nearer, farther), self._between(hold, worth.argmax(axis=1))
        gain = np.bincount(self.season, self.weight * (_at(worth, parted) - _at(worth, fitted)))
        return np.where((self.side(parted) == 0) & (gain >= 0)[self.season], parted, fitted)

    def _between(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the last list inside the band on the way to another one; small changes come first (B,)."""
        rows = np.arange(len(start))
        moves = self.weight * (_at(self.logs, end) - _at(self.logs, start))
        order = np.lexsort((np.abs(moves), self.season))
        season = self.season[order]
        first = np.searchsorted(season, np.arange(season[-1] + 1))
        moved = np.cumsum(moves[order])
        change = self.change(start)[order] + moved - np.r_[0.0, moved][first][season]
        fits = (change <= self.high[order]) & (change >= self.low[order])
        last = np.full(len(first), -1)
        np.maximum.at(last, season[fits], rows[fits])
        taken = np.empty(len(rows), bool)
        taken[order] = rows <= last[season]
        return np.where(taken, end, start)


def _priced(multiplier: np.ndarray, worth: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Return the best steps where a log price costs a multiplier (B,)."""
    return np.asarray((worth - multiplier[:, None] * logs).argmax(axis=1))


def _at(values: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Return the value of each product's step (B,)."""
    return np.take_along_axis(values, actions[:, None], axis=1)[:, 0]
