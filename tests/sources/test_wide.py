"""Wide tables, as those of M5: refused with the line that helps, or read when settings say what they hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from expectations.refusals import DataError
from tasks.sources import files
from tasks.sources.forms import Form, WideForm

UNITS = WideForm(values="units", first_date=dt.date(2011, 1, 29))


def m5(path: Path, days: list[str], *, price: bool) -> Path:
    frame = pd.DataFrame({"id": ["a_CA", "b_CA"], "item_id": ["a", "b"], "store_id": "CA"})
    frame = frame.assign(price=[1.5, 2.5]) if price else frame
    cells = {day: [str(number), "" if number == 2 else "7"] for number, day in enumerate(days)}
    pd.concat([frame, pd.DataFrame(cells)], axis=1).to_csv(path, index=False)
    return path


NUMBERED = [f"d_{i}" for i in range(1, 11)]
COLUMNS = {"product_id": "item_id"}


def test_a_wide_table_without_prices_is_refused_and_says_what_is_missing(tmp_path: Path) -> None:
    path = m5(tmp_path / "s.csv", [f"d_{i}" for i in range(1, 1914)], price=False)
    with pytest.raises(DataError) as error:
        files.read(path, COLUMNS, None, Form(wide=UNITS))
    message = str(error.value)
    assert (
        "column price: there is no 'price'; a wide table: 1,913 columns from d_1 to d_1913 are days"
        in message
    )
    assert "a wide table of units alone cannot be priced" in message


def test_a_wide_table_without_a_product_is_refused_with_its_other_columns(tmp_path: Path) -> None:
    path = m5(tmp_path / "s.csv", NUMBERED, price=True)
    with pytest.raises(
        DataError, match=r"other columns: id, item_id, store_id, price.*source\.columns\.product_id=NAME"
    ):
        files.read(path, {}, None)


def test_a_wide_table_is_refused_until_the_settings_say_what_it_holds(tmp_path: Path) -> None:
    path = m5(tmp_path / "s.csv", NUMBERED, price=True)
    with pytest.raises(
        DataError, match=r"set source\.wide\.values=units and source\.wide\.first_date=2011-01-29"
    ):
        files.read(path, COLUMNS, None)


@pytest.mark.parametrize(
    "days",
    [
        NUMBERED,
        [f"2011-{month}" for month in ("01-29", "01-30", "01-31", *(f"02-0{day}" for day in range(1, 8)))],
        [f"{month}.2011" for month in ("29.01", "30.01", "31.01", *(f"0{day}.02" for day in range(1, 8)))],
    ],
)
def test_a_wide_table_of_units_is_read_row_by_row_and_an_empty_cell_is_no_row(
    tmp_path: Path, days: list[str]
) -> None:
    path = m5(tmp_path / "s.csv", days, price=True)
    form = Form(wide=WideForm(values="units", first_date=UNITS.first_date if days is NUMBERED else None))
    lines = files.read(path, COLUMNS, None, form)
    assert not lines.breaches, str(DataError(lines.breaches))
    first = lines.frame[lines.frame["product_id"] == "a"]
    assert first["units"].tolist() == list(range(10))
    assert first["date"].tolist() == list(pd.date_range("2011-01-29", periods=10))
    assert set(first["price"]) == {1.5}
    assert lines.rows == 19, "the empty cell of product b is unknown, not 0"


def test_a_wide_parquet_is_read_alike(tmp_path: Path) -> None:
    path = m5(tmp_path / "s.csv", NUMBERED, price=True)
    pd.read_csv(path).to_parquet(tmp_path / "s.parquet")
    form = Form(wide=UNITS)
    of_csv, of_parquet = (
        files.read(tmp_path / name, COLUMNS, None, form).frame.drop(columns="file")
        for name in ("s.csv", "s.parquet")
    )
    pd.testing.assert_frame_equal(of_csv, of_parquet)
