"""Promotion: one row says who is champion, and no kill and no race tears the three models apart."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from conf import Settings
from tasks.governance.approval import Refused
from tasks.operations import promote as operations
from tasks.runtime import champion_aliases, champion_store, track
from tests.conftest import MODELS

KILLS = 200
RACES = 50
VERSIONS = 3  # retrainings that passed
SHIFT = {"demand": 1, "price_response": 2, "pricing_policy": 0}
"""How far the version numbers of a model are ahead of the policy's: they differ, so that none passes for another."""
KILLED = -signal.SIGKILL


def triple(version: int) -> dict[str, int]:
    """Return the versions of all three models that belong to a version of the policy."""
    return {name: version + SHIFT[name] for name in MODELS}


def settings_of(folder: Path) -> Settings:
    return Settings(profile="smoke", data_folder=str(folder))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder in which three retrainings passed and a fourth failed, and nobody was promoted."""
    folder = tmp_path_factory.mktemp("template")
    client = track.open_store(settings_of(folder))
    for name in MODELS:
        client.create_registered_model(name)
        for _ in range(SHIFT[name]):
            client.create_model_version(name, str(folder), tags={"format": "1", "verdict": "FAIL"})
    for version in range(1, VERSIONS + 2):
        tags = {"format": "1", "verdict": "PASS" if version <= VERSIONS else "FAIL"}
        pins = {
            f"{name}_version": str(number)
            for name, number in triple(version).items()
            if name != "pricing_policy"
        }
        for name in MODELS:
            made = client.create_model_version(
                name, str(folder), tags=tags | (pins if name == "pricing_policy" else {})
            )
            assert int(made.version) == triple(version)[name]
    return folder


@pytest.fixture(scope="module")
def warm(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Return the settings of a data folder whose store is open in this process, without a connection to it: forks start at once."""
    event.listen(Engine, "connect", without_waiting_for_the_disk)
    settings = settings_of(tmp_path_factory.mktemp("warm"))
    restored(settings, template)
    track.open_store(settings).search_registered_models()
    close_connections()
    # At every write MLflow looks whether the model is a prompt: a third of its reads, and none of our matter.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlflow.MlflowClient._raise_if_prompt", lambda *_: None)
        yield settings
    event.remove(Engine, "connect", without_waiting_for_the_disk)


def without_waiting_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    """Leave writing to the disk to the system, which outlives a killed process."""
    connection.execute("pragma synchronous = off")


def close_connections() -> None:
    for engine in [thing for thing in gc.get_objects() if isinstance(thing, Engine)]:
        engine.dispose()


@pytest.fixture
def shop(warm: Settings, template: Path) -> Settings:
    """Return the settings of a data folder with the versions of the template, where nobody was promoted."""
    close_connections()
    return restored(warm, template)


def restored(settings: Settings, source: Path) -> Settings:
    """Put a copy of another folder's database in place; no connection to it may be open."""
    shutil.copyfile(source / "mlflow.db", Path(settings.data_folder) / "mlflow.db")
    return settings


def promote(settings: Settings, version: int, by: str = "Ada") -> dict[str, Any]:
    return dict(operations.promote.fn(settings, version, by, f"version {version}"))


def rollback(settings: Settings, by: str = "Ada") -> dict[str, Any]:
    return dict(operations.rollback.fn(settings, by, "margin fell"))


def forked(work: Callable[[], object]) -> int:
    """Run work in a forked process and return its exit status, the negative signal where it was killed."""
    process = os.fork() or child(work)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def child(work: Callable[[], object]) -> NoReturn:
    """Do the work of a forked process and end it."""
    gc.disable()  # it would copy every page of the parent
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


# --- the checker: reads the file with sqlite3 alone ---


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as db:
        return db.execute(query).fetchall()


def aliases(folder: Path) -> dict[str, dict[str, int]]:
    """Return alias -> model -> version, but for the candidate."""
    pointers: dict[str, dict[str, int]] = {}
    for model, alias, version in rows(folder, "select name, alias, version from registered_model_aliases"):
        pointers.setdefault(alias, {})[model] = int(version)
    return {alias: versions for alias, versions in pointers.items() if alias != "candidate"}


def ledger(folder: Path) -> list[dict[str, Any]]:
    names = ("number", "replaces", "action", "by", "reason", *MODELS)
    quoted = ", ".join(f'"{name}"' for name in names)
    if not rows(folder, "select 1 from sqlite_master where name = 'repricer_champions'"):
        return []
    return [
        dict(zip(names, row, strict=True))
        for row in rows(folder, f"select {quoted} from repricer_champions order by number")
    ]


