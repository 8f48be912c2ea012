"""A demand model fitted to logged episodes and simulated with another policy: Poisson sales, up to the stock.

    log mean units = level of the price + bends of the step + slopes of what else was known

Sales that equal the stock say only that demand was at least that: they count with E[D | D >= stock] at the
current fit (EM; Dempster, Laird and Rubin 1977, JRSS B). Between steps, stock falls by what is sold, and a
reference price moves by a fixed share towards the price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from expectations.columns import PRICE, REFERENCE_PRICE, STOCK, UNIT_COST, UNITS
from tasks.trial.decision_log import STEP, DecisionLog

ROUNDS, RIDGE = 25, 1e-4
TOLERANCE = 1e-3  # relative deviation from a rule between two steps
LOG_MEAN = 20.0  # largest absolute log mean that is computed
LEAST_UNITS = 1e-3  # mean units from which the fit starts at least


@dataclass(frozen=True, kw_only=True)
class Demand:
    """A fitted demand.

    Attributes:
        beta: coefficients, levels first (columns,).
        memory: weight of the old reference price in the new one, or none.
        names: numbers besides the step that it reads.
        centre, scale: of the step and those numbers (columns,).
    """

    beta: np.ndarray
    memory: float | None
    names: list[str]
    centre: np.ndarray
    scale: np.ndarray


def unfit(log: DecisionLog) -> str:
    """Return why a demand model cannot be played on this log, or nothing."""
    frame = log.frame
    if UNITS not in frame:
        return f"the log has no `{UNITS}`"
    cost = frame.get(UNIT_COST, 0.0)
    if not np.allclose(log.reward, frame[UNITS] * (frame[PRICE] - cost), rtol=TOLERANCE, atol=1e-6):
        return "the reward is not units times price less unit cost"
    pairs = _pairs(log)
    if STOCK in frame and not _follows(
        frame[STOCK].to_numpy(float), (frame[STOCK] - frame[UNITS]).to_numpy(float), pairs
    ):
        return "stock changes by more than what is sold"
    if REFERENCE_PRICE in frame and _memory(frame, pairs) is None:
        return f"`{REFERENCE_PRICE}` does not move by a fixed share towards the price"
    for name in _plain(log):
        if not _follows(frame[name].to_numpy(float), frame[name].to_numpy(float), pairs):
            return f"`{name}` changes within an episode by no known rule"
    return ""


def fit(log: DecisionLog, weight: np.ndarray) -> Demand:
    """Return the demand by weighted maximum likelihood; the caller leaves logs out that ``unfit`` names.

    Args:
        weight: of each row (rows,).
    """
    names = [*_plain(log), *([REFERENCE_PRICE] if REFERENCE_PRICE in log.frame else [])]
    assert log.step is not None
    numbers = np.column_stack([log.step, log.frame[names].to_numpy(float)])
    demand = Demand(
        beta=np.empty(0),
        memory=_memory(log.frame, _pairs(log)),
        names=names,
        centre=numbers.mean(axis=0),
        scale=np.maximum(numbers.std(axis=0), 1e-9),
    )
    x = _columns(demand, numbers, np.eye(len(log.levels))[log.action])
    units = log.frame[UNITS].to_numpy(float)
    stock = log.frame[STOCK].to_numpy(float) if STOCK in log.frame else np.full(len(units), np.inf)
    weight = weight * (stock > 0)  # sales of an empty shelf hold no information on demand
    return replace(demand, beta=_fitted(x, units, stock, weight, len(log.levels)))


def _fitted(
    x: np.ndarray, units: np.ndarray, stock: np.ndarray, weight: np.ndarray, levels: int
) -> np.ndarray:
    """Return the coefficients of a censored Poisson regression (columns,)."""
    beta = np.zeros(x.shape[1])
    beta[:levels] = np.log(max(np.average(units, weights=weight), LEAST_UNITS))
    penalty = RIDGE * weight.sum() * np.eye(len(beta)) / len(beta)
    for _ in range(ROUNDS):
        mean = np.exp(np.clip(x @ beta, -LOG_MEAN, LOG_MEAN))
        wanted = np.where(units >= stock, _at_least(mean, stock), units)
        curvature = x.T @ (x * (weight * mean)[:, None]) + penalty
        step = np.linalg.solve(curvature, x.T @ (weight * (wanted - mean)))
        beta = beta + np.clip(step, -1, 1)
    return beta


def seasons(
    log: DecisionLog,
    demand: Demand,
    chances: Callable[[pd.DataFrame], np.ndarray],
    draw: np.ndarray,
    seed: int,
) -> float:
    """Return the mean reward of episodes that start as the logged ones and are priced by another policy.

    Args:
        chances: rows -> the policy's probability of every level (rows, levels).
        draw: how often each logged start is used (episodes,).
        seed: of prices and demand.
    """
    assert log.step is not None
    rng = np.random.default_rng(seed)
    first = np.flatnonzero(log.step == 0)
    state = log.frame.iloc[np.repeat(first, draw.astype(int))].reset_index(drop=True)
    stock = state[STOCK].to_numpy(float) if STOCK in state else np.full(len(state), np.inf)
    reference = state[REFERENCE_PRICE].to_numpy(float) if REFERENCE_PRICE in state else np.ones(len(state))
    cost = state[UNIT_COST].to_numpy(float) if UNIT_COST in state else np.zeros(len(state))
    labels = np.sort(log.frame[STEP].unique())
    total = np.zeros(len(state))
    for t in range(int(log.step.max()) + 1):
        moving = {
            name: values for name, values in ((STOCK, stock), (REFERENCE_PRICE, reference)) if name in state
        }
        state = state.assign(**{STEP: labels[t], **moving})
        target = chances(state)
        action = (rng.random(len(state))[:, None] > target.cumsum(axis=1)[:, :-1]).sum(axis=1)
        price = log.levels[action] * reference
        numbers = np.column_stack([np.full(len(state), t), state[demand.names].to_numpy(float)])
        x = _columns(demand, numbers, np.eye(len(log.levels))[action])
        mean = np.exp(np.clip(x @ demand.beta, -LOG_MEAN, LOG_MEAN))
        sold = np.minimum(rng.poisson(mean), stock)
        total += sold * (price - cost)
        stock = stock - sold
        if demand.memory is not None:
            reference = demand.memory * reference + (1 - demand.memory) * price
    return float(total.mean())


def _columns(demand: Demand, numbers: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the columns of the regression: levels, powers of the step, the other numbers (rows, columns)."""
    z = (numbers - demand.centre) / demand.scale
    return np.column_stack([level, z[:, 0], z[:, 0] ** 2, z[:, 0] ** 3, z[:, 1:]])


