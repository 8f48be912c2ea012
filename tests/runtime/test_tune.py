"""A search goes on where it was killed, prunes, and never calls a failure a result."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.runtime.tune import (
    Choice,
    Integer,
    Journal,
    Params,
    Real,
    Search,
    SearchPlan,
    Trial,
    TuningError,
    tune,
)
from tests.conftest import ROOT, environment

SPACE = {"x": Real(0.01, 10.0), "k": Integer(0, 3), "c": Choice(("a", "b"))}
FIRST = {"x": 5.0, "k": 3, "c": "a"}


def bowl(params: Params) -> Iterator[float]:
    yield (params["x"] - 1) ** 2 + params["k"] + (params["c"] == "a")


def search(
    folder: Path,
    objective: object = bowl,
    trials: int = 12,
    seed: int = 1,
    show: Callable[[Trial], None] = lambda _trial: None,
) -> Search:
    plan = SearchPlan(
        name="t",
        journal=Journal(folder / "t.journal", show),
        space=SPACE,
        first=FIRST,
        trials=trials,
        seed=seed,
        failures=(KeyError,),
    )
    return tune(plan, objective)  # type: ignore[arg-type]


def test_the_first_trial_is_what_was_given_and_the_best_is_not_worse(tmp_path: Path) -> None:
    result = search(tmp_path)
    assert result.trials[0].params == FIRST
    assert result.score <= result.trials[0].score  # type: ignore[operator]
    assert len(result.trials) == 12


def test_a_search_goes_on_where_it_stopped_without_repeating_itself(tmp_path: Path) -> None:
    search(tmp_path, trials=6)
    result = search(tmp_path, trials=12)
    assert len(result.trials) == 12
    assert len({trial.params["x"] for trial in result.trials}) == 12


def test_the_same_seed_twice_finds_the_same(tmp_path: Path) -> None:
    first, again, other = (
        search(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first.params == again.params != other.params


def test_a_trial_that_a_dead_process_left_is_counted_as_failed(tmp_path: Path) -> None:
    def dies(params: Params) -> Iterator[float]:
        raise KeyboardInterrupt("stopped by hand")
        yield 0.0

    with pytest.raises(KeyboardInterrupt, match="stopped by hand"):
        search(tmp_path, dies)
    result = search(tmp_path, trials=3)
    assert [trial.state for trial in result.trials].count("COMPLETE") == 3
    assert not [trial for trial in result.trials if trial.state == "RUNNING"]


def test_a_search_that_was_killed_keeps_its_finished_trials_and_repeats_none(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.runtime import test_tune as t\n"
        "ended = []\n"
        "def deadly(params):\n"
        "    if len(ended) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    ended.append(1); yield from t.bowl(params)\n"
        "t.search(Path(sys.argv[1]), deadly)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    evaluated: list[Params] = []

    def counted(params: Params) -> Iterator[float]:
        evaluated.append(params)
        yield from bowl(params)

    result = search(tmp_path, counted, trials=8)
    states = [trial.state for trial in result.trials]
    assert states[:4] == ["COMPLETE"] * 3 + ["FAIL"], "three had ended, the fourth died with its process"
    assert len(evaluated) == sum(state != "FAIL" for state in states) - 3
    assert not [params for params in evaluated if params in [trial.params for trial in result.trials[:3]]]


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_search_without_any_result_fails_with_its_counts(tmp_path: Path, score: float) -> None:
    def broken(params: Params) -> Iterator[float]:
        yield score

    with pytest.raises(TuningError, match=r"no trial of the search was completed \(6 FAIL\)"):
        search(tmp_path, broken, trials=2)


def test_a_declared_failure_ends_the_trial_and_not_the_search(tmp_path: Path) -> None:
    def sometimes(params: Params) -> Iterator[float]:
        if params["k"] == 3:
            raise KeyError("no")
        yield 1.0

    states = {trial.state for trial in search(tmp_path, sometimes, trials=4).trials}
    assert states == {"COMPLETE", "FAIL"}


def test_a_hopeless_trial_is_stopped_early(tmp_path: Path) -> None:
    def slow(params: Params) -> Iterator[float]:
        for _ in range(5):
            yield params["x"]

    assert "PRUNED" in {trial.state for trial in search(tmp_path, slow).trials}


def test_a_trial_is_shown_as_soon_as_it_ends_and_again_when_its_search_goes_on(tmp_path: Path) -> None:
    shown: list[Trial] = []
    seen_by_later_trials: list[int] = []

    def watched(params: Params) -> Iterator[float]:
        seen_by_later_trials.append(len(shown))
        yield from bowl(params)

    search(tmp_path, watched, trials=3, show=shown.append)
    assert seen_by_later_trials == [0, 1, 2], "while the search runs, not at its end"
    again: list[Trial] = []
    search(tmp_path, trials=4, show=again.append)
    assert again[:3] == shown
    assert [trial.number for trial in again] == [0, 1, 2, 3]
