"""Databases of a data folder: made beside and moved into place, so that a kill or a race leaves no ruin."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from conf import Settings
from tasks.runtime import databases, track
from tasks.runtime.databases import DatabaseError, MigrationError, Schema
from tasks.runtime.track.schema import mlflow_schema
from tests.operations.promotions import child

HEAD, OLDER = "bbb", "aaa"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Return the migrations of a library of two revisions."""
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "a.py").write_text(f"revision = '{OLDER}'\ndown_revision = None\n")
    (folder / "b.py").write_text(f"revision: str = '{HEAD}'\ndown_revision: str = '{OLDER}'\n")
    return folder


def migrate(path: Path, revision: str = HEAD) -> None:
    """Make or upgrade a database in write-ahead mode, as Prefect does."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS runs (name TEXT)")
        database.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
        database.execute("DELETE FROM alembic_version")
        database.execute("INSERT INTO alembic_version VALUES (?)", [revision])
        database.commit()


def rows(path: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def definitions(path: Path) -> dict[str, list[str]]:
    """Return the lines that define every table and index, in no order: that of constraints varies."""
    defined = rows(path, "SELECT name, coalesce(sql, '') FROM sqlite_master")
    return {name: sorted(line.strip(" ,") for line in sql.splitlines()) for name, sql in defined}


def schema(migrations: Path, upgrade: Callable[[Path], None] = migrate) -> Schema:
    return Schema("Library", migrations, upgrade)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"versions"}


def test_a_database_is_made_whole_and_alone(tmp_path: Path, migrations: Path) -> None:
    databases.ensure(tmp_path / "x.db", schema(migrations))
    assert rows(tmp_path / "x.db", "SELECT * FROM alembic_version") == [(HEAD,)]
    assert names(tmp_path) == {"x.db"}, "no log, no temporary folder"


def test_a_database_at_the_newest_revision_is_not_touched(tmp_path: Path, migrations: Path) -> None:
    def refuse(path: Path) -> None:
        raise AssertionError(path)

    migrate(tmp_path / "x.db")
    before = (tmp_path / "x.db").stat()
    databases.ensure(tmp_path / "x.db", schema(migrations, refuse))
    after = (tmp_path / "x.db").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("content", [b"", None], ids=["empty", "without tables"])
def test_a_file_that_holds_nothing_is_made_anew(
    tmp_path: Path, migrations: Path, content: bytes | None
) -> None:
    if content is None:
        with closing(sqlite3.connect(tmp_path / "x.db")) as database:
            database.execute("VACUUM")
    else:
        (tmp_path / "x.db").write_bytes(content)
    (tmp_path / "x.db-wal").write_bytes(b"the log of another file")
    databases.ensure(tmp_path / "x.db", schema(migrations))
    assert rows(tmp_path / "x.db", "SELECT * FROM alembic_version") == [(HEAD,)]
    assert not (tmp_path / "x.db-wal").exists()


def test_what_a_killed_maker_left_goes(tmp_path: Path, migrations: Path) -> None:
    (tmp_path / ".x.db.abc").mkdir()
    (tmp_path / ".x.db.abc" / "x.db").write_bytes(b"half")
    databases.ensure(tmp_path / "x.db", schema(migrations))
    assert names(tmp_path) == {"x.db"}


def test_an_older_database_is_backed_up_and_keeps_its_rows_even_those_in_its_log(
    tmp_path: Path, migrations: Path
) -> None:
    place, log_only = tmp_path / "x.db", tmp_path / "log" / "x.db"
    log_only.parent.mkdir()
    migrate(log_only, OLDER)
    with closing(sqlite3.connect(log_only)) as database:
        database.execute("INSERT INTO runs VALUES ('kept')")
        database.commit()
        for file in log_only.parent.iterdir():  # as a killed process leaves it: the row is in the log alone
            shutil.copyfile(file, tmp_path / file.name)
    shutil.rmtree(log_only.parent)
    databases.ensure(place, schema(migrations))
    assert rows(place, "SELECT * FROM runs") == [("kept",)]
    assert rows(place, "SELECT * FROM alembic_version") == [(HEAD,)]
    backup = tmp_path / f"x.db.{OLDER}.bak"
    assert rows(backup, "SELECT * FROM alembic_version") == [(OLDER,)]
    assert rows(backup, "SELECT * FROM runs") == [("kept",)]
    assert {name for name in names(tmp_path) if name.startswith(".")} == set()
    assert not (tmp_path / "x.db-wal").exists(), "SQLite would take the old log for the new file's"


def test_an_upgrade_that_fails_changes_nothing_and_says_what_to_do(tmp_path: Path, migrations: Path) -> None:
    def fail(path: Path) -> None:
        migrate(path)
        raise MigrationError("duplicate column name: x")

    place = tmp_path / "x.db"
    migrate(place, OLDER)
    with pytest.raises(DatabaseError, match=r"x\.db: Library could not .*duplicate column name: x.*mv "):
        databases.ensure(place, schema(migrations, fail))
    assert rows(place, "SELECT * FROM alembic_version") == [(OLDER,)]
    assert not list(tmp_path.glob(".x.db.*"))


def test_an_upgrade_does_not_begin_while_another_process_writes(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCKED_SECONDS", 0.1)
    place = tmp_path / "x.db"
    migrate(place, OLDER)
    with closing(sqlite3.connect(place)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match=r"x\.db: another process has kept .* locked"):
            databases.ensure(place, schema(migrations))
    assert rows(place, "SELECT * FROM alembic_version") == [(OLDER,)]


def test_a_database_that_a_kill_ruined_is_named_with_the_way_out(tmp_path: Path, migrations: Path) -> None:
    place = tmp_path / "x.db"
    migrate(place, OLDER)
    (tmp_path / "x.db.000.bak").touch()
    with closing(sqlite3.connect(place)) as database:
        database.execute("CREATE TABLE _alembic_tmp_experiments (x)")
    with pytest.raises(DatabaseError) as error:
        databases.ensure(place, schema(migrations))
    assert "left the table _alembic_tmp_experiments" in str(error.value)
    assert f"mv '{place}' '{place}.ruined'" in str(error.value)
    assert "its backup x.db.000.bak" in str(error.value)


def test_a_database_of_a_newer_library_is_refused(tmp_path: Path, migrations: Path) -> None:
    migrate(tmp_path / "x.db", "ccc")
    with pytest.raises(DatabaseError, match=r"Library does not know revision ccc.*a newer one made it"):
        databases.ensure(tmp_path / "x.db", schema(migrations))


def test_a_file_that_is_no_database_is_named(tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to have a header" * 20)
    with pytest.raises(DatabaseError, match=r"x\.db: the database cannot be read \(file is not a database\)"):
        databases.ensure(tmp_path / "x.db", schema(migrations))


def test_the_newest_revision_is_the_one_that_mlflow_itself_names() -> None:
    from mlflow.store.db.utils import _get_latest_schema_revision

    assert mlflow_schema().head() == _get_latest_schema_revision()


def test_the_tables_are_those_that_mlflow_makes_itself(tmp_path: Path) -> None:
    import mlflow

    mlflow.MlflowClient(f"sqlite:///{tmp_path}/itself.db")
    databases.ensure(tmp_path / "ours.db", mlflow_schema())
    assert definitions(tmp_path / "ours.db") == definitions(tmp_path / "itself.db")


def opening(folder: Path) -> int:
    """Fork a process that opens the store of a data folder for the first time, and return its id."""

    def work() -> None:
        store = track.open_store(Settings(profile="smoke", data_folder=str(folder)))
        assert len(store.search_experiments()) == 2, "MLflow's own and that of the retrainings"

    return os.fork() or child(work)


def ending(process: int) -> int:
    """Wait for a process, and return its status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.slow
def test_a_first_start_that_is_killed_at_any_moment_is_repaired_by_the_next(tmp_path: Path) -> None:
    rng, folder, begin = np.random.default_rng(17), tmp_path / "data", time.monotonic()
    assert ending(opening(tmp_path / "whole")) == 0
    whole = time.monotonic() - begin
    for _ in range(3):
        maker = opening(folder)
        time.sleep(rng.uniform(0.05, 1.0) * whole)
        os.kill(maker, signal.SIGKILL)
        assert ending(maker) in {0, -signal.SIGKILL}
        if (folder / "mlflow.db").exists():
            assert rows(folder / "mlflow.db", "SELECT * FROM alembic_version") == [(mlflow_schema().head(),)]
            shutil.rmtree(folder)
    assert ending(opening(folder)) == 0
    assert not list(folder.glob(".mlflow.db.*"))


@pytest.mark.slow
def test_first_starts_at_once_in_one_folder_are_all_right(tmp_path: Path) -> None:
    starts = [opening(tmp_path / "data") for _ in range(3)]
    assert [ending(start) for start in starts] == [0] * 3
