"""In an experiment a missing row means what it means everywhere: as ``source.missing`` states it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from conf import Settings
from expectations.refusals import DataError
from tasks.operations.experiment_analyze import analysis_of, sales_at
from tasks.operations.experiment_design import design
from tasks.trial import planning
from tasks.trial.design_request import DesignRequest

DAYS, PRODUCTS = 210, 24


def settings_with(**source: Any) -> Settings:
    return Settings(source=source)


def history(rate: float = 0.4, start: str = "2025-01-01", days: int = DAYS) -> pd.DataFrame:
    """Return slow sellers in categories of two, days without a sale included."""
    rng = np.random.default_rng(3)
    dates = pd.date_range(start, periods=days).strftime("%Y-%m-%d")
    frame = pd.DataFrame(
        [(day, f"p{p:02d}", f"c{p // 2}") for p in range(PRODUCTS) for day in dates],
        columns=["date", "product_id", "category"],
    )
    return frame.assign(units=rng.poisson(rate, len(frame)), price=2.0)


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, draws in (("DRAWS", 60), ("SCREEN", 30)):
        monkeypatch.setattr(planning, name, draws)


def designed(data: Path, folder: Path, settings: Settings) -> pd.DataFrame:
    folder.mkdir()
    request = DesignRequest(effect=0.3, metric="units", guards={}, length=56)
    design.fn(str(data), request, str(folder), settings)
    return pd.read_csv(folder / "assignment.csv")


def test_a_history_of_sold_days_is_refused_until_it_is_stated(tmp_path: Path) -> None:
    full = history()
    path = write(tmp_path / "h.csv", full[full["units"] > 0])
    with pytest.raises(DataError, match=r"--set source\.missing=no_sale"):
        sales_at(path, Settings())
    assert len(sales_at(path, settings_with(missing="no_sale"))) == len(full)
    assert (sales_at(path, settings_with(missing="unknown"))["units"] > 0).all()


@pytest.mark.usefixtures("few_draws")
def test_the_design_reads_a_history_of_sold_days_as_the_one_with_its_zeros(tmp_path: Path) -> None:
    full = history()
    sold = write(tmp_path / "sold.csv", full[full["units"] > 0])
    whole = write(tmp_path / "whole.csv", full)
    of_sold = designed(sold, tmp_path / "a", settings_with(missing="no_sale"))
    of_whole = designed(whole, tmp_path / "b", Settings())
    pd.testing.assert_frame_equal(of_sold, of_whole)
    assert yaml.safe_load((tmp_path / "a" / "trial.yaml").read_text())["events"] is True
    assert "events" not in yaml.safe_load((tmp_path / "b" / "trial.yaml").read_text())


@pytest.mark.usefixtures("few_draws")
def test_a_missing_row_is_the_members_mean_where_it_is_unknown(tmp_path: Path) -> None:
    full = history(rate=9.0).query("units > 0")
    known = full.sample(frac=0.9, random_state=1)
    table = designed(write(tmp_path / "h.csv", known), tmp_path / "a", Settings())
    assert table["units_before"].mean() == pytest.approx(full["units"].mean(), rel=0.02), (
        "a gap of one row in ten must not take a tenth off the level"
    )


@pytest.mark.usefixtures("few_draws")
def test_the_analysis_reads_the_sales_of_the_trial_as_the_design_read_the_history(tmp_path: Path) -> None:
    full = history()
    stated = settings_with(missing="no_sale")
    designed(write(tmp_path / "h.csv", full[full["units"] > 0]), tmp_path / "t", stated)
    trial = history(start="2025-07-30", days=56)
    sold = write(tmp_path / "sold.csv", trial[trial["units"] > 0])
    whole = write(tmp_path / "whole.csv", trial)
    spec = tmp_path / "t" / "trial.yaml"
    by_spec, by_setting, by_zeros = (
        analysis_of(data, spec, settings)
        for data, settings in ((sold, Settings()), (sold, stated), (whole, Settings()))
    )
    assert str(by_spec) == str(by_zeros)
    assert str(by_setting) == str(by_zeros)


def test_the_sales_of_a_trial_leave_closed_days_out_and_sum_lines(tmp_path: Path) -> None:
    frame = history(days=14).assign(open=lambda f: (f["date"] != "2025-01-05").astype(int))
    frame["units"] *= frame["open"]
    table = sales_at(write(tmp_path / "h.csv", frame), Settings())
    assert (table["date"] != pd.Timestamp("2025-01-05")).all()
    lines = pd.concat([frame, frame])
    summed = sales_at(write(tmp_path / "l.csv", lines), settings_with(sum_lines=True))
    assert summed["units"].sum() == 2 * table["units"].sum()
