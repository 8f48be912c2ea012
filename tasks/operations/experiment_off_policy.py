"""Task: estimate the value of another policy on logged decisions, or say why the log does not show it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from prefect import task

from conf import Settings
from tasks.pricing.recommend import STEP
from tasks.runtime.disk import written_whole
from tasks.runtime.tables import table_at
from tasks.trial.policy_value import PolicyAnswers, PolicyValue, answers, value_on_log

ALIASES = ("champion", "candidate")
PLOT_DPI = 120


@task(name="off-policy")
def off_policy(log: str, policy: str, settings: Settings, plot: str | None = None) -> dict[str, Any]:
    """Return the policy's value per decision, or per episode, with intervals.

    Where the log does not support the policy, ``refused`` says which prices lack data.
    """
    value = value_on_log(table_at(Path(log), "--log"), _policy(policy, settings), settings.seed)
    if plot is not None:
        _plot(value, Path(plot))
    return {"policy": policy, **value.figures}


def _policy(policy: str, settings: Settings) -> PolicyAnswers:
    """Return how a policy answers rows: from its file, or from the registered model."""
    if policy not in ALIASES:
        table = table_at(Path(policy), "--policy")
        return lambda _rows: table
    from tasks.runtime import champion_aliases

    model = champion_aliases.load_model(settings, "pricing_policy", policy)
    return partial(answers, lambda questions: model.predict(questions)[STEP].astype(float))


def _plot(value: PolicyValue, path: Path) -> None:
    """Draw how the log covers the policy."""
    from tasks.trial import figures

    with written_whole(path) as part:
        figures.overlap(value).savefig(part, dpi=PLOT_DPI, format=path.suffix[1:] or "png")
