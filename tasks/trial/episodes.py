"""The value of a policy over whole episodes: fitted Q evaluation, and a demand model that is simulated.

Over 30 steps the product of 30 weights leaves an effective sample of two; so each step is fitted instead.
Fitted Q evaluation goes backward (Le, Voloshin and Yue 2019, ICML): with V(after the last step) = 0,

    Q_t(s, a) = E[reward + V_{t+1}(s') | s, a],    V_t(s) = sum_a policy(a | s) Q_t(s, a),

by splines of the context, price by price. Intervals: bootstrap over episodes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tasks.trial.decision_log import DecisionLog
from tasks.trial.errors import OutsideSupport
from tasks.trial.fitted_demand import fit, seasons, unfit
from tasks.trial.off_policy import Support, Value, price_support

KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)  # quantiles of a number at which its effect may bend
RIDGE = 1e-3
BOOTSTRAPS = 100
WANTED = 0.01  # share of the decisions of a step from which a price counts as wanted there
LEAST_STEP_ROWS = 10  # log rows of a price in a step that the policy wants there
SHOWN_STEPS = 5  # steps of a price that a refusal names
INTERCEPT_RIDGE = 1e-9  # the intercept is hardly shrunk

Chances = Callable[[pd.DataFrame], np.ndarray]


def evaluate_episodes(
    log: DecisionLog, chances: Chances, seed: int, alpha: float = 0.05
) -> tuple[dict[str, Value], Support, list[str]]:
    """Return ``fqe`` and ``fitted_demand`` per episode, how the log covers the policy, and notes.

    Args:
        log: with episodes and steps.
        chances: rows -> the policy's probability of every level (rows, levels).
        seed: of the bootstrap.

    Raises:
        OutsideSupport: the policy wants a price where the log lacks it.
    """
    assert log.episode is not None
    assert log.step is not None
    target = chances(log.frame)
    support = price_support(log.action, log.propensity, target, log.prices)
    _check_steps(log, target)
    basis = _splines(log.context)
    rng = np.random.default_rng(seed)
    count = int(log.episode.max()) + 1
    draws = [np.ones(count), *rng.multinomial(count, np.full(count, 1 / count), BOOTSTRAPS).astype(float)]
    values = {"fqe": _value([_fitted_q(log, basis, target, draw) for draw in draws], alpha)}
    reason = unfit(log)
    if reason:
        return values, support, [f"fitted_demand: {reason}"]
    few = draws[: BOOTSTRAPS // 2]
    values["fitted_demand"] = _value(
        [seasons(log, fit(log, draw[log.episode]), chances, draw, seed) for draw in few], alpha
    )
    return values, support, []


def _check_steps(log: DecisionLog, target: np.ndarray) -> None:
    """Refuse a policy that wants a price in a step in which the log hardly ever took it."""
    assert log.step is not None
    lacking: dict[int, list[int]] = {}
    for t in range(int(log.step.max()) + 1):
        here = log.step == t
        rows = np.bincount(log.action[here], minlength=len(log.levels))
        for a in np.flatnonzero((target[here].mean(axis=0) > WANTED) & (rows < LEAST_STEP_ROWS)):
            lacking.setdefault(int(a), []).append(t)
    if lacking:
        where = "; ".join(
            f"{log.prices[a]} in steps {', '.join(map(str, steps[:SHOWN_STEPS]))}"
            f"{'...' if len(steps) > SHOWN_STEPS else ''}"
            for a, steps in lacking.items()
        )
        raise OutsideSupport(
            f"off-policy: the policy wants prices where the log lacks them: {where}; "
            f"{LEAST_STEP_ROWS} rows are needed of each in a step. "
            "An estimate would be a guess: log these prices there with a small probability first."
        )


def _fitted_q(log: DecisionLog, basis: np.ndarray, target: np.ndarray, draw: np.ndarray) -> float:
    """Return the value of the first step, episodes weighted by a draw of the bootstrap (episodes,)."""
    assert log.episode is not None
    assert log.step is not None
    weight = draw[log.episode]
    following = np.zeros(len(weight))  # value of the next row of the same episode, 0 after the last
    for t in range(int(log.step.max()), -1, -1):
        here = np.flatnonzero(log.step == t)
        outcome = log.reward[here] + following[here]
        q = np.zeros((len(here), len(log.levels)))
        for a in np.flatnonzero(target[here].sum(axis=0) > 0):
            taken = log.action[here] == a
            q[:, a] = _fitted(basis[here], taken, outcome, weight[here])
        value = (target[here] * q).sum(axis=1)
        if t > 0:
            following[here - 1] = value  # rows are sorted by episode and step
    return float(np.average(value, weights=weight[here]))


def _fitted(x: np.ndarray, taken: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the expected outcome of a price in every row, fitted on the rows in which it was taken (rows,).

    Args:
        x: splines of the context (rows, columns).
        taken: whether the price was taken (rows,).
        y: reward and what follows it (rows,).
        weight: of the bootstrap (rows,).
    """
    z, w = x[taken], weight[taken]
    penalty = RIDGE * max(w.sum(), 1.0) * np.eye(x.shape[1])
    penalty[0, 0] = INTERCEPT_RIDGE
    return np.asarray(x @ np.linalg.solve(z.T @ (z * w[:, None]) + penalty, z.T @ (w * y[taken])))


def _splines(context: np.ndarray) -> np.ndarray:
    """Return 1, each standardised number and its bends at the knots (rows, columns)."""
    columns = [np.ones(len(context))]
    for x in context.T:
        if x.std() > 0:
            z = (x - x.mean()) / x.std()
            columns += [z, *(np.maximum(z - knot, 0) for knot in np.unique(np.quantile(z, KNOTS)))]
    return np.column_stack(columns)


def _value(values: list[float], alpha: float) -> Value:
    """Return the first value with the percentile interval of the others, which are its bootstrap."""
    low, high = np.quantile(values[1:], [alpha / 2, 1 - alpha / 2])
    return Value(values[0], float(np.std(values[1:], ddof=1)), float(low), float(high))
