"""The commands of decisions say in words and by their status what was decided and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from conf import Settings
from flows.cli import decide
from flows.cli.report import console
from tasks.runtime import track
from tests.operations.promotions import promote, triple


@pytest.fixture
def sets(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the options that lead to a shop with a champion; the screen is wide."""
    promote(shop, 1)
    monkeypatch.setattr(console, "_width", 200)
    return [f"data_folder={shop.data_folder}"]


def test_verify_is_silent_of_what_is_sound_and_ends_with_1_and_a_line_for_what_is_not(
    sets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide.verify("smoke", sets, tmp_path / "out.json")
    said = capsys.readouterr().out
    assert said.startswith("1 entries, champion pricing_policy version 1 (by Ada, ")
    assert ": chain of the ledger, aliases, bytes of the champion, files of published lists" in said
    assert said.endswith(" are sound\n")
    assert json.loads((tmp_path / "out.json").read_text())["findings"] == []
    track.set_alias("demand", "champion", triple(2)["demand"])
    with pytest.raises(typer.Exit) as ended:
        decide.verify("smoke", sets, tmp_path / "out.json")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().out == "aliases: demand: the alias champion pointed to 3, not 2\n"
    (finding,) = json.loads((tmp_path / "out.json").read_text())["findings"]
    assert finding["check"] == "aliases"


def test_the_ledger_is_a_table_of_who_decided_what_when_and_why(
    sets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide.reject(3, "Eve", "milk at 9.99", "smoke", sets)
    assert capsys.readouterr().out.startswith("pricing_policy version 3 is rejected by Eve (entry 2 of the")
    track.set_alias("pricing_policy", "champion", 2)
    decide.adopt(2, "Bob", "moved on Sunday", "smoke", sets)
    decide.ledger("smoke", sets, tmp_path / "out.json")
    lines = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    rows = [[cell.strip() for cell in line] for line in lines if len(line) == 6]
    assert [(row[0], *row[2:]) for row in rows] == [
        ("1", "promoted", "demand 2, price response 3, pricing policy 1", "Ada", "version 1"),
        ("2", "rejected", "version 3", "Eve", "milk at 9.99"),
        ("3", "adopted", "demand 3, price response 4, pricing policy 2", "Bob", "moved on Sunday"),
    ]
    listed = json.loads((tmp_path / "out.json").read_text())
    assert [entry["number"] for entry in listed] == [1, 2, 3]
    assert listed[0]["at"].startswith(rows[0][1].replace(" ", "T"))
