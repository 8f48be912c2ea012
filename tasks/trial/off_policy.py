"""The value of another policy, from logged one-step decisions whose probabilities are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tasks.trial.errors import OutsideSupport, TrialError
from tasks.trial.periods import listed

LEAST_ROWS = 30  # log rows of a price that the policy wants
LEAST_WEIGHT = 0.9  # mean weight below which part of the policy lies outside the log
LEAST_EFFECTIVE = 30.0  # effective sample size
SURE = 4.0  # standard errors by which the mean weight must lie below its least value
MISSING_MASS = 0.02  # share of the policy by which a price lacks data
FOLDS = 2
SHOWN_PRICES = 10  # prices that a refusal names


@dataclass(frozen=True)
class Value:
    """An expected reward per decision with its standard error and interval."""

    value: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Support:
    """How well the log covers the policy.

    Attributes:
        effective_sample: rows.
        largest_weight: of a row, the policy's probability over the logged one.
        least_propensity: smallest logged probability in use.
        mean_weight: 1 if the policy is covered.
    """

    effective_sample: float
    largest_weight: float
    least_propensity: float
    mean_weight: float


@dataclass(frozen=True, kw_only=True)
class LoggedChoices:
    """Prices that were taken, with their probabilities and rewards.

    Attributes:
        context: what was known (rows, features).
        action: number of the price taken (rows,).
        propensity: probability with which it was taken (rows,).
        reward: currency (rows,).
        prices: names of the prices.
    """

    context: np.ndarray
    action: np.ndarray
    propensity: np.ndarray
    reward: np.ndarray
    prices: list[str]


def evaluate(
    choices: LoggedChoices, target: np.ndarray, alpha: float = 0.05
) -> tuple[dict[str, Value], Support]:
    """Return ``ips``, ``snips`` and ``dr`` of a policy, and how well the log covers it.

    With w = target / propensity: IPS is mean(w r); SNIPS sum(w r) / sum(w) (Swaminathan and Joachims 2015,
    NIPS); DR is mean(sum_a target_a q_a + w (r - q)) with q fitted on the other fold (Dudik, Langford and
    Li 2011, ICML).

    Args:
        choices: the log.
        target: the policy's probability of every price (rows, prices).
        alpha: probability that an interval misses (two-sided).

    Raises:
        OutsideSupport: the policy uses prices that the log lacks, or leans on too few rows.
    """
    action, propensity, reward = choices.action, choices.propensity, choices.reward
    rows = np.arange(len(action))
    support = price_support(action, propensity, target, choices.prices)
    w = target[rows, action] / propensity
    ratio = float((w * reward).sum() / w.sum())
    q = _fitted(choices.context, action, reward, len(choices.prices))
    robust = (target * q).sum(axis=1) + w * (reward - q[rows, action])
    terms = {"ips": w * reward, "snips": ratio + w * (reward - ratio) / w.mean(), "dr": robust}
    return {name: _value(values, alpha) for name, values in terms.items()}, support


def price_support(
    action: np.ndarray, propensity: np.ndarray, target: np.ndarray, prices: list[str]
) -> Support:
    """Return how well the log covers the policy, decision by decision.

    Args:
        action, propensity, prices: as in ``LoggedChoices``.
        target: the policy's probability of every price (rows, prices).

    Raises:
        OutsideSupport: the policy uses prices that the log lacks, or leans on too few rows; says which.
    """
    _check_propensity(propensity)
    _check_prices(action, target, prices)
    w = target[np.arange(len(action)), action] / propensity
    taken = w > 0
    if not taken.any():
        raise OutsideSupport(
            "off-policy: the log never took a price that the policy wants where it wants it. "
            "Log its prices first."
        )
    support = Support(
        effective_sample=float(w.sum() ** 2 / (w**2).sum()),
        largest_weight=float(w.max()),
        least_propensity=float(propensity[taken].min()),
        mean_weight=float(w.mean()),
    )
    highest_mean = w.mean() + SURE * w.std() / np.sqrt(len(w))
    if support.effective_sample < LEAST_EFFECTIVE or highest_mean < LEAST_WEIGHT:
        mass = [target[:, a].mean() - (w * (action == a)).mean() for a in range(len(prices))]
        worst = [prices[a] for a in np.argsort(mass)[::-1] if mass[a] > MISSING_MASS]
        worst = worst or [prices[int(np.argmax(mass))]]
        raise OutsideSupport(
            f"off-policy: the log covers {support.mean_weight:.0%} of the policy "
            f"(effective sample {support.effective_sample:.0f} of {len(w):,}, "
            f"largest weight {support.largest_weight:.3g}). "
            f"Prices that lack data where the policy wants them: {listed(worst, SHOWN_PRICES)}. "
            "Log them there first."
        )
    return support


def _check_propensity(propensity: np.ndarray) -> None:
    """Refuse probabilities that are none."""
    bad_rows = np.flatnonzero(~((propensity > 0) & (propensity <= 1)))
    if bad_rows.size:
        bad = int(bad_rows[0])
        raise TrialError(
            "log: `propensity` must lie above 0 and at most at 1 in every row. "
            f"Received: {propensity[bad]} in row {bad + 1}. Log the probability of the price that was taken."
        )


def _check_prices(action: np.ndarray, target: np.ndarray, prices: list[str]) -> None:
    """Refuse a policy that uses prices of which the log has too few rows."""
    rows = np.bincount(action, minlength=len(prices))
    lacking = [
        f"{prices[a]} ({rows[a]} rows)"
        for a in np.flatnonzero((target.mean(axis=0) > 0) & (rows < LEAST_ROWS))
    ]
    if lacking:
        raise OutsideSupport(
            f"off-policy: the policy uses prices that the log lacks: {listed(lacking, SHOWN_PRICES)}; "
            f"{LEAST_ROWS} rows are needed of each. "
            "An estimate would be a guess: log these prices with a small probability first."
        )


def _fitted(context: np.ndarray, action: np.ndarray, reward: np.ndarray, prices: int) -> np.ndarray:
    """Return each price's expected reward in each row (rows, prices).

    A quadratic ridge per price is fitted on the other fold.
    """
    context = (context - context.mean(axis=0)) / np.maximum(context.std(axis=0), 1e-12)
    pairs = [
        context[:, i] * context[:, j] for i in range(context.shape[1]) for j in range(i, context.shape[1])
    ]
    x = np.column_stack([np.ones(len(action)), context, *pairs])
    fold, q = np.arange(len(action)) % FOLDS, np.zeros((len(action), prices))
    for held_out in range(FOLDS):
        for a in range(prices):
            seen = (fold != held_out) & (action == a)
            slopes = np.linalg.solve(x[seen].T @ x[seen] + np.eye(x.shape[1]), x[seen].T @ reward[seen])
            q[fold == held_out, a] = x[fold == held_out] @ slopes
    return q


def _value(terms: np.ndarray, alpha: float) -> Value:
    """Return the mean of independent terms with its normal interval."""
    value, se = float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(len(terms)))
    half = float(stats.norm.isf(alpha / 2)) * se
    return Value(value, se, value - half, value + half)
