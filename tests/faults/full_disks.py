"""A disk without room: for the first write of a retraining, the next, and so on until one is clean.

The data folder lies on a memory disk that grows by a step whenever a command has failed for want of room. It
is mounted in a namespace of its own, which needs no rights; what lies on it is copied out to be checked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults import report
from tests.faults.case import Case, Plan
from tests.faults.checker import changed_artifacts, temporary_files
from tests.faults.comparison import differences
from tests.faults.shop import REGISTERING, Ended, Shop, fill, kill, retraining, run_to_its_end, run_until

FAULT = "full-disk"
MOST_TRIALS = 400
UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")
ENTER = ("--user", "--mount", "--preserve-credentials")
NAMED = ("the disk is full", "MB are free", "Make room there")


class Disk(NamedTuple):
    """A memory disk that lies over a folder, for the processes of one namespace.

    Attributes:
        folder: that it lies over.
        holder: process that keeps the namespace.
    """

    folder: Path
    holder: subprocess.Popen[bytes]

    @property
    def seen(self) -> Path:
        """Return the folder on the disk, as processes outside of the namespace reach it."""
        return Path(f"/proc/{self.holder.pid}/root{self.folder}")

    def command(self, *arguments: str) -> list[str]:
        """Return a command in the namespace of the disk."""
        return ["nsenter", "--target", str(self.holder.pid), *ENTER, "--wd=" + os.getcwd(), "--", *arguments]

    def mount(self, option: str, size: int) -> None:
        """Mount it, or give it another size (bytes)."""
        options = f"{option}size={size}"
        subprocess.run(
            self.command("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)), check=True
        )

    def used(self) -> int:
        """Return what lies on it (bytes)."""
        room = os.statvfs(self.seen)
        return (room.f_blocks - room.f_bfree) * room.f_frsize

    def copy_out(self) -> None:
        """Put what lies on it into the folder below it, under the same paths."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.seen, self.folder, dirs_exist_ok=True)


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """Put what is in a folder on a memory disk over it that has no room for more."""
    hold = [*UNSHARE, "sh", "-c", "echo; exec sleep infinity"]
    with subprocess.Popen(hold, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        made = Disk(folder, holder)
        try:
            made.mount("", 1 << 30)
            shutil.copytree(folder, made.seen, dirs_exist_ok=True)
            made.mount("remount,", made.used())
            yield made
        finally:
            holder.kill()


def cases(plan: Plan, shop: Shop) -> Iterator[Case]:
    """Yield a retraining and a registration on a disk that grows; nothing where none can be mounted."""
    if subprocess.run([*UNSHARE, "true"], check=False).returncode:
        report.say(f"{FAULT} is left out: this machine lets no user mount a disk in a namespace")
        return
    for name, line, kilobytes in (
        ("a retraining", 0, plan.disk_kilobytes),
        ("a registration", shop.line_with(REGISTERING), plan.disk_kilobytes // 4),
    ):
        facts: dict[str, Any] = {}
        work = partial(grown, shop, line, kilobytes * 1024, facts)
        yield Case(FAULT, f"{name}, with {kilobytes} KB more at a time", work, facts=facts)


def grown(shop: Shop, line: int, step: int, facts: dict[str, Any], folder: Path) -> list[str]:
    """Run a retraining on a disk without room, then with a step more, until it comes to its end.

    Args:
        shop: whose retraining it is.
        line: of the retraining, after which it is killed before the disk is full; 0 is before its start.
        step: by which the disk grows (bytes).
        facts: of the case.
        folder: of the case.
    """
    fill(folder, shop.empty)
    if line:
        run_until(retraining(shop.sales, folder), line, kill)
    left = set(temporary_files(folder))  # by the kill, for a command that has room to put it right
    broken: list[str] = []
    with disk(folder) as small:
        size = small.used()
        for trial in range(MOST_TRIALS):
            ended = run_to_its_end(small.command(*retraining(shop.sales, folder)))
            small.copy_out()
            if ended.status == 0:
                facts["failed for want of room"] = trial
                return [*broken, *differences(shop.reference, folder)]
            broken += [f"with {size} bytes: {sentence}" for sentence in complaints(ended, folder, left)]
            size += step
            small.mount("remount,", size)
    return [*broken, f"it did not end with {size} bytes"]


def complaints(ended: Ended, folder: Path, left: set[str]) -> Iterator[str]:
    """Yield what is wrong with the end of a command that found no room, and what it left half-written.

    Args:
        ended: how it ended.
        folder: of its data.
        left: what lay there half-written before it began.
    """
    if ended.status != 1:
        yield f"a full disk ended it with {ended.status}: {ended.text[-2000:]}"
    errors = [line for line in ended.text.splitlines() if line.startswith("error: ")]
    if len(errors) != 1 or not all(words in errors[0] for words in (str(folder), *NAMED)):
        yield f"it does not say in one line where there was no room, and for what: {ended.text[-2000:]}"
    if "Traceback" in ended.text:
        yield f"it showed a traceback: {ended.text[-2000:]}"
    yield from (sentence for sentence in temporary_files(folder) if sentence not in left)
    yield from changed_artifacts(folder)
    for file in folder.rglob("*.json"):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            yield f"{file} is no JSON"
