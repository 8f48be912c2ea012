"""The command: help with examples, errors of one line, status 0 only when the thing was done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import repricer

COMMANDS = [
    "retrain",
    "promote",
    "rollback",
    "serve",
    "ui",
    "doctor",
    "experiment analyze",
    "explain forecast",
    *(f"bench {name}" for name in ("retrain", "forecast", "elasticity", "policy", "scale", "cold-start")),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    told = repricer(*command.split(), "--help")
    assert told.returncode == 0
    assert re.search(rf"repricer {command} ", told.stdout.split("Example:")[1])


def test_a_typo_in_a_setting_is_one_line_with_its_path() -> None:
    told = repricer("retrain", "--set", "forecast.lstm.unit=3")
    assert told.returncode == 1
    assert told.stdout.strip() == "error: forecast.lstm.unit: there is no such setting. Did you mean forecast.lstm.units?"
    assert "Traceback" not in told.stderr


def test_an_unknown_command_is_no_success() -> None:
    told = repricer("retrian")
    assert told.returncode == 1
    assert told.stdout.strip() == "error: No such command 'retrian'. Did you mean 'retrain'?"


@pytest.mark.slow
def test_the_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    told = repricer("doctor", "--set", f"data_folder={tmp_path / 'data'}", "--json", str(tmp_path / "d.json"))
    found = json.loads((tmp_path / "d.json").read_text())
    assert told.returncode == 0, told.stdout
    assert all(finding["ok"] for finding in found)
