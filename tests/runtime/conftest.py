"""An MLflow store of SQLite that the tests of a file share."""

from __future__ import annotations

from typing import Any

import pytest

from conf import Settings
from tasks.runtime import track
from tasks.runtime.attempt import Attempt
from tests.runtime.stores import attempt_in


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
