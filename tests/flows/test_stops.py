"""Ctrl-C, a second one, SIGTERM, a closed terminal and a killed API end a retraining soon, and resumably."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE, Popen

import psutil
import pytest
from prefect.exceptions import TerminationSignal

from flows.cli.shared_api import shared_api
from flows.cli.stops import INTERRUPTED, RESUME, Stop
from tasks.runtime.interruption import interrupted
from tests.conftest import ROOT, environment, of, outliving, retrain_small, wait_for
from tests.terminals import CTRL_C, Terminal

PATIENCE = 30  # seconds; a stop takes less than 10, on a machine that does nothing else
START = 240  # seconds
STOPS = {
    "closed terminal": (129, "interrupted"),
    "SIGTERM": (143, "interrupted by SIGTERM"),
    "Ctrl-C": (130, "interrupted by Ctrl-C"),
    "Ctrl-C twice": (130, "interrupted by Ctrl-C"),
    "killed API": (1, "error: the Prefect API of this data folder ended; see "),
}
"""Ways to stop a command, with its status and the beginning of its last line."""

LONG = """
import os, sys, time
from pathlib import Path
from prefect import flow, task
from conf import Settings
from tasks.runtime import track
from tasks.runtime.resume import attempt_at
from tasks.runtime.workers import workers

@task
def fit(attempt):
    finish = Path(attempt.folder).parent.parent / "finish"
    with track.stage_run(attempt, "forecast"), workers() as pool:
        if finish.exists():
            return
        print("fitting in", attempt.id, flush=True)
        pool.over_items("fit", time.sleep, [600.0, 600.0])

@flow(name="below")
def below(attempt, settings: Settings):
    fit(attempt)

@flow(name="retrain")
def retrain(settings: Settings, fresh: bool = False):
    with attempt_at(settings, fresh) as attempt:
        below(attempt, settings)
        print("finished", attempt.id, flush=True)
    return {"verdict": "PASS"}
"""
COMMAND = """
import sys, types
from flows.cli import app

class Long(types.ModuleType):
    def __getattr__(self, name):
        import long_flow
        return getattr(long_flow, name)

if __name__ == "__main__":
    app.HEAVY = ()
    app.report.show_summary = lambda *_: None
    sys.modules["flows.retrain"] = Long("flows.retrain")
    app.main()
