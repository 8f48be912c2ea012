"""The ledger in its database: appended once, refused to the second, never changed."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import ADOPTED, PROMOTED, REJECTED, Entry, LedgerError, Overtaken, following
from tasks.runtime import ledger_store
from tasks.runtime.track import StoreError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA, BOB = Approval("Ada", "why", NOON), Approval("Bob", "too", NOON)
BODY = {"versions": {"demand": 1, "price_response": 2, "pricing_policy": 3}, "manifests": {}}


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """Return the settings of an empty data folder."""
    return Settings(profile="smoke", data_folder=str(tmp_path))


def execute(shop: Settings, statement: str, *values: Any) -> None:
    """Do to the ledger's database what another program could, its triggers aside."""
    with closing(sqlite3.connect(Path(shop.data_folder) / "mlflow.db")) as database, database:
        for action in ("update", "delete"):
            database.execute(f"drop trigger if exists repricer_ledger_no_{action}")
        database.execute(statement, values)


def written(shop: Settings, length: int = 5) -> list[Entry]:
    """Append entries and return them."""
    for number in range(length):
        entry = following(ledger_store.newest(shop), PROMOTED, {"version": number, "price": -0.0}, ADA, 2)
        ledger_store.append(shop, entry)
    return ledger_store.entries(shop)


def test_what_is_appended_is_read_back(shop: Settings) -> None:
    assert ledger_store.entries(shop) == []
    assert ledger_store.newest(shop) is None
    assert ledger_store.broken(shop) is None
    first = following(None, PROMOTED, BODY, ADA)
    ledger_store.append(shop, first, second := following(first, REJECTED, {"version": 4}, BOB))
    assert ledger_store.entries(shop) == [first, second]
    assert ledger_store.entries(shop, kinds={REJECTED}) == [second]
    assert ledger_store.newest(shop) == second
    assert ledger_store.broken(shop) is None


def test_the_second_of_two_writers_reads_who_came_first_and_writes_nothing(shop: Settings) -> None:
    written(shop, 1)
    before = ledger_store.newest(shop)
    ledger_store.append(shop, following(before, REJECTED, {"version": 1}, ADA))
    late = following(before, PROMOTED, BODY, BOB)
    with pytest.raises(Overtaken, match=r"entry 2 of the ledger \(rejected by Ada, .* Nothing was changed"):
        ledger_store.append(shop, late, following(late, REJECTED, {}, BOB))
    assert len(ledger_store.entries(shop)) == 2


def test_entries_that_do_not_follow_each_other_are_not_written_at_all(shop: Settings) -> None:
    first = following(None, PROMOTED, BODY, ADA)
    with pytest.raises(Overtaken, match="entry 1 of the ledger"):
        ledger_store.append(shop, first, following(None, REJECTED, {}, BOB))
    assert ledger_store.entries(shop) == []


def test_a_writer_with_an_older_token_is_refused(shop: Settings) -> None:
    written(shop, 1)
    newest = ledger_store.newest(shop)
    with pytest.raises(Overtaken, match="token 1 of this command is older than the token 2 of entry 1"):
        ledger_store.append(shop, following(newest, PROMOTED, BODY, BOB, token=1))
    ledger_store.append(shop, following(newest, PROMOTED, BODY, BOB, token=3))
    assert [entry.token for entry in ledger_store.entries(shop)] == [2, 3]


def test_the_database_itself_refuses_to_change_or_delete_an_entry(shop: Settings) -> None:
    written(shop, 2)
    with closing(sqlite3.connect(Path(shop.data_folder) / "mlflow.db")) as database:
        for statement in ("update repricer_ledger set by = 'Eve'", "delete from repricer_ledger"):
            with pytest.raises(sqlite3.IntegrityError, match="entries are only ever appended"):
                database.execute(statement)
    assert {entry.approval.by for entry in ledger_store.entries(shop)} == {"Ada"}


def test_of_writers_at_once_one_writes_and_the_others_read_who_it_was(shop: Settings) -> None:
    together = Barrier(4)

    def write(by: str) -> str:
        entry = following(ledger_store.newest(shop), PROMOTED, BODY, Approval(by, "why", NOON))
        together.wait(20)
        try:
            ledger_store.append(shop, entry)
        except Overtaken as error:
            return str(error)
        return "won"

    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip("ABCD", pool.map(write, "ABCD"), strict=True))
    (winner,) = ledger_store.entries(shop)
    losers = {by: answer for by, answer in answers.items() if answer != "won"}
    assert len(losers) == 3
    assert winner.approval.by not in losers
    assert all(f"promoted by {winner.approval.by}" in answer for answer in losers.values())


