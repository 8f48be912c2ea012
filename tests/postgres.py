"""A PostgreSQL server of the tests' own, on loopback, and a database in it for each test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from glob import glob
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

psycopg = pytest.importorskip("psycopg", reason="psycopg, of the extra `postgres`, is not installed")
PROGRAMS = os.pathsep.join([os.environ.get("PATH", os.defpath), *glob("/usr/lib/postgresql/*/bin")])
"""Folders of the programs: many systems leave the server out of the PATH."""
ACCOUNTS = ("postgres", "nobody")
"""Accounts for the server, where root runs the tests: it refuses to run as root."""
OWNER = "repricer"
NO_DISK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
START_SECONDS, END_SECONDS = 60, 20


def server() -> Iterator[str]:
    """Yield the URL of the server, without a database, and end it.

    The test is skipped where the programs are missing, or where nobody but root could run them.
    """
    programs = {name: shutil.which(name, path=PROGRAMS) for name in ("initdb", "postgres")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        pytest.skip(f"PostgreSQL is not installed: there is no program {' or '.join(missing)}")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="repricer-postgres-"))
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        with _running(str(programs["initdb"]), str(programs["postgres"]), folder, account) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@contextmanager
def database(url: str) -> Iterator[str]:
    """Make an empty database on a server, yield its URL and drop it."""
    name = f"test_{uuid4().hex}"
    execute(f"{url}/postgres", f"create database {name} template template0")
    try:
        yield f"{url}/{name}"
    finally:
        execute(f"{url}/postgres", f"drop database {name} with (force)")


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run SQL, as another program than ours could, and return the rows of the last statement."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        answer = connection.execute(statement)
        return answer.fetchall() if answer.description else []


def _account() -> dict[str, Any]:
    """Return the account of the server as arguments of a process, none where the present one may run it."""
    if os.geteuid() != 0:
        return {}
    for name in ACCOUNTS:
        with suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    pytest.skip(f"PostgreSQL refuses to run as root, and there is no account {' or '.join(ACCOUNTS)}")


@contextmanager
def _running(initdb: str, postgres: str, folder: Path, account: dict[str, Any]) -> Iterator[str]:
    data, log = folder / "data", folder / "log"
    with log.open("wb") as output:
        options: dict[str, Any] = {"stdout": output, "stderr": output, "cwd": folder, **account}
        made = [initdb, "--pgdata", str(data), "--username", OWNER, "--auth", "trust", "--encoding", "UTF8"]
        if subprocess.run([*made, "--locale", "C", "--no-sync"], **options, check=False).returncode:
            pytest.fail(f"initdb failed: {log.read_text()[-3000:]}")
        port = _free_port()
        settings = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", *NO_DISK)
        flags = [part for setting in settings for part in ("-c", setting)]
        process = subprocess.Popen([postgres, "-D", str(data), *flags], **options)
    try:
        url = f"postgresql+psycopg://{OWNER}@127.0.0.1:{port}"
        _wait_for(f"{url}/postgres", process, log)
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # it ends its connections and itself
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(psycopg.OperationalError):
            execute(url, "select 1")
            return
        time.sleep(0.1)
    pytest.fail(f"PostgreSQL did not answer within {START_SECONDS} s: {log.read_text()[-3000:]}")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
