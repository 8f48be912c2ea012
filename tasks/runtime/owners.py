"""Which flow runs have a living owner: their tag names a file that its process holds a lock on.

The kernel lets go of the lock of a process however that ends. Unlike the number of a process, the lock also
tells processes of two containers apart that share a data folder.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterable, Iterator
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
def owned_run(data_folder: str) -> Iterator[None]:
    """Tag the flow run that this process is in as its own, and those below it.

    It was made by a schedule or in the UI. The run of a command is tagged already and is left as it is.

    Args:
        data_folder: whose flow run it is.
    """
    from prefect.client.orchestration import get_client
    from prefect.runtime import deployment, flow_run

    if not deployment.id:
        yield
        return
    with owned_runs(data_folder) as mark, get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, tags=[*flow_run.tags, mark])
        yield


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
    names = _names(data_folder)
    forget(data_folder, names[False])
    return names[True]


def is_living(data_folder: Path, mark: str) -> bool:
    """Return whether a living process holds a name."""
    return mark in _names(data_folder)[True]


def dead(data_folder: Path) -> set[str]:
    """Return the names that killed processes left."""
    return _names(data_folder)[False]


def forget(data_folder: Path, marks: Iterable[str]) -> None:
    """Remove the files of killed processes."""
    for mark in marks:
        (data_folder.resolve() / OWNERS / mark).unlink(missing_ok=True)


def _names(data_folder: Path) -> dict[bool, set[str]]:
    """Return the names in a data folder by whether a process holds them."""
    folder = data_folder.resolve() / OWNERS
    names: dict[bool, set[str]] = {True: set(), False: set()}
    if folder.is_dir():
        with locked(folder):
            for file in folder.iterdir():
                names[_is_held(file)].add(file.name)
    return names


def _is_held(file: Path) -> bool:
    """Return whether a process holds a file; the caller holds the folder."""
    try:
        held = os.open(file, os.O_RDWR)
    except FileNotFoundError:  # its owner has just removed it
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(held)
    return False
