"""The lines that say what to do next lead to the same runs and models."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from conf import load
from flows.cli import report
from flows.cli.hints import require_store, same_store

SUMMARY = {"versions": {"pricing_policy": 3}, "run_id": "r", "seconds": {}, "peak_memory_mb": 1.0}


def options(hint: str) -> tuple[str, list[str]]:
    """Return profile and assignments, as a shell reads them."""
    words = shlex.split(hint)
    pairs = list(zip(words[::2], words[1::2], strict=True))
    profiles = [value for name, value in pairs if name == "--profile"]
    return (profiles or ["default"])[0], [value for name, value in pairs if name == "--set"]


@pytest.mark.parametrize(
    ("profile", "sets", "hint"),
    [
        ("default", [], ""),
        ("smoke", ["seed=3", "forecast.lstm.units=8"], " --profile smoke"),
        ("default", ["data_folder=var/a b"], " --set 'data_folder=var/a b'"),
        ("smoke", ["data_folder=var/x", "seed=3"], " --profile smoke --set data_folder=var/x"),
        ("default", ["track.uri=http://host:5000"], " --set track.uri=http://host:5000"),
        ("default", ["track.uri=postgresql://bob@host/m"], " --set track.uri=postgresql://bob@host/m"),
    ],
)
def test_a_hint_holds_what_leads_to_the_same_store_and_no_more(
    profile: str, sets: list[str], hint: str
) -> None:
    assert same_store(load(profile, sets)) == hint


@pytest.mark.parametrize("name", ["var/it's", "$HOME", "a b;ls", "ä#?%"])
def test_a_hint_survives_the_shell(name: str) -> None:
    settings = load("smoke", [f"data_folder={name}"])
    profile, sets = options(same_store(settings))
    assert load(profile, sets).data_folder == name


def test_a_hint_repeats_the_path_of_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "my shop.yaml"
    path.write_text("data_folder: var/shop\n", encoding="utf-8")
    settings = load(str(path))
    assert same_store(settings) == f" --profile '{path}'"
    assert load(*options(same_store(settings))).data_folder == "var/shop"


@pytest.mark.parametrize(
    ("verdict", "lines"),
    [
        ("PASS", ["look:    repricer ui{hint} ", "promote: repricer promote{hint} --version 3 --by NAME"]),
        ("FAIL", ["look:    repricer ui{hint} "]),
    ],
)
def test_the_end_of_a_retraining_repeats_the_options(
    verdict: str, lines: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.stages.summary_page.as_markdown", lambda *_: "")
    summary: dict[str, Any] = {**SUMMARY, "verdict": verdict}
    report.show_summary(summary, load("smoke", ["data_folder=var/x y"]))
    said = capsys.readouterr().out
    for line in lines:
        assert line.format(hint=" --profile smoke --set 'data_folder=var/x y'") in said


def test_a_folder_without_a_store_is_named_with_those_beside_it(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mlflow.db").touch()
    message = rf"{tmp_path}/shpo: there are no runs or models; .* Beside it: shop\. .*--set data_folder=PATH"
    with pytest.raises(FileNotFoundError, match=message):
        require_store(load("default", [f"data_folder={tmp_path}/shpo"]))
    require_store(load("default", [f"data_folder={tmp_path}/shop"]))
    require_store(load("default", [f"data_folder={tmp_path}/shpo", "track.uri=http://host:5000"]))
    assert [path.name for path in tmp_path.iterdir()] == ["shop"], "nothing is made in a mistyped folder"
