"""Text tables as people have them: separators, decimal signs, dates and encodings are told, or refused."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import pandas as pd
import pytest

from expectations.refusals import DataError
from tasks.sources import files
from tasks.sources.acceptance import canonical, table_hash
from tasks.sources.forms import CsvForm, Form

HEADER = "date,product_id,units,price"
PLAIN = f"{HEADER}\n2025-03-01,Müsli,4,13.29\n2025-03-13,Müsli,3,7.191\n"
GERMAN = "date;product_id;units;price\r\n01.03.2025;Müsli;4;13,29\r\n13.03.2025;Müsli;3;7,191\r\n"


def table(path: Path, **csv: str) -> pd.DataFrame:
    lines = files.read(path, {}, None, Form(csv=CsvForm(**csv)))
    assert not lines.breaches, str(DataError(lines.breaches))
    return lines.frame


def file(folder: Path, text: str | bytes, name: str = "s.csv") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


@pytest.fixture
def plain(tmp_path: Path) -> pd.DataFrame:
    return table(file(tmp_path, PLAIN, "plain.csv")).drop(columns="file")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("excel.csv", GERMAN.encode("utf-8-sig"), "utf-8, separator ';', decimal ',', dates dd.mm.yyyy"),
        ("old.csv", GERMAN.encode("cp1252"), "cp1252, separator ';', decimal ',', dates dd.mm.yyyy"),
        (
            "unicode.csv",
            GERMAN.replace(";", "\t").encode("utf-16"),
            "utf-16, separator tab, decimal ',', dates dd.mm.yyyy",
        ),
        ("packed.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), None),
        ("tabs.tsv", PLAIN.replace(",", "\t").encode(), "utf-8, separator tab, decimal '.'"),
        ("pipes.csv", PLAIN.replace(",", "|").encode(), "utf-8, separator '|', decimal '.'"),
        ("sep.csv", ("sep=;\r\n" + GERMAN).encode(), "separator ';', header below line 1, decimal ','"),
        (
            "british.csv",
            f"{HEADER}\n1/3/2025,Müsli,4,13.29\n13/03/2025,Müsli,3,7.191\n".encode(),
            "dates dd/mm/yyyy",
        ),
        (
            "american.csv",
            f"{HEADER}\n3/1/2025,Müsli,4,13.29\n3/13/2025,Müsli,3,7.191\n".encode(),
            "dates mm/dd/yyyy",
        ),
        ("digits.csv", PLAIN.replace("2025-03-", "202503").encode(), "dates yyyymmdd"),
        (
            "quoted.csv",
            f'{HEADER}\n2025-03-01,Müsli,4,"13,29"\n2025-03-13,Müsli,3,"7,191"\n'.encode(),
            "decimal ','",
        ),
    ],
)
def test_a_table_is_read_as_it_was_written_and_what_was_detected_is_said(
    tmp_path: Path,
    plain: pd.DataFrame,
    caplog: pytest.LogCaptureFixture,
    *,
    name: str,
    content: bytes,
    said: str | None,
) -> None:
    caplog.set_level(logging.INFO, "repricer")
    result = table(file(tmp_path, content, name)).drop(columns="file")
    pd.testing.assert_frame_equal(result, plain)
    assert table_hash(canonical(result)) == table_hash(canonical(plain)), "the same sales have the same hash"
    messages = [record.message for record in caplog.records if record.message.startswith(f"read {name} as")]
    assert len(messages) == (said is not None), "a plain file needs no word, any other has one line"
    assert said is None or said in messages[0]


@pytest.mark.parametrize("day", ["01/02/2025", "1-2-2025"])
def test_days_and_months_that_may_be_exchanged_in_every_row_are_refused_until_the_order_is_named(
    tmp_path: Path, day: str
) -> None:
    path = file(tmp_path, f"{HEADER}\n{day},a,1,1.5\n{day},b,1,1.5\n")
    sign = "/" if "/" in day else "-"
    with pytest.raises(DataError, match=f"column date: '{day}'.*source.csv.date_format=dd{sign}mm{sign}yyyy"):
        table(path)
    assert table(path, date_format=f"dd{sign}mm{sign}yyyy")["date"][0] == pd.Timestamp("2025-02-01")
    assert table(path, date_format=f"mm{sign}dd{sign}yyyy")["date"][0] == pd.Timestamp("2025-01-02")


def test_a_comma_that_may_stand_between_thousands_is_refused_until_the_decimal_sign_is_named(
    tmp_path: Path,
) -> None:
    path = file(tmp_path, f'{HEADER}\n2025-03-01,a,1,"1,234"\n2025-03-02,a,1,"2,000"\n')
    with pytest.raises(DataError, match=r"column price: '1,234'.*--set source\.csv\.decimal=comma or =point"):
        table(path)
    assert table(path, decimal=",")["price"].tolist() == [1.234, 2.0]
    lines = files.read(path, {}, None, Form(csv=CsvForm(decimal=".")))
    assert "row 1, column price: '1,234'" in str(DataError(lines.breaches)), "thousands are never removed"


def test_a_point_that_may_stand_between_thousands_is_refused_where_cells_are_parted_by_semicolons(
    tmp_path: Path,
) -> None:
    path = file(tmp_path, "date;product_id;units;price\n2025-03-01;a;1;1.234\n")
    with pytest.raises(
        DataError, match=r"column price: '1\.234'.*--set source\.csv\.decimal=comma or =point"
    ):
        table(path)
    assert table(path, decimal=".")["price"].tolist() == [1.234]


def test_a_point_in_a_comma_separated_table_stays_a_decimal_point(tmp_path: Path) -> None:
    assert table(file(tmp_path, f"{HEADER}\n2025-03-01,a,1,1.234\n"))["price"].tolist() == [1.234]


@pytest.mark.parametrize("value", ["1.299,00", "1,299.00", "1.299"])
def test_a_sign_between_thousands_is_refused_with_row_and_value(tmp_path: Path, value: str) -> None:
    path = file(tmp_path, f"date;product_id;units;price\n2025-03-01;a;1;2,50\n2025-03-01;b;1;{value}\n")
    with pytest.raises(DataError, match=f"row 2, column price: '{value}'"):
        table_breaches(path)


def test_two_decimal_signs_in_one_table_are_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "date;product_id;units;price\n2025-03-01;a;1;2,50\n2025-03-01;b;1;2.5\n")
    lines = files.read(path, {}, None)
    assert "row 1, column price: '2,50'" in str(DataError(lines.breaches))


def test_a_day_that_does_not_exist_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = "".join(f"{day:02}.03.2025;a;1;1,5\n" for day in range(1, 31))
    path = file(tmp_path, "date;product_id;units;price\n" + rows + "31.02.2025;a;1;1,5\n")
    message = str(DataError(files.read(path, {}, None).breaches))
    assert "row 31, column date: '31.02.2025'" in message
    assert "row 30" not in message


def test_times_of_day_after_a_date_survive(tmp_path: Path) -> None:
    path = file(tmp_path, f"{HEADER}\n12/1/2010 8:26,a,1,1.5\n12/13/2010 17:05,a,2,1.5\n")
    lines = files.read(path, {}, "Europe/London")
    assert lines.stamped
    assert lines.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2010-12-01", "2010-12-13"]


@pytest.mark.parametrize("content", ["молоко".encode("cp1251"), "Masło".encode("cp1250")])
def test_text_of_another_code_page_is_refused_until_its_encoding_is_named(
    tmp_path: Path, content: bytes
) -> None:
    path = file(tmp_path, HEADER.encode() + b"\n2025-03-01," + content + b",1,1.5\n")
    with pytest.raises(DataError, match=r"s\.csv, column \(all\): .*--set source\.csv\.encoding=cp1250"):
        table(path)


def test_utf_16_without_its_mark_is_refused_and_read_when_it_is_named(tmp_path: Path) -> None:
    path = file(tmp_path, PLAIN.encode("utf-16-le"))
    with pytest.raises(DataError, match="NUL bytes between the signs: UTF-16 without its mark"):
        table(path)
    assert table(path, encoding="utf-16-le")["product_id"].tolist() == ["Müsli", "Müsli"]


def test_a_named_encoding_is_used_and_an_unknown_one_refused(tmp_path: Path) -> None:
    path = file(tmp_path, f"{HEADER}\n2025-03-01,Masło,1,1.5\n".encode("cp1250"))
    assert table(path, encoding="cp1250")["product_id"].tolist() == ["Masło"]
    with pytest.raises(DataError, match=r"source\.csv\.encoding.*'klingon'"):
        table(path, encoding="klingon")
    with pytest.raises(DataError, match="can't decode"):
        table(path, encoding="utf-8")


def test_a_title_above_the_header_is_skipped_or_its_remedy_named(tmp_path: Path) -> None:
    rows = "2025-03-01,a,1,1.5\n2025-03-02,a,0.5,\n2025-03-03,b,x,1.5\n"
    path = file(tmp_path, f"Sales of 2025\n\n{HEADER}\n{rows}")
    lines = files.read(path, {}, None)
    assert lines.rows == 3
    assert "row 3, column units: 'x'" in str(DataError(lines.breaches))
    other = file(tmp_path, f"Sales of 2025\nTag,Artikel,Menge,Preis\n{rows}")
    with pytest.raises(DataError, match=r"first row is a title: 'Sales of 2025'.*source\.skip_rows=1"):
        table(other)
    lines = files.read(other, {"price": "Preis"}, None, Form(skip_rows=1))
    assert "found: Tag, Artikel, Menge, Preis" in str(DataError(lines.breaches))


def test_a_ragged_row_below_a_title_has_its_number(tmp_path: Path) -> None:
    path = file(tmp_path, f"Sales\n{HEADER}\n2025-03-01,a,1,1.5\n2025-03-02,a,1,1,5\n")
    with pytest.raises(DataError, match=r"row 2, column \(all\): 5 cells"):
        table(path)


def test_the_header_alone_decides_between_separators_and_named_separators_are_used(tmp_path: Path) -> None:
    path = file(tmp_path, "Datum;Artikel;Menge;Preis\n2025-03-01;a;1;1.5\n")
    with pytest.raises(DataError, match="found: Datum, Artikel, Menge, Preis"):
        table_breaches(path)
    with pytest.raises(DataError, match="found: Datum;Artikel;Menge;Preis"):
        table_breaches(path, separator=",")


def table_breaches(path: Path, **csv: str) -> None:
    raise DataError(files.read(path, {}, None, Form(csv=CsvForm(**csv))).breaches)


def test_a_hundred_thousand_columns_are_refused_at_once(tmp_path: Path) -> None:
    header = HEADER + "".join(f",c{i}" for i in range(100_000))
    with pytest.raises(DataError, match=r"100,004 columns.*at most 10,000 columns"):
        table(file(tmp_path, header + "\n" + "1," * 100_003 + "1\n"))
