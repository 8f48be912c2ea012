"""What may become of a file of a registered version; each takes the file and another one."""

from __future__ import annotations

import os
from pathlib import Path


def flip(file: Path, _other: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path, _other: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def empty(file: Path, _other: Path) -> None:
    os.truncate(file, 0)


def swap(file: Path, other: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(other.read_bytes())
    other.write_bytes(content)


def replace(file: Path, _other: Path) -> None:
    file.unlink()
    file.write_bytes(b"anything else")


def remove(file: Path, _other: Path) -> None:
    file.unlink()


def link(file: Path, other: Path) -> None:
    file.unlink()
    file.symlink_to(other)
