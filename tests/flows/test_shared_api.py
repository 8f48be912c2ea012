"""One Prefect API for a data folder: joined by the next command, ended by the last, however that ends."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import psutil
import pytest

from flows.cli.ports import free_port
from flows.cli.shared_api import _running, shared_api
from tests.conftest import ROOT, alive, environment, of, outliving, running, wait_until

USER = """
import os, sys, time
from pathlib import Path
from flows.cli.shared_api import shared_api
with shared_api(Path(sys.argv[1]), os.environ) as shared:
    print(shared.process.pid, shared.joined, flush=True)
    time.sleep(600)
"""


def answers(url: str) -> bool:
    return bool(urllib.request.urlopen(f"{url}/health", timeout=5).status == 200)


@pytest.mark.parametrize("began", [0.0, None], ids=["of another process", "of a dead process"])
def test_a_lock_file_that_nothing_alive_wrote_is_no_api(tmp_path: Path, began: float | None) -> None:
    dead = Popen([sys.executable, "-c", ""])
    dead.wait()
    entry = {"port": 1, "process": os.getpid() if began is not None else dead.pid, "began": began or 0.0}
    (tmp_path / "api.lock").write_text(json.dumps(entry))
    with (tmp_path / "api.lock").open("a+") as lock:
        assert _running(lock, tmp_path) is None


def test_a_lock_file_that_is_empty_is_no_api(tmp_path: Path) -> None:
    with (tmp_path / "api.lock").open("a+") as lock:
        assert _running(lock, tmp_path) is None


def test_a_port_that_is_free_is_preferred_and_a_taken_one_is_not() -> None:
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        taken = server.getsockname()[1]
        assert free_port(taken) != taken
    assert free_port(taken) == taken


@pytest.mark.slow
def test_the_second_command_joins_and_the_last_one_ends_the_api(migrated: Callable[[], Path]) -> None:
    home = migrated() / "prefect"
    with ExitStack() as stack, ExitStack() as starter:
        first = starter.enter_context(shared_api(home, of(home)))
        assert not first.joined
        first.wait()
        second = stack.enter_context(shared_api(home, of(home)))
        assert second.joined
        assert (second.port, second.process.pid) == (first.port, first.process.pid)
        assert os.getsid(first.process.pid) != os.getsid(0), "Ctrl-C here would end it under others"
        assert [c.laddr.ip for c in first.process.net_connections() if c.status == "LISTEN"] == ["127.0.0.1"]
        starter.close()
        assert answers(second.url), "who started it is gone, who joined it still works"
        stack.close()
        assert not alive(first.process), "the last one has not ended it"
    assert not (home / "api.lock").read_text()


@pytest.mark.slow
def test_commands_that_begin_at_once_share_one_and_it_ends_when_all_are_killed(
    migrated: Callable[[], Path],
) -> None:
    home = migrated() / "prefect"
    command = [sys.executable, "-c", USER, str(home)]
    users = [Popen(command, env=of(home), stdout=PIPE, text=True, cwd=ROOT) for _ in range(3)]
    try:
        said = [user.stdout.readline().split() for user in users if user.stdout]
        assert len({pid for pid, _ in said}) == 1, "two APIs on one database"
        assert sorted(joined for _, joined in said) == ["False", "True", "True"]
        api = psutil.Process(int(said[0][0]))
        wait_until(lambda: "LISTEN" in [c.status for c in api.net_connections()], 120, "it", home / "api.log")
        users[0].kill()
        users[1].kill()
        assert list(outliving([api], 3)) == [api], "one user is left"
    finally:
        for user in users:
            user.kill()
            user.wait()
    assert not list(outliving([api], 10)), "an API outlives its users"


@pytest.mark.slow
def test_ui_opens_both_on_loopback_joins_a_running_api_and_ends_with_ctrl_c(
    migrated: Callable[[], Path], tmp_path: Path, no_environment: None
) -> None:
    from tests.conftest import client_of

    data = migrated()
    client_of(data)
    home, log = data / "prefect", tmp_path / "ui.log"
    ports = free_port(), free_port()
    options = ("--port", str(ports[0]), "--prefect-port", str(ports[1]), "--set", f"data_folder={data}")
    command = [sys.executable, "-m", "flows.cli", "ui", *options]
    with shared_api(home, of(home)) as shared:
        shared.wait()
        with running(command, environment(), log) as process:
            wait_until(lambda: "Ctrl-C" in log.read_text(), 180, "the UI", log)
            said = log.read_text()
            assert (
                f"MLflow   http://127.0.0.1:{ports[0]}/#/experiments/1/runs?workflowType=machine_learning"
                in said
            )
            assert f"Prefect  http://127.0.0.1:{shared.port}/login#" in said, "a second API"
            assert "(started by another command on this data folder)" in said
            children = psutil.Process(process.pid).children(recursive=True)
            lines = [" ".join(child.cmdline()) for child in children]
            assert not [line for line in lines if "huey" in line or "job" in line], "MLflow executes jobs"
            assert len([line for line in lines if "infra/api.py" in line]) == 0
            listening = [c for child in children for c in child.net_connections() if c.status == "LISTEN"]
            assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
            process.send_signal(signal.SIGINT)
            assert process.wait(40) == 130
        assert not list(outliving(children, 10)), "a server outlives Ctrl-C"
        assert answers(shared.url), "the API of another command ends with it alone"
