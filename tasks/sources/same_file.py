"""Files that are given twice: the same bytes under two names."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def originals(files: Sequence[Path]) -> dict[Path, Path]:
    """Return, for each file that holds the same bytes as an earlier one, that earlier file."""
    sizes = [file.stat().st_size for file in files]
    count = Counter(sizes)
    first: dict[tuple[int, str], Path] = {}
    copies = {}
    for file, size in zip(files, sizes, strict=True):
        if count[size] < 2:
            continue
        original = first.setdefault((size, _hash(file)), file)
        if original != file:
            copies[file] = original
    return copies


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
