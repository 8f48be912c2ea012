"""What a killed process left half done in MLflow is taken up once: one version per retraining and model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.runtime import track
from tasks.runtime.attempt import Attempt
from tests.runtime.stores import attempt_in, registration

NAME = "price_response"


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_after(method: str, calls: int = 1) -> Iterator[None]:
    """Let the process die after a method of the MLflow client was called that often."""
    from mlflow import MlflowClient

    real, made = getattr(MlflowClient, method), [0]

    def deadly(*given: Any, **named: Any) -> Any:
        answer = real(*given, **named)
        made[0] += 1
        if made[0] == calls:
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, method, deadly)
        yield


def registered(attempt: Attempt, folder: Path) -> int:
    with track.stage_run(attempt, "register") as stage:
        return stage.model(registration(folder))


@pytest.mark.parametrize(
    "method", ["log_model_artifacts", "search_registered_models", "create_model_version"]
)
def test_a_registration_that_was_killed_is_taken_up_and_makes_one_version(
    method: str, attempt: Attempt, client: Any, tmp_path: Path
) -> None:
    with killed_after(method), pytest.raises(Killed):
        registered(attempt, tmp_path)
    version = registered(attempt, tmp_path)
    assert registered(attempt, tmp_path) == version, "a third time changes nothing"
    run_id = client.get_model_version(NAME, str(version)).run_id
    versions = client.search_model_versions(f"name = '{NAME}' and run_id = '{run_id}'")
    assert [int(found.version) for found in versions] == [version]
    experiment = client.get_run(run_id).info.experiment_id
    stage, *_ = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
    models = client.search_logged_models([experiment], filter_string=f"source_run_id = '{stage.info.run_id}'")
    assert [f"models:/{model.model_id}" for model in models] == [versions[0].source], (
        "no model without a version is left on the page of the retraining"
    )


def test_another_retraining_gets_a_version_of_its_own(
    attempt: Attempt, settings: Settings, tmp_path: Path
) -> None:
    first = registered(attempt, tmp_path)
    assert registered(attempt_in(settings, "next"), tmp_path) == first + 1


@pytest.mark.parametrize(("method", "calls"), [("create_run", 2), ("log_batch", 1), ("log_batch", 2)])
def test_a_trial_that_was_logged_in_part_is_logged_whole(
    method: str, calls: int, attempt: Attempt, client: Any, settings: Settings
) -> None:
    def log_trial() -> None:
        with track.stage_run(attempt, "forecast") as stage:
            stage.trial("arima", 0, {"p": 1}, {"wape": 0.5}, "COMPLETE")

    with killed_after(method, calls), pytest.raises(Killed):
        log_trial()
    track.sweep(settings)
    log_trial()
    experiment = client.get_run(attempt.run_id).info.experiment_id
    (trial,) = client.search_runs(
        [experiment], f"tags.study = 'arima' and tags.retraining = '{attempt.run_id}'"
    )
    assert (trial.data.params, trial.data.metrics) == ({"p": "1"}, {"wape": 0.5})
    assert (trial.info.status, trial.data.tags["state"]) == ("FINISHED", "COMPLETE")
