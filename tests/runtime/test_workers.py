"""Worker processes keep the order, say how they died, and do not outlive who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tasks.runtime import workers as pools
from tasks.runtime.workers import WorkerError, workers

pytestmark = pytest.mark.slow


def test_chunks_come_back_in_order() -> None:
    rows = np.arange(205.0).reshape(-1, 1)
    with workers() as pool:
        parts = pool.over_rows("doubling", np.multiply, (rows,), 2.0)
    assert len(parts) == 6
    np.testing.assert_array_equal(np.concatenate(parts), 2 * rows)


def test_what_fits_into_one_chunk_needs_no_process() -> None:
    with workers() as pool:
        assert pool.over_rows("process", _process, (np.ones((40, 1)),)) == [os.getpid()]
        assert pool.over_items("process", _process, [1]) == [os.getpid()]
        assert os.getpid() not in pool.over_items("process", _process, [1, 2])


def _process(_: object) -> int:
    return os.getpid()


def _killed(item: int, number: int = signal.SIGKILL) -> int:
    if item:
        os.kill(os.getpid(), number)
    return item


@pytest.mark.parametrize(
    ("number", "memory_kills", "said"),
    [
        (
            signal.SIGKILL,
            [3, 4],
            r"a worker process ran out of memory: .* SIGKILL\. Free memory, or use fewer processes: `taskset",
        ),
        (signal.SIGKILL, [3, 3], r"a worker process was killed with SIGKILL, .* when memory runs out"),
        (signal.SIGSEGV, [3, 3], r"a worker process ended with SIGSEGV\."),
    ],
)
def test_a_worker_that_was_killed_is_named_with_its_cause(
    number: int, memory_kills: list[int], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "memory_kills", iter(memory_kills).__next__)
    with pytest.raises(WorkerError, match=said) as error, workers() as pool:
        pool.over_items("killed", _killed, [0, 1, 0], number)
    assert "the same command goes on where it stopped" in str(error.value)


def test_a_worker_that_leaves_by_itself_is_named_with_its_status() -> None:
    with pytest.raises(WorkerError, match=r"a worker process ended with status 7\."), workers() as pool:
        pool.over_rows("left", _left, (np.ones((90, 1)),))


def _left(_: object) -> None:
    os._exit(7)


def test_killed_with_minus_nine_no_worker_is_left(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(
        "import time, numpy as np\nfrom tasks.runtime.workers import workers\n"
        "if __name__ == '__main__':\n    with workers() as pool:\n"
        "        pool.over_rows('x', np.add, (np.ones((90, 1)),), 1)\n"
        "        print('ready', flush=True)\n        time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"ready"
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(
        child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children
    ):
        time.sleep(0.2)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
