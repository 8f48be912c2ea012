"""A process that was paused (SIGSTOP) until another took over, then continued, changes nothing any more."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.operations import publications
from tasks.runtime import champion_aliases, champion_store, ledger_store, publishing, writer_lock
from tests.operations.promotions import check, child, close_connections, ledger, promote
from tests.operations.publish_kills import after, faults
from tests.operations.publishing import (
    forget_lists,
    kinds,
    loosened,
    pointed,
    published,
    root,
    served,
    stand_in,
    withdraw,
)

STEPS: dict[str, tuple[Any, str]] = {
    "the list is staged": (publishing, "stage"),
    "the list is on the disk": (os, "fsync"),
    "the pointer is replaced": (os, "replace"),
}
"""The function that a publication calls then, first of all."""


@pytest.fixture
def champion(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    forget_lists(shop)
    monkeypatch.setattr(writer_lock, "PAUSED_SECONDS", 0.2)
    with served(stand_in()):
        promote(shop, 1)
        yield loosened(shop)


def paused_before(module: Any, name: str, work: Callable[[], object], answer: Path) -> int:
    """Fork a process that is paused before the first call of a function; the file gets its refusal."""

    def run() -> None:
        original, paused = getattr(module, name), []

        def pausing(*arguments: Any, **named: Any) -> Any:
            if not paused:
                paused.append(True)
                os.kill(os.getpid(), signal.SIGSTOP)
            return original(*arguments, **named)

        setattr(module, name, pausing)
        try:
            work()
        except Refused as error:
            answer.write_text(str(error))

    close_connections()
    process = os.fork() or child(run)
    _, status = os.waitpid(process, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "it ended before it was paused"
    return process


def go_on(process: int) -> None:
    os.kill(process, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


@pytest.mark.parametrize("step", STEPS)
def test_a_publication_that_was_paused_and_replaced_changes_nothing(
    step: str, champion: Settings, tmp_path: Path
) -> None:
    first, second = published(champion)["list"], published(champion)["list"]
    process = paused_before(*STEPS[step], lambda: published(champion, by="Eve"), tmp_path / "answer")
    withdraw(champion)
    if kinds(champion).count("published") == 3:  # Eve's entry was there before the pause
        withdraw(champion)
    assert pointed(champion) in (first, second)
    before = (pointed(champion), kinds(champion), sorted(path.name for path in root(champion).glob("2*")))
    go_on(process)
    answer = (tmp_path / "answer").read_text()
    assert "another command has taken over" in answer or "run the command again" in answer
    standing = (pointed(champion), kinds(champion), sorted(path.name for path in root(champion).glob("2*")))
    assert standing == before
    publications.due(champion)
    assert (faults(champion), after(champion)) == ([], [])


def test_an_entry_states_the_token_of_its_writer_and_a_later_holder_refuses_it(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    published(champion)
    tokens = [entry.token for entry in ledger_store.entries(champion)]
    assert tokens == sorted(tokens)
    assert tokens[-1] > tokens[0] > 0
    waits = paused_before(
        ledger_store, "writing", lambda: publications.withdraw(champion, "Eve", "why"), tmp_path / "answer"
    )
    publications.due(champion)  # it takes over, and enters nothing
    before = kinds(champion)
    go_on(waits)
    assert "another command has taken over" in (tmp_path / "answer").read_text()
    assert kinds(champion) == before


def test_a_promotion_that_was_paused_and_replaced_leaves_the_aliases_of_the_newest(
    champion: Settings, tmp_path: Path
) -> None:
    for module, name in ((champion_store.ledger_store, "append"), (champion_aliases, "_point")):
        seen = champion_store.newest(champion)
        assert seen is not None
        process = paused_before(module, name, lambda: promote(champion, 2, "Eve"), tmp_path / name)
        promote(champion, 3, "Bob")
        go_on(process)
        assert (tmp_path / name).read_text(), "it is refused"
        assert check(Path(champion.data_folder))["by"] == "Bob"
        promote(champion, 1)
    assert [entry["by"] for entry in ledger(Path(champion.data_folder))] == [
        *("Ada", "Bob", "Ada"),
        *("Eve", "Bob", "Ada"),
    ]
