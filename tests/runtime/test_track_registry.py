"""Models in the registry of MLflow: registered with their example, read back by version and alias."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.runtime import track, verified_models
from tasks.runtime.artifacts import ArtifactError, save_arrays
from tasks.runtime.attempt import Attempt
from tasks.runtime.track.store import if_present
from tests.runtime.stores import registration


def test_a_registered_model_has_signature_example_tags_and_its_run(
    settings: Settings, attempt: Attempt, client: Any, tmp_path: Path
) -> None:
    with track.stage_run(attempt, "register") as stage:
        first = stage.model(registration(tmp_path))
    version = client.get_model_version("price_response", str(first))
    assert version.run_id == attempt.run_id, "the retraining, not its stage"
    assert client.get_run(attempt.run_id).info.status == "RUNNING"
    assert version.tags == registration(tmp_path).tags
    model = verified_models.load(settings, "price_response", first)
    metadata = model.metadata
    assert [column.name for column in metadata.signature.inputs] == ["product_id"]
    assert metadata.saved_input_example_info is not None
    assert type(model.unwrap_python_model()).__name__ == "PriceResponse"


def test_a_model_that_does_not_answer_its_example_is_not_registered(
    attempt: Attempt, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
            return rows.iloc[:0]

    monkeypatch.setattr("mlflow.pyfunc.load_model", lambda _: Silent())
    versions = len(client.search_model_versions("name = 'price_response'"))
    with (
        pytest.raises(track.ModelError, match=r"price_response: loaded back from .* it does not answer"),
        track.stage_run(attempt, "register") as stage,
    ):
        stage.model(registration(tmp_path))
    assert len(client.search_model_versions("name = 'price_response'")) == versions


def test_a_model_whose_numbers_are_not_finite_is_not_registered(
    attempt: Attempt, client: Any, tmp_path: Path
) -> None:
    candidate = registration(tmp_path)
    draws = save_arrays({"whole": np.array([[-1.0, np.nan]])}, tmp_path / "not_finite.npz")
    unsound = replace(candidate, files={**candidate.files, "response_draws": draws})
    versions = len(client.search_model_versions("name = 'price_response'"))
    with (
        pytest.raises(ValueError, match=r"not_finite\.npz: .* Received: 1 of 2 in `whole` that are not"),
        track.stage_run(attempt, "register") as stage,
    ):
        stage.model(unsound)
    assert len(client.search_model_versions("name = 'price_response'")) == versions


def test_a_file_that_changed_is_not_registered(attempt: Attempt, tmp_path: Path) -> None:
    candidate = registration(tmp_path)
    artifact = candidate.files["response_table"]
    changed = replace(candidate, files={**candidate.files, "response_table": {**artifact, "sha256": "0"}})
    with (
        pytest.raises(ArtifactError, match="hash mismatch: expected 0, got"),
        track.stage_run(attempt, "register") as stage,
    ):
        stage.model(changed)


def test_a_version_that_is_not_there_is_named(settings: Settings, client: Any) -> None:
    with pytest.raises(track.ModelError, match=r"demand: there is no version 99\. `repricer ui` lists those"):
        verified_models.load(settings, "demand", 99)


# --- versions, aliases, and a store that does not answer ---


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """Return the settings of a store with one version of `demand`."""
    settings = Settings(profile="smoke", data_folder=str(tmp_path))
    client = track.open_store(settings)
    client.create_registered_model("demand")
    client.create_model_version("demand", str(tmp_path), tags={"verdict": "PASS"})
    return settings


def test_aliases_and_tags_are_set_moved_and_dropped(shop: Settings) -> None:
    track.open_store(shop).create_model_version("demand", shop.data_folder)
    track.set_alias("demand", "candidate", 1)
    track.set_alias("demand", "champion", 1)
    track.set_alias("demand", "candidate", 2)
    assert track.aliases("demand") == {"candidate": 2, "champion": 1}
    track.drop_alias("demand", "champion")
    assert track.aliases("demand") == {"candidate": 2}
    track.tag_version("demand", 1, {"promoted_by": "Ada", "verdict": "FAIL"})
    assert track.version_tags("demand", 1) == {"promoted_by": "Ada", "verdict": "FAIL"}


def test_what_is_not_registered_is_none(shop: Settings) -> None:
    assert track.version_tags("demand", 2) is None
    assert track.version_tags("price_response", 1) is None
    assert track.aliases("price_response") == {}
    assert track.aliases("demand") == {}
    assert track.version_tags("demand", 1) == {"verdict": "PASS"}


def test_a_store_that_does_not_answer_is_not_read_as_no_such_version(shop: Settings) -> None:
    with closing(sqlite3.connect(Path(shop.data_folder) / "mlflow.db")) as db:
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

    with pytest.raises(track.StoreError, match=r"//\*\*\*@host/mlflow") as refused:
        if_present(read, "demand")
    assert "c4nary" not in str(refused.value)
