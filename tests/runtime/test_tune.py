"""A search goes on where it was killed, prunes, and never calls a failure a result."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.runtime.tune import (
    Choice,
    Integer,
    Journal,
    Objective,
    Params,
    Real,
    Search,
    SearchPlan,
    Trial,
    TuningError,
    tune,
)
from tests.operations.promotions import KILLED, forked

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
    return tune(plan, objective)


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


def eventful(params: Params) -> Iterator[float]:
    """Score some trials, fail in others, and give Optuna time to prune."""
    if params["k"] == 2:
        raise KeyError("k")
    for step in range(3):
        yield sum(bowl(params)) + params["x"] / (step + 1)


def dying(trial: int, blow: Callable[[], None]) -> Objective:
    """Return `eventful` whose process dies in the middle of its n-th trial."""
    begun: list[Params] = []

    def objective(params: Params) -> Iterator[float]:
        begun.append(params)
        scores = eventful(params)
        if len(begun) > trial:
            if params["k"] != 2:
                yield next(scores)
            blow()
        yield from scores

    return objective


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Return a search that was never killed."""
    result = search(tmp_path_factory.mktemp("whole"), eventful)
    assert {trial.state for trial in result.trials} == {"COMPLETE", "FAIL", "PRUNED"}
    return result


def test_a_search_killed_in_any_trial_gives_what_it_gives_unkilled(whole: Search, tmp_path: Path) -> None:
    for trial in range(len(whole.trials)):
        folder = tmp_path / str(trial)
        assert forked(lambda: search(folder, dying(trial, die))) == KILLED  # noqa: B023  it runs at once
        assert search(folder, eventful) == whole, f"killed in trial {trial}"


def test_the_settings_of_the_user_survive_any_number_of_kills(whole: Search, tmp_path: Path) -> None:
    for _ in range(3):
        assert forked(lambda: search(tmp_path, dying(0, die))) == KILLED
    assert search(tmp_path, eventful) == whole


@pytest.mark.parametrize("moment", ["before", "torn", "written"])
def test_a_search_killed_at_any_write_of_its_journal_gives_what_it_gives_unkilled(
    whole: Search, tmp_path: Path, moment: str
) -> None:
    write = 0
    while True:
        folder = tmp_path / str(write)
        killed = forked(lambda: killed_at_write(folder, write, moment))  # noqa: B023  it runs at once
        begin = time.monotonic()
        assert search(folder, eventful) == whole, f"killed {moment} write {write}"
        assert time.monotonic() - begin < 20, "no lock of a dead process is waited for"
        if not killed:
            break
        write += 1
    assert write > len(whole.trials), "every trial is written, and the search itself"


def killed_at_write(folder: Path, number: int, moment: str) -> None:
    """Search in a process that dies at a write of the journal, the lock of the journal in its hands."""
    fsync, writes = os.fsync, itertools.count()

    def deadly(file: int) -> None:
        if next(writes) == number:
            journal = folder / "t.journal"
            lines = journal.read_bytes().splitlines(keepends=True)
            kept = {"before": 0, "torn": len(lines[-1]) // 2, "written": len(lines[-1])}[moment]
            os.truncate(journal, sum(map(len, lines[:-1])) + kept)
            die()
        fsync(file)

    os.fsync = deadly
    search(folder, eventful)


@pytest.mark.parametrize("stop", [KeyboardInterrupt("by hand"), MemoryError("no room")])
def test_a_trial_that_was_stopped_is_repeated(whole: Search, tmp_path: Path, stop: BaseException) -> None:
    def blow() -> None:
        raise stop

    with pytest.raises(type(stop), match=str(stop)):
        search(tmp_path, dying(0, blow))
    assert search(tmp_path, eventful) == whole


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


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_in_the_midst_of_a_write_is_an_interrupt(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(tmp_path, trials=1)
    rename = os.rename

    def interrupted(source: str, target: str) -> None:
        monkeypatch.setattr(os, "rename", rename)
        if moment == "after":
            rename(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, trials=2)
    assert search(tmp_path, trials=2) == search(tmp_path / "whole", trials=2)
