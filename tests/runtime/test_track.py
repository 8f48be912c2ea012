"""The store: what it does not answer is no answer, and not "there is none"."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conf import Settings
from tasks.runtime import track
from tasks.runtime.track.store import if_present


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(profile="smoke", data_folder=str(tmp_path))
    client = track.open_store(settings)
    client.create_registered_model("demand")
    client.create_model_version("demand", str(tmp_path), tags={"verdict": "PASS"})
    return settings


def test_what_is_not_registered_is_none(settings: Settings) -> None:
    assert track.version_tags("demand", 2) is None
    assert track.version_tags("price_response", 1) is None
    assert track.aliases("price_response") == {}
    assert track.aliases("demand") == {}
    assert track.version_tags("demand", 1) == {"verdict": "PASS"}


def test_a_store_that_does_not_answer_is_not_read_as_no_such_version(settings: Settings) -> None:
    with closing(sqlite3.connect(Path(settings.data_folder) / "mlflow.db")) as db:
        db.executescript(
            "alter table model_versions rename to lost; alter table registered_models rename to gone"
        )
    with pytest.raises(
        track.StoreError, match=r"the MLflow store did not answer for demand 1: .*model_versions.* Try again"
    ):
        track.version_tags("demand", 1)
    with pytest.raises(
        track.StoreError, match=r"the MLflow store did not answer for demand: .*registered_models"
    ):
        track.aliases("demand")


def test_no_password_of_a_store_is_in_the_message() -> None:
    from mlflow.exceptions import MlflowException

    def read(_name: str) -> None:
        raise MlflowException("no answer from postgresql://bob:c4nary@host/mlflow")

    with pytest.raises(track.StoreError, match="//host/mlflow") as refused:
        if_present(read, "demand")
    assert "c4nary" not in str(refused.value)
