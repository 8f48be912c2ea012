"""A first start of Prefect: its database is whole or not there, and a failure says what happened."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from conf import load
from flows.cli import session
from flows.cli.api_log import ApiLog
from flows.cli.prefect_database import DATABASE, database_uri, prefect_schema, prepared
from flows.cli.shared_api import ApiError, SharedApi, shared_api
from flows.cli.start_error import named_database, start_error
from flows.cli.stops import STOP, stopped_without
from tasks.runtime import disk
from tasks.runtime.disk import DiskFull
from tests.conftest import environment, outliving, wait_until

CANARY = "s3cret-canary"
TRACEBACK = f"""Traceback (most recent call last):
  File "x.py", line 1, in <module>
sqlalchemy.exc.OperationalError: cannot reach postgresql://bob:{CANARY}@host/db

ERROR:    Application startup failed. Exiting.
"""


@pytest.mark.parametrize(
    ("status", "ending"),
    [(3, "ended with status 3"), (-9, "was ended by SIGKILL"), (None, "did not answer")],
)
def test_a_server_that_does_not_come_up_says_how_it_ended_and_why(
    tmp_path: Path, status: int | None, ending: str
) -> None:
    log = tmp_path / "api.log"
    log.write_text(TRACEBACK)
    said = start_error("the API", status, 17.2, log)
    cause = "sqlalchemy.exc.OperationalError: cannot reach postgresql://***@host/db"
    assert said == f"the API {ending} after 17 s: {cause}; see {log}"


def dead_api(home: Path) -> SharedApi:
    """Return the record of an API whose process has ended."""
    home.mkdir(exist_ok=True)
    (home / "api.log").write_text("")
    with Popen([sys.executable, "-c", ""]) as process:
        ended = psutil.Process(process.pid)
    return SharedApi(port=9, login="", process=ended, log=ApiLog(home / "api.log"), joined=True)


def test_an_api_that_found_no_room_for_a_word_of_it_is_the_disk_s_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_free", lambda _: 0)
    with pytest.raises(ApiError, match=r"api\.log: the disk is full: 0\.0 MB are free, .*Make room there$"):
        dead_api(tmp_path).wait()
    stopped: list[str] = []
    monkeypatch.setattr(STOP, "request", lambda cause: stopped.append(cause.line))
    with stopped_without(lambda: False, tmp_path / "api.log"):
        wait_until(lambda: bool(stopped), 60, "the stop", tmp_path / "api.log")
    assert stopped[0].startswith(f"error: {tmp_path}/api.log: the disk is full: 0.0 MB are free")


def test_a_disk_without_room_for_the_lock_of_an_api_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_environment: None
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "CRITICAL")
    monkeypatch.setattr(session, "quiet_environment", lambda: None)
    monkeypatch.setattr(STOP, "listen", lambda: None)
    monkeypatch.setattr(session, "shared_api", no_room)
    with (
        pytest.raises(DiskFull, match=f"^{tmp_path}: the disk is full"),
        session.prefect_api(load("smoke", [f"data_folder={tmp_path}"])),
    ):
        pass


def test_an_error_of_ours_is_its_message_and_an_empty_log_gives_no_cause(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("tasks.runtime.databases.DatabaseError: x.db: it is lost. Move it away\n")
    assert ": x.db: it is lost. Move it away; see" in start_error("it", 1, 1, log)
    log.write_text("")
    assert start_error("it", 1, 1, log) == f"it ended with status 1 after 1 s; see {log}"


def test_a_database_that_the_user_named_is_named_without_its_password(
    no_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not named_database()
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", f"postgresql+asyncpg://bob:{CANARY}@host/db")
    assert "PREFECT_API_DATABASE_CONNECTION_URL names its database, postgresql+asyncpg://***@host/db" in (
        named_database()
    )


def test_a_database_elsewhere_is_left_to_prefect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE, "postgresql+asyncpg://host/db")
    with prepared(tmp_path / "prefect"):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_api_whose_database_does_not_answer_ends_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"postgresql+asyncpg://bob:{CANARY}@127.0.0.1:9/db"  # nobody listens there
    monkeypatch.setenv(DATABASE, address)
    env = environment(PREFECT_HOME=str(tmp_path), **{DATABASE: address})
    with shared_api(tmp_path, env) as shared, pytest.raises(ApiError) as error:
        shared.wait()
    said = str(error.value)
    assert "ended with status" in said
    assert "Connect call failed" in said
    assert f"{DATABASE} names its database, postgresql+asyncpg://***@127.0.0.1:9/db" in said
    assert CANARY not in said


@pytest.mark.slow
def test_an_api_that_is_killed_while_it_makes_its_database_is_followed_by_a_right_one(tmp_path: Path) -> None:
    home = tmp_path / "prefect"
    home.mkdir()
    env = environment(PREFECT_HOME=str(home), **{DATABASE: database_uri(home)})
    with shared_api(home, env) as first:
        deadline = time.monotonic() + 120
        while not list(home.glob(".prefect.db.*/prefect.db")) and time.monotonic() < deadline:
            time.sleep(0.05)
        makers = first.process.children()
        time.sleep(1)
        first.process.kill()
        first.process.wait()
    assert makers, "its migrations run in a process of their own"
    assert not (home / "prefect.db").exists(), "half a database lies in its place"
    assert not list(outliving(makers, 20)), "the migrations outlive the API"
    with shared_api(home, env) as second:
        second.wait()
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        assert database.execute("SELECT * FROM alembic_version").fetchall() == [(prefect_schema().head(),)]
    assert not list(home.glob(".prefect.db.*"))
