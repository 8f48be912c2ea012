"""Published lists on disk: a folder each, written whole; one pointer says which is in force.

    published/
        2026-12-01T0000-1f3a9c2e/   list.parquet, list.csv, channels/, inputs/, manifest.json
        in_force.json               name and manifest of the list in force

A list is staged beside its place, with every byte on the disk, before the ledger names it, and moved to its
place afterwards: the ledger never names a list that is not whole, and a list that it does not name is swept.
Readers follow the pointer, which is replaced in one step, and see the old list or the new one. A destination
that is a folder looks the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from conf import Settings
from tasks.runtime.artifacts import sha256
from tasks.runtime.disk import full_disk_named

FOLDER, POINTER, MANIFEST = "published", "in_force.json", "manifest.json"
PARQUET, CSV = "list.parquet", "list.csv"
CHANNELS = "channels"  # folder in a list, with the same two tables of every channel
UNLISTED = "unlisted.parquet"  # newest published rows of products that the list does not have
PART = ".part-"
REMEDY = "Restore the folder from a backup, or write it anew: repricer publish --due"
Write = Callable[[Path], object]


class ListError(RuntimeError):
    """A published list that is missing or is not what was published."""


@dataclass(frozen=True)
class Pointer:
    """Which list is in force: its name, and the SHA-256 of its manifest."""

    list: str
    manifest: str


def folder_of(settings: Settings) -> Path:
    """Return the folder of all published lists, made where it is missing."""
    folder = Path(settings.data_folder).resolve() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stage(root: Path, files: Mapping[str, Write], about: Mapping[str, Any], begins: str) -> Pointer:
    """Write a list beside its place, every byte on the disk, and return its name and manifest.

    Args:
        root: folder of all lists.
        files: what writes a file, by its path in the list.
        about: what the manifest says besides the files and the name.
        begins: beginning of the name; the digest of everything else ends it.

    Raises:
        DiskFull: there is no room for it; nothing of it is left.
    """
    with _part(root) as part:
        digests = {name: _written(part / name, write) for name, write in files.items()}
        name = f"{begins}-{hashlib.sha256(_json({**about, 'files': digests})).hexdigest()[:8]}"
        manifest = _sealed(part, {**about, "list": name, "files": digests})
        staged = root / f"{PART}{name}"
        shutil.rmtree(staged, ignore_errors=True)  # left by a command that was killed
        part.rename(staged)
        _sync(root)
        return Pointer(name, manifest)


def put(root: Path, name: str, files: Mapping[str, Write], about: Mapping[str, Any]) -> Pointer:
    """Put a list of a given name whole at its place, in place of one of this name, and return its pointer.

    What a command that was killed left there is swept: a folder has one writer.

    Raises:
        DiskFull: there is no room for it; nothing of it is left.
    """
    settle(root, ())
    with _part(root) as part:
        digests = {path: _written(part / path, write) for path, write in files.items()}
        manifest = _sealed(part, {**about, "list": name, "files": digests})
        place = root / name
        if place.exists():
            place.rename(root / f"{PART}{name}")
        part.rename(place)
        _sync(root)
    settle(root, ())
    return Pointer(name, manifest)


def settle(root: Path, names: Collection[str]) -> None:
    """Move staged lists that the ledger names to their places, and sweep what no ledger names.

    Args:
        root: folder of all lists; no other command stages here meanwhile.
        names: of the lists in the ledger.
    """
    for part in sorted(root.glob(f"{PART}*")):
        place = root / part.name.removeprefix(PART)
        if place.name in names and not place.exists():
            part.rename(place)
        elif part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink()
    _sync(root)


def point(root: Path, pointer: Pointer | None) -> None:
    """Let the pointer name a list, in one step; none: no list is in force."""
    place = root / POINTER
    if pointer is None:
        place.unlink(missing_ok=True)
    else:
        replace_whole(place, _json({"list": pointer.list, "manifest": pointer.manifest}))
    _sync(root)


def pointed(root: Path) -> Pointer | None:
    """Return which list is in force by the pointer, none where there is no pointer.

    Raises:
        ListError: it cannot be read.
    """
    try:
        said = json.loads((root / POINTER).read_bytes())
        return Pointer(str(said["list"]), str(said["manifest"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ListError(f"{root / POINTER}: this is no pointer to a list ({error}). {REMEDY}") from None


def manifest_of(root: Path, pointer: Pointer) -> dict[str, Any]:
    """Return the manifest of a list whose bytes are all those that were published.

    Raises:
        ListError: a file is missing or has other bytes; the message names the first ones.
    """
    problems = list(faults(root, pointer))
    if problems:
        raise ListError("; ".join(problems[:3]))
    manifest: dict[str, Any] = json.loads((root / pointer.list / MANIFEST).read_bytes())
    return manifest


def faults(root: Path, pointer: Pointer) -> Iterator[str]:
    """Yield what is wrong with the files of a list: its manifest first, then file by file."""
    folder = root / pointer.list
    try:
        manifest = (folder / MANIFEST).read_bytes()
    except OSError:
        yield f"{folder / MANIFEST}: the file is gone"
        return
    got = hashlib.sha256(manifest).hexdigest()
    if got != pointer.manifest:
        yield f"{folder / MANIFEST}: hash mismatch: expected {pointer.manifest}, got {got}"
        return
    expected: dict[str, dict[str, Any]] = json.loads(manifest)["files"]
    files = [path for path in folder.rglob("*") if path.is_file() or path.is_symlink()]
    there = {path.relative_to(folder).as_posix() for path in files}
    for name in sorted(there - {MANIFEST, *expected}):
        yield f"{folder / name}: this file is not of the list"
    for name, digest in expected.items():
        path = folder / name
        if name not in there or path.is_symlink():
            yield f"{path}: the file is gone"
        elif (received := digest_of(path)) != digest:
            yield f"{path}: hash mismatch: expected {digest}, got {received}"


def digest_of(path: Path) -> dict[str, Any]:
    """Return size (bytes) and SHA-256 of a file."""
    return {"size": path.stat().st_size, "sha256": sha256(path)}


def replace_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step, its new bytes on the disk first.

    Raises:
        DiskFull: there is no room for it; what was there before is unchanged.
    """
    part = path.with_name(f"{PART}{path.name}-{secrets.token_hex(4)}")
    try:
        with full_disk_named(path):
            _durable(part, content)
            os.replace(part, path)
            _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def name_at(effective: datetime) -> str:
    """Return how the name of a list begins that holds from a local time."""
    return effective.strftime("%Y-%m-%dT%H%M")


@contextmanager
def _part(root: Path) -> Iterator[Path]:
    """Yield an empty folder beside the lists; it is gone afterwards, unless it was moved to a place."""
    part = root / f"{PART}{secrets.token_hex(8)}"
    try:
        with full_disk_named(root):
            part.mkdir(parents=True)
            yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sealed(part: Path, manifest: Mapping[str, Any]) -> str:
    """Write the manifest of a folder, put all names in it on the disk and return the manifest's SHA-256."""
    content = _json(manifest)
    _durable(part / MANIFEST, content)
    for folder in (*(place for place in part.rglob("*") if place.is_dir()), part):
        _sync(folder)
    return hashlib.sha256(content).hexdigest()


def _written(path: Path, write: Write) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return digest_of(path)


def _durable(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()
