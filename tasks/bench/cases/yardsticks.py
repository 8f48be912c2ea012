"""Simpler methods that a DQN must beat where a stock is sold.

They are the exact solution of a fitted demand, Q-learning in a table, and the fluid problem solved anew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.bench.cases.stock import StockCase
from tasks.bench.cases.worlds import StockWorld

NEWTON_STEPS, STEEPEST = 50, 0.5  # steps, and largest change of log demand in a step, over the ladder
LEAST_BUYERS = 0.01  # least mean number of buyers from which the fit starts
STEP_POWER = (
    0.7  # of the visits; Q-learning converges between 1/2 and 1 (Even-Dar and Mansour 2003, JMLR 5:1)
)
LEAST_EXPLORATION = 0.05  # probability of a random action after the share EXPLORED of the episodes
EXPLORED = 0.5
TINY = 1e-12  # keeps a division by 0 finite


def fluid_again(world: StockWorld) -> float:
    """Return what the best price of the fluid problem earns, solved anew in every period, in currency.

    In the fluid problem, the rest of the season sells what is expected.
    """
    return world.case.value(world.gains.argmax(axis=2))


def fitted_programme(case: StockCase, seasons: int, rng: np.random.Generator) -> float:
    """Return what the exact policy of a *fitted* demand earns in the true one, in currency.

    log E[buyers] = a + b price + log season_t, by Poisson regression on the periods that did not sell out.
    The shape of the season is known.

    Args:
        case: the true demand.
        seasons: seasons of random prices that the demand is fitted on.
        rng: source of their prices and buyers.
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
    """Return what Q-learning in a table (Watkins 1989) earns after seasons played in sequence.

    The step size is visits^-STEP_POWER. Exploration falls from 1 to LEAST_EXPLORATION over the first half.

    Args:
        case: the season.
        episodes: seasons to learn from.
        rng: source of buyers and exploration.
    """
    shape = (case.periods + 1, case.stock + 1, len(case.prices))
    q, visits = np.zeros(shape), np.zeros(shape)
    q[-1] = case.salvage * np.arange(case.stock + 1.0)[:, None]
    buyers = rng.poisson(case.mean_demand, (episodes, *case.mean_demand.shape))
    uniform = rng.random((episodes, case.periods))
    random_actions = rng.integers(len(case.prices), size=(episodes, case.periods))
    for episode in range(episodes):
        stock, exploration = case.stock, max(LEAST_EXPLORATION, 1 - episode / (EXPLORED * episodes))
        for t in range(case.periods):
            explores = uniform[episode, t] < exploration
            action = int(random_actions[episode, t] if explores else q[t, stock].argmax())
            sold = min(int(buyers[episode, t, action]), stock)
            visits[t, stock, action] += 1
            target = case.prices[action] * sold + q[t + 1, stock - sold].max()
            step = visits[t, stock, action] ** -STEP_POWER
            q[t, stock, action] += step * (target - q[t, stock, action])
            stock -= sold
    return case.value(q[:-1].argmax(axis=2))


def _poisson_line(price: np.ndarray, buyers: np.ndarray, offset: np.ndarray) -> tuple[float, float]:
    """Return a and b of log E[buyers] = a + b price + offset, by damped Newton steps; b is never above 0."""
    centre, spread = price.mean(), max(float(np.ptp(price)), 1e-9)
    x = np.column_stack([np.ones(len(price)), (price - centre) / spread])
    beta = np.array([np.log(max(buyers.mean(), LEAST_BUYERS)), 0.0])
    for _ in range(NEWTON_STEPS):
        mean = np.exp(x @ beta + offset)
        step = np.linalg.lstsq(x.T @ (mean[:, None] * x), x.T @ (buyers - mean), rcond=None)[0]
        beta = beta + step * min(1.0, STEEPEST / max(float(np.abs(step).max()), TINY))
    slope = min(float(beta[1]) / spread, 0.0)
    return float(beta[0]) - slope * centre, slope
