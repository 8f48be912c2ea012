"""The policy benchmark as a user runs it, shrunk: its JSON keeps its names; wrong input is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.cases.test_cases import BUYERS, LOGIT, SCARCE
from tests.conftest import repricer

CASES = {
    "finite_stock": {"cases": {"small": {"case": SCARCE}}},
    "reference_price": {"cases": {"clips": {"case": {**BUYERS, "hi": 60.0}}}},
    "substitutes": {"cases": [LOGIT]},
    "closed_form": {"cases": [{"demand": "linear", "parameters": {"a": 100, "b": 2.0, "c": 10.0}}]},
}


@pytest.mark.slow
def test_bench_policy_writes_its_names_and_refuses_a_case_that_clips(tmp_path: Path) -> None:
    (tmp_path / "cases.json").write_text(json.dumps(CASES), encoding="utf-8")
    arguments = (
        "--cases",
        str(tmp_path / "cases.json"),
        "--seeds",
        "2",
        "--steps",
        "4000",
        "--json",
        str(tmp_path / "out.json"),
    )
    finished = repricer("bench", "policy", *arguments)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    measured = json.loads((tmp_path / "out.json").read_text())
    assert "demand must be above 0" in measured["cases"]["clips"]["refused"]
    small = measured["cases"]["small"]
    assert {"optimum", "percent", "baselines", "environment_steps", "seconds", "steps_per_second"} <= set(
        small
    )
    assert {key: len(values) for key, values in small["percent"].items()} == {
        "last": 2,
        "best": 2,
        "worst_of_last_ten": 2,
    }
    assert all(value <= 100 + 1e-9 for values in small["percent"].values() for value in values)
    assert {"best_fixed", "myopic", "random"} <= set(small["baselines"])
    assert len(small["seconds"]) == 2
    assert measured["closed_forms"][0]["price"] == 30.0
    assert set(measured["market"]) == {"steps_per_cpu_second", "stocked_steps_per_cpu_second"}


def test_a_case_that_is_not_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cases.json").write_text(json.dumps(CASES), encoding="utf-8")
    finished = repricer("bench", "policy", "--cases", str(tmp_path / "cases.json"), "--case", "large")
    assert finished.returncode == 1
    assert "`--case` must name a case of the file" in " ".join((finished.stdout + finished.stderr).split())