CHANGES = {
    "kind": "rejected",
    "body": '{"version":9}',
    "by": "Mallory",
    "reason": "because",
    "at": "2026-03-01T12:00:00.000009+00:00",
    "previous": "0" * 64,
    "token": 3,
    "digest": "0" * 64,
}


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_column_is_named_and_nothing_is_decided_by_the_ledger(
    column: str, number: int, shop: Settings
) -> None:
    written(shop)
    execute(shop, f"update repricer_ledger set {column} = ? where number = {number}", CHANGES[column])
    assert str(ledger_store.broken(shop)).startswith(f"entry {number} of the ledger was changed")
    with pytest.raises(LedgerError, match=f"entry {number} of the ledger was changed.*from a backup"):
        ledger_store.entries(shop, kinds=())


@pytest.mark.parametrize("column", ["kind", "body", "by", "reason", "at", "previous", "token", "digest"])
@pytest.mark.parametrize("kind", ["text", "blob"])
def test_bytes_that_are_no_text_are_named_and_decide_nothing(column: str, kind: str, shop: Settings) -> None:
    written(shop)
    change = f"cast({column} as blob) || x'ff'"
    value = f"cast({change} as text)" if kind == "text" else change
    execute(shop, f"update repricer_ledger set {column} = {value} where number = 3")
    said = str(ledger_store.broken(shop))
    assert said.startswith("entry 3 of the ledger ")
    assert said.encode(), "it can be printed"
    with pytest.raises(LedgerError, match="entry 3 of the ledger"):
        ledger_store.entries(shop)


SAME = {
    "spaces": ("body", """replace(body, ':', ': ')"""),
    "twice": ("body", """replace(body, '{', '{"version":9,')"""),
    "offset": ("at", """replace(replace(at, 'T12:', 'T13:'), '+00:00', '+01:00')"""),
    "no finite number": ("body", """'{"price":NaN}'"""),
    "no such year": ("at", "'0001-01-01T00:00:00+23:59'"),
    "deep": ("body", f"'{'[' * 100_000}'"),
    "blob": ("token", "cast('2' as blob)"),
}


@pytest.mark.parametrize("how", SAME)
def test_other_bytes_that_say_the_same_or_nothing_are_named(how: str, shop: Settings) -> None:
    written(shop)
    column, value = SAME[how]
    execute(shop, f"update repricer_ledger set {column} = {value} where number = 3")
    assert str(ledger_store.broken(shop)).startswith("entry 3 of the ledger ")


@pytest.mark.parametrize(
    ("column", "value"), [("body", "{"), ("at", "noon"), ("token", "x"), ("body", "[1]"), ("body", b"\xff")]
)
def test_what_cannot_be_read_is_named(column: str, value: object, shop: Settings) -> None:
    written(shop)
    execute(shop, f"update repricer_ledger set {column} = ? where number = 5", value)
    assert str(ledger_store.broken(shop)).startswith("entry 5 of the ledger ")
    with pytest.raises(LedgerError, match="entry 5 of the ledger"):
        ledger_store.append(shop, following(None, PROMOTED, BODY, ADA))
    execute(shop, "update repricer_ledger set by = 'Eve' where number = 2")
    assert str(ledger_store.broken(shop)).startswith("entry 2 of the ledger was changed"), "the first of two"


SWAP = """
update repricer_ledger set (kind, body, by, reason, at, previous, token, digest) = (
    select kind, body, by, reason, at, previous, token, digest from repricer_ledger as other
    where other.number = 6 - repricer_ledger.number)
where number in (2, 4)
"""
APPEND = """
insert into repricer_ledger select 6, kind, body, by, reason, at, previous, token, digest
from repricer_ledger where number = 5
"""


@pytest.mark.parametrize(
    ("statement", "number", "fault"),
    [
        ("delete from repricer_ledger where number = 1", 1, "is missing: entry 2 stands in its place"),
        ("delete from repricer_ledger where number = 3", 3, "is missing: entry 4 stands in its place"),
        ("update repricer_ledger set number = 9 where number = 3", 3, "is missing: entry 4"),
        (APPEND, 6, "was changed"),
        (SWAP, 2, "was changed"),
    ],
)
def test_rows_removed_moved_swapped_or_appended_by_hand_are_named(
    statement: str, number: int, fault: str, shop: Settings
) -> None:
    written(shop)
    execute(shop, statement)
    broken = ledger_store.broken(shop)
    assert broken is not None
    assert (broken.number, broken.fault[: len(fault)]) == (number, fault)


