"""Killing a publication before any of its steps on the disk or in the database, and what is left then."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from conf import Settings
from tasks.governance.publication import publications
from tasks.operations import publications as operations
from tasks.runtime import ledger_store
from tests.operations.promotions import KILLED, close_connections, forked
from tests.operations.publishing import pointed, published, root, withdraw

STEPS = ((os, "fsync"), (os, "replace"), (os, "mkdir"), (os, "rename"), (os, "unlink"), (shutil, "rmtree"))
COMMANDS: dict[str, Callable[[Settings], object]] = {"publish": published, "withdraw": withdraw}


def torn_by_kills(shop: Settings, kept: Path, command: str, kills: int, seed: int) -> list[tuple[int, str]]:
    """Kill a command at random steps and return where a list was not whole, then or after the next command.

    Args:
        shop: in which lists were published.
        kept: empty folder for a copy of its state.
        command: of `COMMANDS`.
        kills: how many.
        seed: of the moments.
    """
    close_connections()
    keep(shop, kept)
    steps, draw, torn = counted(shop, COMMANDS[command], kept / "count"), random.Random(seed), []
    for _ in range(kills):
        restore(shop, kept)
        step = draw.randrange(steps)
        assert killed_at(step, shop, COMMANDS[command]) == KILLED
        torn += [(step, fault) for fault in faults(shop)]
        assert forked(lambda: operations.due(shop)) == 0, f"the next command after step {step} failed"
        torn += [(step, f"then {fault}") for fault in (*faults(shop), *after(shop))]
    return torn


def keep(shop: Settings, kept: Path) -> None:
    shutil.copytree(root(shop), kept / "published")
    for name in ("mlflow.db", "ledger_witness.txt"):
        shutil.copyfile(Path(shop.data_folder) / name, kept / name)


def restore(shop: Settings, kept: Path) -> None:
    shutil.rmtree(root(shop))
    shutil.copytree(kept / "published", root(shop))
    for name in ("mlflow.db", "ledger_witness.txt"):
        shutil.copyfile(kept / name, Path(shop.data_folder) / name)


def counted(shop: Settings, work: Callable[[Settings], object], file: Path) -> int:
    """Return how many steps a command has, by running it once."""
    assert killed_at(None, shop, work, file) == 0
    return int(file.read_text())


def killed_at(
    step: int | None, shop: Settings, work: Callable[[Settings], object], count: Path | None = None
) -> int:
    """Run a command in a forked process that is killed before its n-th step; the file gets their count."""

    def stepped() -> None:
        reached = 0

        def pause(*_: object) -> None:
            nonlocal reached
            if reached == step:
                os.kill(os.getpid(), signal.SIGKILL)
            reached += 1

        def before(original: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                pause()
                return original(*arguments, **named)

            return call

        event.listen(Engine, "commit", pause)
        with pytest.MonkeyPatch.context() as patch:
            for module, name in STEPS:
                patch.setattr(module, name, before(getattr(module, name)))
            work(shop)
        if count is not None:
            count.write_text(str(reached))

    return forked(stepped)


# --- the checker: reads the files with the standard library alone ---


def faults(shop: Settings) -> list[str]:
    """Return what is wrong with the list that a reader finds by the pointer, at any moment."""
    pointer = json.loads((root(shop) / "in_force.json").read_bytes())
    folder = root(shop) / pointer["list"]
    content = (folder / "manifest.json").read_bytes()
    if hashlib.sha256(content).hexdigest() != pointer["manifest"]:
        return [f"the manifest of {folder.name} is another"]
    files = json.loads(content)["files"]
    return [
        f"{name} of {folder.name} is not what was published"
        for name, digest in files.items()
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest["sha256"]
    ]


def after(shop: Settings) -> list[str]:
    """Return what the next command should have put right."""
    left = [path.name for path in root(shop).rglob(".part-*")]
    standing = publications(ledger_store.entries(shop))  # it checks the chain
    in_force = standing.in_force
    close_connections()
    wrong = [f"{name} is left" for name in left]
    if in_force is None or in_force.name != pointed(shop):
        wrong.append("the pointer does not follow the ledger")
    folders = {path.name for path in root(shop).glob("2*")}
    if folders != set(standing.lists):
        wrong.append(f"folders {sorted(folders)} are not the lists of the ledger {sorted(standing.lists)}")
    return wrong
