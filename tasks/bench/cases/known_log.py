"""Logged decisions whose policy values are known: five prices, two features of a buyer, a purchase or none.

purchase probability = 1 / (1 + exp(-(1 + 0.8 x0 - 0.5 x1 - (0.16 + 0.05 tanh x1) (p - 8))))
reward = p - 10 if bought
"""

from __future__ import annotations

import numpy as np
from scipy import special

from tasks.trial.off_policy import LoggedChoices

PRICES = np.array([16.0, 18.0, 20.0, 22.0, 24.0])
COST = 10.0
TARGETS = ("uniform", "always_20", "greedy_optimal")


def expected(x: np.ndarray) -> np.ndarray:
    """Return the mean reward of every price (rows, prices)."""
    wish = 1 + 0.8 * x[:, :1] - 0.5 * x[:, 1:] - (0.16 + 0.05 * np.tanh(x[:, 1:])) * (PRICES - 8)
    return np.asarray((PRICES - COST) * special.expit(wish))


def behaviour(x: np.ndarray) -> np.ndarray:
    """Return the logged probability of every price (rows, prices).

    The softmax of 0.5 x0 (k - 2) - 0.25 (k - 2)^2 over the prices k.
    """
    k = np.arange(len(PRICES)) - 2
    return np.asarray(special.softmax(0.5 * x[:, :1] * k - 0.25 * k**2, axis=1))


def target(name: str, x: np.ndarray) -> np.ndarray:
    """Return a policy's probability of every price (rows, prices)."""
    if name == "uniform":
        return np.full((len(x), len(PRICES)), 1 / len(PRICES))
    best = np.full(len(x), 2) if name == "always_20" else expected(x).argmax(axis=1)
    return np.eye(len(PRICES))[best]


def drawn(rng: np.random.Generator, rows: int) -> LoggedChoices:
    """Return a log whose context has two features."""
    x = rng.normal(size=(rows, 2))
    chance = behaviour(x)
    action = (rng.random(rows)[:, None] > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)
    price = PRICES[action]
    bought = rng.random(rows) < expected(x)[np.arange(rows), action] / (price - COST)
    return LoggedChoices(
        context=x,
        action=action,
        propensity=chance[np.arange(rows), action],
        reward=np.where(bought, price - COST, 0.0),
        prices=[f"{price:g}" for price in PRICES],
    )
