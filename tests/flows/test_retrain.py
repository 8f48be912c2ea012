"""One command, as a user runs it: from a file to a candidate, with its numbers, runs and models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from tests.conftest import (
    MODELS,
    client_of,
    environment,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def client(retrained: tuple[Path, dict[str, Any]], no_environment: None) -> Any:
    return client_of(retrained[0])


def test_the_json_has_the_names_that_stay(retrained: tuple[Path, dict[str, Any]]) -> None:
    summary = retrained[1]
    assert {"hash", "rows_in", "rows_accepted", "rows_quarantined"} == set(summary["data"])
    assert set(summary["forecast"]["scores"]) == {"seasonal_naive", "ets", "arima", "lstm", "blend"}
    for row in summary["forecast"]["scores"].values():
        assert {"wape", "mase", "bias", "pinball", "coverage_80"} <= set(row)
    assert 0 <= summary["forecast"]["lambda"] <= 1
    assert {"identified", "not_identified", "median_elasticity"} == set(summary["response"])
    assert set(summary["policy"]) == {"dqn", "hold", "cost_plus", "myopic", "random"}
    for row in summary["policy"].values():
        assert row["low"] < row["value"] < row["high"]
    assert {"lift", "low", "high", "srm_p"} <= set(summary["trial"])
    claim = summary["list"]
    assert claim["up"] + claim["down"] + claim["held"] > 0
    assert claim["low"] < claim["lift"] < claim["high"]
    assert 0.01 <= summary["trial"]["aa_found"] <= 0.1, (
        "the trial finds what is not there as often as it states"
    )
    assert summary["versions"] == dict.fromkeys(MODELS, 1)
    assert {"prepare", "forecast", "respond", "price", "claim", "evaluate", "register", "total"} == set(
        summary["seconds"]
    )
    assert summary["peak_memory_mb"] > 100
    assert summary["verdict"] == "PASS", summary["reasons"]


def test_it_finds_what_the_shop_was_made_with(retrained: tuple[Path, dict[str, Any]]) -> None:
    summary = retrained[1]
    wape = {name: row["wape"] for name, row in summary["forecast"]["scores"].items()}
    assert wape["blend"] < 0.7 * wape["seasonal_naive"]
    assert summary["response"]["median_elasticity"] == pytest.approx(-1.75, abs=0.4)
    assert summary["policy"]["dqn"]["value"] > summary["policy"]["hold"]["value"]
    assert summary["trial"]["low"] > 0


def test_every_model_is_a_candidate_and_carries_where_it_came_from(
    retrained: tuple[Path, dict[str, Any]], client: Any
) -> None:
    summary = retrained[1]
    for name in MODELS:
        version = client.get_model_version_by_alias(name, "candidate")
        assert int(version.version) == summary["versions"][name]
        assert version.tags["verdict"] == "PASS"
        assert version.tags["data_hash"] == summary["data"]["hash"]
        assert {"settings_hash", "code_version", "gates_passed"} <= set(version.tags)
    policy = client.get_model_version_by_alias("pricing_policy", "candidate")
    assert (policy.tags["demand_version"], policy.tags["price_response_version"]) == ("1", "1")


def test_one_parent_run_holds_stages_trials_data_figures_and_headlines(
    retrained: tuple[Path, dict[str, Any]], client: Any
) -> None:
    run = client.get_run(retrained[1]["run_id"])
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert {c.info.run_name for c in children} == {
        "prepare",
        "forecast",
        "respond",
        "price",
        "claim",
        "evaluate",
        "register",
    }
    everything = client.search_runs([run.info.experiment_id])
    assert {r.info.status for r in everything} == {"FINISHED"}
    assert {r.data.tags["study"] for r in everything if "study" in r.data.tags} == {"arima", "lstm"}
    assert run.data.metrics["forecast.blend.wape"] == retrained[1]["forecast"]["scores"]["blend"]["wape"]
    stages = {name: value for c in children for name, value in c.data.metrics.items()}
    alone = {"seconds.total", "peak_memory_mb"}
    assert set(run.data.metrics) - alone <= set(stages), "one name on stage and retraining"
    assert all(run.data.metrics[name] == stages[name] for name in set(run.data.metrics) - alone)
    assert run.data.params["forecast.lstm.window"] == "14"
    assert [given.dataset.name for given in run.inputs.dataset_inputs] == ["sales"]
    assert "PASS" in run.data.tags["mlflow.note.content"]
    figures = {file.path.split("/")[-1] for file in client.list_artifacts(run.info.run_id, "figures")}
    assert {
        "forecast_bands.png",
        "error_by_horizon.png",
        "error_by_category.png",
        "blend_weight.png",
        "elasticities.png",
    } <= figures
    assert "forecast_explained.png" in figures
    assert {
        "policy_learning.png",
        "policy_map.png",
        "policy_values.png",
        "trial_lift.png",
        "trial_aa.png",
        "gates.png",
    } <= figures


def test_models_give_the_same_numbers_after_a_round_trip_without_pickles(
    retrained: tuple[Path, dict[str, Any]], client: Any
) -> None:
    import mlflow

    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    attempt = next((retrained[0] / "attempts").iterdir())
    outlook = pd.read_parquet(attempt / "forecast" / "outlook.parquet")
    rows = outlook.sample(frac=1, random_state=0)
    answer = mlflow.pyfunc.load_model("models:/demand@candidate").predict(
        rows[["product_id", "store_id", "date", "price"]]
    )
    for name in ("mean", "q05", "q50", "q95"):
        np.testing.assert_allclose(answer[name], rows[name], rtol=1e-9)
    table_ = pd.read_parquet(attempt / "respond" / "elasticities.parquet")
    answer = mlflow.pyfunc.load_model("models:/price_response@candidate").predict(table_[["product_id"]])
    np.testing.assert_array_equal(answer["elasticity"], table_["elasticity"])
    market = pd.read_parquet(attempt / "price" / "market.parquet")
    answer = mlflow.pyfunc.load_model("models:/pricing_policy@candidate").predict(
        market[["product_id", "store_id", "price"]]
    )
    steps = np.array(json.loads((attempt / "price" / "policy_rules.json").read_text())["ladder"])
    assert np.abs(answer["step"].to_numpy()[:, None] - steps).min(axis=1).max() < 0.005, "rounded to the cent"
    np.testing.assert_allclose(answer["price"], market["price"] * answer["step"])
    assert len(set(answer["step"])) > 1


def test_a_dearer_product_is_forecast_to_sell_less(
    retrained: tuple[Path, dict[str, Any]], client: Any
) -> None:
    import mlflow

    attempt = next((retrained[0] / "attempts").iterdir())
    rows = pd.read_parquet(attempt / "forecast" / "outlook.parquet")[
        ["product_id", "store_id", "date", "price"]
    ]
    model = mlflow.pyfunc.load_model("models:/demand@candidate")
    cheap, dear = (
        model.predict(rows.assign(price=rows["price"] * ratio))["mean"].sum() for ratio in (0.9, 1.1)
    )
    assert dear < 0.9 * cheap
    with pytest.raises(MlflowException, match="the date must lie in"):
        model.predict(rows.assign(date=pd.Timestamp("2031-01-01")))
    with pytest.raises(MlflowException, match="the product must be one of the training"):
        model.predict(rows.assign(product_id="strange"))


def test_the_log_says_what_the_policy_would_have_earned(
    retrained: tuple[Path, dict[str, Any]], client: Any
) -> None:
    import mlflow

    off_policy = retrained[1]["off_policy"]
    weeks = pd.DataFrame(
        {"product_id": [f"{product:03d}" for product in range(12)] * 2, "price": [3.0] * 12 + [2.7] * 12}
    )
    answer = mlflow.pyfunc.load_model("models:/pricing_policy@candidate").predict(
        weeks.assign(store_id="all")
    )
    size, elasticity = 6 * (1 + np.arange(12)) * (6 + 1.8), np.linspace(-3.0, -0.5, 12)
    plain, deal = np.split(answer["price"].to_numpy(), 2)
    earned = [
        np.mean(p * size * (p / 3) ** elasticity) * lift for p, lift in ((plain, 1.0), (deal, np.exp(0.4)))
    ]
    truth = 0.8 * earned[0] + 0.2 * earned[1]
    assert off_policy["rows"] > 350
    assert off_policy["estimates"]["dr"]["low"] < truth < off_policy["estimates"]["dr"]["high"]
    assert off_policy["estimates"]["dr"]["se"] < 0.1 * truth
    run = client.get_run(retrained[1]["run_id"])
    assert run.data.metrics["off_policy.dr.value"] == off_policy["estimates"]["dr"]["value"]
    assert "off_policy_overlap.png" in {
        file.path.split("/")[-1] for file in client.list_artifacts(run.info.run_id, "figures")
    }
    assert "Off-policy, on" in run.data.tags["mlflow.note.content"]


def test_serving_needs_neither_tensorflow_nor_prefect(retrained: tuple[Path, dict[str, Any]]) -> None:
    script = (
        "import sys, mlflow\n"
        f"mlflow.set_tracking_uri('sqlite:///{retrained[0] / 'mlflow.db'}')\n"
        f"[mlflow.pyfunc.load_model(f'models:/{{name}}@candidate') for name in {MODELS}]\n"
        "heavy = {'tensorflow', 'keras', 'prefect', 'great_expectations', 'optuna', 'statsmodels'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
