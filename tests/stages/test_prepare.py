"""From a source to the accepted table: the same data has the same hash, and what is wrong never comes further."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as quick
from hypothesis import strategies as st

from conf import Settings
from expectations.refusals import DataError
from tasks.runtime.artifacts import load_json, load_table
from tasks.runtime.attempt import Attempt
from tasks.sources.sql import UnreachableError
from tasks.stages import prepare as deed

DAYS = 200
NAMES = {
    "date": "day",
    "product_id": "sku",
    "store_id": "branch",
    "units": "qty",
    "price": "net_price",
    "list_price": "shelf",
}


@pytest.fixture
def sales() -> pd.DataFrame:
    """Return 200 days of five products in the words of another shop."""
    rng = np.random.default_rng(3)
    keys = [
        (day, f"0{p}", "north")
        for p in range(5)
        for day in pd.date_range("2024-01-01", periods=DAYS).strftime("%Y-%m-%d")
    ]
    frame = pd.DataFrame(keys, columns=["day", "sku", "branch"])
    shelf = 2.0 + frame["sku"].astype(int)
    deal = rng.random(len(frame)) < 0.2
    return frame.assign(
        qty=rng.poisson(5 + 5 * deal),
        net_price=shelf * np.where(deal, 0.8, 1.0),
        shelf=shelf,
        promotion_deal=deal.astype(int),
    )


def settings_for(file: Path, **source: Any) -> Settings:
    small = {"horizon": 7, "gap": 1, "folds": 2, "holdout_origins": 1}
    told = {"kind": "file", "path": str(file), "columns": NAMES, **source}
    return Settings(profile="smoke", data_folder=str(file.parent / "var"), source=told, forecast=small)


def accepted(file: Path, **source: Any) -> deed.Accepted:
    settings = settings_for(file, **source)
    return deed.accept(deed.read(settings), settings)


def test_a_table_with_other_names_becomes_the_sales_table(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.to_csv(tmp_path / "s.csv", index=False)
    table = accepted(tmp_path / "s.csv").sales
    expected = [
        "date",
        "product_id",
        "store_id",
        "units",
        "price",
        "list_price",
        "promotion_deal",
        "category",
    ]
    assert list(table.columns) == expected
    assert table["product_id"].unique().tolist() == ["00", "01", "02", "03", "04"]
    assert table["category"].unique().tolist() == ["all"]
    assert table["units"].sum() == sales["qty"].sum()


def test_d06_shuffled_or_loaded_twice_the_data_has_the_same_hash(sales: pd.DataFrame, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.csv", tmp_path / "twice"
    sales.to_csv(once, index=False)
    twice.mkdir()
    sales.to_csv(twice / "a.csv", index=False)
    sales.sample(frac=1, random_state=1).to_csv(twice / "b.csv", index=False)
    one, two = accepted(once), accepted(twice)
    assert deed.table_hash(one.sales) == deed.table_hash(two.sales)
    assert (one.repeated, two.repeated) == (0, len(sales))


def test_csv_parquet_and_order_of_columns_have_the_same_hash(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.to_csv(tmp_path / "s.csv", index=False)
    sales[sales.columns[::-1]].to_parquet(tmp_path / "s.parquet")
    assert deed.table_hash(accepted(tmp_path / "s.csv").sales) == deed.table_hash(
        accepted(tmp_path / "s.parquet").sales
    )


BASE = pd.DataFrame(
    {
        "date": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-01", "2025-01-02"]),
        "product_id": ["a", "a", "b", "b"],
        "store_id": "all",
        "units": [1.0, 2.0, 3.0, 4.0],
        "price": [1.0, 1.5, 2.0, np.nan],
        "name": ["x", "x", None, "y"],
    }
).astype({"name": "str"})


@given(st.permutations(range(4)))
@quick(max_examples=24, deadline=None)
def test_the_hash_does_not_know_the_order_of_rows(order: list[int]) -> None:
    assert deed.table_hash(deed.canonical(BASE.iloc[order])) == deed.table_hash(deed.canonical(BASE))


@given(st.integers(0, 3), st.sampled_from(["units", "price", "product_id", "store_id", "name", "date"]))
@quick(max_examples=40, deadline=None)
def test_the_hash_knows_every_cell(row: int, column: str) -> None:
    changed = BASE.copy()
    changed.loc[row, column] = {"date": pd.Timestamp("2025-03-03"), "units": 9.0, "price": 9.0}.get(
        column, "other"
    )
    assert deed.table_hash(deed.canonical(changed)) != deed.table_hash(deed.canonical(BASE))


def test_the_products_sold_in_the_most_periods_are_kept() -> None:
    rows = [
        (f"2025-01-0{day}", product, units)
        for product, units, days in (("a", 1, 3), ("b", 9, 2), ("c", 1, 3), ("d", 0, 5))
        for day in range(1, days + 1)
    ]
    frame = pd.DataFrame(rows, columns=["date", "product_id", "units"])
    assert deed.most_sold(frame, 2)["product_id"].unique().tolist() == ["a", "c"]
    with pytest.raises(DataError, match="no unit sold"):
        deed.most_sold(frame[frame["product_id"] == "d"], 2)


def test_rows_in_are_accepted_set_aside_or_copies(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.loc[3, "net_price"] = np.nan
    sales.loc[5, "net_price"] = 250.0
    sales.loc[9, "promotion_deal"] = 7
    pd.concat([sales, sales.head(2)]).to_csv(tmp_path / "s.csv", index=False)
    got = accepted(tmp_path / "s.csv")
    assert (len(got.sales), got.repeated) == (len(sales) - 3, 2)
    assert got.set_aside[["row", "reason"]].to_numpy().tolist() == [
        [4, "price missing"],
        [6, "price differs from the product's median by more than x20: unit?"],
        [10, "expectation failed: promotion_deal is between 0 and 1"],
    ]
    assert got.set_aside["file"].unique().tolist() == ["s.csv"]


def test_transactions_are_summed_to_local_days(tmp_path: Path) -> None:
    hours = pd.date_range("2025-03-29", "2025-04-01", freq="h", inclusive="left", tz="Europe/Berlin")
    frame = pd.DataFrame(
        {
            "date": hours.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "product_id": "a",
            "units": 2,
            "price": 1.5,
        }
    )
    frame.to_csv(tmp_path / "s.csv", index=False)
    table = accepted(tmp_path / "s.csv", columns={}, time_zone="Europe/Berlin").sales
    assert table["date"].dt.day.tolist() == [29, 30, 31]
    assert table["units"].tolist() == [48.0, 46.0, 48.0]


@pytest.mark.parametrize(
    ("source", "message"),
    [({"path": None}, "source.kind=file has a path"), ({"kind": "sql"}, "REPRICER_SOURCE_URL")],
)
def test_a_source_that_is_not_said_is_refused(
    source: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPRICER_SOURCE_URL", raising=False)
    with pytest.raises(DataError, match=message):
        deed.read(settings_for(tmp_path / "s.csv", **source))


def test_only_a_database_that_does_not_answer_is_asked_again() -> None:
    from prefect.states import Failed

    assert deed.may_answer_later(None, None, Failed(data=UnreachableError("down")))
    assert not deed.may_answer_later(None, None, Failed(data=DataError([])))


class Notes:
    """A run that only remembers."""

    def __init__(self) -> None:
        self.metrics_: dict[str, float] = {}
        self.files: list[str] = []

    def params(self, values: dict[str, Any]) -> None:
        assert all(len(str(value)) <= 6000 for value in values.values())

    def metrics(self, values: dict[str, float]) -> None:
        self.metrics_ |= values

    def table(self, frame: pd.DataFrame, name: str, artifact: dict[str, str]) -> None:
        assert name == "sales"
        assert len(frame) == len(load_table(artifact))  # type: ignore[arg-type]

    def file(self, artifact: dict[str, str]) -> None:
        self.files.append(Path(artifact["path"]).name)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Notes:
    notes = Notes()

    @contextmanager
    def stage_run(attempt: Attempt, stage: str) -> Iterator[Notes]:
        assert stage == "prepare"
        yield notes

    monkeypatch.setattr("tasks.runtime.track.stage_run", stage_run)
    return notes


def test_prepare_leaves_every_artifact_and_says_so(sales: pd.DataFrame, tmp_path: Path, run: Notes) -> None:
    sales.loc[3, "net_price"] = np.nan
    sales.to_csv(tmp_path / "s.csv", index=False)
    attempt = Attempt(id="a", folder=str(tmp_path / "attempt"), run_id="r")
    result = deed.prepare.fn(attempt, settings_for(tmp_path / "s.csv"))
    assert json.loads(json.dumps(result)) == result
    table, features, selection = (
        load_table(result["sales"]),
        load_table(result["features"]),
        load_json(result["selection"]),
    )
    assert (result["rows_in"], result["rows_accepted"], result["rows_quarantined"]) == (1000, 999, 1)
    assert load_table(result["quarantine"])["reason"].tolist() == ["price missing"]
    assert len(features) == 1000, "the full grid holds the period that was set aside"
    assert {*selection["past"], *selection["known"]} <= set(features.columns)
    assert set(selection) == {"past", "known", "dropped"}
    assert deed.table_hash(table) == result["data_hash"]
    assert "Data report" in Path(result["report"]["path"]).read_text(encoding="utf-8")
    assert run.files == ["data_report.html", "quarantine.parquet", "selection.json"]
    assert run.metrics_["data.rows_in"] == 1000


def test_bad_data_leaves_nothing_behind(sales: pd.DataFrame, tmp_path: Path, run: Notes) -> None:
    sales.astype({"net_price": "object"}).assign(
        net_price=lambda f: f["net_price"].mask(f.index == 6, "12,50")
    ).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(DataError, match=r"s\.csv, row 7, column price: '12,50'"):
        deed.prepare.fn(
            Attempt(id="a", folder=str(tmp_path / "attempt"), run_id="r"), settings_for(tmp_path / "s.csv")
        )
    assert not (tmp_path / "attempt").exists()
