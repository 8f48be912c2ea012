"""A full disk: one line with the place, the room and the way out, and nothing half-written."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.runtime import databases, disk
from tasks.runtime.artifacts import load_json, save_arrays, save_json, save_table
from tasks.runtime.databases import MigrationError, Schema
from tasks.runtime.disk import MEGABYTE, DiskFull, full_disk_named, written_whole
from tasks.runtime.tables import write_table

LINE = r"^{}: the disk is full: [\d.]+ MB are free, and .* 2 GB\. .*the same command goes on"
FRAME = pd.DataFrame({"product_id": ["007"], "price": [1.99]})


def write_all(folder: Path) -> None:
    """Write a file of every kind, those that are there already too."""
    save_table(FRAME, folder / "a.parquet")
    save_json({"a": 1}, folder / "a.json")
    save_arrays({"a": np.zeros(3)}, folder / "a.npz")
    for ending in ("csv", "xlsx", "parquet"):
        write_table(FRAME, folder / f"list.{ending}")


def fail_after(writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all moves into place but some fail, as a full disk does: with its errno and no name."""
    numbers, replace = count(), os.replace

    def replace_or_fail(source: str, target: str) -> None:
        if next(numbers) >= writes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_or_fail)


def test_write_1_2_3_fails_until_a_run_is_clean_and_never_leaves_a_part(tmp_path: Path) -> None:
    names = ["a.parquet", "a.json", "a.npz", "list.csv", "list.xlsx", "list.parquet"]
    for writes, name in enumerate(names):
        with pytest.MonkeyPatch.context() as monkeypatch:
            fail_after(writes, monkeypatch)
            with pytest.raises(DiskFull, match=LINE.format(tmp_path / name)):
                write_all(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[:writes]), "something partial"
    write_all(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_file_that_was_there_stays_as_it_was_when_the_new_one_finds_no_room(tmp_path: Path) -> None:
    before = save_json({"price": 1}, tmp_path / "a.json")

    def write_half() -> None:
        with written_whole(tmp_path / "a.json") as part:
            part.write_text('{"pri')
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    with pytest.raises(DiskFull, match=LINE.format(tmp_path / "a.json")):
        write_half()
    assert load_json(before) == {"price": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_the_device_of_a_pipe_is_written_itself() -> None:
    with written_whole(Path("/dev/null")) as part:
        part.write_text("result")
    assert part == Path("/dev/null")


def sqlite_full(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "full.db")) as database:
        database.execute("PRAGMA max_page_count = 2")
        database.execute("CREATE TABLE runs (name TEXT)")
        database.execute("INSERT INTO runs VALUES (?)", ["x" * 100_000])


def real_device(folder: Path) -> None:
    with Path("/dev/full").open("w") as device:
        device.write("x")


def wrapped(folder: Path) -> None:
    try:
        sqlite_full(folder)
    except sqlite3.OperationalError as error:
        raise ValueError("a framework failed") from error


def of_a_file(folder: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "named"))


@pytest.mark.parametrize(
    ("fail", "place"), [(sqlite_full, ""), (real_device, ""), (wrapped, ""), (of_a_file, "/named")]
)
def test_a_full_disk_is_known_in_whatever_error_a_library_makes_of_it(
    tmp_path: Path, fail: Callable[[Path], None], place: str
) -> None:
    with pytest.raises(DiskFull, match=LINE.format(f"{tmp_path}{place}")), full_disk_named(tmp_path):
        fail(tmp_path)


def test_the_innermost_place_is_the_one_that_is_said(tmp_path: Path) -> None:
    def fail_in_a_task() -> None:
        try:
            with full_disk_named(tmp_path / "a.csv"):
                real_device(tmp_path)
        except DiskFull as error:
            raise RuntimeError("a task failed") from error

    with pytest.raises(DiskFull, match=LINE.format(tmp_path / "a.csv")), full_disk_named(tmp_path / "outer"):
        fail_in_a_task()


@pytest.mark.parametrize(("free", "error"), [(0, DiskFull), (10 * MEGABYTE, ValueError)])
def test_a_failure_of_a_server_is_the_disk_s_only_where_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, error: type[Exception]
) -> None:
    monkeypatch.setattr(disk, "_free", lambda _place: free)
    with pytest.raises(error, match=r"is full|500 Internal"), full_disk_named(tmp_path):
        raise ValueError("Server error '500 Internal Server Error' for url")


def test_another_error_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^other$"), full_disk_named(tmp_path):
        raise ValueError("other")


def test_a_database_that_finds_no_room_is_not_there_and_is_made_when_there_is_room(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "a.py").write_text("revision = 'aaa'\ndown_revision = None\n")

    def run_out(path: Path) -> None:
        path.write_bytes(b"half")
        raise MigrationError("(sqlite3.OperationalError) database or disk is full")

    def migrate(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE alembic_version AS SELECT 'aaa' AS version_num")

    with pytest.raises(DiskFull, match="the disk is full"), full_disk_named(tmp_path):
        databases.ensure(tmp_path / "x.db", Schema("Library", tmp_path / "versions", run_out))
    assert [path.name for path in tmp_path.iterdir()] == ["versions"]
    databases.ensure(tmp_path / "x.db", Schema("Library", tmp_path / "versions", migrate))
    assert (tmp_path / "x.db").exists()
