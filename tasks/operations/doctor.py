"""Checks of the machine that a retraining needs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from packaging.version import Version
from typing_extensions import TypedDict

from conf import Settings
from tasks.runtime.disk import GIGABYTE, NEEDED_GB
from tasks.runtime.service_errors import describe, read_errors

PACKAGES = (
    "mlflow",
    "tensorflow-cpu",
    "keras",
    "statsmodels",
    "pandas",
    "great-expectations",
    "optuna",
    "gymnasium",
)
PREFECT_FROM = (
    "3.9"  # the scheduler of an older one does not run on SQLAlchemy 2.1: no schedule ever starts a run
)
FREE_MEMORY_GB = 4.0


class Finding(TypedDict):
    """One check and its result."""

    name: str
    ok: bool
    result: str


def examine(settings: Settings) -> list[Finding]:
    """Run every check; they create the data folder and put back aliases that left the champion."""
    checks: dict[str, Callable[[], str]] = {
        "Python 3.11 or newer": _python,
        **{package: partial(version, package) for package in PACKAGES},
        f"prefect {PREFECT_FROM} or newer": _prefect,
        f"data folder with {NEEDED_GB:g} GB": lambda: _disk(Path(settings.data_folder)),
        f"{FREE_MEMORY_GB:g} GB of free memory": _memory,
    }
    log = Path(settings.data_folder).resolve() / "prefect" / "api.log"
    return [
        *(_finding(name, check) for name, check in checks.items()),
        *_registry(settings),
        _finding("services of Prefect", lambda: _services(log)),
    ]


def _registry(settings: Settings) -> list[Finding]:
    """Ask the store, and for the champion only where it answers: a server that is down is waited for once."""
    store = _finding("MLflow store", lambda: _store(settings))
    if store["ok"]:
        return [store, _finding("champion", lambda: _champion(settings))]
    return [store, Finding(name="champion", ok=False, result="unknown: the MLflow store says who it is")]


class _Unfit(RuntimeError):
    pass


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, ok=True, result=check())
    except PackageNotFoundError:
        return Finding(name=name, ok=False, result="not installed: run `make setup`")
    except (_Unfit, OSError) as error:
        return Finding(name=name, ok=False, result=str(error))


def _python() -> str:
    return sys.version.split()[0]


def _prefect() -> str:
    if Version(version("prefect")) < Version(PREFECT_FROM):
        raise _Unfit(f"{version('prefect')}: no schedule would start a run; install from requirements.lock")
    return version("prefect")


def _disk(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise _Unfit(f"{folder} is not writable: choose another with --set data_folder=PATH")
    free = shutil.disk_usage(folder).free / GIGABYTE
    if free < NEEDED_GB:
        raise _Unfit(f"{free:.1f} GB free at {folder}: make room")
    return f"{free:.0f} GB free at {folder}"


def _memory() -> str:
    free = psutil.virtual_memory().available / GIGABYTE
    if free < FREE_MEMORY_GB:
        raise _Unfit(f"{free:.1f} GB: close other programs")
    return f"{free:.0f} GB"


def _services(log: Path) -> str:
    if not log.exists():
        return "no command has started one here"
    with log.open(encoding="utf-8", errors="replace") as lines:
        errors = list(read_errors(lines))
    if errors:
        raise _Unfit("; ".join(describe(errors, log)))
    return f"no errors in {log}"


def _store(settings: Settings) -> str:
    from mlflow.exceptions import MlflowException

    from tasks.runtime import track
    from tasks.runtime.databases import DatabaseError

    try:
        track.open_store(settings)
    except (MlflowException, DatabaseError) as error:
        raise _Unfit(str(error)) from None
    return "opens"


def _champion(settings: Settings) -> str:
    from mlflow.exceptions import MlflowException

    from tasks.governance.approval import Refused
    from tasks.runtime import champion_aliases
    from tasks.runtime.databases import DatabaseError

    try:
        champion = champion_aliases.champion(settings)
    except (MlflowException, Refused, DatabaseError) as error:
        raise _Unfit(str(error)) from None
    return f"pricing_policy {champion}" if champion else "nobody was promoted"
