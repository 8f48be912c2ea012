"""SQLite databases of MLflow and Prefect: made and upgraded beside, checked, then moved into place.

Both libraries migrate a file where it lies, in dozens of transactions. A process that is killed meanwhile
leaves a file that cannot be opened again, and two processes that begin at once break each other's tables. So
a database is migrated in a folder of its own beside its place and moved there when it is whole, one at a
time: a place holds the old database, the new one, or none.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import pathname2url

from tasks.runtime.heartbeat import clock, heartbeat

log = logging.getLogger("repricer")

LOCK = "databases.lock"
LOCKED_SECONDS = 120.0  # for which a locked file is waited for: a backup of it takes seconds
SIDECARS = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a file that is being written
HALF_MIGRATED = "_alembic_tmp_"  # prefix of a table that a migration fills, then renames
TABLE_NAMES = "SELECT name FROM sqlite_master WHERE type = 'table'"
REVISION = re.compile(r"^(revision|down_revision)\b[^=\n]*=(.*)$", re.MULTILINE)
NAME = re.compile(r"['\"](\w+)['\"]")


class DatabaseError(RuntimeError):
    """A database that cannot be made, read or upgraded."""


class MigrationError(RuntimeError):
    """What a library said when its migration failed."""


@dataclass(frozen=True)
class Schema:
    """The tables that a library expects.

    Attributes:
        library: name, for messages.
        migrations: folder with a Python file for each revision.
        upgrade: brings a file to the newest revision, and makes one that is absent; raises MigrationError.
    """

    library: str
    migrations: Path
    upgrade: Callable[[Path], None]

    def revisions(self) -> set[str]:
        """Return the revisions that the installed library knows."""
        return self._named("revision")

    def head(self) -> str:
        """Return the newest revision: the only one on which no other builds."""
        (newest,) = self._named("revision") - self._named("down_revision")
        return newest

    def _named(self, variable: str) -> set[str]:
        # Read as text: to import a hundred modules takes longer than to open the database.
        return {
            name
            for file in self.migrations.glob("*.py")
            for assigned, value in REVISION.findall(file.read_text(encoding="utf-8"))
            if assigned == variable
            for name in NAME.findall(value)
        }


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the databases of a data folder, MLflow's and Prefect's, against all other processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with heartbeat(f"waiting for another command that opens the databases in {folder}"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure(path: Path, schema: Schema) -> None:
    """Make a database, or upgrade it after a backup beside it. The caller holds the data folder.

    Raises:
        DatabaseError: it cannot be read, made or upgraded; what was there is unchanged.
    """
    for leftover in path.parent.glob(f".{path.name}.*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    tables, revision = _contents(path)
    head = schema.head()
    if revision == head:
        return
    _require_upgradable(path, schema, tables, revision)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        beside = Path(folder) / path.name
        if not tables:
            _migrate(beside, path, schema, head)
            _drop_sidecars(path)  # of a file that is gone: SQLite would take them for the new one's
            _move(beside, path)
            return
        with _unwritten(path):
            backup = path.with_name(f"{path.name}.{revision or 'old'}.bak")
            log.info("upgrading %s for this %s; the old one stays as %s", path, schema.library, backup.name)
            _copy(path, beside)
            shutil.copyfile(beside, backup_part := beside.with_name(backup.name))
            _move(backup_part, backup)
            _migrate(beside, path, schema, head)
            _move(beside, path)


def _contents(path: Path) -> tuple[set[str], str | None]:
    """Return the tables of a database and its revision; no tables where there is no database."""
    if not path.exists() or not path.stat().st_size:
        return set(), None
    try:
        with opened(path) as database:
            tables = {name for (name,) in database.execute(TABLE_NAMES)}
            if "alembic_version" not in tables:
                return tables, None
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:  # of the disk or the folder, not of what the file holds
        remedy = f"Look at the permissions and the room of {path.parent}, and run the command again"
        raise DatabaseError(f"{path}: the database cannot be opened ({error}). {remedy}") from error
    except sqlite3.DatabaseError as error:
        raise DatabaseError(f"{path}: the database cannot be read ({error}). {_aside(path)}") from error
    return tables, row[0] if row else None


def _require_upgradable(path: Path, schema: Schema, tables: set[str], revision: str | None) -> None:
    """Accept a database that the library's migrations can take further.

    Raises:
        DatabaseError: a kill amid a migration ruined it, or a newer library made it.
    """
    ruins = sorted(table for table in tables if table.startswith(HALF_MIGRATED))
    if ruins:
        raise DatabaseError(
            f"{path}: a process was killed while {schema.library} migrated this database, and left the table "
            f"{ruins[0]}: {schema.library} cannot open it again. {_aside(path)}"
        )
    if revision and revision not in schema.revisions():
        raise DatabaseError(
            f"{path}: the installed {schema.library} does not know revision {revision} of this database: "
            "a newer one made it. Install that again, or choose another folder with --set data_folder=PATH"
        )


def _aside(path: Path) -> str:
    """Return what a user does with a database that is lost."""
    backups = sorted(backup.name for backup in path.parent.glob(f"{path.name}.*.bak"))
    restore = f", or restore its backup {' or '.join(backups)}" if backups else ""
    return f"Move it away with `mv '{path}' '{path}.ruined'`{restore}, and run the command again"


def _migrate(path: Path, place: Path, schema: Schema, head: str) -> None:
    """Bring a file to the newest revision and check that it is whole, in one file and at that revision.

    Args:
        path: file.
        place: where it will lie, for messages.
        schema: of the library.
        head: its newest revision.

    Raises:
        DatabaseError: a migration failed, or what it left is not whole.
    """
    try:
        schema.upgrade(path)
    except MigrationError as error:
        raise DatabaseError(
            f"{place}: {schema.library} could not bring the database to revision {head} ({error}). "
            f"Nothing was changed. {_aside(place) if place.exists() else 'Run the command again'}"
        ) from error
    with opened(path) as database:
        database.execute("PRAGMA journal_mode=DELETE")  # what stands in the log moves into the file
        (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
    _, revision = _contents(path)
    if verdict != "ok" or revision != head:
        raise DatabaseError(
            f"{place}: {schema.library} left a database of revision {revision}, integrity {verdict}, instead "
            f"of revision {head} and ok. Nothing was changed; run `repricer doctor`, then the command again"
        )


@contextmanager
def _unwritten(path: Path) -> Iterator[None]:
    """Keep writers away from a database, whose log is emptied: all of it is in its file."""
    with opened(path) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("BEGIN IMMEDIATE")
        yield


def _copy(source: Path, target: Path) -> None:
    with opened(source) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that is there, and begin no transaction by itself.

    Raises:
        DatabaseError: another process kept it locked.
    """
    uri = f"file:{pathname2url(str(path.resolve()))}?mode=rw"
    try:
        with closing(
            sqlite3.connect(uri, uri=True, timeout=LOCKED_SECONDS, isolation_level=None)
        ) as database:
            yield database
    except sqlite3.OperationalError as error:
        if is_locked(error):
            raise DatabaseError(locked(path, LOCKED_SECONDS)) from error
        raise


def is_locked(error: sqlite3.OperationalError) -> bool:
    """Return whether an error says that another process holds the database."""
    return (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY  # the low byte: the rest is the variety


def locked(path: Path, seconds: float) -> str:
    """Return what a user reads of a database that another process does not let go of."""
    return (
        f"{path}: another process has kept the database locked for {clock(seconds)}. Nothing was lost: "
        "end what holds it (a backup, a shell of SQLite), and the same command goes on where it stopped"
    )


def _move(source: Path, target: Path) -> None:
    """Put a file into place so that a power cut leaves the old one or the new one."""
    _flush(source)
    os.replace(source, target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop_sidecars(path: Path) -> None:
    for ending in SIDECARS:
        path.with_name(path.name + ending).unlink(missing_ok=True)
