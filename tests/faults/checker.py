"""Whether a data folder is sound, read from its files alone: this shares no code with the product.

A checker that used the product's own reading of its data would share its mistakes. It is run once the command
after a fault has ended; `violations` then returns a sentence for each invariant that does not hold.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from tests.faults.checked_registry import registry_violations
from tests.faults.databases import rows

RUNNING_IN_PREFECT = ("PENDING", "RUNNING", "CANCELLING", "PAUSED")
SECONDS_TO_END = 10.0  # that processes and servers of a command may outlive it
LEFT_EMPTY = (".loading", ".owners")
"""Folders in the data folder that hold something only while a process lives."""


def violations(
    folder: Path, *, allowed: Collection[str] = (), seconds_to_end: float = SECONDS_TO_END
) -> list[str]:
    """Return a sentence for every invariant of a data folder that does not hold, none for a sound one.

    Args:
        folder: whose commands have ended.
        allowed: ids of MLflow and Prefect runs that may be running, such as those of other folders.
        seconds_to_end: that processes may outlive their command (s).
    """
    try:
        return [*processes_left(folder, seconds_to_end), *_of_files(folder, allowed)]
    except sqlite3.DatabaseError as error:
        return [f"{folder}: a database cannot be read: {error}"]


def _of_files(folder: Path, allowed: Collection[str]) -> list[str]:
    return [
        *running_in_mlflow(folder, allowed),
        *running_in_prefect(folder, allowed),
        *temporary_files(folder),
        *changed_artifacts(folder),
        *registry_violations(folder),
        *(sentence for file in folder.glob("attempts/*/claim/*.parquet") for sentence in bad_prices(file)),
    ]


def running_in_mlflow(folder: Path, allowed: Collection[str] = ()) -> Iterator[str]:
    query = (
        "select run_uuid, name, status from runs "
        "where status in ('RUNNING', 'SCHEDULED') and lifecycle_stage = 'active'"
    )
    for run, name, status in rows(folder / "mlflow.db", query):
        if run not in allowed:
            yield f"MLflow shows the run {name} ({run}) as {status}, and no process works at it"


def running_in_prefect(folder: Path, allowed: Collection[str] = ()) -> Iterator[str]:
    for table in ("flow_run", "task_run"):
        for run, name, state in rows(
            folder / "prefect" / "prefect.db", f"select id, name, state_type from {table}"
        ):
            if state in RUNNING_IN_PREFECT and run not in allowed:
                yield f"Prefect shows the {table} {name} ({run}) as {state}, and no process works at it"


def temporary_files(folder: Path) -> Iterator[str]:
    """Yield what a process that died left of files that it had not finished."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".part", ".tmp"} or (path.name.startswith(".") and ".db." in path.name):
            yield f"{path} is the beginning of a file, and nobody goes on with it"
    for name in LEFT_EMPTY:
        for path in sorted((folder / name).glob("*")):
            yield f"{path} belongs to a process that is gone"


def changed_artifacts(folder: Path) -> Iterator[str]:
    """Yield the files that results of stages name by their hash and that have other bytes now."""
    named: dict[Path, set[str]] = {}
    for result in (folder / "prefect" / "storage").glob("*-*"):
        with suppress(ValueError):
            stored = json.loads(json.loads(result.read_text(encoding="utf-8"))["result"])
            for path, digest in hashes_in(stored):
                named.setdefault(Path(path), set()).add(digest)
    for path, digests in sorted(named.items()):
        if not path.is_file():
            yield f"{path} is gone, and a finished stage names it"
        elif sha256(path) not in digests:
            yield f"{path} has the SHA-256 {sha256(path)}, and a finished stage wrote {' or '.join(digests)}"


def hashes_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of every file that a stored result names."""
    if isinstance(value, dict):
        if set(value) == {"path", "sha256"}:
            yield value["path"], value["sha256"]
        for inner in value.values():
            yield from hashes_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from hashes_in(inner)


def bad_prices(file: Path) -> Iterator[str]:
    """Yield the prices of a list that are no amounts of money, and the products that stand in it twice."""
    table = pd.read_parquet(file)
    for product, price in table[["product_id", "price"]].itertuples(index=False):
        if not 0 < price < float("inf"):
            yield f"{file}: the price of {product} is {price}"
    for product in table.loc[table.duplicated(["product_id", "store_id"]), "product_id"]:
        yield f"{file}: {product} stands in it twice"


def torn_list(file: Path, whole: Collection[str]) -> list[str]:
    """Return that a published list is neither the old one nor the new one, where it is neither.

    Args:
        file: of the list.
        whole: SHA-256 of the lists that it may be.
    """
    if not file.is_file():
        return [f"{file}: the list is gone"]
    if sha256(file) not in whole:
        return [f"{file}: the list is neither the old one nor the new one"]
    return []


def processes_left(folder: Path, seconds_to_end: float = SECONDS_TO_END) -> Iterator[str]:
    """Yield the processes that still work for a folder, and the port of its API if it listens."""
    deadline = time.monotonic() + seconds_to_end
    while (left := working_for(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            yield f"process {process.pid} is left: {' '.join(process.cmdline())[:200]}"
    port = port_of(folder)
    if port and is_listening(port):
        yield f"the Prefect API of the folder listens on port {port} still"


def working_for(folder: Path) -> list[psutil.Process]:
    """Return the processes with a folder in their command line or environment, but for this one's family."""
    mark = str(folder.resolve())
    family = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process for process in psutil.process_iter() if process.pid not in family and names(process, mark)
    ]


def names(process: psutil.Process, mark: str) -> bool:
    """Return whether the command line or the environment of a process names a folder or a file in it."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        texts = [*process.cmdline(), *process.environ().values()]
        return any(f"{mark}/" in f"{text}/" for text in texts)
    return False


def port_of(folder: Path) -> int | None:
    """Return the port that the folder's lock of the API names, none where nobody holds it."""
    with suppress(OSError, ValueError):
        entry = json.loads((folder / "prefect" / "api.lock").read_text(encoding="utf-8"))
        return int(entry["port"])
    return None


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
