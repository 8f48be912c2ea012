"""Figures of a retraining, as they were logged."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tasks.runtime.attempt import Attempt
from tasks.runtime.track.store import client


def figure_of(attempt: Attempt, name: str) -> bytes | None:
    """Return the PNG of a figure of a retraining, none where no stage drew it."""
    store, path = client(), f"figures/{name}"
    if path not in {file.path for file in store.list_artifacts(attempt.run_id, "figures")}:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return Path(store.download_artifacts(attempt.run_id, path, folder)).read_bytes()
