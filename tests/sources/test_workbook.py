"""Workbooks as people have them: titles, dates of Excel, numbers as text, long ids, several sheets."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook

from expectations.refusals import DataError
from tasks.sources import files
from tasks.sources.forms import Form
from tasks.sources.mapping import Lines

HEADER = ["date", "product_id", "units", "price"]
DAY = dt.datetime(2025, 3, 1)


def workbook(path: Path, rows: list[list[Any]], *, other: list[list[Any]] | None = None) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    if other is not None:
        sheet = book.create_sheet("Sales")
        for row in other:
            sheet.append(row)
    book.save(path)
    return path


def refused(lines: Lines) -> str:
    return str(DataError(lines.breaches))


def test_dates_numbers_and_text_of_a_workbook_are_read_as_they_are_meant(tmp_path: Path) -> None:
    rows = [
        HEADER,
        [DAY, "007", 4, 13.29],
        ["2025-03-02", 7, "3", "0.1"],
        [DAY.date(), 7.0, 0, None],
        [None] * 4,
    ]
    lines = files.read(workbook(tmp_path / "s.xlsx", rows), {}, None)
    assert not lines.breaches, refused(lines)
    assert lines.frame["date"].dt.strftime("%d.%m.").tolist() == ["01.03.", "02.03.", "01.03."]
    assert lines.frame["product_id"].tolist() == ["007", "7", "7"]
    assert lines.frame["units"].tolist() == [4, 3, 0]
    assert lines.frame["price"].fillna(-1).tolist() == [13.29, 0.1, -1]


def test_a_workbook_and_a_csv_of_the_same_sales_give_the_same_rows(tmp_path: Path) -> None:
    rows = [HEADER, *([DAY + dt.timedelta(i), f"p{i}", i, 1 / (i + 1)] for i in range(30))]
    frame = pd.DataFrame(rows[1:], columns=HEADER)
    frame.to_csv(tmp_path / "s.csv", index=False)
    read = [
        files.read(path, {}, None).frame.drop(columns="file")
        for path in (tmp_path / "s.csv", workbook(tmp_path / "s.xlsx", rows))
    ]
    pd.testing.assert_frame_equal(read[0], read[1])


def test_rows_above_the_header_are_skipped_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "repricer")
    rows = [["Sales report 2025"], [], ["made", DAY], HEADER, [DAY, "a", "x", 1.5]]
    lines = files.read(workbook(tmp_path / "s.xlsx", rows), {}, None)
    assert "read s.xlsx from row 4: the header stands there" in caplog.text
    assert "s.xlsx, row 1, column units: 'x'" in refused(lines)


def test_a_title_that_cannot_be_told_from_a_header_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = workbook(tmp_path / "s.xlsx", [["Report"], ["Tag", "Ware", "Menge", "Preis"], [DAY, "a", 1, 1.5]])
    with pytest.raises(DataError, match=r"first row is a title: 'Report'.*source\.skip_rows=1"):
        files.read(path, {}, None)
    lines = files.read(path, {}, None, Form(skip_rows=1))
    assert "found: Tag, Ware, Menge, Preis" in refused(lines)


def test_the_first_sheet_is_read_or_the_one_that_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "repricer")
    path = workbook(tmp_path / "s.xlsx", [HEADER, [DAY, "a", 1, 1]], other=[HEADER, [DAY, "b", 1, 1]])
    assert files.read(path, {}, None).frame["product_id"].tolist() == ["a"]
    assert "the first sheet of s.xlsx, 'Sheet', of 2; source.sheet names another" in caplog.text
    assert files.read(path, {}, None, Form(sheet="Sales")).frame["product_id"].tolist() == ["b"]
    with pytest.raises(DataError, match=r"no sheet 'Sails'.*Sheet, Sales"):
        files.read(path, {}, None, Form(sheet="Sails"))


def test_ids_whose_digits_excel_cut_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "s.xlsx", [HEADER, [DAY, 1234567890123456789, 1, 1]])
    with pytest.raises(DataError, match=r"row 1, column product_id: .*Excel keeps 15 digits"):
        files.read(path, {}, None)


def test_german_dates_and_commas_stored_as_text_are_told(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "s.xlsx", [HEADER, ["01.03.2025", "a", 1, "13,29"], ["13.03.2025", "a", 2, "7,1"]]
    )
    lines = files.read(path, {}, None)
    assert not lines.breaches, refused(lines)
    assert lines.frame["price"].tolist() == [13.29, 7.1]


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        files.read(workbook(tmp_path / "s.xlsx", []), {}, None)


def test_workbooks_of_a_folder_are_read_where_it_holds_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "repricer")
    workbook(tmp_path / "s.xlsx", [HEADER, [DAY, "a", 1, 1]])
    (tmp_path / "~$s.xlsx").write_bytes(b"lock")
    assert files.read(tmp_path, {}, None).rows == 1
    (tmp_path / "s.csv").write_text("date,product_id,units,price\n2025-03-01,b,1,1\n")
    assert files.read(tmp_path, {}, None).frame["product_id"].tolist() == ["b"]
    assert "left out of the folder, for it has .csv or .parquet files: s.xlsx" in caplog.text
