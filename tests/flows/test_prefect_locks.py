"""Prefect's database while another program holds it: a command that waits says so."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.cli import prefect_database
from flows.cli.prefect_database import LOOKS_TO_SAY, locks_said
from tests.conftest import wait_until

LINE = "prefect.db is locked by another process: waiting for 0:0"


@pytest.fixture
def database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[sqlite3.Connection]:
    """Yield a connection to a database with a write-ahead log, as Prefect's has; the looks are fast."""
    monkeypatch.setattr(prefect_database, "SECONDS_BETWEEN_LOOKS", 0.01)
    caplog.set_level("INFO", "repricer")
    with closing(sqlite3.connect(tmp_path / "prefect.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE flow_run (id)")
        yield connection


def test_a_lock_is_said_while_it_lasts_and_nothing_is_said_of_none(
    database: sqlite3.Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with locks_said(tmp_path):
        time.sleep(0.3)
        assert not caplog.text
        database.execute("BEGIN IMMEDIATE")
        wait_until(lambda: LINE in caplog.text, 10, "the line", tmp_path / "prefect.db")
        database.execute("INSERT INTO flow_run VALUES (1)")
        database.execute("COMMIT")
        time.sleep(0.3)
        lines = len(caplog.records)
        time.sleep(0.3)
        assert len(caplog.records) == lines, "it is not locked any more"


def test_locks_that_come_and_go_are_transactions_of_the_api_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(prefect_database, "SECONDS_BETWEEN_LOOKS", 0.001)
    caplog.set_level("INFO", "repricer")
    looks = [*[True] * (LOOKS_TO_SAY - 1), False] * 3
    monkeypatch.setattr(prefect_database, "_is_held", lambda _: bool(looks) and looks.pop())
    with locks_said(tmp_path):
        wait_until(lambda: not looks, 10, "the last look", tmp_path)
    assert not caplog.text


def test_a_database_that_is_gone_is_left_to_the_api(tmp_path: Path) -> None:
    assert not prefect_database._is_held(tmp_path / "prefect.db")
    assert not list(tmp_path.iterdir()), "to look makes nothing"
