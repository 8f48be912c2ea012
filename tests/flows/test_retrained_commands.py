"""What commands say of a retraining: explanations, a list, bad data refused, a second one sent away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conftest import (
    client_of,
    repricer,
    retrain_small,
    table,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def client(retrained: tuple[Path, dict[str, Any]], no_environment: None) -> Any:
    return client_of(retrained[0])


def test_the_command_explains_a_forecast_in_numbers_that_add_up(
    retrained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    where = ["--profile", "smoke", "--set", f"data_folder={retrained[0]}"]
    files = ["--json", str(tmp_path / "why.json"), "--figure", str(tmp_path / "why.png")]
    finished = repricer("explain", "forecast", "--product", "003", "--price", "2.5", *where, *files)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    rows = pd.DataFrame(json.loads((tmp_path / "why.json").read_text())["rows"])
    assert set(rows["model"]) == {"arima", "lstm", "blend"}
    parts = rows[["level", "season", "price", "promotion", "rivals"]].sum(axis=1)
    np.testing.assert_allclose(parts, rows["log_point"], atol=1e-9)
    np.testing.assert_allclose(np.expm1(parts), rows["units"], atol=1e-6)
    strange = repricer("explain", "forecast", "--product", "strange", *where)
    assert strange.returncode == 1
    assert (
        "version 1 knows no product 'strange' in store 'all'. Known: 000 in all, 001 in all, 002 in all, ..."
        in strange.stdout
    )


def test_the_command_explains_the_price_that_the_policy_recommends(
    retrained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    where = ["--profile", "smoke", "--set", f"data_folder={retrained[0]}"]
    files = ["--json", str(tmp_path / "why.json"), "--figure", str(tmp_path / "why.png")]
    finished = repricer("explain", "price", "--product", "003", "--price", "2.5", *where, *files)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    why = json.loads((tmp_path / "why.json").read_text())
    attempt = next((retrained[0] / "attempts").iterdir())
    prices = pd.read_parquet(attempt / "price" / "market.parquet")[["product_id", "store_id", "price"]]
    prices.loc[prices["product_id"] == "003", "price"] = 2.5
    prices.to_parquet(tmp_path / "prices.parquet")
    files = ["--prices", str(tmp_path / "prices.parquet"), "--out", str(tmp_path / "list.parquet")]
    listed = repricer("recommend", *files, *where)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    rows = pd.read_parquet(tmp_path / "list.parquet").set_index("product_id")
    assert why["recommended"] == rows.loc["003", "price"], "it is explained in the whole list"
    assert len(why["ladder"]) == 5
    assert all(
        row["units_low"] < row["units"] < row["units_high"] for row in why["ladder"] if row["step"] != 1
    )
    assert why["ladder"][0]["profit"] is None, "the small shop knows no cost"


def test_the_command_writes_a_list_with_the_reason_and_the_chance_of_every_price(
    retrained: tuple[Path, dict[str, Any]], tmp_path: Path, api: str
) -> None:
    where = [
        "--profile",
        "smoke",
        "--set",
        f"data_folder={retrained[0]}",
        "--set",
        "price.variation.share=0.5",
        *("--set", "price.guard.step=0.2", "--set", "price.guard.band=0.5"),
    ]
    pd.DataFrame({"product_id": [f"{i:03d}" for i in range(12)], "price": 3.0}).to_csv(
        tmp_path / "now.csv", index=False
    )
    files = [
        "--prices",
        str(tmp_path / "now.csv"),
        "--out",
        str(tmp_path / "list.csv"),
        "--json",
        str(tmp_path / "list.json"),
    ]
    finished = repricer("recommend", *files, "--seed", "5", *where, PREFECT_API_URL=api)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    table, counts = (
        pd.read_csv(tmp_path / "list.csv", dtype={"product_id": str}),
        json.loads((tmp_path / "list.json").read_text()),
    )
    assert table["product_id"].tolist() == [f"{i:03d}" for i in range(12)]
    assert (counts["up"], counts["down"], counts["hold"]) == tuple(
        int(x.sum()) for x in (table.step > 1, table.step < 1, table.step == 1)
    )
    assert 0 < counts["varied"] == (table["price"] != table["planned_price"]).sum()
    assert (table.loc[table["price"] != table["planned_price"], "propensity"] == 0.25).all()
    assert table["reason"].notna().all()


def test_bad_data_is_refused_and_the_candidate_stays(
    retrained: tuple[Path, dict[str, Any]], api: str, tmp_path: Path, client: Any
) -> None:
    bad = table().astype({"net_price": object})
    bad.loc[41, "net_price"] = "12,50"
    bad.to_csv(tmp_path / "bad.csv", index=False)
    finished = repricer(*retrain_small(tmp_path / "bad.csv", retrained[0]), PREFECT_API_URL=api)
    assert finished.returncode == 1
    assert "bad.csv, row 42, column price: '12,50'" in finished.stdout
    assert "Traceback" not in finished.stdout + finished.stderr
    assert int(client.get_model_version_by_alias("pricing_policy", "candidate").version) == 1
    assert not client.search_runs(
        [client.get_experiment_by_name("retrain").experiment_id], "attributes.status = 'RUNNING'"
    )


def test_a_second_retraining_says_who_is_at_it_and_ends_with_the_status_to_try_again_later(
    retrained: tuple[Path, dict[str, Any]], api: str, small_csv: Path, tmp_path: Path
) -> None:
    import fcntl

    holder = {"process": 1, "since": "2026-01-05 03:00:00"}
    with (retrained[0] / "retrain.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(json.dumps(holder))
        lock.flush()
        arguments = retrain_small(small_csv, retrained[0], json_file=tmp_path / "out.json")
        finished = repricer(*arguments, PREFECT_API_URL=api)
    assert finished.returncode == 75
    assert "is already running as process 1 since 2026-01-05 03:00:00. Try again later." in finished.stdout
    assert json.loads((tmp_path / "out.json").read_text()) == {"already_running": holder}
