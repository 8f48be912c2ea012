"""The benchmark of the markets of groups as a user runs it, shrunk: its JSON keeps its names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.bench.groups import bench_groups
from tasks.bench.policy import PLAN
from tests.conftest import repricer


@pytest.mark.slow
def test_bench_groups_writes_its_names(tmp_path: Path) -> None:
    sizes = ("price.dqn.environment_steps=7000", "price.dqn.evaluations=1")
    chosen = ("--market", "groups_of_2", "--variant", "memory", "--seeds", "2")
    options = [*chosen, "--set", sizes[0], "--set", sizes[1], "--json", str(tmp_path / "out.json")]
    finished = repricer("bench", "groups", *options)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    measured = json.loads((tmp_path / "out.json").read_text())
    assert {
        "share",
        "least_share",
        "worst_seed",
        "steps_per_second",
        "steps_per_cpu_second",
        "markets",
    } <= set(measured)
    [market] = measured["markets"]
    assert (market["market"], market["variant"]) == ("groups_of_2", "memory")
    assert set(market["share"]) == {"best_fixed", "myopic", "hold", "best_season"}
    assert len(market["agent"]) == len(market["seconds"]) == 2
    assert all(step in (0, 6656) for step in market["kept_at_step"]), "0 is the myopic list"
    assert market["agent_worst"] == min(market["agent"])
    assert min(market["agent"]) > 0.9, "an agent that learned nothing is the myopic list"


@pytest.mark.parametrize(("markets", "variants"), [(["large"], []), ([], ["large"])])
def test_a_name_that_is_not_known_is_refused(markets: list[str], variants: list[str]) -> None:
    with pytest.raises(ValueError, match="Received: large"):
        bench_groups(replace(PLAN, environment_steps=1), 1, markets, variants, lambda _: None)
