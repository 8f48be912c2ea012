"""Which packages Python would import under the names of our rooms."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

HERE = next(
    folder for folder in Path(__file__).resolve().parents if (folder / "flows" / "cli" / "app.py").is_file()
)
"""Folder of the rooms, installed or checked out."""
ROOMS = ("conf", "expectations", "flows", "infra", "tasks")


def clashing(folder: Path | None = None) -> str | None:
    """Return a sentence about the first package that Python would import in place of an own one, if any.

    Args:
        folder: first on the path, as the working folder is for a process that Prefect starts.
    """
    path = None if folder is None else [str(folder), *sys.path]
    for room in ROOMS:
        place = _place(_spec(room, path))
        if place is not None and place != HERE / room:
            return (
                f"Python would import {place} in place of the package `{room}` of Repricer. "
                f"Run the command in another folder, and without {place.parent} in PYTHONPATH."
            )
    return None


def _spec(room: str, path: Sequence[str] | None) -> ModuleSpec | None:
    return importlib.util.find_spec(room) if path is None else PathFinder.find_spec(room, path)


def _place(spec: ModuleSpec | None) -> Path | None:
    """Return the folder of a package, or the file of a module."""
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
