"""The serve line of the README: a real server answers with ids, and a bad value with 400 and its field."""

from __future__ import annotations

import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.format import FORMAT, FORMAT_TAG
from tasks.pricing.price_list import in_force
from tasks.runtime import track
from tasks.runtime.track import Registration
from tests.conftest import environment, running, wait_until
from tests.runtime.stores import attempt_in
from tests.stages.test_market import grouped_policy, stored

pytestmark = pytest.mark.slow

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ROWS = [
    {"product_id": "p1", "store_id": "all", "price": 2.5},
    {"product_id": "p0", "store_id": "all", "price": 3.0},
]
Ask = Callable[[list[dict[str, Any]]], tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Serve a small policy as the README says, and return what sends rows to it."""
    folder = tmp_path_factory.mktemp("served")
    model = grouped_policy()
    settings = Settings(profile="smoke", data_folder=str(folder))
    with track.stage_run(attempt_in(settings), "register") as run:
        registration = Registration(
            name="pricing_policy",
            files=stored(model, folder)["model_files"],
            example=in_force(model),
            tags={FORMAT_TAG: str(FORMAT)},
        )
        run.model(registration)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", folder / "server.log"
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/pricing_policy/1", *options]
    variables = {"MLFLOW_TRACKING_URI": track.store_uri(settings), "MLFLOW_DISABLE_TELEMETRY": "true"}
    path = f"{Path(sys.executable).parent}:{environment()['PATH']}"
    with running(command, environment(**variables, PATH=path), log):
        wait_until(lambda: DIRECT.open(f"{url}/ping", timeout=2).status == 200, 120, "the model server", log)
        yield lambda rows: answer_of(f"{url}/invocations", rows)


def answer_of(url: str, rows: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """Return status and JSON of an answer."""
    body = json.dumps({"dataframe_records": rows}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with DIRECT.open(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_one_row_is_answered_as_in_this_process(ask: Ask) -> None:
    policy = grouped_policy()
    for row in ROWS:
        status, answer = ask([row])
        assert status == 200, answer
        expected = policy.recommend(pd.DataFrame([row])).iloc[0].to_dict()
        ids = {name: row[name] for name in ("product_id", "store_id")}
        assert answer["predictions"] == [ids | expected]


def test_an_answer_carries_product_and_store_of_the_request(ask: Ask) -> None:
    status, answer = ask(ROWS)
    assert status == 200, answer
    rows = pd.DataFrame(answer["predictions"])
    assert rows[["product_id", "store_id"]].to_numpy().tolist() == [["p1", "all"], ["p0", "all"]]
    assert {"price", "step", "reason"} <= set(rows)


@pytest.mark.parametrize(
    ("field", "value"), [("price", -1.0), ("price", None), ("price", "cheap"), ("product_id", "")]
)
def test_a_bad_value_is_a_400_that_names_the_field_without_a_stack_trace(
    ask: Ask, field: str, value: object
) -> None:
    status, answer = ask([ROWS[0], ROWS[1] | {field: value}])
    assert status == 400, answer
    assert field in answer["message"]
    assert "Traceback" not in json.dumps(answer)
    assert "stack_trace" not in answer


def test_a_missing_field_is_a_400_that_names_it(ask: Ask) -> None:
    status, answer = ask([{"product_id": "p1", "store_id": "all"}])
    assert status == 400, answer
    assert "price" in answer["message"]
    assert "Traceback" not in json.dumps(answer)