def check(folder: Path) -> dict[str, Any]:
    """Assert that there is one champion and that all three models and their tags stand with it; return its row."""
    entries = ledger(folder)
    assert entries, "nobody wrote down who is champion"
    for position, entry in enumerate(entries):
        assert (entry["number"], entry["replaces"]) == (position + 1, position or None), (
            "the numbers of the ledger have a gap"
        )
        assert {name: entry[name] for name in MODELS} == triple(entry["pricing_policy"]), (
            "a row mixes versions of two retrainings"
        )
    standing = {"champion": {name: entries[-1][name] for name in MODELS}}
    if len(entries) > 1:
        standing["previous"] = {name: entries[-2][name] for name in MODELS}
    assert aliases(folder) == standing, "the aliases do not follow the newest row"
    key = f"{entries[-1]['action']}_by"
    for name, version in standing["champion"].items():
        signed = f"select value from model_version_tags where name = '{name}' and version = {version} and key = '{key}'"
        assert rows(folder, signed) == [(entries[-1]["by"],)], (
            f"{name} version {version} does not say who made it champion"
        )
    return entries[-1]


# --- one at a time ---


def test_promote_and_rollback_say_who_is_champion_and_who_was(shop: Settings) -> None:
    folder = Path(shop.data_folder)
    first, second = promote(shop, 1), promote(shop, 2, "Bob")
    assert (first["champion"], first["previous"], first["number"]) == (triple(1), dict.fromkeys(MODELS), 1)
    assert (second["champion"], second["previous"], second["number"], second["by"]) == (
        triple(2),
        triple(1),
        2,
        "Bob",
    )
    assert check(folder)["by"] == "Bob"
    back = rollback(shop)
    assert (back["champion"], back["previous"], back["number"]) == (triple(1), triple(2), 3)
    assert check(folder)["action"] == "rolled_back_to"
    assert rollback(shop)["champion"] == triple(2), "a second rollback undoes the first"
    check(folder)


def test_what_may_not_be_promoted_leaves_no_row(shop: Settings) -> None:
    with pytest.raises(Refused, match="there is no previous champion"):
        rollback(shop)
    with pytest.raises(Refused, match="its verdict is FAIL, only PASS is promotable"):
        promote(shop, VERSIONS + 1)
    with pytest.raises(Refused, match="there is no such version"):
        promote(shop, 99)
    promote(shop, 1)
    with pytest.raises(Refused, match="version 1 is champion already"):
        promote(shop, 1)
    assert len(ledger(Path(shop.data_folder))) == 1


