"""The stage prepare: every artifact is left behind and shown, and bad data leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from expectations.refusals import DataError
from tasks.runtime.artifacts import load_json, load_table
from tasks.runtime.attempt import Attempt
from tasks.sources.acceptance import table_hash
from tasks.sources.sql import UnreachableError
from tasks.stages.prepare import may_answer_later, prepare
from tests.sources.daily_shop import COLUMNS, daily_sales


@pytest.fixture
def sales() -> pd.DataFrame:
    return daily_sales()


def settings_for(file: Path) -> Settings:
    return Settings(
        profile="smoke",
        data_folder=str(file.parent / "var"),
        source={"kind": "file", "path": str(file), "columns": COLUMNS},
        forecast={"horizon": 7, "gap": 1, "folds": 2, "holdout_origins": 1},
    )


def test_only_a_database_that_does_not_answer_is_read_again() -> None:
    from prefect.states import Failed

    assert may_answer_later(None, None, Failed(data=UnreachableError("down")))
    assert not may_answer_later(None, None, Failed(data=DataError([])))


class Notes:
    """A tracked run that only remembers."""

    def __init__(self) -> None:
        self.metrics_: dict[str, float] = {}
        self.files: list[str] = []

    def params(self, values: dict[str, Any]) -> None:
        assert all(len(str(value)) <= 6000 for value in values.values())

    def metrics(self, values: dict[str, float], headline: bool = False) -> None:
        assert headline
        self.metrics_ |= values

    def preview(self, frame: pd.DataFrame, name: str) -> None:
        assert name == "quarantine"
        assert "reason" in frame, "the rows that were set aside say why"

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


def test_prepare_leaves_every_artifact_and_shows_it(sales: pd.DataFrame, tmp_path: Path, run: Notes) -> None:
    sales.loc[3, "net_price"] = np.nan
    sales.to_csv(tmp_path / "s.csv", index=False)
    attempt = Attempt(id="a", folder=str(tmp_path / "attempt"), run_id="r")
    result = prepare.fn(attempt, settings_for(tmp_path / "s.csv"))
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
    assert table_hash(table) == result["data_hash"]
    assert "Data report" in Path(result["report"]["path"]).read_text(encoding="utf-8")
    assert run.files == ["data_report.html", "quarantine.parquet", "selection.json"]
    assert run.metrics_["data.rows_in"] == 1000


def test_bad_data_leaves_nothing_behind(sales: pd.DataFrame, tmp_path: Path, run: Notes) -> None:
    sales.astype({"net_price": "object"}).assign(
        net_price=lambda f: f["net_price"].mask(f.index == 6, "12,50")
    ).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(DataError, match=r"s\.csv, row 7, column price: '12,50'"):
        prepare.fn(
            Attempt(id="a", folder=str(tmp_path / "attempt"), run_id="r"), settings_for(tmp_path / "s.csv")
        )
    assert not (tmp_path / "attempt").exists()


def test_ids_that_look_alike_are_named_in_the_result_and_the_report(
    sales: pd.DataFrame, tmp_path: Path, run: Notes
) -> None:
    sales["sku"] = sales["sku"].mask((sales["sku"] == "04") & (sales["day"] < "2024-04-01"), "4")
    sales.to_csv(tmp_path / "s.csv", index=False)
    attempt = Attempt(id="a", folder=str(tmp_path / "attempt"), run_id="r")
    result = prepare.fn(attempt, settings_for(tmp_path / "s.csv"))
    [note] = result["notes"]
    assert note.startswith(
        "product_id: 1 pair of ids differs only by blanks, case, leading zeros or Unicode form"
    )
    assert "'04' and '4'" in note
    page = Path(result["report"]["path"]).read_text(encoding="utf-8")
    assert "1 pair of ids differs only by" in page
