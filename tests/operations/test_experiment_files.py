"""A file of a trial that cannot be read is named, with what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf import Settings
from expectations.refusals import DataError
from tasks.operations.experiment_analyze import analysis_of, analyze, sales_at
from tasks.trial.errors import TrialError

SPEC = "unit: unit\narm: arm\ncontrol: A\nmetrics:\n  {name}: {{kind: mean, value: revenue}}\n"
ROWS = "unit,arm,revenue\n" + "".join(f"{unit},{'AB'[unit % 2]},{unit % 7}\n" for unit in range(400))


def read(folder: Path, name: str, content: bytes, metric: str = "revenue") -> None:
    (folder / "spec.yaml").write_text(SPEC.format(name=metric), encoding="utf-8")
    (folder / name).write_bytes(content)
    analysis_of(folder / name, folder / "spec.yaml", Settings())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trial.csv", b"", "trial.csv: this is no CSV or Parquet table. Received: No columns"),
        (
            "trial.csv",
            b"unit,arm,revenue\n1,A\n",
            "trial.csv: this is no CSV or Parquet table. Received: CSV parse error: Expected 3",
        ),
        ("trial.csv", b"\xff\xfe\x00", "trial.csv: this is no CSV or Parquet table"),
        ("trial.parquet", b"PAR1 no", "trial.parquet: this is no CSV or Parquet table"),
        (
            "trial.json",
            b"{not json",
            "trial.json: this is no JSON with the moments of each arm. Received: Expecting property name",
        ),
        (
            "trial.json",
            b"[1]",
            "trial.json: this is no JSON with the moments of each arm. Received: a list instead of an object",
        ),
        (
            "trial.csv",
            b"unit;arm;revenue\n1;A;2\n",
            "column unit, arm, revenue is missing; the spec names it",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(TrialError, match=message.replace(".", r"\.")):
        read(tmp_path, name, content)


def test_the_mark_of_a_spreadsheet_is_no_part_of_a_name(tmp_path: Path) -> None:
    read(tmp_path, "trial.csv", ROWS.encode("utf-8-sig"))


def test_a_metric_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    constant = "\n".join(
        [line.rsplit(",", 1)[0] + ",5" if line[0].isdigit() else line for line in ROWS.splitlines()]
    )
    with pytest.raises(TrialError, match="metric income: the metric must vary in an arm"):
        read(tmp_path, "trial.csv", constant.encode(), metric="income")


def test_the_sales_of_a_trial_are_read_as_the_settings_of_files_say(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("date;product_id;units;price\n01/02/2025;a;1;1,500\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"source\.csv\.decimal=comma"):
        sales_at(tmp_path / "s.csv", Settings())
    csv = {"decimal": ",", "date_format": "dd/mm/yyyy"}
    sales = sales_at(tmp_path / "s.csv", Settings(source={"csv": csv}))
    assert sales["price"].tolist() == [1.5]
    assert sales["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-02-01"]


@pytest.mark.parametrize(("currency", "heading"), [("EUR", "Effects; money in EUR"), (None, "Effects")])
def test_a_report_names_the_currency_where_it_is_set(
    tmp_path: Path, currency: str | None, heading: str
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.format(name="revenue"), encoding="utf-8")
    (tmp_path / "trial.csv").write_text(ROWS)
    settings, page = Settings(source={"currency": currency}), tmp_path / "trial.html"
    analyze.fn(str(tmp_path / "trial.csv"), str(tmp_path / "spec.yaml"), settings, page=str(page))
    assert f"<h2>{heading}</h2>" in page.read_text()
