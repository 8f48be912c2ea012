"""What came due is done although something else cannot be, and what cannot be is an error that names it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from flows.cli.report_publish import Undone, show_due
from tasks.operations import publications
from tasks.runtime import delivery
from tasks.runtime.delivery import DeliveryError
from tasks.runtime.publishing_due import bring_up, brought_up
from tests.operations.promotions import promote
from tests.operations.publishing import (
    forget_lists,
    kinds,
    loosened,
    pointed,
    promotions,
    published,
    root,
    rows,
    served,
    stand_in,
    withdraw,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        yield loosened(shop)


def delivering(shop: Settings, **folders: Path) -> Settings:
    """Return the settings with destinations that are folders, by their names."""
    destinations = {name: {"kind": "folder", "path": str(path)} for name, path in folders.items()}
    publish = shop.publish.model_validate({**shop.publish.model_dump(), "destinations": destinations})
    return shop.model_copy(update={"publish": publish})


def waiting(shop: Settings, hours: float) -> tuple[str, datetime]:
    """Publish a list that waits and return its name and its moment."""
    at = datetime.now(UTC) + hours * HOUR
    return published(shop, effective=at.isoformat(timespec="minutes"))["list"], at


def damage(shop: Settings, name: str) -> Path:
    file = root(shop) / name / "list.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    return file


def at(folder: Path) -> str:
    pointer = delivery.folder.pointed(folder)
    assert pointer is not None
    return pointer.list


# --- damaged lists ---


def test_a_damaged_list_that_waits_is_an_error_and_keeps_nothing_else_from_being_done(
    champion: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = delivering(champion, web=tmp_path / "web")
    published(champion, promotions(tmp_path))
    end = rows(champion)["effective_until"].dropna().iloc[0].to_pydatetime()
    name, moment = waiting(champion, 1)
    file = damage(champion, name)
    late = max(end, moment) + HOUR
    problem = f"list {name} does not take effect, it is not what was published: {file}: hash mismatch"
    with pytest.raises(publications.ListError, match=f"{problem}.*repricer withdraw --list {name}"):
        bring_up(shop, late)
    assert kinds(champion)[-1] == "ended", "the promotion has ended all the same"
    monkeypatch.setattr(publications, "brought_up", lambda settings: brought_up(settings, late))
    done = publications.due(shop)
    assert (done["delivered"], at(tmp_path / "web")) == (["web"], pointed(champion))
    assert [text[: len(problem)] for text in done["problems"]] == [problem]
    with pytest.raises(Undone, match=f"list {name} does not take effect"):
        show_due(done)
    assert "delivered and read back: 1: web" in capsys.readouterr().out
    assert withdraw(champion, name)["problems"] == []


def test_the_list_before_a_damaged_one_takes_effect_when_both_have_come(champion: Settings) -> None:
    published(champion)
    first, _ = waiting(champion, 1)
    second, moment = waiting(champion, 2)
    damage(champion, second)
    brought = brought_up(champion, moment + HOUR)
    assert [entry.body["list"] for entry in brought.entries] == [first]
    assert (pointed(champion), len(brought.problems)) == (first, 1)
    again = brought_up(champion, moment + HOUR)
    assert (again.entries, len(again.problems)) == ([], 1)


def test_a_list_in_force_that_is_gone_is_an_error_and_can_be_taken_back(champion: Settings) -> None:
    first, second = published(champion)["list"], published(champion)["list"]
    shutil.rmtree(root(champion) / second)
    assert publications.due(champion)["problems"] == [
        f"{root(champion) / second}: the list in force by the ledger is gone. Restore it"
    ]
    done = withdraw(champion)
    assert (done["in_force"]["list"], pointed(champion), done["problems"]) == (first, first, [])


def test_promotions_of_a_damaged_list_are_named_and_a_waiting_list_takes_effect(
    champion: Settings, tmp_path: Path
) -> None:
    name = published(champion, promotions(tmp_path))["list"]
    end = rows(champion)["effective_until"].dropna().iloc[0]
    damage(champion, name)
    brought = brought_up(champion, end + pd.Timedelta(hours=1))
    assert brought.entries == []
    assert brought.problems[0].startswith(f"the promotions of list {name} cannot end: ")
    done = publications.due(delivering(champion, web=tmp_path / "web"))
    assert done["problems"][-1].startswith(f"list {name} is delivered nowhere: ")


# --- while publishing is stopped ---


def test_a_destination_that_keeps_a_list_that_was_taken_back_is_named_and_gets_the_other_when_it_may(
    champion: Settings, tmp_path: Path
) -> None:
    first = published(champion)["list"]
    shop = delivering(champion, web=tmp_path / "web")
    second = published(shop)["list"]
    publications.switch(shop, "Bob", "storm", stop=True)
    (problem,) = withdraw(shop)["problems"]
    assert problem.startswith(f"destination web still has list {second}, which was taken back; {first}, ")
    assert problem.endswith("resumes publishing: repricer publish --resume --by NAME --reason WHY")
    assert at(tmp_path / "web") == second
    both = delivering(champion, web=tmp_path / "web", new=tmp_path / "new")
    done = publications.due(both)
    assert done["problems"] == [problem]
    assert [text[:43] for text in done["withheld"]] == ["destination new has no list of ours; " + first[:6]]
    publications.switch(shop, "Ada", "over", stop=False)
    done = publications.due(both)
    assert (sorted(done["delivered"]), done["problems"], done["withheld"]) == (["new", "web"], [], [])
    assert {at(tmp_path / "web"), at(tmp_path / "new")} == {first}


# --- one destination fails ---


class Strange(Exception):
    """An error that nobody has thought of."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the disk is full"),
        (Strange("secret"), "Strange. Look at it"),
        (DeliveryError("it is closed"), "it is closed"),
    ],
)
def test_whatever_a_destination_answers_the_others_get_the_list(
    champion: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    published(champion)
    put = delivery.folder.put

    def failing(place: Path, *arguments: Any) -> Any:
        if place.name in ("a", "b"):
            raise error
        return put(place, *arguments)

    monkeypatch.setattr(delivery.folder, "put", failing)
    shop = delivering(champion, **{name: tmp_path / name for name in "abc"})
    done = publications.due(shop)
    assert done["delivered"] == ["c"]
    for name, problem in zip("ab", done["problems"], strict=True):
        assert problem.startswith(f"destination {name}: ")
        assert words in problem
        assert "secret" not in problem
    with pytest.raises(
        DeliveryError, match=r"published, and not everywhere yet: destination a: (.|\n)*tion b"
    ):
        published(shop)
    monkeypatch.setattr(delivery.folder, "put", put)
    assert publications.due(shop)["delivered"] == ["a", "b"]


def test_a_destination_that_is_pointed_elsewhere_gets_the_list_there(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    for place in ("here", "there", "here"):
        shop = delivering(champion, web=tmp_path / place)
        assert publications.due(shop)["delivered"] == ["web"]
        assert publications.due(shop)["delivered"] == []
    assert at(tmp_path / "there") == pointed(champion)
