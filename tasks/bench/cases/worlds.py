"""Cases with a known optimum as worlds for the agent, with Gymnasium's interface: many episodes at once.

Training episodes begin in any state of the case (exploring starts, Sutton and Barto 2018, section 5.3), so
that the agent learns what to do there. All figures that are reported begin where the case does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from tasks.bench.cases.reference import ReferenceCase
from tasks.bench.cases.stock import StockCase
from tasks.bench.cases.substitutes import STEPS, SubstitutesCase
from tasks.pricing.batched import BatchedEnv

SPREAD = 4.0  # standard deviations of a season's rewards that make 1
WAVES = 6  # cosines that describe a state on an interval
STOCK_WAVES = 4  # cosines that describe the period of a season
PARTIAL = 0.5  # share of the seasons that begin with a part of the stock
URGENCY = 2.0  # periods in which the feature for the end of the season grows by the factor e
REFERENCE_PERIODS = 20  # periods of an episode in which buyers remember prices
GAIN_SCALE = 4  # rewards of substitutes are multiples of the random prices' profit, spread to O(1)


class CaseWorld(BatchedEnv, ABC):
    """B episodes of a case that begin and end together."""

    def __init__(
        self,
        environments: int,
        *,
        features: int,
        actions: int,
        decisions: int,
        discount: float,
        goes_on: bool,
    ) -> None:
        """Prepare the episodes."""
        super().__init__(
            environments,
            features=features,
            actions=actions,
            decisions=decisions,
            discount=discount,
            goes_on=goes_on,
        )
        self.period = 0
        self._anything = np.ones((environments, actions), bool)

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 - Gymnasium's signature
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Open episodes; a seed restarts the draws."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.period = 0
        self._open()
        return self._observe(), {"allowed": self._allowed()}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Take a price in every episode (B,)."""
        reward = self._sell(np.asarray(actions))
        self.period += 1
        over = np.full(self.num_envs, self.period == self.decisions)
        never = np.zeros_like(over)
        ended, cut = (never, over) if self.goes_on else (over, never)
        return self._observe(), reward, ended, cut, {"allowed": self._allowed()}

    def _allowed(self) -> np.ndarray:
        return self._anything

    @abstractmethod
    def _open(self) -> None:
        """Open the episodes."""

    @abstractmethod
    def _sell(self, actions: np.ndarray) -> np.ndarray:
        """Sell for a period and return the rewards (B,)."""

    @abstractmethod
    def _observe(self) -> np.ndarray:
        """Return what the agent sees (B, features)."""


class StockWorld(CaseWorld):
    """Seasons of a ``StockCase``; half of them begin with a part of the stock.

    Rewards are ``stock_gains`` in a fixed unit: what a price is expected to earn over the fluid bound. The
    number of buyers is random.

    Attributes:
        stock: units left (B,).
    """

    def __init__(self, case: StockCase, environments: int) -> None:
        """Prepare seasons, and the state of every period and stock as the agent reads it."""
        self.case, self.states = case, stock_states(case)
        super().__init__(
            environments,
            features=self.states.shape[-1],
            actions=len(case.prices),
            decisions=case.periods,
            discount=1.0,
            goes_on=False,
        )
        self.gains = stock_gains(case)
        self.scale = SPREAD * float(self.gains.std())
        self.stock = np.full(environments, case.stock)

    def _open(self) -> None:
        part = self._rng.integers(1, self.case.stock + 1, self.num_envs)
        self.stock = np.where(self._rng.random(self.num_envs) < PARTIAL, self.case.stock, part)

    def _sell(self, actions: np.ndarray) -> np.ndarray:
        reward = self.gains[self.period, self.stock, actions] / self.scale
        buyers = self._rng.poisson(self.case.mean_demand[self.period][actions])
        self.stock = np.maximum(self.stock - buyers, 0)
        return reward

    def _observe(self) -> np.ndarray:
        return self.states[self.period, self.stock]


def fluid_bound(case: StockCase) -> np.ndarray:
    """Return what the best fixed price earns over the salvage at expected demand (T + 1, C + 1), currency.

    Phi(t, s) = max_a (p_a - salvage) min(sum of mean demand from t on, s),  Phi(T, s) = 0
    """
    to_come = np.cumsum(case.mean_demand[::-1], axis=0)[::-1]
    left = np.concatenate([to_come, np.zeros((1, len(case.prices)))])  # (T + 1, actions)
    sold = np.minimum(left[:, None, :], np.arange(case.stock + 1)[:, None])
    return np.asarray(((case.prices - case.salvage) * sold).max(axis=2))


def stock_gains(case: StockCase) -> np.ndarray:
    """Return what a price is expected to earn over the fluid bound Phi (T, C + 1, actions), currency.

        E[(price - salvage) sold + Phi(t + 1, stock left) | t, stock, price] - Phi(t, stock)

    Summed over a season this is the expected revenue less constants, because Phi telescopes (Ng, Harada and
    Russell 1999, ICML). So the best policy stays the best, and what must be learned is small and free of a
    period's noise.
    """
    phi, margin = fluid_bound(case), case.salvage * np.arange(case.stock + 1.0)
    expected = [case.q_values(t, phi[t + 1] + margin) - margin[:, None] for t in range(case.periods)]
    return np.stack(expected) - phi[:-1, :, None]


