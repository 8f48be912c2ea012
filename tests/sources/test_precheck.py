"""A bad file is refused by its first rows, and rows that only more rows explain are left to these."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from expectations.refusals import DataError
from expectations.rules import Limits
from tasks.sources import precheck
from tasks.sources.meaning import Meaning
from tasks.sources.precheck import check
from tasks.sources.reading import Source, read

HEADER = "date,product_id,units,price\n"
LIMITS = Limits(period="D", future_hours=24, level_shift=20, spike=50, quarantine_share=0.05)
NOW = pd.Timestamp("2026-01-01")


def source(path: Path, kind: str = "file") -> Source:
    return Source(
        kind=kind,
        path=str(path),
        query=None,
        url_variable="",
        columns={},
        period="D",
        by_store=False,
        products=10,
        time_zone=None,
    )


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2025-03-01,a,1,$9\n", r"row 1, column price: '\$9'"),
        ("2025-03-01,a,1,0\n", "row 1, column price: 0"),
        ("2030-03-01,a,1,1\n", "row 1, column date"),
        ("2025-03-01,a,1,1\n2025-03-01,a,1,2\n", r"row 1 and s\.csv, row 2"),
        ("", "no row"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool, rows: str, message: str
) -> None:
    monkeypatch.setattr(precheck, "SMALL", 1e9 if small else -1)
    with pytest.raises(DataError, match=message):
        check(source(written(tmp_path / "s.csv", HEADER + rows)), LIMITS, NOW)


def test_the_first_rows_of_a_large_file_do_not_decide_on_the_order_of_day_and_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [f"{day:02}/01/2025" for day in range(1, 32)]
    text = HEADER + "".join(f"{day},p{product},1,1\n" for day in days for product in range(2000))
    path = written(tmp_path / "s.csv", text)
    monkeypatch.setattr(precheck, "SMALL", 0)
    check(source(path), LIMITS, NOW)


def test_too_many_rows_to_set_aside_are_only_counted_over_a_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "s.csv", HEADER + "2025-03-01,a,1,\n2025-03-02,a,1,1\n")
    with pytest.raises(DataError, match="1 of 2 rows set aside"):
        check(source(path), LIMITS, NOW)
    monkeypatch.setattr(precheck, "SMALL", 0)
    check(source(path), LIMITS, NOW)


def test_a_source_that_is_no_file_is_not_touched(tmp_path: Path) -> None:
    check(source(tmp_path / "nowhere", kind="sql"), LIMITS, NOW)
    with pytest.raises(DataError, match="not found"):
        check(source(tmp_path / "nowhere"), LIMITS, NOW)


def test_gaps_that_matter_are_refused_at_once_until_their_meaning_is_stated(tmp_path: Path) -> None:
    days = pd.date_range("2025-03-01", periods=100).strftime("%Y-%m-%d")[::3]
    rows = "".join(f"{day},p{product},1,1\n" for product in range(4) for day in days)
    rows += "2025-03-02,p0,1,1\n"
    path = written(tmp_path / "s.csv", HEADER + rows)
    with pytest.raises(DataError, match=r"--set source\.missing=no_sale"):
        check(source(path), LIMITS, NOW)
    check(source(path), LIMITS, NOW, Meaning(missing="no_sale"))


@pytest.mark.parametrize("small", [True, False])
def test_rows_that_a_setting_allows_are_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.setattr(precheck, "SMALL", 1e9 if small else -1)
    days = pd.date_range("2025-03-01", periods=100).strftime("%Y-%m-%d")
    rows = "".join(f"{day},a,3,1\n" for day in days)
    path = written(tmp_path / "s.csv", HEADER + rows + "2025-03-01,a,-1,1\n2025-03-02,,1,1\n")
    with pytest.raises(DataError, match="units are not negative"):
        check(source(path), LIMITS, NOW)
    check(source(path), replace(LIMITS, returns=True), NOW, Meaning(sum_lines=True))


def test_a_look_says_nothing_that_the_reading_will_say(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path / "s.csv", HEADER + "2025-03-01, a,1,1\n2025-03-02,a,1,1\n")
    check(source(path), LIMITS, NOW)
    assert not caplog.text
    read(source(path))
    assert "blanks around the id were taken off in 1 rows" in caplog.text
