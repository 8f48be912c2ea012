"""Ids are text in every reader: sales, prices, policies, logs, trials and assignments."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from conf import Settings
from expectations.refusals import DataError
from expectations.spreadsheets import neutral
from tasks.operations.draft import prices_at
from tasks.operations.experiment_analyze import analysis_of, assignment_at, spec_at, table_at
from tasks.runtime import tables
from tasks.runtime.tables import TableError, write_table
from tasks.sources import files, sql
from tasks.sources.mapping import Lines
from tasks.trial.errors import TrialError
from tasks.trial.table import read_rows

VARIABLE = "REPRICER_TEST_URL"
COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"
SURVIVING = [
    (" A1", "A1"),
    ("A1 ", "A1"),
    ("\u00a0A1\u2009", "A1"),
    ("007", "007"),
    ("7", "7"),
    ("NA", "NA"),
    ("null", "null"),
    ("None", "None"),
    ("nan", "nan"),
    ("on", "on"),
    ("off", "off"),
    ("1234567890123456789", "1234567890123456789"),
    (COMPOSED, COMPOSED),
    (DECOMPOSED, DECOMPOSED),
    ("=cmd", "=cmd"),
    ("1.5", "1.5"),
]
REFUSED = [
    ("a\x00b", "no NUL byte"),
    ("a\tb", "no other control character"),
    ("12345.0", "not a number with decimals"),
    ("1.23457E+18", "not a number with decimals"),
]
Reader = Callable[[list[str], Path, str], list[str]]


def sales_frame(ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"date": "2025-03-01", "product_id": ids, "store_id": ids, "units": [1] * len(ids), "price": 1.5}
    )


def stored(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    return path


def accepted(lines: Lines) -> list[str]:
    if lines.breaches:
        raise DataError(lines.breaches)
    assert lines.frame["product_id"].tolist() == lines.frame["store_id"].tolist()
    return lines.frame["product_id"].tolist()


def from_file(ids: list[str], folder: Path, ending: str) -> list[str]:
    return accepted(files.read(stored(sales_frame(ids), folder / f"s{ending}"), {}, None))


def from_sql(ids: list[str], folder: Path, ending: str) -> list[str]:
    with sqlite3.connect(folder / "shop.db") as database:
        sales_frame(ids).to_sql("sales", database, index=False)
    database.close()
    return accepted(sql.read(VARIABLE, "select * from sales", {}, None))


def from_prices(ids: list[str], folder: Path, ending: str) -> list[str]:
    table = prices_at(stored(sales_frame(ids), folder / f"p{ending}"))
    assert table["product_id"].tolist() == table["store_id"].tolist()
    return table["product_id"].tolist()


def from_log(ids: list[str], folder: Path, ending: str) -> list[str]:
    return tables.table_at(stored(sales_frame(ids), folder / f"l{ending}"), "--log")["product_id"].tolist()


def from_trial(ids: list[str], folder: Path, ending: str) -> list[str]:
    frame = pd.DataFrame({"who": ids, "group": ids, "revenue": 1.0})
    spec = {"unit": "who", "arm": "group", "metrics": {"revenue": {"kind": "mean", "value": "revenue"}}}
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec))
    table = table_at(stored(frame, folder / f"t{ending}"), spec_at(folder / "spec.yaml"))
    assert table["who"].tolist() == table["group"].tolist()
    return [str(value) for value in table["who"]]


def from_assignment(ids: list[str], folder: Path, ending: str) -> list[str]:
    frame = pd.DataFrame({"product_id": ids, "arm": "A", "cluster": ids})
    table = assignment_at(stored(neutral(frame), folder / "assignment.csv"))
    assert table["product_id"].tolist() == table["cluster"].tolist()
    return table["product_id"].tolist()


READERS = [
    (from_file, ".csv"),
    (from_file, ".parquet"),
    (from_sql, ".db"),
    (from_prices, ".csv"),
    (from_prices, ".parquet"),
    (from_log, ".csv"),
    (from_log, ".parquet"),
    (from_trial, ".csv"),
    (from_trial, ".parquet"),
    (from_assignment, ".csv"),
]


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'shop.db'}")


@pytest.mark.parametrize(("reader", "ending"), READERS)
def test_hard_ids_survive_every_reader(reader: Reader, ending: str, tmp_path: Path) -> None:
    written, expected = zip(*SURVIVING, strict=True)
    assert reader(list(written), tmp_path, ending) == list(expected)


@pytest.mark.parametrize(("written", "expected"), SURVIVING)
@pytest.mark.parametrize(("reader", "ending"), READERS)
def test_a_column_of_nothing_but_one_hard_id_is_text_too(
    reader: Reader, ending: str, written: str, expected: str, tmp_path: Path
) -> None:
    assert reader([written], tmp_path, ending) == [expected]


@pytest.mark.parametrize(("written", "message"), REFUSED)
@pytest.mark.parametrize(("reader", "ending"), READERS)
def test_an_id_that_cannot_be_one_is_refused_by_every_reader(
    reader: Reader, ending: str, written: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises((DataError, TableError, TrialError), match=message) as error:
        reader(["a", written], tmp_path, ending)
    assert "row 2" in str(error.value)
    assert repr(written) in str(error.value)


@pytest.mark.parametrize("reader", [from_file, from_prices, from_trial])
def test_whole_numbers_of_a_parquet_file_keep_their_digits_beside_a_missing_one(
    reader: Reader, tmp_path: Path
) -> None:
    ids = pd.array([1234567890123456789, None], dtype="Int64")
    message = "must be known in every row|product_id is never empty"
    if reader is from_file:
        path = stored(sales_frame(["a", "b"]).assign(product_id=ids), tmp_path / "s.parquet")
        read = files.read(path, {}, None).frame["product_id"]
        assert (read[0], read.isna()[1]) == ("1234567890123456789", True)
    elif reader is from_prices:
        path = stored(sales_frame(["a", "b"]).assign(product_id=ids), tmp_path / "p.parquet")
        with pytest.raises(TableError, match=message):
            prices_at(path)
    else:
        assert reader([1234567890123456789, 7], tmp_path, ".parquet") == ["1234567890123456789", "7"]  # type: ignore[list-item]


def test_floats_that_hold_whole_ids_are_ids_as_long_as_they_are_exact(tmp_path: Path) -> None:
    exact = sales_frame(["a", "b"]).assign(product_id=[7.0, 2.0**53 - 1])
    assert from_prices([7.0, 2.0**53 - 1], tmp_path, ".parquet") == ["7", "9007199254740991"]  # type: ignore[list-item]
    assert (
        files.read(stored(exact, tmp_path / "s.parquet"), {}, None).frame["product_id"][1]
        == "9007199254740991"
    )
    with pytest.raises(TableError, match=r"whole and small enough to be exact.*Received: '9007199254740992'"):
        from_prices([7.0, 2.0**53], tmp_path, ".parquet")  # type: ignore[list-item]


def test_a_store_that_is_null_in_a_database_is_missing_and_big_ids_are_exact(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute(
            "create table sales (date text, product_id bigint, store_id text, units int, price real)"
        )
        rows = [("2025-03-01", 1234567890123456789, None, 1, 2.0), ("2025-03-01", 7, "None", 1, 2.0)]
        database.executemany("insert into sales values (?, ?, ?, ?, ?)", rows)
    database.close()
    frame = sql.read(VARIABLE, "select * from sales", {}, None).frame
    assert frame["product_id"].tolist() == ["1234567890123456789", "7"]
    assert frame["store_id"].isna().tolist() == [True, False]
    assert frame["store_id"][1] == "None"


def test_a_price_list_is_read_back_as_it_was(tmp_path: Path) -> None:
    ids = ["=cmd", "'=cmd", "+1", "-2", "@x", "'quoted", "007", "NA"]
    frame = pd.DataFrame({"product_id": ids, "store_id": ids, "price": np.arange(8) + 1.5, "reason": "=why"})
    write_table(frame, tmp_path / "list.csv", {}, option="--out", title="list")
    text = (tmp_path / "list.csv").read_text()
    assert not [cell for line in text.splitlines()[1:] for cell in line.split(",") if cell[0] in "=+-@"]
    pd.testing.assert_frame_equal(prices_at(tmp_path / "list.csv"), frame.drop(columns="reason"))
    write_table(frame, tmp_path / "list.parquet", {}, option="--out", title="list")
    assert pd.read_parquet(tmp_path / "list.parquet")["product_id"].tolist() == ids


@pytest.mark.parametrize(
    "arms", [("off", "on"), ("no", "yes"), ("NO", "SE"), ("007", "7"), ("true", "false"), ("NA", "null")]
)
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_arms_are_called_what_they_are_written(arms: tuple[str, str], ending: str, tmp_path: Path) -> None:
    control, treated = arms
    spec = (
        f"unit: customer\narm: variant\ncontrol: {control}\nshares: {{{control}: 0.5, {treated}: 0.5}}\n"
        "metrics:\n  revenue: {kind: mean, value: revenue}\n"
    )
    (tmp_path / "trial.yaml").write_text(spec)
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "customer": [f"u{i}" for i in range(400)],
            "variant": list(arms) * 200,
            "revenue": rng.normal(9, 1, 400),
        }
    )
    analysis = analysis_of(stored(rows, tmp_path / f"trial{ending}"), tmp_path / "trial.yaml", Settings())
    assert analysis.treated == treated
    assert analysis.split.counts == {control: 200, treated: 200}


def test_units_of_a_csv_are_in_the_order_of_numbers_as_before(tmp_path: Path) -> None:
    from_trial(["10", "9", "2"], tmp_path, ".csv")
    table = table_at(tmp_path / "t.csv", spec_at(tmp_path / "spec.yaml"))
    assert pd.factorize(table["who"], sort=True)[0].tolist() == [2, 1, 0]


def test_a_unit_that_is_missing_in_a_categorical_column_is_named(tmp_path: Path) -> None:
    rows = pd.DataFrame({"who": pd.Categorical(["1", None]), "group": ["A", "B"], "revenue": 1.0})
    from_trial(["1"], tmp_path, ".csv")
    spec = spec_at(tmp_path / "spec.yaml")
    table = table_at(stored(rows, tmp_path / "missing.parquet"), spec)
    with pytest.raises(TrialError, match=r"`who` must be known in every row. Received: nothing in row 2"):
        read_rows(table, spec)
