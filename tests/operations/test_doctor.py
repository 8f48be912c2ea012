"""The doctor: what it says of a machine on which something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf import Settings
from tasks.operations.doctor import examine
from tasks.runtime.track import StoreError


def test_a_store_that_is_down_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openings: list[Settings] = []

    def down(settings: Settings) -> None:
        openings.append(settings)
        raise StoreError("track.uri http://127.0.0.1:9: the store did not answer for 15 s")

    monkeypatch.setattr("tasks.runtime.track.open_store", down)
    findings = {finding["name"]: finding for finding in examine(Settings(data_folder=str(tmp_path)))}
    assert len(openings) == 1
    assert "did not answer for 15 s" in findings["MLflow store"]["result"]
    assert (findings["champion"]["ok"], findings["champion"]["result"]) == (
        False,
        "unknown: the MLflow store says who it is",
    )
