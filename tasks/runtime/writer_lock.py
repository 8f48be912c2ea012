"""A lock whose every holder has a larger token, and that a paused process can lose.

The holder keeps a file of its token locked, in a folder of such files; the largest token is that of the
newest holder. A holder that ended leaves its file unlocked. One that is paused (SIGSTOP, a debugger) for a
while is replaced by whoever waits: where it goes on, it asks before every step whether it is still the
newest, and is refused. What it was amid when it was paused, a single write, it ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tasks.governance.ledger import Overtaken

PAUSED_SECONDS = 10.0  # for which a holder was seen paused before it is replaced
LOOK_SECONDS = 0.02  # between two looks at a lock that another process holds
CLAIM = ".claim-"


@dataclass(frozen=True)
class Writer:
    """A holder of the lock: the folder of its tokens, and its own."""

    folder: Path
    token: int

    def require_newest(self) -> None:
        """Accept the step of a holder that nobody replaced.

        Raises:
            Overtaken: another command has taken over.
        """
        newest = _newest(self.folder)
        if newest != self.token:
            raise Overtaken(
                f"another command has taken over (its token is {newest}) while this one, of token "
                f"{self.token}, was paused. Look what stands now, and decide again."
            )


@contextmanager
def held(folder: Path, least: int = 0) -> Iterator[Writer]:
    """Hold a lock, as soon as nobody holds it or its holder is paused.

    Args:
        folder: of the lock.
        least: the token is larger than this, and than those of all holders before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paused_since: float | None = None
    while True:
        newest = _newest(folder)
        paused_since = (paused_since or time.monotonic()) if _is_paused(folder, newest) else None
        lost = paused_since is not None and time.monotonic() - paused_since > PAUSED_SECONDS
        if lost or _is_free(folder, newest):
            token = max(newest, least) + 1
            lock = _claimed(folder, token)
            if lock is not None:
                break
        time.sleep(LOOK_SECONDS)
    try:
        yield Writer(folder, token)
    finally:
        os.close(lock)


def _newest(folder: Path) -> int:
    """Return the token of the newest holder, 0 where there was none."""
    return max((int(name) for name in os.listdir(folder) if name.isdecimal()), default=0)


def _is_free(folder: Path, token: int) -> bool:
    """Return whether a holder has ended."""
    if token == 0:
        return True
    with suppress(FileNotFoundError):  # a newer holder swept it
        lock = os.open(folder / str(token), os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(lock)
    return False


def _is_paused(folder: Path, token: int) -> bool:
    """Return whether a holder is a process of this machine that is paused now."""
    try:
        holder = psutil.Process(int((folder / str(token)).read_text(encoding="ascii")))
        return holder.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except (OSError, ValueError, psutil.Error):
        return False


def _claimed(folder: Path, token: int) -> int | None:
    """Make the file of a token, locked from the start, and return its lock; none where another was first."""
    claim = folder / f"{CLAIM}{secrets.token_hex(4)}"
    lock = os.open(claim, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.write(lock, str(os.getpid()).encode("ascii"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.link(claim, folder / str(token))
        newest = _newest(folder) == token
    except (FileExistsError, FileNotFoundError):
        newest = False
    finally:
        claim.unlink(missing_ok=True)
    if not newest:
        os.close(lock)
        return None
    for left in folder.iterdir():  # of holders before, and by commands that were killed
        if left.name != str(token):
            left.unlink(missing_ok=True)
    return lock
