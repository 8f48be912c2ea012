"""Files written whole or not at all, and a full disk named with its place, its room and the way out."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEEDED_GB = 2.0  # room for a retraining
GIGABYTE, MEGABYTE = 1024**3, 1024**2
LEAST = MEGABYTE  # bytes free below which a server's failure is that of the disk
FULL = {errno.ENOSPC, errno.EDQUOT}
SAID = ("database or disk is full", os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
"""What SQLite and the system say of it, in the errors of libraries and in the logs of servers."""
MAKE_ROOM = "Make room there"
SERVER_ERROR = "500 Internal Server Error"  # what a client hears of a server that could not write


class DiskFull(RuntimeError):
    """A write for which there was no room."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a file to write beside its place, and put it there when the block is done.

    A place that is no file, such as ``/dev/stdout``, is written itself.

    Raises:
        DiskFull: there is no room for it; what was there before is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        yield path
        return
    part = path.with_name(f".{path.name}.part")
    try:
        with full_disk_named(path):
            yield part
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def full_disk_named(place: Path) -> Iterator[None]:
    """Turn whatever the block raises because a disk is full into one line.

    Args:
        place: file or folder that the block writes, where the error itself names none.

    Raises:
        DiskFull: a disk is full.
    """
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        for cause in _causes(error):
            if isinstance(cause, DiskFull):
                raise DiskFull(str(cause)) from error
            if _is_full(cause) or (SERVER_ERROR in str(cause) and _free(place) < LEAST):
                named = getattr(cause, "filename", None)
                raise DiskFull(_sentence(Path(named) if isinstance(named, str) else place)) from error
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what it arose from, and so on."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


def _is_full(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno in FULL) or any(said in str(error) for said in SAID)


def _free(place: Path) -> int:
    """Return the room where a file or a folder lies, or would lie (bytes)."""
    folder = next(parent for parent in (place, *place.resolve().parents) if parent.is_dir())
    return shutil.disk_usage(folder).free


def shortage(place: Path) -> str:
    """Return what to do where a place has hardly any room, nothing where it has.

    A server for whose files there was no room ends, and can often not even write why.
    """
    return f"{_room(place)}. {MAKE_ROOM}" if _free(place) < LEAST else ""


def _sentence(place: Path) -> str:
    remedy = f"{MAKE_ROOM}, and the same command goes on where it stopped"
    return f"{_room(place)}. Nothing half-written was left. {remedy}"


def _room(place: Path) -> str:
    room = f"{_free(place) / MEGABYTE:.1f} MB are free, and a retraining takes up to {NEEDED_GB:g} GB"
    return f"{place}: the disk is full: {room}"
