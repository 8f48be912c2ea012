"""Order lines: equal ones are sales, copies are known by number or by file, and a day keeps its time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from expectations.refusals import DataError
from expectations.rules import Limits
from tasks.sources import files
from tasks.sources.acceptance import Accepted, accept, table_hash
from tasks.sources.meaning import Meaning

BERLIN = "Europe/Berlin"
LIMITS = Limits(period="D", future_hours=24, level_shift=20, spike=50, quarantine_share=0.05)
NOW = pd.Timestamp("2025-12-01")


def minutes(lines: int = 600) -> pd.DataFrame:
    """Return order lines with minute stamps, so many that some are equal by chance."""
    rng = np.random.default_rng(5)
    minute = rng.integers(0, 30 * 120, lines)
    stamps = pd.Timestamp("2025-06-01 09:00") + pd.to_timedelta(minute // 120 * 24 * 60 + minute % 120, "min")
    frame = pd.DataFrame(
        {"date": stamps.strftime("%Y-%m-%d %H:%M"), "product_id": "a", "units": 1, "price": 2.5}
    )
    assert frame.duplicated().sum() > 30
    return frame


def accepted(
    path: Path,
    meaning: Meaning | None = None,
    *,
    zone: str | None = BERLIN,
    columns: dict[str, str] | None = None,
    limits: Limits = LIMITS,
) -> Accepted:
    return accept(files.read(path, columns or {}, zone), limits, NOW, meaning or Meaning())


def test_equal_lines_of_a_minute_are_sales(tmp_path: Path) -> None:
    minutes().to_csv(tmp_path / "lines.csv", index=False)
    result = accepted(tmp_path / "lines.csv")
    assert result.sales["units"].sum() == 600
    assert result.repeated == 0


@pytest.mark.parametrize("number", ["order_id", "line_id"])
def test_with_a_number_equal_lines_are_copies_and_the_number_is_dropped(tmp_path: Path, number: str) -> None:
    lines = minutes().assign(invoice=range(600))
    pd.concat([lines, lines.head(25)]).to_csv(tmp_path / "lines.csv", index=False)
    result = accepted(tmp_path / "lines.csv", columns={number: "invoice"})
    assert (result.sales["units"].sum(), result.repeated) == (600, 25)
    assert number not in result.sales


def test_a_file_given_twice_counts_once_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.csv", "b.csv"):
        minutes().to_csv(tmp_path / name, index=False)
    result = accepted(tmp_path)
    assert (result.rows, result.repeated, result.sales["units"].sum()) == (1200, 600, 600)
    assert "b.csv holds the same bytes as a.csv: its 600 rows are left out" in caplog.text
    (tmp_path / "b.csv").unlink()
    assert table_hash(result.sales) == table_hash(accepted(tmp_path).sales)


def test_exports_that_overlap_are_refused_for_their_lines_would_count_twice(tmp_path: Path) -> None:
    lines = minutes().sort_values("date")
    for name, part in (("first.csv", lines.head(400)), ("second.csv", lines.tail(400))):
        part.to_csv(tmp_path / name, index=False)
    with pytest.raises(
        DataError, match=r"second\.csv, column date: \d+ days, .* as in other files.*order_id=NAME"
    ):
        accepted(tmp_path)
    for name, part in (("first.csv", lines.head(400)), ("second.csv", lines.tail(200))):
        part.to_csv(tmp_path / name, index=False)
    assert accepted(tmp_path).sales["units"].sum() == 600


def test_tills_that_by_chance_sold_the_same_in_one_minute_do_not_overlap(tmp_path: Path) -> None:
    lines = minutes()
    for name, part in (("a.csv", lines.iloc[::2]), ("b.csv", lines.iloc[1::2])):
        part.to_csv(tmp_path / name, index=False)
    assert accepted(tmp_path).sales["units"].sum() == 600


def test_lines_without_a_time_of_day_are_summed_where_that_is_stated(tmp_path: Path) -> None:
    lines = minutes().assign(date=lambda f: f["date"].str[:10])
    lines.to_csv(tmp_path / "lines.csv", index=False)
    with pytest.raises(DataError, match=r"equals an earlier row.*--set source\.sum_lines=true"):
        accepted(tmp_path / "lines.csv", zone=None)
    result = accepted(tmp_path / "lines.csv", Meaning(sum_lines=True), zone=None)
    assert result.sales["units"].sum() == 600
    assert not result.sales.duplicated(["date", "product_id"]).any()


def test_lines_of_a_day_that_only_their_number_tells_apart_are_no_copies(tmp_path: Path) -> None:
    lines = minutes().assign(date=lambda f: f["date"].str[:10], order_id=range(600))
    lines.to_csv(tmp_path / "lines.csv", index=False)
    with pytest.raises(DataError, match=r"--set source\.sum_lines=true"):
        accepted(tmp_path / "lines.csv", zone=None)
    assert accepted(tmp_path / "lines.csv", Meaning(sum_lines=True), zone=None).sales["units"].sum() == 600


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_stock_of_a_day_is_that_of_its_earliest_line(tmp_path: Path, seed: int) -> None:
    day = pd.DataFrame(
        {
            "date": [
                "2025-06-01T08:00:00",
                "2025-06-01T08:30:00",
                "2025-06-01T09:00:00",
                "2025-06-01T09:00:00",
            ],
            "product_id": "a",
            "units": [4, 1, 2, 1],
            "price": [2.0, 4.0, 3.0, 3.0],
            "promotion_deal": [1, 0, 0, 0],
            "stock": ["", 10, 9, 7],
        }
    )
    day.sample(frac=1, random_state=seed).to_csv(tmp_path / "lines.csv", index=False)
    row = accepted(tmp_path / "lines.csv").sales.iloc[0]
    assert row["stock"] == 10, "of the earliest line that knows it, not of the one with the fewest units"
    assert row["price"] == pytest.approx((4 * 2 + 1 * 4 + 2 * 3 + 1 * 3) / 8)
    assert row["promotion_deal"] == pytest.approx(0.5)


def test_the_earliest_line_is_found_in_the_hour_that_the_clock_shows_twice(tmp_path: Path) -> None:
    stamps = ["2025-10-26T02:50:00+02:00", "2025-10-26T02:10:00+01:00"]
    frame = pd.DataFrame({"date": stamps, "product_id": "a", "units": [2, 1], "price": 1.0, "stock": [8, 6]})
    frame.to_csv(tmp_path / "lines.csv", index=False)
    assert accepted(tmp_path / "lines.csv").sales["stock"].tolist() == [8.0]


def test_without_stamps_the_stock_of_a_day_is_the_most_that_a_line_shows(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"date": "2025-06-01", "product_id": "a", "units": [1, 2], "price": 1.0, "stock": [6, 8]}
    )
    frame.to_csv(tmp_path / "lines.csv", index=False)
    assert accepted(tmp_path / "lines.csv", Meaning(sum_lines=True), zone=None).sales["stock"].tolist() == [
        8.0
    ]


def test_a_folder_of_tills_over_both_clock_changes_keeps_its_sums(tmp_path: Path) -> None:
    total = 0
    for till, (begin, hours) in {"spring": ("2025-03-29", 71), "autumn": ("2025-10-25", 73)}.items():
        local = pd.date_range(begin, periods=hours, freq="h", tz=BERLIN)
        for store, text in (
            ("naive", local.strftime("%Y-%m-%d %H:%M:%S")),
            ("zoned", local.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")),
        ):
            frame = pd.DataFrame(
                {"date": text, "product_id": "a", "store_id": store, "units": 2, "price": 1.5}
            )
            frame.to_csv(tmp_path / f"{till}_{store}.csv", index=False)
            total += 2 * hours
    sales = accepted(tmp_path, Meaning(missing="unknown")).sales
    assert sales["units"].sum() == total
    assert len(sales) == 2 * 6, "one row per local date and till"
    by_day = sales.groupby("date")["units"].unique().map(list)
    assert by_day["2025-03-30"] == [46.0]
    assert by_day["2025-10-26"] == [50.0]


def test_returns_are_taken_off_the_units_of_the_day_where_that_is_stated(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "date": ["2025-06-01 09:00", "2025-06-01 10:00", "2025-06-02 09:00", "2025-06-03 09:00"],
            "product_id": "a",
            "units": [5, -2, -1, 3],
            "price": [2.0, 2.0, 2.0, 2.0],
        }
    )
    frame.to_csv(tmp_path / "lines.csv", index=False)
    with pytest.raises(DataError, match=r"units are not negative.*--set source\.returns=subtract"):
        accepted(tmp_path / "lines.csv")
    result = accepted(tmp_path / "lines.csv", limits=replace(LIMITS, returns=True))
    assert result.sales["units"].tolist() == [3.0, 0.0, 3.0]
    assert result.counts["rows of returns, taken off the units"] == 2
    assert result.counts["periods with more returns than sales, set to 0"] == 1
