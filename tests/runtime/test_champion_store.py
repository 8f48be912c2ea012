"""Of decisions that are taken at once on one champion, one stands, and the others read whose."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from conf import Settings
from tasks.governance.approval import Approval, Refused
from tasks.governance.champion import HEAD, Champion, change
from tasks.governance.ledger import PROMOTED, PUBLISHED, REJECTED, following
from tasks.runtime import champion_store, ledger_store
from tests.operations.promotions import without_waiting_for_the_disk

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEOPLE = {"Ada": 1, "Bob": 2}
LEDGERS, RACES = 20, 10  # races a ledger: its length is read at every decision


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Settings]:
    """Yield the settings of an empty data folder whose writes the system keeps."""
    event.listen(Engine, "connect", without_waiting_for_the_disk)
    yield Settings(profile="smoke", data_folder=str(tmp_path))
    event.remove(Engine, "connect", without_waiting_for_the_disk)


def body(version: int) -> dict[str, Any]:
    return change({"demand": version, "price_response": version, HEAD: version}, {})


def signed(by: str) -> Approval:
    return Approval(by, "why", NOON)


@pytest.mark.slow
def test_of_two_promotions_at_once_one_wins_and_the_other_reads_who_won(
    shop: Settings, tmp_path: Path
) -> None:
    together = Barrier(len(PEOPLE))
    shops = [shop.model_copy(update={"data_folder": str(tmp_path / f"{n}")}) for n in range(LEDGERS)]
    for number in range(LEDGERS):
        (tmp_path / f"{number}").mkdir()

    def promote(shop: Settings, by: str, seen: Champion | None) -> str:
        together.wait(60)
        try:
            champion_store.decide(shop, seen, PROMOTED, body(PEOPLE[by]), signed(by))
        except Refused as error:
            return str(error)
        return "won"

    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        for race in range(LEDGERS * RACES):
            shop = shops[race // RACES]
            seen = champion_store.newest(shop)
            racers = [pool.submit(promote, shop, by, seen) for by in PEOPLE]
            answers = dict(zip(PEOPLE, (racer.result() for racer in racers), strict=True))
            winner = champion_store.newest(shop)
            assert winner is not None
            assert winner.number == race % RACES + 1, "one race, one entry"
            (loser,) = set(PEOPLE) - {winner.approval.by}
            assert answers[winner.approval.by] == "won"
            assert f"the champion is now version {PEOPLE[winner.approval.by]} (by " in answers[loser]
    assert not any(map(ledger_store.broken, shops))


def test_entries_of_other_kinds_come_in_between_and_refuse_nothing(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = ledger_store.append

    def overtaken(settings: Settings, *entries: Any, **options: Any) -> None:
        monkeypatch.setattr(ledger_store, "append", append)
        append(settings, following(ledger_store.newest(settings), PUBLISHED, {"list": 1}, signed("Eve"), 7))
        append(settings, *entries, **options)

    monkeypatch.setattr(ledger_store, "append", overtaken)
    entry = champion_store.decide(shop, None, PROMOTED, body(1), signed("Ada"))
    assert (entry.number, entry.token) == (2, 8), "numbered and fenced after the one that came first"
    assert ledger_store.entries(shop)[1] == entry


def test_decisions_at_once_of_all_kinds_leave_a_whole_chain(shop: Settings) -> None:
    refusals: list[str] = []

    def decide(number: int) -> None:
        for step in range(5):
            seen = champion_store.newest(shop)
            version = 10 * number + step
            kind, content = (PROMOTED, body(version)) if step % 2 else (REJECTED, {"version": version})
            try:
                champion_store.decide(shop, seen, kind, content, signed(f"{number}"))
            except Refused as error:
                refusals.append(str(error))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decide, range(1, 5)))
    assert all("the champion is now version" in refusal for refusal in refusals)
    entries = ledger_store.entries(shop)
    assert len(entries) == 20 - len(refusals)
    assert all(later.previous == earlier.digest() for earlier, later in pairwise(entries))
