"""One command, as a user runs it: from a file to a candidate and its promotion.

It resumes when killed, gives the same numbers twice, and refuses bad data.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import psutil
import pytest
from mlflow.exceptions import MlflowException

from tests.conftest import (
    MODELS,
    ROOT,
    aliases,
    client_of,
    environment,
    outliving,
    repricer,
    retrain_small,
    table,
    wait_for,
)
from tests.faults import comparison
from tests.faults.checker import violations
from tests.faults.databases import rows

pytestmark = pytest.mark.slow
SIGNED = ("--by", "Ada Lovelace", "--reason", "lift checked")


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
    steps = json.loads((attempt / "price" / "policy_rules.json").read_text())["ladder"]
    assert set(answer["step"]) <= set(steps)
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
    retrained: tuple[Path, dict[str, Any]], client: Any, tmp_path: Path
) -> None:
    import mlflow

    where = ["--profile", "smoke", "--set", f"data_folder={retrained[0]}"]
    files = ["--json", str(tmp_path / "why.json"), "--figure", str(tmp_path / "why.png")]
    finished = repricer("explain", "price", "--product", "003", "--price", "2.5", *where, *files)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    why = json.loads((tmp_path / "why.json").read_text())
    attempt = next((retrained[0] / "attempts").iterdir())
    request = pd.read_parquet(attempt / "price" / "market.parquet")[["product_id", "store_id", "price"]]
    product = request["product_id"] == "003"
    request.loc[product, "price"] = 2.5
    answer = mlflow.pyfunc.load_model("models:/pricing_policy@candidate").predict(request)
    assert why["recommended"] == answer.loc[product, "price"].item(), "it is explained in the whole list"
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


class Resumed(NamedTuple):
    """A retraining that was killed and run again.

    Its data folder, the runs that its database began with, the processes that outlived the kill, the output
    of the second command and its JSON.
    """

    folder: Path
    before: set[str]
    outlived: list[psutil.Process]
    said: str
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def resumed(small_csv: Path, migrated: Callable[[], Path]) -> Resumed:
    """Kill a retraining in the middle of forecast, and run it again."""
    folder = migrated()
    tables = ("flow_run", "task_run")
    before = {
        run for name in tables for (run,) in rows(folder / "prefect" / "prefect.db", f"select id from {name}")
    }
    arguments = retrain_small(small_csv, folder, json_file=folder / "out.json")
    command = [sys.executable, "-m", "flows.cli", *arguments]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    wait_for(process, "lstm trial 1")
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    outlived = list(outliving(children, 10))
    again = repricer(*arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    return Resumed(folder, before, outlived, again.stdout, json.loads((folder / "out.json").read_text()))


def test_killed_in_the_middle_of_forecast_it_goes_on_and_leaves_nothing_running(
    resumed: Resumed, no_environment: None
) -> None:
    assert not resumed.outlived, "no server and no worker outlives a killed command"
    assert "resuming attempt" in resumed.said
    assert "prepare ..." not in resumed.said
    assert "arima trial" not in resumed.said
    assert "ended what a dead process had left open" in resumed.said
    client = client_of(resumed.folder)
    runs = client.search_runs([client.get_experiment_by_name("retrain").experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len([run for run in runs if "mlflow.parentRunId" not in run.data.tags]) == 1


def test_the_same_seed_twice_is_the_same_even_if_it_was_killed(
    retrained: tuple[Path, dict[str, Any]], resumed: Resumed
) -> None:
    for key in ("data", "forecast", "response", "policy", "trial", "verdict"):
        assert resumed.summary[key] == retrained[1][key], key


def test_a_resumed_retraining_leaves_the_files_of_one_that_was_not_killed(
    retrained: tuple[Path, dict[str, Any]], resumed: Resumed
) -> None:
    names = comparison.contents(comparison.attempt_of(retrained[0]))
    assert {Path(name).suffix for name in names} >= {".npz", ".parquet", ".json"}
    assert comparison.differences(retrained[0], resumed.folder) == []


def test_a_retraining_violates_no_invariant_even_if_it_was_killed(
    retrained: tuple[Path, dict[str, Any]], resumed: Resumed
) -> None:
    for folder in (retrained[0], resumed.folder):
        assert violations(folder, allowed=resumed.before) == []


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


@pytest.fixture(scope="module")
def reseeded(resumed: Resumed, small_csv: Path, api: str) -> dict[str, Any]:
    """Return the JSON of a second retraining in the folder of the first, with another seed."""
    finished = repricer(
        *retrain_small(small_csv, resumed.folder, ["seed=8"], resumed.folder / "other.json"),
        PREFECT_API_URL=api,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads((resumed.folder / "other.json").read_text())


def test_a_changed_seed_changes_scores_policy_and_trial_and_not_the_data(
    resumed: Resumed, reseeded: dict[str, Any]
) -> None:
    assert reseeded["data"] == resumed.summary["data"]
    assert reseeded["forecast"]["scores"]["lstm"] != resumed.summary["forecast"]["scores"]["lstm"]
    assert reseeded["policy"]["dqn"] != resumed.summary["policy"]["dqn"]
    assert reseeded["trial"]["lift"] != resumed.summary["trial"]["lift"]


@pytest.fixture(scope="module")
def shop(resumed: Resumed, reseeded: dict[str, Any], small_csv: Path, api: str) -> tuple[Path, list[str]]:
    """Return a data folder with two versions that passed and a third that failed, and its options."""
    assert reseeded["versions"] == dict.fromkeys(MODELS, 2)
    finished = repricer(
        *retrain_small(small_csv, resumed.folder, ["evaluate.min_lift=9", "forecast.lstm.trials=0"]),
        PREFECT_API_URL=api,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return resumed.folder, ["--profile", "smoke", "--set", f"data_folder={resumed.folder}"]


def test_promotion_and_rollback_move_the_aliases_and_a_fail_is_refused(
    shop: tuple[Path, list[str]], api: str, tmp_path: Path, no_environment: None
) -> None:
    folder, options = shop

    def decide(command: str, *given: str) -> subprocess.CompletedProcess[str]:
        return repricer(command, *given, *options, PREFECT_API_URL=api)

    assert aliases(folder)["pricing_policy"] == {"candidate": 2}, (
        "a version that failed is registered, and is no candidate"
    )

    refused = decide("promote", "--version", "3", *SIGNED)
    assert refused.returncode == 1
    assert "its verdict is FAIL, only PASS is promotable. policy_over_hold: the lower end" in refused.stdout
    assert "champion" not in aliases(folder)["pricing_policy"]

    for version in ("1", "2"):
        finished = decide("promote", "--version", version, *SIGNED, "--json", str(tmp_path / "p.json"))
        assert finished.returncode == 0, finished.stdout + finished.stderr
    entry = json.loads((tmp_path / "p.json").read_text())
    assert (entry["champion"], entry["previous"]) == (dict.fromkeys(MODELS, 2), dict.fromkeys(MODELS, 1))
    assert (entry["number"], entry["by"], entry["reason"]) == (2, "Ada Lovelace", "lift checked")
    for pointers in aliases(folder).values():
        assert pointers == {"candidate": 2, "champion": 2, "previous": 1}
    tags = client_of(folder).get_model_version("pricing_policy", "2").tags
    assert (tags["promoted_by"], tags["promoted_reason"]) == ("Ada Lovelace", "lift checked")
    assert "promoted_at" in tags
    assert "is champion already" in decide("promote", "--version", "2", *SIGNED).stdout

    finished = decide("rollback", *SIGNED)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for pointers in aliases(folder).values():
        assert (pointers["champion"], pointers["previous"]) == (1, 2)
