"""Task: what another policy would have earned on logged decisions, or why the log cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import task

from conf import Settings
from expectations.columns import ALL_STORES, PRICE, PRODUCT, STORE
from tasks.pricing.recommend import STEP
from tasks.trial.decision_log import RATIO, REFERENCE, DecisionLog, chances, read_log
from tasks.trial.episodes import evaluate_episodes
from tasks.trial.errors import OutsideSupport, TrialError
from tasks.trial.off_policy import Support, evaluate

ALIASES = ("champion", "candidate")


@task(name="off-policy")
def off_policy(log: str, policy: str, settings: Settings, plot: str | None = None) -> dict[str, Any]:
    """Return the policy's value per decision, or per episode, with intervals; outside support ``refused`` says which prices lack data."""
    frame = table_at(Path(log), "--log")
    policy_of = _policy(policy, settings)
    decisions = read_log(frame, policy_of(frame))

    def target_of(rows: pd.DataFrame) -> np.ndarray:
        return chances(policy_of(rows), rows, decisions.levels, decisions.what)

    target = target_of(decisions.frame)
    told = {"policy": policy, "per": "decision" if decisions.episode is None else "episode", "prices": _prices(decisions, target)}
    try:
        estimates, support, notes = _evaluated(decisions, target, target_of, settings.seed)
    except OutsideSupport as error:
        return {**told, "refused": str(error)}
    finally:
        if plot is not None:
            _plot(decisions, target, Path(plot))
    logged = decisions.reward if decisions.episode is None else np.bincount(decisions.episode, decisions.reward)
    return {
        **told,
        "rows": len(decisions.frame),
        "logged": {"value": float(logged.mean()), "se": float(logged.std(ddof=1) / np.sqrt(len(logged)))},
        "estimates": {name: asdict(value) for name, value in estimates.items()},
        "support": asdict(support),
        "notes": notes,
    }


def table_at(path: Path, option: str) -> pd.DataFrame:
    """Read a CSV or Parquet table whose ids are text."""
    if not path.is_file():
        raise TrialError(f"{path}: there is no such file. Give a CSV or Parquet table with `{option}`.")
    if path.suffix in {".parquet", ".pq"}:
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype={PRODUCT: str, STORE: str})


def _evaluated(
    decisions: DecisionLog, target: np.ndarray, target_of: Callable[[pd.DataFrame], np.ndarray], seed: int
) -> tuple[dict[str, Any], Support, list[str]]:
    if decisions.episode is not None:
        return evaluate_episodes(decisions, target_of, seed)
    context, action, propensity, reward = decisions.context, decisions.action, decisions.propensity, decisions.reward
    estimates, support = evaluate(context, action, propensity, reward, target, decisions.prices)
    return dict(estimates), support, []


def _policy(policy: str, settings: Settings) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return how a policy answers rows: from its file, or from the registered model."""
    if policy not in ALIASES:
        table = table_at(Path(policy), "--policy")
        return lambda _rows: table
    from tasks import track

    model = track.load_model(settings, "pricing_policy", policy)

    def answered(rows: pd.DataFrame) -> pd.DataFrame:
        lacking = [name for name in (PRODUCT, REFERENCE) if name not in rows]
        if lacking:
            raise TrialError(
                f"log: {', '.join(lacking)} is missing, by which the {policy} decides. Received: {', '.join(rows.columns)}. "
                f"Log the product and `{REFERENCE}`, the price in force before the decision."
            )
        known = rows.assign(**{STORE: rows[STORE].astype(str) if STORE in rows else ALL_STORES})
        keys = [name for name in (PRODUCT, STORE, REFERENCE) if name in rows]
        asked = known.drop_duplicates(keys)
        answer = model.predict(asked[[PRODUCT, STORE]].assign(**{PRICE: asked[REFERENCE]}))
        return rows.loc[asked.index, keys].assign(**{RATIO: answer[STEP].to_numpy()})

    return answered


def _prices(decisions: DecisionLog, target: np.ndarray) -> list[dict[str, Any]]:
    """Return how often each price was logged and how often the policy wants it."""
    rows = np.bincount(decisions.action, minlength=len(decisions.levels))
    wanted = target.mean(axis=0)
    return [
        {"price": name, "logged_rows": int(n), "logged_share": float(n / rows.sum()), "policy_share": float(share)}
        for name, n, share in zip(decisions.prices, rows, wanted, strict=True)
    ]


def _plot(decisions: DecisionLog, target: np.ndarray, path: Path) -> None:
    from tasks.trial import figures

    weight = target[np.arange(len(target)), decisions.action] / decisions.propensity
    path.parent.mkdir(parents=True, exist_ok=True)
    figures.overlap(decisions.prices, decisions.action, target.mean(axis=0), weight).savefig(path, dpi=120)
