"""The id of a data folder, which moves with it: what lies in a store that others use too is known by it."""

from __future__ import annotations

import uuid
from pathlib import Path

from tasks.runtime.disk import written_whole
from tasks.runtime.folder_lock import locked

FILE = "folder-id"


def folder_id(folder: Path) -> str:
    """Return the id of a data folder, which the first call gives it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    with locked(folder):
        if not file.exists():
            with written_whole(file) as part:
                part.write_text(uuid.uuid4().hex, encoding="utf-8")
        return file.read_text(encoding="utf-8")