def _at_least(mean: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Return E[D | D >= stock] of a Poisson D."""
    floor = np.where(np.isfinite(stock), stock, 0.0)
    above, before = (np.where(floor < k, 1.0, special.pdtrc(np.maximum(floor - k, 0), mean)) for k in (1, 2))
    return np.maximum(mean * before / np.maximum(above, 1e-300), floor)


def _plain(log: DecisionLog) -> list[str]:
    """Return the context besides stock and reference price."""
    return [name for name in log.names if name not in (STOCK, REFERENCE_PRICE)]


def _pairs(log: DecisionLog) -> np.ndarray:
    """Return the rows whose next row belongs to the same episode."""
    assert log.episode is not None
    return np.flatnonzero(log.episode[1:] == log.episode[:-1])


def _follows(values: np.ndarray, expected: np.ndarray, pairs: np.ndarray) -> bool:
    """Return whether the value of the next row is the expected one, episode by episode."""
    return bool(np.allclose(values[pairs + 1], expected[pairs], rtol=TOLERANCE, atol=1e-6))


def _memory(frame: pd.DataFrame, pairs: np.ndarray) -> float | None:
    """Return the share m of the old reference price in the new one: r' = m r + (1 - m) p.

    None where the log does not follow that rule.
    """
    if REFERENCE_PRICE not in frame or not len(pairs):
        return None
    reference, price = frame[REFERENCE_PRICE].to_numpy(float), frame[PRICE].to_numpy(float)
    moved, gap = reference[pairs + 1] - price[pairs], reference[pairs] - price[pairs]
    memory = float(gap @ moved / (gap @ gap)) if (gap @ gap) > 0 else 0.0
    return memory if _follows(reference, memory * reference + (1 - memory) * price, pairs) else None
