"""What a browser shows of a retraining, in MLflow and in Prefect: verdict, reason and change."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import environment, repricer, retrain_small, running, wait_until

BROWSER = shutil.which("chromium")
PATIENCE = 60  # seconds
MILLISECONDS = 25_000  # of the page's own clock, in which it fetches and draws

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no chromium on the path"),
    pytest.mark.skipif("BROWSER_TESTS" not in os.environ, reason="it takes minutes: set BROWSER_TESTS=1"),
]


@pytest.fixture(scope="module")
def screens(small_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield a retraining's summary with the addresses that `repricer ui` prints."""
    folder = tmp_path_factory.mktemp("screens")
    finished = repricer(*retrain_small(small_csv, folder / "data", json_file=folder / "summary.json"))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    log = folder / "ui.log"
    command = [sys.executable, "-m", "flows.cli", "ui", "--profile", "smoke"]
    with running([*command, "--set", f"data_folder={folder / 'data'}"], environment(), log):
        wait_until(lambda: "both end with Ctrl-C" in log.read_text(), PATIENCE, "both UIs", log)
        printed = dict(re.findall(r"^(MLflow|Prefect)\s+(http\S+)", log.read_text(), re.MULTILINE))
        yield {"summary": json.loads((folder / "summary.json").read_text()), **printed}


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], str]:
    """Return what makes the text of a page, as a browser shows it."""

    def text(address: str) -> str:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=2400,1600"]
        options += [f"--user-data-dir={tmp_path}", f"--virtual-time-budget={MILLISECONDS}", "--dump-dom"]
        assert BROWSER is not None
        shown = subprocess.run(
            [BROWSER, *options, address], capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        body = re.sub(r"<(script|style)\b.*?</\1>", "", shown.stdout, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())

    return text


def test_the_table_of_runs_compares_retrainings(screens: dict[str, Any], page: Callable[[str], str]) -> None:
    shown, summary = page(screens["MLflow"]), screens["summary"]
    assert f"smoke · {summary['verdict']} ·" in shown
    for column in ("verdict", "headline", "list.lift"):
        assert column in shown, f"no column {column}: {shown}"


def test_the_page_of_a_run_says_verdict_and_change_and_leads_to_its_versions(
    screens: dict[str, Any], page: Callable[[str], str]
) -> None:
    root, summary = screens["MLflow"].split("/#/")[0], screens["summary"]
    shown = page(f"{root}/#/experiments/1/runs/{summary['run_id']}?workflowType=machine_learning")
    assert f"{summary['verdict']} · smoke" in shown
    assert "prices up" in shown
    assert "pricing_policy" in shown


def test_the_page_of_a_version_says_what_it_would_change(
    screens: dict[str, Any], page: Callable[[str], str]
) -> None:
    root, summary = screens["MLflow"].split("/#/")[0], screens["summary"]
    number = summary["versions"]["pricing_policy"]
    shown = page(f"{root}/#/models/pricing_policy/versions/{number}")
    assert f"Version {number}" in shown
    assert "its list of a week" in shown
    assert "There was no champion yet." in shown


def test_the_page_of_the_flow_run_says_its_verdict_and_where_it_is(
    screens: dict[str, Any], page: Callable[[str], str]
) -> None:
    root, password = screens["Prefect"].split("/login#")
    ask = urllib.request.Request(
        f"{root}/api/flow_runs/filter",
        data=json.dumps({"flows": {"name": {"any_": ["retrain"]}}}).encode(),
        headers={"content-type": "application/json", "authorization": f"Basic {password}"},
    )
    with urllib.request.urlopen(ask, timeout=PATIENCE) as answer:
        (run,) = json.load(answer)
    shown = page(f"{root}/login?page=/v2/runs/flow-run/{run['id']}#{password}")
    state = "FAIL" if screens["summary"]["verdict"] == "FAIL" else "Completed"
    assert state in shown
    assert "stage 1 of 9: prepare" in shown