def test_a_database_that_fails_otherwise_is_an_error_and_nobody_was_overtaken(shop: Settings) -> None:
    (entry,) = written(shop, 1)
    execute(
        shop,
        "create trigger full before insert on repricer_ledger begin select raise(abort, 'no more'); end",
    )
    with pytest.raises(StoreError, match=r"database of the ledger did not answer \(IntegrityError\)"):
        ledger_store.append(shop, following(entry, PROMOTED, BODY, ADA))


# --- a shop of the release before the ledger ---

BEFORE = """
create table repricer_champions (number integer primary key, replaces integer unique,
    action varchar(32) not null, demand integer not null, price_response integer not null,
    pricing_policy integer not null, "by" varchar(255) not null, reason varchar(5000) not null,
    at varchar(40) not null);
insert into repricer_champions values
    (1, null, 'promoted', 2, 3, 1, 'Eve', 'lift', '2026-01-01T10:00:00+00:00'),
    (2, 1, 'promoted', 3, 4, 2, 'Ada', 'more lift', '2026-02-01T10:00:00+00:00');
"""
APPROVED = """
create table repricer_approved_manifests (number integer, model varchar(255), sha256 varchar(64),
    primary key (number, model));
insert into repricer_approved_manifests values (2, 'demand', 'abc');
"""


@pytest.fixture(params=["", APPROVED], ids=["before manifests", "with manifests"])
def upgraded(shop: Settings, request: pytest.FixtureRequest) -> Settings:
    """Return the settings of a shop whose champions the release before the ledger kept."""
    with closing(sqlite3.connect(Path(shop.data_folder) / "mlflow.db")) as database:
        database.executescript(BEFORE + request.param)
    return shop


def test_champions_of_the_last_release_are_the_first_entries_as_they_were(upgraded: Settings) -> None:
    read = ledger_store.entries(upgraded)
    assert [(entry.kind, entry.approval.by, entry.approval.reason) for entry in read] == [
        (ADOPTED, "Eve", "lift"),
        (ADOPTED, "Ada", "more lift"),
    ]
    assert read[1].body["versions"] == {"demand": 3, "price_response": 4, "pricing_policy": 2}
    assert read[1].body["manifests"] in ({}, {"demand": "abc"})
    assert read[1].approval.at == datetime(2026, 2, 1, 10, tzinfo=UTC)
    ledger_store.append(upgraded, third := following(ledger_store.newest(upgraded), PROMOTED, BODY, BOB))
    assert ledger_store.entries(upgraded) == [*read, third]
    assert ledger_store.broken(upgraded) is None
    execute(upgraded, "delete from repricer_champions")
    assert ledger_store.entries(upgraded) == [*read, third], "they were copied with the first entry"


@pytest.mark.parametrize(("column", "value"), [("at", "noon"), ("at", None), ("by", b"\xff")])
def test_a_damaged_row_of_the_last_release_is_named(column: str, value: object, upgraded: Settings) -> None:
    with closing(sqlite3.connect(Path(upgraded.data_folder) / "mlflow.db")) as database, database:
        table = database.execute("select sql from sqlite_master where name = 'repricer_champions'").fetchone()
        database.execute("drop table repricer_champions")
        database.execute(table[0].replace("not null", ""))
        row = (1, None, "promoted", 2, 3, 1, "Eve", "lift", "2026-01-01T10:00:00+00:00")
        database.execute("insert into repricer_champions values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.execute(f"update repricer_champions set {column} = ?", (value,))
    assert str(ledger_store.broken(upgraded)).startswith("entry 1 of the ledger ")


def test_the_last_release_cannot_promote_past_the_ledger(upgraded: Settings) -> None:
    ledger_store.append(upgraded, following(ledger_store.newest(upgraded), PROMOTED, BODY, BOB))
    with pytest.raises(sqlite3.IntegrityError, match="the champions are in repricer_ledger now"):
        execute(
            upgraded, "insert into repricer_champions values (3, 2, 'promoted', 1, 1, 1, 'Eve', 'x', 'y')"
        )


def test_a_writer_who_is_overtaken_at_the_first_entry_takes_nothing_up(upgraded: Settings) -> None:
    with pytest.raises(Overtaken, match=r"entry 2 of the ledger \(adopted by Ada"):
        ledger_store.append(upgraded, following(None, PROMOTED, BODY, BOB))
    execute(upgraded, "delete from repricer_champions")
    assert ledger_store.entries(upgraded) == []
