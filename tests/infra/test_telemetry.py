"""Nothing that a README names sends telemetry: asked of the libraries themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_readme import READMES

SWITCHES = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
NEEDED = {
    "prefect server": "PREFECT_SERVER_ANALYTICS_ENABLED=false",
    "prefect ": "DO_NOT_TRACK=1",
    "mlflow ": "MLFLOW_DISABLE_TELEMETRY=true",
    "import mlflow": "MLFLOW_DISABLE_TELEMETRY",
}
"""What a line of a README runs, and what must stand before it in its block."""
PROBE = """
{before}
from mlflow.telemetry.utils import is_telemetry_disabled
from prefect._internal.analytics.enabled import is_telemetry_enabled as prefect_enabled
from prefect.settings import get_current_settings
assert is_telemetry_disabled(), "mlflow"
assert not prefect_enabled(), "the client of prefect"
assert not get_current_settings().server.analytics_enabled, "the server of prefect"
"""
SWITCHED_OFF_IN_TESTS = re.compile(
    "CI|GITHUB_|GITLAB_|JENKINS|TRAVIS|CIRCLECI|BUILDKITE|TF_BUILD|CODEBUILD|PYTEST"
)


def bare(**more: str) -> dict[str, str]:
    """Return an environment in which no library has a reason to be silent."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in SWITCHES and not SWITCHED_OFF_IN_TESTS.match(name)
    }
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def probe(env: dict[str, str], before: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", PROBE.format(before=before)]
    return subprocess.run(program, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_libraries_would_send_it_by_themselves() -> None:
    assert "AssertionError" in probe(bare()).stderr, "the probe sees nothing: this test proves nothing"


@pytest.mark.slow
def test_no_library_of_a_command_sends_it() -> None:
    before = "from flows.cli.session import quiet_environment; quiet_environment()"
    finished = probe(bare(), before)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("target", ["deploy", "retrain", "ui", "test"])
def test_no_target_of_make_sends_it(target: str) -> None:
    said = ["make", "--no-print-directory", "--eval", "said: ; @env", "said"]
    lines = subprocess.run(said, env=bare(), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {f"{name}={value}" for name, value in SWITCHES.items()} <= set(lines.splitlines())
    assert f"\n{target}: " in (ROOT / "Makefile").read_text()


def test_no_run_of_the_deployment_sends_it() -> None:
    deployment = yaml.safe_load((ROOT / "infra" / "prefect.yaml").read_text())["deployments"][0]
    env = deployment["work_pool"]["job_variables"]["env"]
    assert {name: env.get(name) for name in SWITCHES if "SERVER" not in name} == {
        name: value for name, value in SWITCHES.items() if "SERVER" not in name
    }


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_command_of_a_readme_sends_it(path: Path) -> None:
    for block in re.findall(
        r"^```\w*\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        before = ""
        for line in block.splitlines():
            for command, switch in NEEDED.items():
                if line.split("=1 ")[-1].startswith(command):
                    assert switch in before + line, f"`{line}` needs {switch} before it"
            before += line + "\n"
