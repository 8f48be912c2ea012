"""Names of columns are checked before anything else, and a table of 100,000 columns is refused at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf import Settings
from expectations.refusals import DataError
from tasks.sources import files
from tasks.sources.mapping import lines_of
from tasks.sources.names import check_mapping
from tasks.stages.sales import accepted_sales
from tasks.stages.source import check_columns


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("cost", "unit_cost"),
        ("Price", "price"),
        ("product", "product_id"),
        ("store", "store_id"),
        ("stocks", "stock"),
        ("promo_deal", "promotion_deal"),
        ("promotion", "promotion_deal"),
    ],
)
def test_a_misspelt_name_is_an_error_with_a_suggestion(name: str, suggestion: str) -> None:
    with pytest.raises(DataError) as error:
        check_mapping({name: "x", "price": "net"})
    assert f"source.columns.{name}, column {name}: there is no such column of the sales table" in str(
        error.value
    )
    assert f"(did you mean {suggestion}?)" in str(error.value)
    assert f"write --set source.columns.{suggestion}=x in place of source.columns.{name}" in str(error.value)
    assert "net" not in str(error.value)


def test_a_name_like_no_other_is_an_error_with_the_vocabulary() -> None:
    with pytest.raises(
        DataError, match=r"source\.columns\.qqq.*one of category, .*unit_cost, units, promotion_\*"
    ):
        check_mapping({"qqq": "x"})


def test_every_name_of_the_sales_table_and_every_promotion_may_be_mapped() -> None:
    check_mapping({name: name.upper() for name in ("date", "unit_cost", "name", "currency", "promotion_x")})


def test_two_names_of_one_column_are_an_error() -> None:
    with pytest.raises(DataError, match=r"price and list_price are both 'net'.*map 'net' once"):
        check_mapping({"price": "net", "list_price": "net"})


def test_the_settings_are_checked_before_the_file_is_looked_for() -> None:
    settings = Settings(source={"kind": "file", "path": "/nowhere.csv", "columns": {"cost": "c"}})
    for check in (lambda: check_columns(settings.source), lambda: accepted_sales(settings)):
        with pytest.raises(DataError, match=r"did you mean unit_cost\?"):
            check()


def test_a_hundred_thousand_columns_are_refused_without_reading_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"d_{number}" for number in range(100_000)]
    pq.write_table(pa.table({name: pa.array([1], pa.int8()) for name in names}), tmp_path / "wide.parquet")
    frame = pd.DataFrame(np.zeros((1, len(names))), columns=names)
    monkeypatch.setattr(pq, "read_table", lambda *_: pytest.fail("the rows were read"))
    for read in (
        lambda: files.read(tmp_path / "wide.parquet", {}, None),
        lambda: lines_of(frame, "wide.parquet", {}, None),
    ):
        with pytest.raises(DataError, match=r"100,000 columns, from d_0, d_1, .*at most 10,000 columns"):
            read()


def test_a_wide_table_that_is_no_sales_table_shows_the_first_of_its_columns() -> None:
    frame = pd.DataFrame(np.zeros((1, 5000)), columns=[f"d_{number}" for number in range(5000)])
    message = str(DataError(lines_of(frame, "w.csv", {}, None).breaches))
    assert "found: d_0, d_1" in message
    assert "d_19 and 4,980 more" in message
    assert len(message) < 4000


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame(
        [["2025-03-01", "a", "b", 1, 2.0]], columns=["date", "product_id", "product_id", "units", "price"]
    )
    with pytest.raises(DataError, match=r"query, column product_id: named twice"):
        lines_of(frame, "query", {}, None)
