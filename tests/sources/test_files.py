"""CSV and Parquet as they come: what survives, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from expectations.refusals import DataError
from tasks.sources import files

HEADER = "date,product_id,units,price\n"


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_a_product_called_na_and_leading_zeros_survive_a_csv(tmp_path: Path) -> None:
    rows = "2025-03-01,NA,1,1.5\n2025-03-01,null,1,1.5\n2025-03-01,None,1,1.5\n2025-03-01,00042,1,\n"
    frame = files.read(write(tmp_path / "s.csv", HEADER + rows), {}, None).frame
    assert frame["product_id"].tolist() == ["NA", "null", "None", "00042"]
    assert frame["price"].isna().tolist() == [False, False, False, True]


def test_a_csv_with_a_byte_order_mark_windows_lines_and_quotes_is_read(tmp_path: Path) -> None:
    text = '\ufeffdate,product_id,units,price,name\r\n2025-03-01,"a,b",1,1.5,"two\nlines"\r\n'
    frame = files.read(write(tmp_path / "s.csv", text), {}, None).frame
    assert frame[["product_id", "name"]].to_numpy().tolist() == [["a,b", "two\nlines"]]


def test_csv_and_parquet_of_the_same_sales_give_the_same_rows(tmp_path: Path) -> None:
    sales = pd.DataFrame(
        {
            "date": pd.to_datetime(["2025-03-01", "2025-03-02"]),
            "product_id": [7, 8],
            "units": [1, 2],
            "price": [0.1, 1 / 3],
        }
    )
    sales.to_csv(tmp_path / "s.csv", index=False)
    sales.to_parquet(tmp_path / "s.parquet")
    of_csv, of_parquet = (
        files.read(tmp_path / name, {}, None).frame.drop(columns="file") for name in ("s.csv", "s.parquet")
    )
    pd.testing.assert_frame_equal(of_csv, of_parquet)


def test_a_folder_is_read_in_the_order_of_names_and_errors_name_the_file(tmp_path: Path) -> None:
    write(tmp_path / "b.csv", HEADER + "2025-03-02,a,1,12;50\n")
    write(tmp_path / "a.csv", HEADER + "2025-03-01,a,1,1.5\n")
    write(tmp_path / "README.md", "not sales")
    lines = files.read(tmp_path, {}, None)
    assert lines.frame["file"].tolist() == ["a.csv", "b.csv"]
    assert "b.csv, row 1, column price: '12;50'" in str(DataError(lines.breaches))


def test_an_unquoted_decimal_comma_is_refused_and_never_cut_off(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        files.read(write(tmp_path / "s.csv", HEADER + "2025-03-01,a,1,1.5\n2025-03-01,b,1,12,50\n"), {}, None)
    assert (
        "s.csv, row 2, column (all): 5 cells: '2025-03-01,b,1,12,50'. "
        "Rule: every row has as many cells as the header: 4." in str(error.value)
    )


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"s\.csv, column \(all\): the file is empty\. Rule: the source has a header and rows"
    ):
        files.read(write(tmp_path / "s.csv", ""), {}, None)


@pytest.mark.parametrize("text", [HEADER, HEADER.rstrip()])
def test_a_header_alone_gives_no_row(tmp_path: Path, text: str) -> None:
    assert files.read(write(tmp_path / "s.csv", text), {}, None).rows == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.csv", b"date,product_id\n2025-03-01,\xff\xfe\n", "byte 0xff is not UTF-8"),
        ("s.csv", b"date,date,units,price\n", "column date: named twice"),
        ("s.parquet", b"date,product_id\n", "a .parquet file is Parquet"),
        ("s.xlsx", b"PK", "an .xlsx file is an Excel workbook"),
        ("s.csv.gz", b"date", "a .gz file is packed by gzip"),
        (
            "s.xls",
            b"\xd0\xcf",
            "a source is .csv, .csv.gz, .tsv, .parquet or .xlsx. Remedy: save it as",
        ),
        ("s.ods", b"PK", "save it as .xlsx or CSV"),
        ("s.txt", b"date", "convert or rename the file"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        files.read(tmp_path / name, {}, None)
    assert message in str(error.value)
    assert name in str(error.value)


def test_a_parquet_without_rows_gives_no_row_in_the_shape_of_sales(tmp_path: Path) -> None:
    empty = pd.DataFrame({"date": [], "product_id": [], "units": [], "price": []})
    empty.to_parquet(tmp_path / "s.parquet")
    lines = files.read(tmp_path / "s.parquet", {}, None)
    assert lines.rows == 0
    assert not lines.breaches
    assert lines.frame["date"].dtype == "datetime64[us]"


def test_a_path_that_is_not_there_and_a_folder_without_sales_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not found"):
        files.read(tmp_path / "nowhere.csv", {}, None)
    with pytest.raises(DataError, match=r"no \.csv and no \.parquet file"):
        files.read(tmp_path, {}, None)


def test_every_broken_file_of_a_folder_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "")
    write(tmp_path / "b.csv", HEADER + "2025-03-01,a,1,$9\n")
    write(tmp_path / "c.parquet", "no")
    with pytest.raises(DataError) as error:
        files.read(tmp_path, {}, None)
    for place in ("a.csv, column (all)", "b.csv, row 1, column price: '$9'", "c.parquet, column (all)"):
        assert place in str(error.value)
