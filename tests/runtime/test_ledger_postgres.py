"""The ledger in PostgreSQL: appended once, refused to the second, never changed, and damage is named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import PROMOTED, REJECTED, Entry, LedgerError, Overtaken, following
from tasks.runtime import ledger_store, ledger_witness
from tests import postgres

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Approval("Ada", "why", NOON)
PEOPLE = ("Ada", "Bob")
LEDGERS, RACES = 10, 20


@pytest.fixture
def shop(postgres_url: str, tmp_path: Path) -> Settings:
    """Return the settings of a shop whose ledger is in PostgreSQL, and empty."""
    return Settings(profile="smoke", data_folder=str(tmp_path), track={"uri": postgres_url})


@pytest.fixture
def written(shop: Settings) -> list[Entry]:
    """Return the five entries of the shop's ledger."""
    entries: list[Entry] = []
    for number in range(5):
        before = entries[-1] if entries else None
        entries.append(following(before, PROMOTED, {"version": number, "price": -0.0}, ADA, 2))
    ledger_store.append(shop, *entries)
    return entries


def tamper(shop: Settings, statement: str) -> None:
    """Do to the ledger what the administrator of its database could, its triggers aside."""
    off, on = (f"alter table repricer_ledger {state} trigger user" for state in ("disable", "enable"))
    postgres.execute(str(shop.track.uri), f"{off}; {statement}; {on}")


def test_what_is_appended_is_read_back_and_the_chain_is_whole(shop: Settings, written: list[Entry]) -> None:
    assert ledger_store.entries(shop) == written
    assert ledger_store.newest(shop) == written[-1]
    assert ledger_store.broken(shop) is None
    last = following(written[-1], REJECTED, {"version": 9, "reason": "Größe \x00 ≠ 1"}, ADA)
    ledger_store.append(shop, last)
    assert ledger_store.entries(shop, kinds={REJECTED}) == [last]


@pytest.mark.parametrize(
    "statement",
    [
        "update repricer_ledger set by = 'Eve'",
        "update repricer_ledger set by = 'Eve' where false",
        "delete from repricer_ledger where number = 5",
        "truncate repricer_ledger",
        "insert into repricer_ledger table repricer_ledger on conflict (number) do update set by = 'Eve'",
    ],
)
def test_the_database_itself_refuses_to_change_or_delete_an_entry(
    statement: str, shop: Settings, written: list[Entry]
) -> None:
    with pytest.raises(postgres.psycopg.Error, match="repricer_ledger: entries are only ever appended"):
        postgres.execute(str(shop.track.uri), statement)
    assert ledger_store.entries(shop) == written


CHANGES = {
    "kind": "'rejected'",
    "body": """'{"version":9}'""",
    "by": "'Mallory'",
    "reason": "reason || ' '",
    "at": "'2026-03-01T12:00:00.000009+00:00'",
    "previous": "repeat('0', 64)",
    "token": "3",
    "digest": "repeat('0', 64)",
}
SAME = {
    "spaces": ("body", "replace(body, ':', ': ')"),
    "offset": ("at", "replace(replace(at, 'T12:', 'T13:'), '+00:00', '+01:00')"),
    "no JSON": ("body", "'{'"),
    "no time": ("at", "'noon'"),
}


@pytest.mark.parametrize(("column", "value"), [*CHANGES.items(), *SAME.values()], ids=[*CHANGES, *SAME])
def test_a_damaged_row_is_named_and_nothing_is_decided_by_the_ledger(
    column: str, value: str, shop: Settings, written: list[Entry]
) -> None:
    tamper(shop, f"update repricer_ledger set {column} = {value} where number = 3")
    assert str(ledger_store.broken(shop)).startswith("entry 3 of the ledger ")
    with pytest.raises(LedgerError, match=r"entry 3 of the ledger.*from a backup"):
        ledger_store.entries(shop, kinds=())


@pytest.mark.parametrize(
    ("statement", "number", "fault"),
    [
        ("delete from repricer_ledger where number = 1", 1, "is missing: entry 2 stands in its place"),
        ("delete from repricer_ledger where number = 3", 3, "is missing: entry 4 stands in its place"),
        ("delete from repricer_ledger where number = 5", 5, "was written here with SHA-256"),
        ("truncate repricer_ledger", 1, "was written here with SHA-256"),
        ("drop table repricer_ledger", 1, "was written here with SHA-256"),
    ],
)
def test_rows_that_are_gone_are_named(
    statement: str, number: int, fault: str, shop: Settings, written: list[Entry]
) -> None:
    if statement.startswith("drop"):
        postgres.execute(str(shop.track.uri), statement)
    else:
        tamper(shop, statement)
    broken = ledger_store.broken(shop)
    assert broken is not None
    assert (broken.number, broken.fault[: len(fault)]) == (number, fault)


def test_a_damaged_newest_row_is_followed_by_no_entry(shop: Settings, written: list[Entry]) -> None:
    tamper(shop, "update repricer_ledger set reason = 'other' where number = 5")
    with pytest.raises(LedgerError, match="entry 5 of the ledger was changed"):
        ledger_store.append(shop, following(written[-1], PROMOTED, {}, ADA))
    assert postgres.execute(str(shop.track.uri), "select count(*) from repricer_ledger") == [(5,)]


@pytest.mark.slow
def test_of_two_appends_at_once_one_wins_and_the_other_reads_who_won(shop: Settings) -> None:
    together = Barrier(len(PEOPLE))

    def append(entry: Entry) -> str:
        together.wait(60)
        try:
            ledger_store.append(shop, entry)
        except Overtaken as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        for _ in range(LEDGERS):
            postgres.execute(str(shop.track.uri), "drop table if exists repricer_ledger, repricer_manifests")
            ledger_witness.path_of(shop).unlink(missing_ok=True)
            winners: list[Entry] = []
            for _ in range(RACES):
                newest = winners[-1] if winners else None
                racers = [following(newest, PROMOTED, {}, Approval(by, "why", NOON)) for by in PEOPLE]
                refusals = list(pool.map(append, racers))
                (winner,) = (entry for entry, refusal in zip(racers, refusals, strict=True) if not refusal)
                (refusal,) = filter(None, refusals)
                assert refusal.startswith(str(winner)), "the loser reads who won"
                winners.append(winner)
            assert ledger_store.entries(shop) == winners, "one race, one entry, and the chain is whole"