def test_an_alias_moved_by_hand_is_put_back_with_a_warning(
    shop: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    promote(shop, 1)
    promote(shop, 2)
    track.set_alias("demand", "champion", triple(3)["demand"])
    track.drop_alias("price_response", "previous")
    with caplog.at_level("WARNING", logger="repricer"):
        champion = champion_aliases.champion(shop)
    assert champion is not None
    assert champion.versions == triple(2)
    assert "demand: the alias champion pointed to 4, not 3; it is put back." in caplog.text
    assert "price_response: the alias previous pointed to None, not 3; it is put back." in caplog.text
    check(Path(shop.data_folder))


def test_the_champion_is_read_from_the_ledger_and_not_from_the_alias(shop: Settings) -> None:
    assert champion_aliases.version_of(shop, "demand", "champion") is None
    promote(shop, 1)
    track.set_alias("demand", "champion", triple(3)["demand"])
    assert champion_aliases.version_of(shop, "demand", "champion") == triple(1)["demand"]


def test_a_champion_whose_version_was_deleted_is_refused_until_another_is_promoted(shop: Settings) -> None:
    promote(shop, 1)
    track.open_store(shop).delete_model_version("demand", str(triple(1)["demand"]))
    with pytest.raises(
        Refused,
        match=r"version 1 \(by Ada, .*the registry no longer has demand version 2.*repricer promote --version N",
    ):
        champion_aliases.champion(shop)
    promote(shop, 2)
    with pytest.raises(Refused, match="demand version 2: there is no such version"):
        rollback(shop)


# --- a shop that promoted before there was a ledger ---


def promoted_before(version: int, alias: str, at: str) -> None:
    """Set aliases and tags as promotions did that kept no ledger."""
    for name, number in triple(version).items():
        track.set_alias(name, alias, number)
        track.tag_version(name, number, {"promoted_by": "Eve", "promoted_reason": "lift", "promoted_at": at})


def test_aliases_that_belong_together_are_adopted_with_the_one_before(shop: Settings) -> None:
    promoted_before(1, "previous", "2026-01-01T10:00:00+00:00")
    promoted_before(2, "champion", "2026-02-01T10:00:00+00:00")
    champion = champion_aliases.champion(shop)
    assert champion is not None
    assert str(champion) == "version 2 (by Eve, 2026-02-01 10:00:00 UTC)"
    check(Path(shop.data_folder))
    assert rollback(shop)["champion"] == triple(1)


@pytest.mark.parametrize(
    ("tear", "message"),
    [
        (lambda: track.set_alias("demand", "champion", 4), "pricing_policy 2 belongs to demand 3"),
        (lambda: track.drop_alias("price_response", "champion"), "price_response has no champion"),
        (lambda: track.tag_version("demand", 3, {"promoted_by": ""}), "demand has no readable promoted_by"),
        (
            lambda: track.tag_version("demand", 3, {"promoted_by": "Mallory"}),
            "the three were not approved by one decision",
        ),
        (lambda: track.tag_version("demand", 3, {"verdict": "FAIL"}), "demand version 3 is not PASS"),
    ],
)
def test_a_mixture_is_not_adopted_and_a_promotion_settles_it(
    shop: Settings, tear: Callable[[], None], message: str
) -> None:
    promoted_before(2, "champion", "2026-02-01T10:00:00+00:00")
    tear()
    with pytest.raises(
        Refused, match=f"who is champion is not known.*{message}.*repricer promote --version N"
    ):
        champion_aliases.chosen(shop, "pricing_policy", None)
    assert ledger(Path(shop.data_folder)) == []
    promote(shop, 3)
    assert check(Path(shop.data_folder))["pricing_policy"] == 3


# --- kills ---


@pytest.fixture(scope="module")
def promoted(warm: Settings, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the database in which version 1, then version 2 was promoted."""
    close_connections()
    settings, folder = restored(warm, template), tmp_path_factory.mktemp("promoted")
    promote(settings, 1)
    promote(settings, 2)
    shutil.copyfile(Path(settings.data_folder) / "mlflow.db", folder / "mlflow.db")
    rollback(settings)  # so that statements of all commands are compiled before the forks
    close_connections()
    return folder


def killed_at(write: int | None, work: Callable[[], object], count: Path | None = None) -> int:
    """Run work in a forked process that is killed before its n-th write or commit; count them where it is not."""

    def counted() -> None:
        reached = 0

        def step(*_: object) -> None:
            nonlocal reached
            if reached == write:
                os.kill(os.getpid(), signal.SIGKILL)
            reached += 1

        def statement(_connection: object, _cursor: object, text: str, *_: object) -> None:
            if text.startswith(("INSERT", "UPDATE", "DELETE", "CREATE", "BEGIN")):
                step()

        event.listen(Engine, "before_cursor_execute", statement)
        event.listen(Engine, "commit", step)
        work()
        if count is not None:
            count.write_text(str(reached))

    return forked(counted)


COMMANDS: dict[str, Callable[[Settings], object]] = {
    "promote": lambda settings: promote(settings, 3, "Bob"),
    "rollback": rollback,
}
NEXT = [champion_aliases.champion, champion_aliases.champion, *COMMANDS.values()]
"""The command after the kill; recommend, explain, doctor and retrain ask for the champion."""


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_promoter_killed_anywhere_leaves_one_champion_at_the_next_command(
    command: str, warm: Settings, promoted: Path, tmp_path: Path
) -> None:
    work, draw, folder = COMMANDS[command], random.Random(command), Path(warm.data_folder)
    restored(warm, promoted)
    assert killed_at(None, lambda: work(warm), tmp_path / "count") == 0
    writes = int((tmp_path / "count").read_text())
    torn = []
    for kill in range(KILLS // len(COMMANDS)):
        restored(warm, promoted)
        at = kill if kill < writes else draw.randrange(writes)  # every place once, then at random
        assert killed_at(at, lambda: work(warm)) == KILLED
        following = draw.choice(NEXT)
        forked(partial(following, warm))
        try:
            check(folder)
        except AssertionError as error:
            torn.append((at, str(error).splitlines()[0]))
    assert not torn, f"{len(torn)} of {KILLS // len(COMMANDS)} kills at {writes} writes: {torn}"


# --- races ---


@pytest.mark.slow
def test_of_two_promoters_at_once_one_wins_and_the_other_reads_who_won(
    warm: Settings, promoted: Path, tmp_path: Path
) -> None:
    people, folder = {"Ada": 1, "Bob": 3}, Path(warm.data_folder)
    for race in range(RACES):
        restored(warm, promoted)
        outcomes = {by: tmp_path / f"{race}-{by}" for by in people}
        both = multiprocessing.get_context("fork").Barrier(2)
        racers = [
            os.fork() or child(partial(race_to_promote, warm, version, by, outcomes[by], both))
            for by, version in people.items()
        ]
        assert [os.waitpid(racer, 0)[1] for racer in racers] == [0, 0]
        (winner,) = [by for by, file in outcomes.items() if not file.read_text().startswith("refused")]
        (loser,) = set(people) - {winner}
        assert f"the champion is now version {people[winner]} (by {winner}, 20" in outcomes[loser].read_text()
        assert check(folder)["by"] == winner


def race_to_promote(settings: Settings, version: int, by: str, outcome: Path, both: Barrier) -> None:
    """Promote, but write only once both have seen the same champion; keep the answer, or the refusal."""
    append = champion_store.append

    def together(*arguments: Any) -> None:
        both.wait(60)
        append(*arguments)

    champion_store.append = together
    try:
        outcome.write_text(json.dumps(promote(settings, version, by)))
    except Refused as error:
        outcome.write_text(f"refused: {error}")
