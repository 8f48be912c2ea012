"""The folder of a registered version: copied while it is hashed, so that what was checked is what is loaded.

Links and special files are refused. The caches that Python leaves beside a module when it imports it are
skipped: they are neither hashed nor copied, and so never run. So is the file in which MLflow notes, at every
load by name, under what name it loaded a model.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.governance.manifest import FileDigest, ManifestError
from tasks.runtime.folder_lock import locked

CACHE = "__pycache__"
NOTED_BY_LOADS = "registered_model_meta"
CHUNK = 1 << 20  # bytes
PRIVATE = ".loading"  # folder in the data folder that holds private copies, only while they are loaded


@contextmanager
def private_folder(data_folder: Path) -> Iterator[Path]:
    """Yield an empty folder that only this user can read; remove it, and those that killed processes left."""
    parent = data_folder / PRIVATE
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(parent):
        _remove_abandoned(parent)
        folder = tempfile.TemporaryDirectory(dir=parent)
        lock = os.open(folder.name, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield Path(folder.name)
    finally:
        folder.cleanup()
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders that no living process holds; the caller holds the parent."""
    for folder in parent.iterdir():
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        except (BlockingIOError, FileNotFoundError):  # its owner lives, or has just removed it
            continue
        finally:
            os.close(lock)


def copied(source: Path, target: Path) -> dict[str, FileDigest]:
    """Copy the files of a folder and return the digests of the copied bytes by their relative paths.

    A folder that is not there has no files.

    Raises:
        ManifestError: something in it is a link or not a plain file.
        OSError: it cannot be read.
    """
    digests: dict[str, FileDigest] = {}
    if not source.exists():
        return digests
    for place, folders, names, descriptor in os.fwalk(source, onerror=_raise, follow_symlinks=False):
        relative = Path(place).relative_to(source)
        folders[:] = sorted(name for name in folders if name != CACHE)
        for name in folders:
            if stat.S_ISLNK(os.lstat(name, dir_fd=descriptor).st_mode):
                raise _not_plain(Path(place, name))
            (target / relative / name).mkdir()
        for name in sorted(set(names) - {NOTED_BY_LOADS}):
            file = (relative / name).as_posix()
            digests[file] = _copied_file(Path(place, name), descriptor, target / file)
    return digests


def require_inside(path: Path, root: Path) -> None:
    """Accept a path that lies below a root without a link on the way.

    Raises:
        ManifestError: it lies elsewhere, or a link leads there.
    """
    base, resolved = root.resolve(), path.resolve()
    if resolved == base or not resolved.is_relative_to(base):
        raise ManifestError(f"{path} lies outside of {base}, where the models of this store lie")
    if resolved != base / os.path.relpath(os.path.abspath(path), os.path.abspath(root)):
        raise ManifestError(f"{path} is a link to {resolved}; models lie where they were registered")


def _copied_file(path: Path, folder: int, target: Path) -> FileDigest:
    """Copy a file of an open folder and return the digest of what was copied."""
    digest, size = hashlib.sha256(), 0
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if stat.S_ISREG(os.lstat(path.name, dir_fd=folder).st_mode):
            raise
        raise _not_plain(path) from error
    with os.fdopen(descriptor, "rb") as source, target.open("wb") as copy:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_plain(path)
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += copy.write(chunk)
    return FileDigest(size, digest.hexdigest())


def _not_plain(path: Path) -> ManifestError:
    return ManifestError(
        f"{path} is a link or a special file; a registered model consists of plain files. "
        "Nothing of it was run. Restore its files from a backup, or run `repricer retrain`."
    )


def _raise(error: OSError) -> None:
    raise error
