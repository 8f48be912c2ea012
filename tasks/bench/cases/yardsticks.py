"""What a DQN must justify itself against where a stock is sold: a fitted demand solved, Q-learning in a table, the fluid solved again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.bench.cases.stock import StockCase
from tasks.bench.cases.worlds import StockWorld

NEWTON_STEPS, STEEPEST = 50, 0.5  # steps; largest change of log demand in one, over the ladder


def fluid_again(world: StockWorld) -> float:
    """Return what the price earns that is best if the rest of the season goes as expected, found anew in every period."""
    return world.case.value(world.gains.argmax(axis=2))


def fitted_programme(case: StockCase, seasons: int, rng: np.random.Generator) -> float:
    """Return what the exact policy of a *fitted* demand earns in the true one, after seasons of random prices.

    log E[buyers] = a + b price + log season_t, by Poisson regression on the periods that did not sell out; the season's shape is known.
    """
    season = case.mean_demand.mean(axis=1) / case.mean_demand.mean()  # (T,)
    prices, buyers, shape = [], [], []
    for _ in range(seasons):
        stock = case.stock
        for t in range(case.periods):
            action = int(rng.integers(len(case.prices)))
            wanted = int(rng.poisson(case.mean_demand[t, action]))
            if wanted < stock:  # else the sales are censored
                prices.append(case.prices[action])
                buyers.append(wanted)
                shape.append(season[t])
            stock = max(0, stock - wanted)
            if stock == 0:
                break
    a, b = _poisson_line(np.array(prices), np.array(buyers, float), np.log(shape))
    fitted = replace(case, mean_demand=season[:, None] * np.exp(a + b * case.prices))
    return case.value(fitted.optimal[1])


def tabular_q(case: StockCase, episodes: int, rng: np.random.Generator) -> float:
    """Return what Q-learning in a table (Watkins 1989) earns after seasons played one after the other.

    The step size is visits^-0.7; exploration falls from 1 to 0.05 over the first half.
    """
    shape = (case.periods + 1, case.stock + 1, len(case.prices))
    q, visits = np.zeros(shape), np.zeros(shape)
    q[-1] = case.salvage * np.arange(case.stock + 1.0)[:, None]
    buyers = rng.poisson(case.mean_demand, (episodes, *case.mean_demand.shape))
    explores, anything = (
        rng.random((episodes, case.periods)),
        rng.integers(len(case.prices), size=(episodes, case.periods)),
    )
    for episode in range(episodes):
        stock, exploration = case.stock, max(0.05, 1 - 2 * episode / episodes)
        for t in range(case.periods):
            action = int(anything[episode, t] if explores[episode, t] < exploration else q[t, stock].argmax())
            sold = min(int(buyers[episode, t, action]), stock)
            visits[t, stock, action] += 1
            target = case.prices[action] * sold + q[t + 1, stock - sold].max()
            q[t, stock, action] += visits[t, stock, action] ** -0.7 * (target - q[t, stock, action])
            stock -= sold
    return case.value(q[:-1].argmax(axis=2))


def _poisson_line(price: np.ndarray, buyers: np.ndarray, offset: np.ndarray) -> tuple[float, float]:
    """Return a and b of log E[buyers] = a + b price + offset, by damped Newton steps; b is never above 0."""
    centre, spread = price.mean(), max(float(np.ptp(price)), 1e-9)
    x = np.column_stack([np.ones(len(price)), (price - centre) / spread])
    beta = np.array([np.log(max(buyers.mean(), 0.01)), 0.0])
    for _ in range(NEWTON_STEPS):
        mean = np.exp(x @ beta + offset)
        step = np.linalg.lstsq(x.T @ (mean[:, None] * x), x.T @ (buyers - mean), rcond=None)[0]
        beta = beta + step * min(1.0, STEEPEST / max(float(np.abs(step).max()), 1e-12))
    slope = min(float(beta[1]) / spread, 0.0)
    return float(beta[0]) - slope * centre, slope
