"""The READMEs: short enough to read, and true to the command, the settings, the Makefile and the tree."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from conf import load

ROOT = Path(__file__).resolve().parents[1]
MAIN = ROOT / "README.md"
READMES = [
    MAIN,
    *sorted(path for room in ("conf", "infra", "tasks") for path in (ROOT / room).rglob("README.md")),
]
LINES, WIDTH = 150, 110
HELP = click.Option(["--help"], is_flag=True)  # click adds it to every command
GENERATED = re.compile(r"\bvar/")  # folders that runs make


def fenced(path: Path) -> list[str]:
    """Return the command lines of the fenced shell blocks of a README, continued lines joined."""
    blocks = re.findall(
        r"^```(?:sh|bash)?\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [
        line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()
    ]


def inline(path: Path) -> list[str]:
    """Return the commands that the running text of a README names."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(code.split()) for code in re.findall(r"`((?:repricer|make) [^`]*)`", text)]


def the_command() -> Any:
    """Return the command `repricer`, a tree of click commands."""
    return typer.main.get_command(importlib.import_module("flows.cli.app").app)


def command_errors(line: str, *, complete: bool) -> list[str]:
    """Return what is wrong with a line `repricer ...`: unknown command, option or setting, missing option.

    Args:
        complete: whether the options that the command needs must be there.
    """
    command, words = the_command(), shlex.split(line, comments=True)[1:]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return [f"`{words[0]}` is no command of `{command.name}`"]
        command, words = command.commands[words[0]], words[1:]
    if hasattr(command, "commands") and complete:
        return [f"`{command.name}` needs a subcommand"]
    options = {"--help": HELP} | {
        name: param for param in command.params for name in (*param.opts, *param.secondary_opts)
    }
    errors, given, sets = [], set(), []
    while words:
        word, *words = words
        name, _, value = word.partition("=")
        if name not in options:
            errors.append(f"`{command.name}` has no option `{word}`")
            continue
        given.add(options[name].name)
        if not getattr(options[name], "is_flag", False) and not value:
            value, *words = words or [""]
            errors += [] if value else [f"`{name}` needs a value"]
        sets += [value] if name == "--set" else []
    if complete:
        errors += [
            f"`{param.name}` is missing"
            for param in command.params
            if param.required and param.name not in given
        ]
    load("default", sets)  # raises where a setting is unknown
    return errors


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def named(path: Path) -> str:
    """Return the path of a file inside the project."""
    return path.relative_to(ROOT).as_posix()


def map_paths() -> list[str]:
    """Return the folders and files that the map of the main README names."""
    section = MAIN.read_text(encoding="utf-8").partition("\n## Map\n")[2].partition("\n## ")[0]
    return re.findall(r"`([\w./]+/[\w./]*)`", section)


def test_the_main_readme_can_be_read_in_one_sitting() -> None:
    lines = MAIN.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LINES, (
        f"README.md has {len(lines)} lines: at most {LINES}; details belong beside their subject"
    )
    wide = [number for number, line in enumerate(lines, start=1) if len(line) > WIDTH]
    assert not wide, f"README.md: lines {wide} are wider than {WIDTH} characters"


@pytest.mark.parametrize("path", READMES, ids=named)
def test_every_command_in_a_fence_runs_as_it_stands(path: Path) -> None:
    for line in (line for line in fenced(path) if line.startswith("repricer ")):
        errors = command_errors(line, complete=True)
        assert not errors, f"{named(path)}: {line}: {'; '.join(errors)}"


@pytest.mark.parametrize("path", READMES, ids=named)
def test_every_command_in_the_text_is_known(path: Path) -> None:
    for line in (line for line in inline(path) if line.startswith("repricer ")):
        errors = command_errors(line, complete=False)
        assert not errors, f"{named(path)}: {line}: {'; '.join(errors)}"


@pytest.mark.parametrize("path", READMES, ids=named)
def test_every_make_target_is_in_the_makefile(path: Path) -> None:
    for line in (line for line in [*fenced(path), *inline(path)] if line.startswith("make ")):
        target = shlex.split(line, comments=True)[1]
        assert target in targets(), f"{named(path)}: `{line}`: the Makefile has no target {target}"


@pytest.mark.parametrize(
    "line", ["repricer retrian", "repricer retrain --frsh", "repricer promote --version 3", "repricer bench"]
)
def test_a_command_that_does_not_run_is_noticed(line: str) -> None:
    assert command_errors(line, complete=True), f"`{line}` was taken for a command that runs"


@pytest.mark.parametrize("path", READMES, ids=named)
def test_every_link_and_picture_leads_to_a_file_and_a_heading(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.is_file(), f"{named(path)}: {link} leads to no file"
        headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, (
            f"{named(path)}: {link}: no such heading, only {sorted(anchors)}"
        )


@pytest.mark.parametrize("place", map_paths())
def test_every_place_on_the_map_exists(place: str) -> None:
    assert GENERATED.match(place) or (ROOT / place).exists(), (
        f"README.md: the map names {place}, which is not in the tree"
    )


def test_every_room_is_on_the_map() -> None:
    rooms = {named(path) + "/" for path in (ROOT / "tasks").iterdir() if any(path.glob("*.py"))}
    missing = rooms - set(map_paths())
    assert not missing, f"README.md: the map does not name {sorted(missing)}"
