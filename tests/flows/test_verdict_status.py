"""A FAIL is a result, no error: status 0 with the verdict in the JSON, 3 where the caller wants to know."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import flows.retrain
from flows.cli import app as command
from flows.cli import report

EXIT = {("FAIL", True): 3, ("FAIL", False): 0, ("PASS", True): 0, ("PASS", False): 0}


@pytest.mark.parametrize(("verdict", "asked_for"), EXIT)
def test_the_verdict_decides_the_exit_status_only_where_that_is_wanted(
    verdict: str, asked_for: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary: dict[str, Any] = {"verdict": verdict}
    monkeypatch.setattr(command, "flow_session", lambda *_: nullcontext())
    monkeypatch.setattr(command, "quiet_environment", lambda: None)
    monkeypatch.setattr(command, "show_progress", lambda: None)
    monkeypatch.setattr(report, "show_summary", lambda *_: None)
    monkeypatch.setattr(flows.retrain, "retrain", lambda *_: summary)
    out = tmp_path / "out.json"
    arguments = ["retrain", "--profile", "smoke", "--json", str(out)]
    result = CliRunner().invoke(command.app, [*arguments, *(["--fail-on-verdict"] if asked_for else [])])
    assert result.exit_code == EXIT[verdict, asked_for], result.output
    assert json.loads(out.read_text())["verdict"] == verdict


def test_the_help_names_every_exit_status() -> None:
    said = CliRunner().invoke(command.app, ["retrain", "--help"]).output
    for status in ("0 done", "1 error", "3 FAIL", "75 another retraining", "130 Ctrl-C", "143 SIGTERM"):
        assert status in " ".join(said.split()), said
