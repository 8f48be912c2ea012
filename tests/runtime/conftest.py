"""MLflow stores of SQLite: an empty one that the tests of a file share, and one with two versions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.runtime import track, verified_models
from tasks.runtime.attempt import Attempt
from tests.runtime.stores import MODEL, attempt_in, registration


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a data folder with a store."""
    settings = Settings(profile="smoke", data_folder=str(tmp_path_factory.mktemp("store")))
    track.open_store(settings)
    return settings


@pytest.fixture
def client(settings: Settings) -> Any:
    return track.open_store(settings)


@pytest.fixture
def attempt(client: Any, settings: Settings, request: pytest.FixtureRequest) -> Attempt:
    return attempt_in(settings, request.node.name)


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with two registered versions of other elasticities."""
    folder = tmp_path_factory.mktemp("store")
    settings = Settings(profile="smoke", data_folder=str(folder))
    track.open_store(settings)
    for number, elasticity in enumerate((-1.5, -2.5), start=1):
        with track.stage_run(attempt_in(settings, f"attempt-{number}"), "register") as run:
            assert run.model(registration(tmp_path_factory.mktemp("files"), elasticity)) == number
        verified_models.seal(settings, {MODEL: number})
    return folder


@pytest.fixture
def store(two_versions: Path, tmp_path: Path) -> Settings:
    """Return the settings of a copy of that data folder."""
    shutil.copytree(two_versions, tmp_path / "data")
    settings = Settings(profile="smoke", data_folder=str(tmp_path / "data"))
    track.open_store(settings)
    return settings
