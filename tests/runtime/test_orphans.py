"""Orphaned flow runs: a run belongs to the data folder that its stored settings name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from conf import load
from tasks.runtime.orphans import START_UP, _is_on, _may_be_starting


def stored_run(settings: Any) -> Any:
    return SimpleNamespace(parameters={"settings": settings})


def test_a_run_on_the_same_folder_is_recognised() -> None:
    settings = load("smoke", ["data_folder=var/here"])
    assert _is_on(stored_run(settings.model_dump(mode="json")), settings)
    assert not _is_on(stored_run({"profile": "smoke", "data_folder": "var/there"}), settings)


def test_a_run_that_was_stored_before_a_setting_was_renamed_is_recognised() -> None:
    settings = load("smoke", ["data_folder=var/here"])
    parameters = settings.model_dump(mode="json")
    parameters["forecast"]["lstm"]["errors"] = parameters["forecast"].pop("errors")
    parameters["price"]["reference_memory"] = parameters["respond"].pop("reference_memory")
    assert _is_on(stored_run(parameters), settings)


@pytest.mark.parametrize("parameters", [None, {}, {"settings": None}, {"settings": {"target": "prod"}}])
def test_a_run_of_another_project_is_left_alone(parameters: Any) -> None:
    assert not _is_on(SimpleNamespace(parameters=parameters), load("default"))


@pytest.mark.parametrize(
    ("deployment", "age", "starting"),
    [("weekly", timedelta(0), True), ("weekly", START_UP, False), (None, timedelta(0), False)],
)
def test_only_a_run_of_a_schedule_is_given_time_to_start(
    deployment: str | None, age: timedelta, starting: bool
) -> None:
    state = SimpleNamespace(timestamp=datetime.now(UTC) - age)
    run: Any = SimpleNamespace(deployment_id=deployment, state=state)
    assert _may_be_starting(run) == starting
