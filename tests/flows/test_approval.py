"""Two retrainings are compared, and a person approves one on the form of a real Prefect API."""

from __future__ import annotations

import json
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from infra.access import basic
from tests.conftest import aliases, client_of, environment, repricer, retrain_small, running, wait_until

pytestmark = pytest.mark.slow
ATTEMPTS = 20


@pytest.fixture(scope="module")
def two(
    retrained: tuple[Path, dict[str, Any]], small_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a data folder with two retrainings on one table that differ by their seed."""
    folder = tmp_path_factory.mktemp("two") / "data"
    shutil.copytree(retrained[0], folder)
    finished = repricer(*retrain_small(small_csv, folder, sets=["seed=11"]))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder


def options(folder: Path) -> list[str]:
    return ["--profile", "smoke", "--set", f"data_folder={folder}"]


def test_versions_of_one_table_are_compared_on_the_same_periods_and_the_report_is_with_the_version(
    two: Path, tmp_path: Path
) -> None:
    files = ["--html", str(tmp_path / "report.html"), "--json", str(tmp_path / "out.json")]
    finished = repricer("compare", *options(two), "--version", "2", "--champion", "1", *files)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["same_data"]
    assert (result["candidate"]["version"], result["champion"]["name"]) == (2, "version 1")
    metrics = {row["name"]: row for row in result["metrics"]}
    wape = metrics["wape"]
    true = wape["candidate"]["value"] - wape["champion"]["value"]
    assert wape["difference"]["value"] == pytest.approx(true, abs=1e-9)
    assert wape["difference"]["low"] < wape["difference"]["value"] < wape["difference"]["high"]
    assert {row["name"] for row in result["gates"]} >= {"forecast", "trial_lift", "list_lift"}
    prices = result["list"]
    assert prices["up"] + prices["down"] + prices["same"] == prices["prices"]
    assert "Version 2 beside version 1" in finished.stdout
    client = client_of(two)
    run = result["candidate"]["run"]
    kept = Path(client.download_artifacts(run, "comparison/report.html")).read_text()
    assert kept == (tmp_path / "report.html").read_text()
    description = client.get_model_version("pricing_policy", "2").description
    assert description.count("[Comparison with version 1, ") == 1
    assert f"/runs/{run}/artifacts/comparison/report.html" in description


class Api:
    """The Prefect API that `repricer serve` started, asked as its pages ask it."""

    def __init__(self, folder: Path) -> None:
        entry = json.loads((folder / "prefect" / "api.lock").read_text())
        self._url, self._login = f"http://127.0.0.1:{entry['port']}/api", basic(entry["login"])

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {self._login}"}
        request = urllib.request.Request(self._url + path, data, headers)
        for _ in range(ATTEMPTS):
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:  # its SQLite is locked: its own clients ask again, too
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                time.sleep(0.5)
        raise TimeoutError(f"the API was busy {ATTEMPTS} times: {path}")

    def state(self, run: str) -> dict[str, Any]:
        return dict(self.call(f"/flow_runs/{run}")["state"])

    def reaches(self, run: str, *names: str, seconds: float = 150) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while (state := self.state(run))["name"] not in names and time.monotonic() < deadline:
            time.sleep(0.5)
        assert state["name"] in names, f"{state['name']}: {state['message']}"
        return state


@pytest.fixture(scope="module")
def served(two: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Api]]:
    """Yield what asks the API of a running `repricer serve`."""
    log = tmp_path_factory.mktemp("serve") / "serve.log"
    command = [sys.executable, "-m", "flows.cli", "serve", *options(two)]
    with running(command, environment(), log):
        wait_until(lambda: "retraining at" in log.read_text(), 120, "serve", log)
        yield lambda: Api(two)


def test_a_person_approves_on_the_form_and_a_comparison_that_is_out_of_date_is_refused(
    two: Path, served: Callable[[], Api]
) -> None:
    api, deadline = served(), time.monotonic() + 60
    while not (forms := api.call("/deployments/filter", {"deployments": {"name": {"any_": ["candidate"]}}})):
        assert time.monotonic() < deadline, "the form is not deployed"
        time.sleep(0.5)
    (deployment,) = forms
    begin = f"/deployments/{deployment['id']}/create_flow_run"
    first, second = (api.call(begin, {"parameters": deployment["parameters"]})["id"] for _ in range(2))
    for run in (first, second):
        api.reaches(run, "Suspended")
        api.reaches(run, "Suspended")
    shown = api.call("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [first]}}})
    assert [artifact["key"] for artifact in shown] == ["comparison"]
    assert "Version 2 beside the prices in force" in shown[0]["data"]
    assert "prices would move" in api.call(f"/flow_runs/{first}/input/suspended-decision-description")
    form = {"decision": "promote", "by": "Ada", "reason": "checked the list", "version": 2, "replaces": 0}
    for wrong in ({"by": " "}, {"decision": "perhaps"}, {"version": 1}):
        refused = api.call(f"/flow_runs/{first}/resume", {"run_input": form | wrong})
        assert refused["status"] == "REJECT", f"the server takes {wrong}"
        assert next(iter(wrong)) in refused["details"]["reason"]
    assert api.call(f"/flow_runs/{first}/resume", {"run_input": form})["status"] == "ACCEPT"
    promoted = api.reaches(first, "Promoted")
    assert promoted["message"] == "version 2 is champion, by Ada: checked the list"
    assert aliases(two)["pricing_policy"]["champion"] == 2
    assert api.call(f"/flow_runs/{second}/resume", {"run_input": form})["status"] == "ACCEPT"
    late = api.reaches(second, "Refused")
    assert late["type"] == "FAILED"
    assert "compared with the prices in force, and the champion is now version 2" in late["message"]