"""
"""The command `retrain` with a flow that works until it is stopped, and loads no heavy library."""


@pytest.fixture
def terminal(long_flow: Path) -> Iterator[Callable[[list[str]], Terminal]]:
    """Return what starts a command in a pseudo-terminal."""
    opened: list[Terminal] = []

    def start(arguments: list[str]) -> Terminal:
        command = [sys.executable, str(long_flow / "command.py"), *arguments]
        opened.append(Terminal(command, environment(PYTHONPATH=f"{long_flow}{os.pathsep}{ROOT}")))
        return opened[-1]

    yield start
    for shown in opened:
        shown.process.kill()
        shown.process.wait()
        shown.close()


@pytest.fixture(scope="module")
def long_flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a command whose retraining works until it is stopped."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "long_flow.py").write_text(LONG)
    (folder / "command.py").write_text(COMMAND)
    return folder


def open_runs(data: Path) -> dict[str, list[str]]:
    """Return the names of what still looks alive in MLflow and Prefect, read from their databases."""

    def names(file: Path, table: str, column: str) -> list[str]:
        with closing(sqlite3.connect(file)) as store:
            rows = store.execute(f"select name from {table} where {column} = 'RUNNING'").fetchall()
        return [name for (name,) in rows]

    prefect = data / "prefect" / "prefect.db"
    return {
        "MLflow": names(data / "mlflow.db", "runs", "status"),
        "flows": names(prefect, "flow_run", "state_type"),
        "tasks": names(prefect, "task_run", "state_type"),
    }


NOTHING: dict[str, list[str]] = {"MLflow": [], "flows": [], "tasks": []}


def stop(how: str, shown: Terminal, api: psutil.Process) -> None:
    """Stop a command in a terminal in one of the ways."""
    match how:
        case "closed terminal":
            shown.close()
        case "SIGTERM":
            shown.process.terminate()
        case "killed API":
            api.kill()
        case _:
            for _ in range(2 if how == "Ctrl-C twice" else 1):
                shown.press(CTRL_C)
                time.sleep(0.2)


@pytest.mark.slow
def test_a_retraining_ends_soon_however_it_is_stopped_and_is_resumed(
    terminal: Callable[[list[str]], Terminal],
    migrated: Callable[[], Path],
    small_csv: Path,
    no_environment: None,
) -> None:
    data = migrated()
    home, attempts = data / "prefect", set()
    with shared_api(home, of(home)) as shared:  # one for all, as beside `repricer ui`
        for how, (status, line) in STOPS.items():
            shown = terminal(retrain_small(small_csv, data))
            attempts.add(shown.wait_for("fitting in ", START))
            children = psutil.Process(shown.process.pid).children(recursive=True)
            assert children, "there are no workers to end"
            began = time.monotonic()
            stop(how, shown, shared.process)
            assert shown.wait(PATIENCE) == status, f"{how}: {shown.text}"
            sys.stdout.write(f"{how}: {time.monotonic() - began:.1f} s\n")
            assert not list(outliving(children, 10)), f"{how}: a process outlives the command"
            if how != "closed terminal":
                last = shown.text.strip().splitlines()[-1]
                assert line in last, f"{how}: {shown.text}"
                assert last.endswith("The same command goes on where it stopped."), last
                assert shown.text.count(line) == 1, f"{how}: {shown.text}"
            assert "Traceback" not in shown.text, f"{how}: {shown.text}"
            left = open_runs(data)
            if how == "killed API":  # Prefect's states are the API's to write: the next start has them ended
                left = {**NOTHING, "MLflow": left["MLflow"]}
            assert left == NOTHING, f"{how}: shown as running without a process"
            assert statuses(data) == {"KILLED"}, f"{how}: interrupted is not failed"
    (data / "finish").touch()
    last_one = terminal(retrain_small(small_csv, data))
    attempts.add(last_one.wait_for("finished ", START))
    assert len(attempts) == 1, "a stopped retraining was not resumed"
    assert last_one.wait(PATIENCE) == 0, last_one.text
    assert open_runs(data) == NOTHING
    assert statuses(data) == {"FINISHED"}


def test_a_second_thread_that_concludes_waits_until_the_line_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    saying = threading.Event()

    def say_slowly(line: str) -> None:
        saying.set()
        time.sleep(0.3)
        said.append(line)

    monkeypatch.setattr("flows.cli.stops.report.say", say_slowly)
    stop = Stop()
    first = threading.Thread(target=stop.conclude)
    first.start()
    assert saying.wait(PATIENCE)
    assert stop.conclude() == INTERRUPTED
    assert said == [f"interrupted by Ctrl-C. {RESUME}"], "the process would end before its last line"
    first.join()


def statuses(data: Path) -> set[str]:
    with closing(sqlite3.connect(data / "mlflow.db")) as store:
        return {status for (status,) in store.execute("select status from runs")}


DEAF = """
import signal, sys, time
from flows.cli import stops
from tasks.runtime.interruption import closed_without_unwinding

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may have been started by `nohup`
stops.CAUSES = {number: cause._replace(seconds=1.0) for number, cause in stops.CAUSES.items()}
stops.STOP.listen()
with closed_without_unwinding(lambda: print("closed", flush=True)):
    while True:
        try:
            print("at work", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            print("swallowed", flush=True)
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_work_that_swallows_a_stop_is_ended_all_the_same_and_its_runs_are_closed(
    number: int, status: int
) -> None:
    process = Popen([sys.executable, "-c", DEAF], env=environment(), stdout=PIPE, text=True, cwd=ROOT)
    wait_for(process, "at work")
    process.send_signal(number)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, said
    assert said.splitlines()[0] == "swallowed"
    assert said.splitlines()[-2] == "closed"
    assert said.splitlines()[-1].startswith("interrupted"), said


def test_a_signal_that_was_switched_off_for_a_command_stays_off() -> None:
    program = DEAF.replace("SIG_DFL", "SIG_IGN")
    process = Popen([sys.executable, "-c", program], env=environment(), stdout=PIPE, text=True, cwd=ROOT)
    wait_for(process, "at work")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, "`nohup` was not heeded"


FIRST = """
import time
from flows.cli.stops import STOP, ended_first

STOP.listen()
with ended_first(lambda: print("released", flush=True)):
    try:
        print("at work", flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_what_children_end_for_is_released_before_the_work_is_interrupted() -> None:
    process = Popen([sys.executable, "-c", FIRST], env=environment(), stdout=PIPE, text=True, cwd=ROOT)
    wait_for(process, "at work")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE)
    assert said == "released\ninterrupted\n"


def error_of(*steps: Callable[[], BaseException]) -> BaseException:
    """Return the last of errors of which each arose while the one before was handled."""
    error: BaseException | None = None
    for step in steps:
        later = step()
        later.__context__, error = error, later
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("error", "stopped"),
    [
        (error_of(KeyboardInterrupt), True),
        (error_of(KeyboardInterrupt, OSError, RuntimeError), True),
        (error_of(lambda: TerminationSignal(15)), True),
        (error_of(OSError, RuntimeError), False),
    ],
)
def test_an_error_that_arose_from_a_stop_is_a_stop(error: BaseException, stopped: bool) -> None:
    assert interrupted(error) is stopped
