"""What another policy would have earned, from logged one-step decisions whose probabilities are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tasks.trial.errors import OutsideSupport, TrialError
from tasks.trial.periods import listed

LEAST_ROWS = 30  # log rows of a price that the policy wants
LEAST_WEIGHT = 0.9  # mean weight below which part of the policy lies outside the log
LEAST_EFFECTIVE = 30.0  # effective sample size
FOLDS = 2
SHOWN = 10  # prices that a refusal names


@dataclass(frozen=True)
class Value:
    """An expected reward per decision with its standard error and interval."""

    value: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Support:
    """How well the log covers the policy: effective sample (rows), largest weight, least propensity in use, mean weight (1 if covered)."""

    effective_sample: float
    largest_weight: float
    least_propensity: float
    mean_weight: float


def evaluate(
    context: np.ndarray,
    action: np.ndarray,
    propensity: np.ndarray,
    reward: np.ndarray,
    target: np.ndarray,
    prices: list[str],
    alpha: float = 0.05,
) -> tuple[dict[str, Value], Support]:
    """Return ``ips``, ``snips`` and ``dr`` of a policy, and how well the log covers it.

    With w = target / propensity: IPS is mean(w r); SNIPS sum(w r) / sum(w) (Swaminathan and Joachims 2015,
    NIPS); DR is mean(sum_a target_a q_a + w (r - q)) with q fitted on the other fold (Dudik, Langford and
    Li 2011, ICML).

    Args:
        context: what was known (rows, features).
        action: number of the price taken (rows,).
        propensity: probability with which it was taken (rows,).
        reward: currency (rows,).
        target: the policy's probability of every price (rows, prices).
        prices: names of the prices.

    Raises:
        OutsideSupport: the policy uses prices that the log lacks, or leans on too few rows.
    """
    rows = np.arange(len(action))
    support = price_support(action, propensity, target, prices)
    w = target[rows, action] / propensity
    ratio = float((w * reward).sum() / w.sum())
    q = _fitted(context, action, reward, len(prices))
    robust = (target * q).sum(axis=1) + w * (reward - q[rows, action])
    terms = {"ips": w * reward, "snips": ratio + w * (reward - ratio) / w.mean(), "dr": robust}
    return {name: _value(values, alpha) for name, values in terms.items()}, support


def price_support(
    action: np.ndarray, propensity: np.ndarray, target: np.ndarray, prices: list[str]
) -> Support:
    """Return how well the log covers the policy, decision by decision.

    Args:
        action, propensity, target, prices: as ``evaluate`` takes them.

    Raises:
        OutsideSupport: the policy uses prices that the log lacks, or leans on too few rows; says which.
    """
    if not ((propensity > 0) & (propensity <= 1)).all():
        bad = int(np.flatnonzero(~((propensity > 0) & (propensity <= 1)))[0])
        raise TrialError(
            f"log: `propensity` must lie above 0 and at most at 1 in every row. Received: {propensity[bad]} in row {bad + 1}. "
            "Log the probability of the price that was taken."
        )
    w = target[np.arange(len(action)), action] / propensity
    rows = np.bincount(action, minlength=len(prices))
    lacking = [
        f"{prices[a]} ({rows[a]} rows)"
        for a in np.flatnonzero((target.mean(axis=0) > 0) & (rows < LEAST_ROWS))
    ]
    if lacking:
        raise OutsideSupport(
            f"off-policy: the policy uses prices that the log lacks: {listed(lacking, SHOWN)}; {LEAST_ROWS} rows are needed of each. "
            "An estimate would be a guess: log these prices with a small probability first."
        )
    taken = w > 0
    if not taken.any():
        raise OutsideSupport(
            "off-policy: the log never took a price that the policy wants where it wants it. Log its prices first."
        )
    support = Support(
        float(w.sum() ** 2 / (w**2).sum()), float(w.max()), float(propensity[taken].min()), float(w.mean())
    )
    if support.effective_sample < LEAST_EFFECTIVE or w.mean() + 4 * w.std() / np.sqrt(len(w)) < LEAST_WEIGHT:
        mass = [target[:, a].mean() - (w * (action == a)).mean() for a in range(len(prices))]
        worst = [prices[a] for a in np.argsort(mass)[::-1] if mass[a] > 0.02] or [
            prices[int(np.argmax(mass))]
        ]
        raise OutsideSupport(
            f"off-policy: the log covers {support.mean_weight:.0%} of the policy "
            f"(effective sample {support.effective_sample:.0f} of {len(w):,}, "
            f"largest weight {support.largest_weight:.3g}). "
            f"Prices that lack data where the policy wants them: {listed(worst, SHOWN)}. Log them there first."
        )
    return support


def _fitted(context: np.ndarray, action: np.ndarray, reward: np.ndarray, prices: int) -> np.ndarray:
    """Return each price's expected reward in each row, by a quadratic ridge per price fitted on the other fold (rows, prices)."""
    context = (context - context.mean(axis=0)) / np.maximum(context.std(axis=0), 1e-12)
    pairs = [
        context[:, i] * context[:, j] for i in range(context.shape[1]) for j in range(i, context.shape[1])
    ]
    x = np.column_stack([np.ones(len(action)), context, *pairs])
    fold, q = np.arange(len(action)) % FOLDS, np.zeros((len(action), prices))
    for mine in range(FOLDS):
        for a in range(prices):
            seen = (fold != mine) & (action == a)
            slopes = np.linalg.solve(x[seen].T @ x[seen] + np.eye(x.shape[1]), x[seen].T @ reward[seen])
            q[fold == mine, a] = x[fold == mine] @ slopes
    return q


def _value(terms: np.ndarray, alpha: float) -> Value:
    value, se = float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(len(terms)))
    half = float(stats.norm.isf(alpha / 2)) * se
    return Value(value, se, value - half, value + half)
