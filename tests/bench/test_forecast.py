"""The forecasting benchmark: every round from its past alone, under the names of its JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import repricer

pytestmark = pytest.mark.slow
LAST = 140  # last week of the file: two rounds and a little more
SMALL = ["members=1", "epochs=2", "steps=10", "units=8", "window=8", "embedding=2", "trial_epochs=1"]


def sales() -> pd.DataFrame:
    """Return weeks 40 to ``LAST`` of three products in four stores."""
    rng = np.random.default_rng(4)
    weeks = np.arange(40, LAST + 1)
    rows = []
    for product in (1, 2, 3):
        for store in (5, 8, 9, 12):
            price = rng.choice([1.5, 2.0, 2.5], len(weeks))
            deal = (rng.random(len(weeks)) < 0.3).astype(int)
            units = np.round(
                500 * product * (price / 2) ** -2.5 * np.exp(0.4 * deal + rng.normal(0, 0.3, len(weeks)))
            )
            date = pd.Timestamp("1989-09-14") + pd.to_timedelta(7 * (weeks - 1), unit="D")
            keys = {"date": date, "store_id": store, "product_id": product, "units": units, "price": price}
            rows.append(
                pd.DataFrame({**keys, "deal": deal, "feature_ad": 0.0, "product_name": f"juice {product}"})
            )
    return pd.concat(rows, ignore_index=True)


def bench(folder: Path, table: pd.DataFrame, rounds: str) -> dict:  # type: ignore[type-arg]
    table.to_parquet(folder / "sales.parquet")
    sets = [part for value in SMALL for part in ("--set", f"forecast.lstm.{value}")]
    where = [
        "--data",
        str(folder / "sales.parquet"),
        "--json",
        str(folder / "o.json"),
        "--folder",
        str(folder / rounds),
    ]
    finished = repricer("bench", "forecast", *where, "--rounds", rounds, "--trials", "2", *sets)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads((folder / "o.json").read_text())


def test_rounds_are_scored_in_the_names_that_stay_and_see_no_later_week(tmp_path: Path) -> None:
    measured = bench(tmp_path, sales(), "1-2")
    assert [row["round"] for row in measured["rounds"]] == [1, 2]
    assert {"points", "scores", "lambda", "lambda_interval", "seconds"} <= set(measured["rounds"][0])
    assert set(measured["total"]["scores"]) == {"naive", "seasonal_naive", "ets", "arima", "lstm", "blend"}
    assert {"mape", "wape", "mase", "bias", "pinball", "coverage_80"} <= set(
        measured["total"]["scores"]["blend"]
    )
    assert measured["total"]["points"] == 2 * 2 * 12
    assert measured["total"]["arima_cpu_ms_per_series_round"] > 0
    assert measured["total"]["scores"]["arima"]["mape"] < measured["total"]["scores"]["naive"]["mape"]
    assert set(measured["chosen"]) == {"arima", "lstm"}
    for name, chosen in measured["chosen"].items():
        ended = [trial for trial in chosen["trials"] if trial["state"] in {"COMPLETE", "PRUNED"}]
        assert len(ended) == 2, "the curve of the search: every trial with its score"
        best = min(
            (trial for trial in ended if trial["state"] == "COMPLETE"), key=lambda trial: trial["mape"]
        )
        assert (chosen["params"], chosen["validation_mape"]) == (best["params"], pytest.approx(best["mape"]))
        assert (tmp_path / "1-2" / f"{name}.journal").is_file(), "where a killed search goes on"

    # without its later weeks the search and the first round are the same to the last bit, but for the clock
    alone = bench(tmp_path, sales().query("date <= '1992-04-30'"), "1")
    assert alone["chosen"] == measured["chosen"]
    assert {**alone["rounds"][0], "seconds": 0} == {**measured["rounds"][0], "seconds": 0}


def test_rounds_that_the_file_does_not_hold_are_refused(tmp_path: Path) -> None:
    sales().to_parquet(tmp_path / "sales.parquet")
    refused = repricer("bench", "forecast", "--data", str(tmp_path / "sales.parquet"), "--rounds", "1-4")
    assert refused.returncode == 1
    assert "round 3 forecasts weeks 141 to 142" in refused.stdout
