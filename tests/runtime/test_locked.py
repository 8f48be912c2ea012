"""A database that another process holds: waited for with a line; past the limit, nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from conf import Settings
from tasks.runtime import champion_store, databases, ledger_database, moved, track
from tasks.runtime.databases import DatabaseError
from tasks.runtime.track import StoreError, patience
from tasks.runtime.track.store import client

LOCKED = r"mlflow\.db: another process has kept the database locked .*the same command goes on"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a data folder with an MLflow store."""
    settings = Settings(profile="smoke", data_folder=str(tmp_path_factory.mktemp("data")))
    track.open_store(settings)
    return settings


@pytest.fixture
def holder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Hold the database as another program would, and let the libraries themselves wait for 0.1 s."""
    monkeypatch.setattr(ledger_database, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(patience, "SECONDS_BETWEEN_TRIALS", 0.01)
    path = Path(settings.data_folder) / "mlflow.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def test_a_lock_that_goes_is_waited_for_and_said(
    settings: Settings,
    holder: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pause = patience._pause

    def pause_and_release(database: sqlite3.Connection, waited: float) -> None:
        pause(database, waited)
        holder.execute("ROLLBACK")

    monkeypatch.setattr(patience, "_pause", pause_and_release)
    caplog.set_level("INFO", "repricer")
    assert champion_store.newest(settings) is None
    assert "mlflow.db is locked by another process: waiting for 0:00 of 2:00" in caplog.text


def test_a_lock_that_stays_ends_the_work_and_loses_nothing(
    settings: Settings, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCKED_SECONDS", 0.2)
    with pytest.raises(StoreError, match=LOCKED):
        champion_store.newest(settings)
    with pytest.raises(DatabaseError, match=LOCKED):
        moved.follow(Path(settings.data_folder))
    with pytest.raises(DatabaseError, match=LOCKED) as error:
        track.open_store(settings)
    assert "mv" not in str(error.value), "nobody should move a sound database away"
    holder.execute("ROLLBACK")
    assert champion_store.newest(settings) is None


@pytest.mark.slow  # MLflow waits for 20 s by itself
def test_mlflow_waits_as_long_and_ends_with_the_same_line(
    settings: Settings, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    monkeypatch.setattr(databases, "LOCKED_SECONDS", 0.2)
    with pytest.raises(MlflowException, match=LOCKED) as error:
        client().search_experiments()
    assert "SELECT" not in str(error.value), "the statement is of no use to a user"
