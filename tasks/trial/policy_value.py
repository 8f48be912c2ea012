"""The value of a policy on logged decisions, or why the log does not show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, PRICE, PRODUCT, REFERENCE_PRICE, STORE
from tasks.trial.decision_log import RATIO, DecisionLog, chances, read_log
from tasks.trial.episodes import evaluate_episodes
from tasks.trial.errors import OutsideSupport, TrialError
from tasks.trial.off_policy import LoggedChoices, Support, Value, evaluate

PolicyAnswers = Callable[[pd.DataFrame], pd.DataFrame]  # rows of a log -> prices and probabilities


@dataclass(frozen=True)
class PolicyValue:
    """The value of a policy on a log.

    Attributes:
        decisions: the log in numbers.
        target: the policy's probability of every price (rows, prices).
        figures: for people and JSON; ``refused`` instead of ``estimates`` where the log lacks data.
    """

    decisions: DecisionLog
    target: np.ndarray
    figures: dict[str, Any]

    @property
    def weight(self) -> np.ndarray:
        """Return the policy's probability of the price taken over the logged one (rows,)."""
        return np.asarray(
            self.target[np.arange(len(self.target)), self.decisions.action] / self.decisions.propensity
        )


def value_on_log(frame: pd.DataFrame, policy_of: PolicyAnswers, seed: int) -> PolicyValue:
    """Return the policy's value per decision, or per episode, with intervals.

    Where the log does not support the policy, the figures say which prices lack data instead.

    Args:
        frame: the log, as ``decision_log`` reads it.
        policy_of: rows of the log -> how the policy answers them, a table of prices and probabilities.
        seed: of the bootstrap.
    """
    decisions = read_log(frame, policy_of(frame))

    def target_of(rows: pd.DataFrame) -> np.ndarray:
        return chances(policy_of(rows), rows, decisions.levels, decisions.what)

    target = target_of(decisions.frame)
    figures: dict[str, Any] = {
        "per": "decision" if decisions.episode is None else "episode",
        "prices": _prices(decisions, target),
    }
    try:
        estimates, support, notes = _evaluated(decisions, target, target_of, seed)
    except OutsideSupport as error:
        return PolicyValue(decisions, target, {**figures, "refused": str(error)})
    logged = (
        decisions.reward if decisions.episode is None else np.bincount(decisions.episode, decisions.reward)
    )
    figures |= {
        "rows": len(decisions.frame),
        "logged": {"value": float(logged.mean()), "se": float(logged.std(ddof=1) / np.sqrt(len(logged)))},
        "estimates": {name: asdict(value) for name, value in estimates.items()},
        "support": asdict(support),
        "notes": notes,
    }
    return PolicyValue(decisions, target, figures)


def answers(steps_of: Callable[[pd.DataFrame], pd.Series], rows: pd.DataFrame) -> pd.DataFrame:
    """Return how a pricing policy answers rows of a log; rows with the same question are answered once.

    Args:
        steps_of: product, store and price in force -> the next price relative to it.
        rows: of the log, with the price in force before each decision.

    Raises:
        TrialError: the log lacks what the policy decides by.
    """
    lacking = [name for name in (PRODUCT, REFERENCE_PRICE) if name not in rows]
    if lacking:
        raise TrialError(
            f"log: {', '.join(lacking)} is missing, by which the policy decides. "
            f"Received: {', '.join(rows.columns)}. "
            f"Log the product and `{REFERENCE_PRICE}`, the price in force before the decision."
        )
    known = rows.assign(**{STORE: rows[STORE].astype(str) if STORE in rows else ALL_STORES})
    keys = [name for name in (PRODUCT, STORE, REFERENCE_PRICE) if name in rows]
    questions = known.drop_duplicates(keys)
    ratio = steps_of(questions[[PRODUCT, STORE]].assign(**{PRICE: questions[REFERENCE_PRICE]}))
    return rows.loc[questions.index, keys].assign(**{RATIO: ratio.to_numpy()})


def estimates_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return estimates with their intervals by name, such as ``off_policy.dr.low``."""
    estimates = {"logged": figures.get("logged", {}), **figures.get("estimates", {})}
    return {
        f"off_policy.{name}.{key}": number
        for name, estimate in estimates.items()
        for key, number in estimate.items()
        if key != "se"
    }


def headline(figures: Mapping[str, Any]) -> str:
    """Return the doubly robust value beside the logged one, or the refusal, in a sentence."""
    if "refused" in figures:
        return f"Off-policy: no estimate. {figures['refused']}"
    robust, logged = figures["estimates"]["dr"], figures["logged"]["value"]
    return (
        f"Off-policy, on {figures['rows']:,} logged decisions: {robust['value']:.4g} a decision "
        f"({robust['low']:.4g} to {robust['high']:.4g}), logged {logged:.4g}."
    )


def _evaluated(
    decisions: DecisionLog, target: np.ndarray, target_of: Callable[[pd.DataFrame], np.ndarray], seed: int
) -> tuple[dict[str, Value], Support, list[str]]:
    """Return the estimates by name, how the log covers the policy, and notes."""
    if decisions.episode is not None:
        return evaluate_episodes(decisions, target_of, seed)
    choices = LoggedChoices(
        context=decisions.context,
        action=decisions.action,
        propensity=decisions.propensity,
        reward=decisions.reward,
        prices=decisions.prices,
    )
    estimates, support = evaluate(choices, target)
    return estimates, support, []


def _prices(decisions: DecisionLog, target: np.ndarray) -> list[dict[str, Any]]:
    """Return how often each price was logged and how often the policy wants it."""
    rows = np.bincount(decisions.action, minlength=len(decisions.levels))
    wanted = target.mean(axis=0)
    return [
        {
            "price": name,
            "logged_rows": int(n),
            "logged_share": float(n / rows.sum()),
            "policy_share": float(share),
        }
        for name, n, share in zip(decisions.prices, rows, wanted, strict=True)
    ]
