"""The summary of a retraining: what is to be known of the source stands among its reasons."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.runtime.attempt import Attempt
from tasks.stages import summarise as stage


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.track, "stage_seconds", lambda _attempt: {"prepare": 1.0})
    for name in ("log_headlines", "note"):
        monkeypatch.setattr(stage.track, name, lambda *_arguments: None)
    monkeypatch.setattr(stage, "_headlines", lambda _summary: {})
    monkeypatch.setattr(stage, "as_markdown", lambda _summary, _settings: "")


@pytest.mark.parametrize("notes", [[], ["product_id: 1 pair of ids differs only by case"]])
def test_notes_on_the_source_follow_the_reasons(untracked: None, tmp_path: Path, notes: list[str]) -> None:
    numbers: dict[str, Any] = defaultdict(float)
    prepared = {"data_hash": "h", "rows_in": 2, "rows_accepted": 2, "rows_quarantined": 0}
    stages = dict.fromkeys(("forecast", "respond", "price"), numbers) | {
        "prepare": prepared | {"notes": notes},
        "evaluate": {"reasons": ["lift 4 %"], "verdict": "PASS", "trial": {}, "list": {}, "off_policy": None},
    }
    attempt = Attempt(id="a", folder=str(tmp_path), run_id="r")
    versions: Any = {}
    summary = stage.summarise(attempt, Settings(), stages, versions=versions, peak_memory_mb=1.0)
    assert summary["reasons"] == ["lift 4 %", *notes]