def stock_states(case: StockCase) -> np.ndarray:
    """Return what the agent reads of every period and stock, of O(1) (T + 1, C + 1, features) float32."""
    periods, most = case.periods, case.stock
    demand = np.append(case.mean_demand.mean(axis=1), 0.0)
    left = np.cumsum(demand[::-1])[::-1][:, None]  # expected buyers until the end, at a price of the middle
    t, s = np.arange(periods + 1)[:, None], np.arange(most + 1)
    total = left[0, 0]
    columns = (
        *_waves(1 - t / periods, STOCK_WAVES),
        *_waves(s / most, WAVES),
        np.log((s + 1) / (left + 1)),
        np.sqrt(s / most),
        demand[:, None] / demand.max(),
        left / total,
        1 / (1 + s),
        np.exp(-(periods - t) / URGENCY),
        np.tanh(s / (left + 1) - 1),
    )
    grid = [np.broadcast_to(column, (periods + 1, most + 1)) for column in columns]
    return np.stack(grid, axis=-1).astype(np.float32)


class ReferenceWorld(CaseWorld):
    """Cut episodes of a ``ReferenceCase`` that begin at any remembered price.

    Rewards are deviations from the mean over all states and prices, in standard deviations: a constant per
        period
    moves no decision.

    Attributes:
        remembered: prices that buyers remember, currency/unit (B,).
    """

    def __init__(self, case: ReferenceCase, environments: int, decisions: int = REFERENCE_PERIODS) -> None:
        """Prepare episodes of so many periods."""
        super().__init__(
            environments,
            features=WAVES + 2,
            actions=len(case.prices),
            decisions=decisions,
            discount=case.discount,
            goes_on=True,
        )
        self.case = case
        reward = case.reward(np.linspace(case.grid[0], case.grid[-1], 201)[:, None], case.prices)
        self._mean, self._scale = float(reward.mean()), float(reward.std())
        self.remembered = np.full(environments, case.start)

    def _open(self) -> None:
        self.remembered = self._rng.uniform(self.case.grid[0], self.case.grid[-1], self.num_envs)

    def _sell(self, actions: np.ndarray) -> np.ndarray:
        price = self.case.prices[actions]
        reward = self.case.reward(self.remembered, price)
        self.remembered = self.case.after(self.remembered, price)
        return (reward - self._mean) / self._scale

    def _observe(self) -> np.ndarray:
        return reference_states(self.case, self.remembered)


def reference_states(case: ReferenceCase, remembered: np.ndarray) -> np.ndarray:
    """Return what the agent reads of remembered prices (B, features) float32."""
    place = (remembered - case.grid[0]) / (case.grid[-1] - case.grid[0])
    return np.stack([2 * place - 1, *_waves(place, WAVES + 1)], axis=-1).astype(np.float32)


class SubstitutesWorld(CaseWorld):
    """Products of a ``SubstitutesCase``, priced in turn; the reward is their joint profit, at the end.

    A price is forbidden if every way to go on from it makes some demand negative. Rewards are relative to the
    profit of random prices.

    Attributes:
        chosen: price indices taken so far (B, products).
    """

    def __init__(self, case: SubstitutesCase, environments: int) -> None:
        """Prepare episodes of a decision per product."""
        self.case, self.products = case, len(case.costs)
        super().__init__(
            environments,
            features=self.products * (2 + WAVES),
            actions=STEPS,
            decisions=self.products,
            discount=1.0,
            goes_on=False,
        )
        self.scale = case.baselines()["random"]
        self.chosen = np.zeros((environments, self.products), int)
        self.gains = (case.profits / self.scale - 1) * GAIN_SCALE  # (STEPS, ..., STEPS)
        self._may = [
            np.asarray(case.possible.any(axis=tuple(range(i + 1, self.products))))
            for i in range(self.products)
        ]

    def _open(self) -> None:
        self.chosen = np.zeros((self.num_envs, self.products), int)

    def _allowed(self) -> np.ndarray:
        return self._anything if self.period == self.products else self.may(self.chosen, self.period)

    def may(self, chosen: np.ndarray, product: int) -> np.ndarray:
        """Return which prices of a product the prices before it leave possible (B, STEPS)."""
        possible = self._may[product][tuple(chosen[:, :product].T)]
        return np.asarray(np.broadcast_to(possible, (len(chosen), STEPS)))

    def _sell(self, actions: np.ndarray) -> np.ndarray:
        self.chosen[:, self.period] = actions
        if self.period < self.products - 1:
            return np.zeros(self.num_envs)
        return np.asarray(self.gains[tuple(self.chosen.T)])

    def _observe(self) -> np.ndarray:
        return substitutes_states(self.chosen, self.period)


def substitutes_states(chosen: np.ndarray, period: int) -> np.ndarray:
    """Return what the agent reads before it prices product ``period`` (B, features) float32.

    It reads whose turn it is, and the prices so far.

    Args:
        chosen: price indices taken so far (B, products).
        period: number of the product to be priced, from 0.
    """
    known = np.arange(chosen.shape[1]) < period  # (products,)
    turn = np.broadcast_to(np.arange(chosen.shape[1]) == period, chosen.shape)
    places = PLACES[:, chosen] * known  # (1 + WAVES, B, products)
    return np.concatenate([turn, *places], axis=1, dtype=np.float32)


def _waves(place: np.ndarray, count: int) -> list[np.ndarray]:
    """Return cos(k pi x), k = 1 ... count, of places x from 0 to 1; they let a small network bend sharply."""
    return [np.cos(np.pi * k * place) for k in range(1, count + 1)]


PLACES = np.stack([np.linspace(-1, 1, STEPS), *_waves(np.linspace(0, 1, STEPS), WAVES)]).astype(np.float32)
"""Every price of a substitutes' ladder as the agent reads it (1 + WAVES, STEPS)."""
