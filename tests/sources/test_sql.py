"""Sales from a database: typed as from a file, and its URL in no message."""

from __future__ import annotations

import sqlite3
import traceback
from pathlib import Path

import pytest

from expectations.refusals import DataError
from tasks.sources import sql

VARIABLE = "REPRICER_TEST_URL"
CANARY = "c4nary-s3cret"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as db:
        db.execute("create table sales (day text, sku integer, qty integer, amount real)")
        db.executemany(
            "insert into sales values (?, ?, ?, ?)", [("2025-03-01", 7, 2, 1.5), ("2025-03-02", 8, 0, None)]
        )
    db.close()
    monkeypatch.setenv(VARIABLE, f"sqlite:///{path}")
    return path


COLUMNS = {"date": "day", "product_id": "sku", "units": "qty", "price": "amount"}


def shown(error: BaseException) -> str:
    """Return all that a log or a traceback could show of an error, its causes included."""
    chain = [error, error.__cause__, error.__context__]
    return "".join("".join(traceback.format_exception(link)) + repr(link) for link in chain if link)


def test_a_query_gives_typed_rows(shop: Path) -> None:
    frame = sql.read(VARIABLE, "select * from sales order by day", COLUMNS, None).frame
    assert frame[["product_id", "units"]].to_numpy().tolist() == [["7", 2.0], ["8", 0.0]]
    assert frame["price"].isna().tolist() == [False, True]
    assert frame["file"].unique().tolist() == ["query"]


def test_an_unset_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(DataError, match=f"{VARIABLE} is not set"):
        sql.read(VARIABLE, "select 1", {}, None)


@pytest.mark.parametrize("query", [None, "", "delete from sales", "drop table sales; select 1"])
def test_only_a_select_is_sent(shop: Path, query: str | None) -> None:
    with pytest.raises(DataError, match="the query is one SELECT"):
        sql.read(VARIABLE, query, COLUMNS, None)


def test_nothing_that_a_query_changes_is_kept(shop: Path) -> None:
    with pytest.raises(DataError, match=r"readonly database.*Rule: the database runs the query"):
        sql.read(VARIABLE, "with x as (select 1) delete from sales", COLUMNS, None)
    with sqlite3.connect(shop) as db:
        assert db.execute("select count(*) from sales").fetchone() == (2,)
    db.close()


def test_what_the_database_refuses_is_reported_in_its_words(shop: Path) -> None:
    with pytest.raises(DataError, match=r"no such table: sale\b.*Rule: the database runs the query"):
        sql.read(VARIABLE, "select * from sale", COLUMNS, None)


@pytest.mark.parametrize(
    "url",
    [
        f"sqlite:////nowhere/{CANARY}/shop.db",
        f"no-such-dialect://bob:{CANARY}@host/shop",
        f"postgresql+nodriver://bob:{CANARY}@host/shop",
        f"not a url {CANARY}",
        f"postgresql+psycopg://bob:{CANARY}@127.0.0.1:1/shop",
        f"postgresql+psycopg://bob@127.0.0.1:port{CANARY}/shop",
        f"sqlite:///shop.db?mode={CANARY}&uri=true",
    ],
)
def test_the_url_and_its_password_are_in_no_message_and_no_chained_error(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, url)
    with pytest.raises((DataError, sql.UnreachableError)) as error:
        sql.read(VARIABLE, "select * from sales", COLUMNS, None)
    assert CANARY not in shown(error.value)
    assert VARIABLE in str(error.value) or "source.query" in str(error.value)


def test_a_driver_that_quotes_the_password_is_not_repeated() -> None:
    secrets = sql._secrets(f"postgresql://bob:{CANARY}%40x@host/db?sslpassword=other-secret")
    message = sql._without(secrets, f"auth failed for {CANARY}@x and bob:{CANARY}%40x\n other-secret")
    assert message == "auth failed for *** and *** ***"


def test_a_database_that_does_not_answer_may_be_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path}/no/such/folder.db")
    with pytest.raises(
        sql.UnreachableError, match=f"the database of {VARIABLE} does not answer: unable to open"
    ):
        sql.read(VARIABLE, "select 1", COLUMNS, None)
