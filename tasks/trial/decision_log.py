"""Logged price decisions with their probabilities, and policies as tables.

A log has a row per decision: `price`, `propensity` (probability with which that price was drawn), `reward`,
or `units` with or without `unit_cost`; numbers known before are context; `episode` and `step` say which
decisions belong together. With `reference_price`, the price in force before, steps relative to it are
compared instead of prices. A policy is a table of `price` (or `ratio`) and `probability`, by whatever
columns it shares with the log: none, products, steps, decisions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import (
    PRICE,
    PRODUCT,
    PROPENSITY,
    RANDOMISED,
    REFERENCE_PRICE,
    STORE,
    UNIT_COST,
    UNITS,
)
from tasks.trial.errors import OutsideSupport, TrialError
from tasks.trial.periods import listed

REWARD, EPISODE, STEP, RATIO, PROBABILITY = "reward", "episode", "step", "ratio", "probability"
OUTCOMES = (
    PRICE,
    RATIO,
    PROPENSITY,
    REWARD,
    UNITS,
    UNIT_COST,
    RANDOMISED,
    "planned_price",
    EPISODE,
    "decision",
)
TEXT = (PRODUCT, STORE)
SAME_STEP = 0.005  # largest difference of relative prices that count as the same


@dataclass(frozen=True, kw_only=True)
class DecisionLog:
    """Decisions in numbers.

    Attributes:
        frame: the rows, sorted by episode and step where there are episodes.
        what: ``price`` or ``ratio``: what is compared.
        levels: distinct prices or ratios of log and policy, rising (levels,).
        action: number of the level that was taken (rows,).
        propensity: its probability (rows,).
        reward: currency (rows,).
        names: of the context.
        context: what was known before (rows, names).
        episode, step: numbers from 0 (rows,), or none.
    """

    frame: pd.DataFrame
    what: str
    levels: np.ndarray
    action: np.ndarray
    propensity: np.ndarray
    reward: np.ndarray
    names: list[str]
    context: np.ndarray
    episode: np.ndarray | None
    step: np.ndarray | None

    @property
    def prices(self) -> list[str]:
        """Return the names of the levels."""
        return [f"{level:g}" if self.what == PRICE else f"x{level:g}" for level in self.levels]


def read_log(frame: pd.DataFrame, policy: pd.DataFrame) -> DecisionLog:
    """Check a log and return it in numbers, with the levels that it shares with a policy.

    Raises:
        TrialError: a column is missing or holds what it cannot.
    """
    frame = _checked(frame)
    what = RATIO if REFERENCE_PRICE in frame else PRICE
    episode = step = None
    if EPISODE in frame:
        if STEP not in frame or frame.duplicated([EPISODE, STEP]).any():
            raise TrialError(
                f"log: an `{EPISODE}` needs one row per `{STEP}`. Received: none, or two for one. "
                "Number the decisions of each."
            )
        frame = frame.sort_values([EPISODE, STEP], ignore_index=True)
        episode = pd.factorize(frame[EPISODE])[0]
        step = frame.groupby(EPISODE).cumcount().to_numpy()
    wanted = _levels(policy, what)
    taken = _steps(frame, wanted) if what == RATIO else _rounded(frame[PRICE])
    levels = np.union1d(taken, wanted)
    names = [
        str(name)
        for name in frame.columns
        if name not in (*OUTCOMES, *TEXT, STEP) and pd.api.types.is_numeric_dtype(frame[name])
    ]
    return DecisionLog(
        frame=frame,
        what=what,
        levels=levels,
        action=np.searchsorted(levels, taken),
        propensity=frame[PROPENSITY].to_numpy(float),
        reward=frame[REWARD].to_numpy(float),
        names=names,
        context=frame[names].to_numpy(float),
        episode=episode,
        step=step,
    )


def chances(policy: pd.DataFrame, rows: pd.DataFrame, levels: np.ndarray, what: str) -> np.ndarray:
    """Return the policy's probability of every level in every row (rows, levels).

    Raises:
        TrialError: the policy says nothing about a row, or its probabilities do not add up to 1.
        OutsideSupport: it wants a level that is none of those.
    """
    answers = policy.assign(
        **{PROBABILITY: policy.get(PROBABILITY, 1.0), "level": _levels(policy, what, rising=False)}
    )
    keys = [name for name in policy.columns if name in rows and name not in (PRICE, RATIO, PROBABILITY)]
    questions = rows[keys].assign(row=np.arange(len(rows)))
    answers = answers[[*keys, "level", PROBABILITY]]
    matched = questions.merge(answers, on=keys) if keys else questions.merge(answers, how="cross")
    number = np.searchsorted(levels, matched["level"]).clip(max=len(levels) - 1)
    strange = matched["level"][levels[number] != matched["level"]]
    if len(strange):
        raise OutsideSupport(
            f"off-policy: the policy wants {what} {strange.iloc[0]:g}, which the log lacks. "
            "Log it with a small probability first."
        )
    target = np.zeros((len(rows), len(levels)))
    np.add.at(target, (matched["row"].to_numpy(), number), matched[PROBABILITY].to_numpy(float))
    wrong = np.flatnonzero(np.abs(target.sum(axis=1) - 1) > 1e-6)
    if wrong.size or (target < 0).any():
        where = ", ".join(f"{key} {rows[key].iloc[wrong[0]]}" for key in keys) if wrong.size else ""
        raise TrialError(
            "policy: the probabilities of a decision must lie in 0 ... 1 and add up to 1. "
            f"Received: {target.sum(axis=1)[wrong[0]] if wrong.size else target.min():.4g} "
            f"{f'for {where}' if where else 'in a row'} ({wrong.size} rows). "
            f"Keys shared with the log: {', '.join(keys) or 'none'}."
        )
    return target


def _levels(policy: pd.DataFrame, what: str, rising: bool = True) -> np.ndarray:
    """Return the prices or ratios of a policy: distinct and rising, or row by row."""
    if what not in policy:
        other = RATIO if what == PRICE else PRICE
        remedy = (
            f"Add `{REFERENCE_PRICE}`, the price in force before, to the log."
            if what == PRICE
            else f"Write `{RATIO}` = price / `{REFERENCE_PRICE}`."
        )
        raise TrialError(
            f"policy: it must have `{what}`, as the log compares it. "
            f"Received: {', '.join(policy.columns)} ({other}?). {remedy}"
        )
    values = _rounded(policy[what])
    if not (np.isfinite(values) & (values > 0)).all():
        raise TrialError(f"policy: `{what}` must be finite and above 0. Received: {values.min()}.")
    return np.unique(values) if rising else values


def _steps(frame: pd.DataFrame, wanted: np.ndarray) -> np.ndarray:
    """Return prices relative to those before (rows,).

    Prices are whole cents: a ratio is the policy's nearest step, or rounded to percents where none is near.
    """
    taken = (frame[PRICE] / frame[REFERENCE_PRICE]).to_numpy(float)
    nearest = wanted[np.abs(taken[:, None] - wanted).argmin(axis=1)]
    return np.where(np.abs(taken - nearest) <= SAME_STEP, nearest, taken.round(2))


def _rounded(values: pd.Series) -> np.ndarray:
    """Return prices without the noise of their last digits (rows,)."""
    return np.asarray(values.to_numpy(float).round(4))


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the log with a reward; every number in it finite."""
    if REWARD not in frame and UNITS in frame:
        frame = frame.assign(**{REWARD: frame[UNITS] * (frame[PRICE] - frame.get(UNIT_COST, 0.0))})
    missing = [name for name in (PRICE, PROPENSITY, REWARD) if name not in frame]
    if missing or frame.empty:
        raise TrialError(
            f"log: {', '.join(missing) or 'a row'} is missing. "
            f"Received: {', '.join(map(str, frame.columns))}. "
            f"A log has {PRICE}, {PROPENSITY}, and {REWARD} or {UNITS}; "
            "without the probability of the price that was drawn no value can be estimated."
        )
    _check_finite(frame)
    texts = [name for name in (PRICE, PROPENSITY, REWARD) if not pd.api.types.is_numeric_dtype(frame[name])]
    if texts:
        raise TrialError(
            f"log: `{texts[0]}` must be numbers. Received: {frame[texts[0]].iloc[0]!r}. "
            "Write 12.5, not 12,50."
        )
    unknown = [
        str(name) for name in (PRICE, REFERENCE_PRICE) if name in frame and not (frame[name] > 0).all()
    ]
    if unknown:
        raise TrialError(f"log: {listed(unknown)} must be above 0. Received: {frame[unknown[0]].min()}.")
    return frame


def _check_finite(frame: pd.DataFrame) -> None:
    """Refuse numbers that are not finite."""
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            continue
        bad_rows = np.flatnonzero(~np.isfinite(frame[name].to_numpy(float, na_value=np.nan)))
        if bad_rows.size:
            raise TrialError(
                f"log: `{name}` must be finite in every row. "
                f"Received: {frame[name].iloc[bad_rows[0]]} in row {bad_rows[0] + 1}."
            )
