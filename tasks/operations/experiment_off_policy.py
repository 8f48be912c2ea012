"""Task: what another policy would have earned on logged decisions, or why the log cannot tell."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from prefect import task

from conf import Settings
from tasks.pricing.recommend import STEP
from tasks.runtime.tables import table_at
from tasks.trial.policy_value import Judged, Rows, answers, judge

ALIASES = ("champion", "candidate")


@task(name="off-policy")
def off_policy(log: str, policy: str, settings: Settings, plot: str | None = None) -> dict[str, Any]:
    """Return the policy's value per decision, or per episode, with intervals; outside support ``refused`` says which prices lack data."""
    judged = judge(table_at(Path(log), "--log"), _policy(policy, settings), settings.seed)
    if plot is not None:
        _plot(judged, Path(plot))
    return {"policy": policy, **judged.told}


def _policy(policy: str, settings: Settings) -> Rows:
    """Return how a policy answers rows: from its file, or from the registered model."""
    if policy not in ALIASES:
        table = table_at(Path(policy), "--policy")
        return lambda _rows: table
    from tasks.runtime import champion_aliases

    model = champion_aliases.load_model(settings, "pricing_policy", policy)
    return partial(answers, lambda asked: model.predict(asked)[STEP])


def _plot(judged: Judged, path: Path) -> None:
    from tasks.trial import figures

    path.parent.mkdir(parents=True, exist_ok=True)
    figures.overlap(
        judged.decisions.prices, judged.decisions.action, judged.target.mean(axis=0), judged.weight
    ).savefig(path, dpi=120)
