"""Which flow runs have a living owner: their tag names a file that its process holds a lock on.

The kernel lets go of the lock of a process however that ends. Unlike the number of a process, the lock also
tells processes of two containers apart that share a data folder.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.runtime.folder_lock import locked

OWNERS = ".owners"  # folder in the data folder with a file for every process that runs flows
PREFIX = "process-"


@contextmanager
def owned_runs(data_folder: str) -> Iterator[str]:
    """Tag the flow runs that begin in here as those of this process, and yield the tag.

    Args:
        data_folder: whose flow runs they are.
    """
    from prefect import tags

    with owner(Path(data_folder)) as mark, tags(mark):
        yield mark


@contextmanager
def owned_run(data_folder: str) -> Iterator[str]:
    """Tag the flow run that this process is in as its own, for it was made by a schedule or in the UI.

    Args:
        data_folder: whose flow run it is.
    """
    from prefect.client.orchestration import get_client
    from prefect.runtime import flow_run

    with owned_runs(data_folder) as mark, get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, tags=[*flow_run.tags, mark])
        yield mark


@contextmanager
def owner(data_folder: Path) -> Iterator[str]:
    """Hold a file of this process and yield its name; the file is gone afterwards."""
    folder = data_folder.resolve() / OWNERS
    folder.mkdir(parents=True, exist_ok=True)
    mark = f"{PREFIX}{os.getpid()}-{uuid.uuid4().hex[:6]}"
    with locked(folder):  # else another process could take the file for an abandoned one
        held = os.open(folder / mark, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield mark
    finally:
        (folder / mark).unlink(missing_ok=True)
        os.close(held)


def living(data_folder: Path) -> set[str]:
    """Return the names that living processes hold, and remove the files that killed ones left."""
    folder = data_folder.resolve() / OWNERS
    if not folder.is_dir():
        return set()
    with locked(folder):
        return {file.name for file in folder.iterdir() if not _removed_if_abandoned(file)}


def _removed_if_abandoned(file: Path) -> bool:
    """Remove the file of a dead process and return whether it was one; the caller holds the folder."""
    try:
        held = os.open(file, os.O_RDWR)
    except FileNotFoundError:  # its owner has just removed it
        return True
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True
