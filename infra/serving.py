"""What `repricer serve` offers on this machine: the weekly retraining, and the form of an approval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf import Settings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

AT_ONCE = 2
"""Runs at a time: a person need not wait for a retraining; two retrainings are kept apart by their lock."""


def deployments(settings: Settings, mark: str) -> list[RunnerDeployment]:
    """Return the deployments of a data folder.

    Their runs carry the name that the command holds there: those that it leaves when it is killed, even
    before their processes have begun, are known by it.

    The flows are named, so that a run imports them: a flow that travels as a pickle does not find the types
    of its annotations. The folder only says where runs work: here, so that relative paths in the settings
    mean the same to them.
    """
    from prefect.schedules import Cron

    stored = settings.model_dump(mode="json")
    weekly = Cron(settings.schedule.cron, timezone=settings.schedule.time_zone)
    retraining, approval = _flow("flows.retrain.retrain"), _flow("flows.approve.approve")
    return [
        retraining.to_deployment(
            name="weekly", schedule=weekly, parameters={"settings": stored}, tags=[mark]
        ),
        approval.to_deployment(
            name="candidate", parameters={"version": None, "settings": stored}, tags=[mark]
        ),
    ]


def _flow(entrypoint: str) -> Any:
    """Return a flow that runs import by its name in the folder of this process."""
    from prefect import Flow, flow

    named = flow.from_source(source=str(Path.cwd()), entrypoint=entrypoint)
    assert isinstance(named, Flow)  # a coroutine only where a loop runs already
    return named
