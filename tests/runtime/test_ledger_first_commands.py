"""The first commands of a shop at once: the tables of the ledger are made, and taken over, a single time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import Engine, Executable, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import ADOPTED, PROMOTED, LedgerError, Overtaken, following
from tasks.governance.manifest import FileDigest, Manifest
from tasks.runtime import champion_rows, champion_store, ledger_store, ledger_witness
from tasks.runtime.track import StoreError, store_uri
from tests import postgres

PROCESSES, ROUNDS = 8, 4
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = {"versions": {"demand": 1, "price_response": 2, "pricing_policy": 3}, "manifests": {}}
MANIFEST = Manifest(
    model="demand", version=1, run_id="run", files={"MLmodel": FileDigest(1, "0" * 64)}, tags={}
)
TABLES = ("repricer_ledger", "repricer_manifests", "repricer_champions", "repricer_approved_manifests")


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Return the settings of a shop whose database has no table."""
    uri = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return Settings(profile="smoke", data_folder=str(tmp_path), track={"uri": uri})


@pytest.fixture(params=["read committed", "serializable"])
def on_postgresql(postgres_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Return the settings of a shop in PostgreSQL, by how its administrator isolates transactions."""
    name = postgres_url.rpartition("/")[2]
    postgres.execute(
        postgres_url, f"alter database {name} set default_transaction_isolation = '{request.param}'"
    )
    return Settings(profile="smoke", data_folder=str(tmp_path), track={"uri": postgres_url})


@contextmanager
def database(shop: Settings) -> Iterator[Engine]:
    engine = create_engine(store_uri(shop), poolclass=NullPool)
    yield engine
    engine.dispose()


def execute(shop: Settings, statement: Executable) -> None:
    with database(shop) as engine, engine.begin() as connection:
        connection.execute(statement)


def without_tables(shop: Settings) -> None:
    """Drop the tables of the ledger, and what the shop has witnessed."""
    with database(shop) as engine, engine.begin() as connection:
        for table in TABLES:
            connection.exec_driver_sql(f"drop table if exists {table}")
    ledger_witness.path_of(shop).unlink(missing_ok=True)


def champion(number: int, by: str) -> dict[str, object]:
    """Return a row of the last release."""
    models = {"demand": number, "price_response": number, "pricing_policy": number}
    at = f"2026-0{number}-01T10:00:00+00:00"
    before = number - 1 or None
    return {
        "number": number,
        "replaces": before,
        "action": PROMOTED,
        **models,
        "by": by,
        "reason": "lift",
        "at": at,
    }


def as_the_last_release_left_it(shop: Settings) -> None:
    """Make the tables of the last release, with two champions."""
    without_tables(shop)
    with database(shop) as engine, engine.begin() as connection:
        for table in (champion_rows.TABLE, champion_rows.APPROVED):
            table.create(connection)
        connection.execute(champion_rows.TABLE.insert(), [champion(1, "Eve"), champion(2, "Ada")])


def at_once(work: Callable[[int], str]) -> Counter[str]:
    """Run work in processes that begin together and return how often which answer came."""
    context = get_context("fork")
    together, answers = context.Barrier(PROCESSES), context.SimpleQueue()

    def run(number: int) -> None:
        together.wait(60)
        answers.put(work(number))

    processes = [context.Process(target=run, args=(number,), daemon=True) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES, "no process failed"
    return Counter(answers.get() for _ in processes)


def first_command(shop: Settings, number: int, after: ledger_store.Entry | None) -> str:
    """Keep a manifest, or append an entry with that manifest, and return how it ended."""
    try:
        if number % 2:
            champion_store.keep_manifests(shop, [MANIFEST])
            return "kept"
        entry = following(after, PROMOTED, BODY, Approval(f"{number}", "why", NOON))
        ledger_store.append(shop, entry, manifests=[MANIFEST])
    except Overtaken:
        return "overtaken"
    except (StoreError, LedgerError) as error:
        return f"{error}: {error.__cause__}"
    return "won"


EXPECTED = {"kept": PROCESSES // 2, "won": 1, "overtaken": PROCESSES // 2 - 1}


@pytest.mark.slow
def test_of_first_commands_at_once_one_writes_the_first_entry_and_none_fails(shop: Settings) -> None:
    for _ in range(ROUNDS):
        without_tables(shop)
        assert at_once(lambda number: first_command(shop, number, None)) == EXPECTED
        (entry,) = ledger_store.entries(shop)
        assert entry.kind == PROMOTED
        assert champion_store.manifest_of(shop, "demand", 1, "run") == MANIFEST, "kept a single time"
        with pytest.raises(SQLAlchemyError, match="entries are only ever appended"):
            execute(shop, text("delete from repricer_ledger"))


@pytest.mark.slow
def test_of_upgrades_at_once_one_takes_up_the_champions_of_the_last_release(shop: Settings) -> None:
    for _ in range(ROUNDS):
        as_the_last_release_left_it(shop)
        seen = ledger_store.newest(shop)
        assert at_once(lambda number: first_command(shop, number, seen)) == EXPECTED  # noqa: B023  it runs at once
        adopted = [(entry.kind, entry.approval.by) for entry in ledger_store.entries(shop)[:2]]
        assert adopted == [(ADOPTED, "Eve"), (ADOPTED, "Ada")]
        assert len(ledger_store.entries(shop)) == 3
        with pytest.raises(SQLAlchemyError, match="the champions are in repricer_ledger now"):
            execute(shop, champion_rows.TABLE.insert().values(champion(3, "Eve")))


def test_a_promotion_of_the_last_release_during_the_upgrade_is_taken_up_and_not_lost(
    on_postgresql: Settings,
) -> None:
    shop = on_postgresql
    as_the_last_release_left_it(shop)
    entry = following(ledger_store.newest(shop), PROMOTED, BODY, Approval("Bob", "why", NOON))
    with ThreadPoolExecutor(1) as pool, database(shop) as engine:
        with engine.begin() as last_release:
            last_release.execute(champion_rows.TABLE.insert(), [champion(3, "Mallory")])
            upgrade = pool.submit(ledger_store.append, shop, entry)
            wait_until_blocked(engine)
        with pytest.raises(Overtaken, match=r"entry 3 of the ledger \(adopted by Mallory"):
            upgrade.result(20)
    assert [entry.approval.by for entry in ledger_store.entries(shop)] == ["Eve", "Ada", "Mallory"]


def wait_until_blocked(engine: Engine) -> None:
    """Wait until a transaction of the database waits for another one."""
    deadline = time.monotonic() + 20
    with engine.connect() as connection:
        while time.monotonic() < deadline:
            if connection.exec_driver_sql("select 1 from pg_locks where not granted").first():
                return
            time.sleep(0.05)
    pytest.fail("the upgrade waits for no lock")
