"""A locked SQLite file is waited for: a backup or another command lets go of it again."""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

from tasks.runtime import databases
from tasks.runtime.databases import is_locked
from tasks.runtime.heartbeat import clock
from tasks.runtime.track.reach import StoreError

log = logging.getLogger("repricer")

SECONDS_BETWEEN_TRIALS = 1.0  # the library waits itself in each, MLflow for 20 s


def wait_for_locks() -> None:
    """Let every SQLAlchemy engine of this process wait for a locked SQLite file; once is enough."""
    from sqlalchemy import Engine, event

    for name, execute in (("do_execute", _execute), ("do_executemany", _execute_many)):
        if not event.contains(Engine, name, execute):
            event.listen(Engine, name, execute)


def _execute(cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
    return isinstance(cursor, sqlite3.Cursor) and _patiently(cursor, "execute", statement, parameters)


def _execute_many(cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
    return isinstance(cursor, sqlite3.Cursor) and _patiently(cursor, "executemany", statement, parameters)


def _patiently(cursor: sqlite3.Cursor, method: str, statement: str, parameters: Any) -> bool:
    """Execute a statement when the lock is gone, and return that it is done.

    Raises:
        StoreError: it is still locked after the limit.
    """
    begin = time.monotonic()
    while True:
        try:
            getattr(cursor, method)(statement, parameters)
            return True
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
        _pause(cursor.connection, time.monotonic() - begin)


def _pause(database: sqlite3.Connection, waited: float) -> None:
    path = next(file for _, name, file in database.execute("PRAGMA database_list") if name == "main")
    if waited > databases.LOCKED_SECONDS:
        raise StoreError(databases.locked(Path(path), waited))
    most = clock(databases.LOCKED_SECONDS)
    log.info("%s is locked by another process: waiting for %s of %s", path, clock(waited), most)
    time.sleep(SECONDS_BETWEEN_TRIALS)
