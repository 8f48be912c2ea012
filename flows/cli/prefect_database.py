"""Prefect's database in a data folder: made and upgraded before its API serves it."""

from __future__ import annotations

import importlib.util
import logging
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.request import pathname2url

from infra import child
from tasks.runtime import databases
from tasks.runtime.databases import MigrationError, Schema, is_locked
from tasks.runtime.heartbeat import clock
from tasks.runtime.locations import sqlite_uri
from tasks.runtime.service_errors import last_error

log = logging.getLogger("repricer")

DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
DATABASES = (DATABASE, "PREFECT_API_DATABASE_CONNECTION_URL")
"""Names under which a user gives Prefect another database than the one in its home."""
MIGRATIONS = Path("server", "database", "_migrations", "versions", "sqlite")
DRIVER = "aiosqlite"
SECONDS_BETWEEN_LOOKS = 1.0  # at the lock of the database
LOOKS_TO_SAY = 5  # at a lock in a row: the API itself holds it for some milliseconds at a time


def database_uri(home: Path) -> str:
    """Return the address of the database in the folder of Prefect."""
    return sqlite_uri(_database(home), DRIVER)


@contextmanager
def prepared(home: Path | None) -> Iterator[None]:
    """Make or upgrade the database while the block imports the server; nothing where it lies elsewhere.

    Args:
        home: folder of Prefect in a data folder, if there is one.

    Raises:
        DatabaseError: it cannot be made, read or upgraded.
    """
    if home is None or os.environ.get(DATABASE) != database_uri(home):
        yield
        return
    with ThreadPoolExecutor(1) as executor:
        database = executor.submit(_ensure, home.resolve())
        yield
        database.result()


@contextmanager
def locks_said(home: Path) -> Iterator[None]:
    """Say while another process holds the database, for then the API keeps a command waiting.

    Args:
        home: folder of Prefect in a data folder, whose API answers.
    """
    ended = Event()
    watcher = Thread(target=_watch, args=(_database(home), ended), name="prefect-lock", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _watch(path: Path, ended: Event) -> None:
    looks, begin = 0, time.monotonic()
    while not ended.wait(SECONDS_BETWEEN_LOOKS):
        if not _is_held(path):
            looks, begin = 0, time.monotonic()
            continue
        looks += 1
        if looks % LOOKS_TO_SAY == 0:
            waited = clock(time.monotonic() - begin)
            log.info("%s is locked by another process: waiting for %s", path, waited)


def _is_held(path: Path) -> bool:
    """Return whether a write to a database would have to wait; nothing is written."""
    uri = f"file:{pathname2url(str(path.resolve()))}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:  # of what else is wrong with it the API says more
        return is_locked(error)
    return False


def prefect_schema() -> Schema:
    """Return what the installed Prefect expects in a database."""
    spec = importlib.util.find_spec("prefect")
    assert spec is not None
    assert spec.origin is not None
    return Schema("Prefect", Path(spec.origin).parent / MIGRATIONS, _upgrade)


def _ensure(home: Path) -> None:
    with databases.held(home.parent):
        databases.ensure(_database(home), prefect_schema())


def _database(home: Path) -> Path:
    return home / "prefect.db"


def _upgrade(path: Path) -> None:
    """Run Prefect's migrations, in a process of its own: its settings name one database for good.

    Raises:
        MigrationError: a migration failed.
    """
    migration = ["prefect", "server", "database", "upgrade", "--yes"]
    command = [sys.executable, child.__file__, str(os.getpid()), *migration]
    environment = {**os.environ, DATABASE: sqlite_uri(path, DRIVER), "PREFECT_LOGGING_LEVEL": "ERROR"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = last_error((ended.stdout + ended.stderr).splitlines())
        raise MigrationError(said or f"its migration ended with status {ended.returncode}")
