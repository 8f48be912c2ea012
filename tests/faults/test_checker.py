"""The checker knows nothing of the product, and sees what it is there to see."""

from __future__ import annotations

import ast
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.faults import checker
from tests.faults.checker import torn_list, violations
from tests.faults.comparison import differences
from tests.operations.promotions import close_connections, promote, rollback, settings_of
from tests.operations.template import make_template

ROOMS = {"conf", "expectations", "flows", "infra", "tasks"}
CHECKER = ("checker", "checked_registry", "comparison", "databases")
MAY_IMPORT = {*sys.stdlib_module_names, "pandas", "psutil", *(f"tests.faults.{name}" for name in CHECKER)}


@pytest.mark.parametrize("name", CHECKER)
def test_the_checker_shares_no_code_with_the_product(name: str) -> None:
    tree = ast.parse((ROOT / "tests" / "faults" / f"{name}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [str(node.module)]
        for module in modules:
            assert module in MAY_IMPORT or module.split(".")[0] in sys.stdlib_module_names, (
                f"{name}.py imports {module}: the checker shares no code with what it checks"
            )


def test_the_checker_loads_nothing_of_the_product() -> None:
    probe = "import sys, tests.faults.checker, tests.faults.comparison; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    loaded = [module.split(".")[0] for module in loaded]
    assert not (ROOMS | {"mlflow", "prefect", "sqlalchemy"}) & set(loaded)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a champion, an earlier one, and the database of Prefect."""
    folder = make_template(tmp_path_factory.mktemp("sound"))
    for version in (1, 2):
        promote(settings_of(folder), version)
    rollback(settings_of(folder))
    close_connections()
    (folder / "prefect").mkdir()
    write(folder / "prefect" / "prefect.db", "create table flow_run (id, name, state_type)")
    write(folder / "prefect" / "prefect.db", "create table task_run (id, name, state_type)")
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, moved as the product moves it: locations follow."""
    shutil.copytree(sound, tmp_path / "data")
    here, there = (tmp_path / "data").as_uri(), sound.as_uri()
    for column in ("source", "storage_location"):
        write(
            tmp_path / "data" / "mlflow.db",
            f"update model_versions set {column} = replace({column}, '{there}', '{here}')",
        )
    return tmp_path / "data"


def write(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute(statement)
        database.commit()


def in_mlflow(statement: str) -> Callable[[Path], None]:
    return lambda folder: write(folder / "mlflow.db", statement)


def in_ledger(statement: str) -> Callable[[Path], None]:
    """Return what does to the ledger what its database refuses."""

    def inject(folder: Path) -> None:
        for action in ("update", "delete"):
            write(folder / "mlflow.db", f"drop trigger repricer_ledger_no_{action}")
        write(folder / "mlflow.db", statement)

    return inject


def in_prefect(statement: str) -> Callable[[Path], None]:
    return lambda folder: write(folder / "prefect" / "prefect.db", statement)


def with_file(name: str, text: str = "") -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    return put


def finished_without_versions(folder: Path) -> None:
    kept = {"attempt": {"id": "a", "folder": "a", "run_id": "r"}, "key": "k", "finished": True}
    with_file("attempts/a/attempt.json", json.dumps(kept))(folder)


def changed_artifact(folder: Path) -> None:
    stored = {"table": {"path": str(folder / "table"), "sha256": "0" * 64}}
    with_file("prefect/storage/a-prepare", json.dumps({"result": json.dumps(stored)}))(folder)
    with_file("table")(folder)


def bad_price(folder: Path) -> None:
    (folder / "attempts" / "a" / "claim").mkdir(parents=True)
    table = pd.DataFrame({"product_id": ["1", "2"], "store_id": "all", "price": [1.0, float("inf")]})
    table.to_parquet(folder / "attempts" / "a" / "claim" / "price_list.parquet")


RUN = "insert into runs (run_uuid, name, status, lifecycle_stage) values ('1', 'forecast', '{}', 'active')"
SET_BODY = "update repricer_ledger set body = json_set(body, '$.{}.demand', {}) where number = {}"
FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a run of MLflow": (in_mlflow(RUN.format("RUNNING")), "MLflow shows the run forecast (1) as RUNNING"),
    "a flow": (
        in_prefect("insert into flow_run values ('1', 'retrain', 'PENDING')"),
        "Prefect shows the flow_run retrain (1) as PENDING",
    ),
    "a task": (
        in_prefect("insert into task_run values ('1', 'price', 'RUNNING')"),
        "Prefect shows the task_run price (1) as RUNNING",
    ),
    "a part of a file": (with_file("attempts/a/.sales.parquet.part"), "is the beginning of a file"),
    "half a database": (with_file(".mlflow.db.1a/mlflow.db"), "is the beginning of a file"),
    "a copy of a model": (with_file(".loading/x"), "belongs to a process that is gone"),
    "an owner": (with_file(".owners/process-1"), "belongs to a process that is gone"),
    "no versions": (finished_without_versions, "the finished retraining a has no version of demand"),
    "versions twice": (
        in_mlflow("update model_versions set run_id = 'r' where name = 'demand'"),
        "the retraining r registered 5 versions of demand",
    ),
    "a changed file": (
        with_file("mlartifacts/demand-1/artifacts/text.txt", "other"),
        "demand version 2: artifacts/text.txt has other bytes",
    ),
    "a further file": (
        with_file("mlartifacts/demand-1/more.py"),
        "demand version 2: more.py was not registered",
    ),
    "a lost file": (
        lambda folder: (folder / "mlartifacts" / "demand-1" / "MLmodel").unlink(),
        "demand version 2: MLmodel is gone",
    ),
    "a changed verdict": (
        in_mlflow("update model_version_tags set value = 'PASS' where key = 'verdict' and value = 'FAIL'"),
        "the tag verdict is PASS, and was registered as FAIL",
    ),
    "a split candidate": (
        in_mlflow(
            "insert into registered_model_aliases (alias, version, name) "
            "values ('candidate', 1, 'pricing_policy'), ('candidate', 3, 'demand'), "
            "('candidate', 3, 'price_response')"
        ),
        "the alias candidate names versions of different retrainings",
    ),
    "a moved champion": (
        in_mlflow("update registered_model_aliases set version = 3 where alias = 'champion'"),
        "the aliases name ",
    ),
    "a lost entry": (
        in_ledger("delete from repricer_ledger where number = 2"),
        "entry 3 of the ledger stands at place 2",
    ),
    "a changed entry": (
        in_ledger("update repricer_ledger set reason = 'other' where number = 2"),
        "entry 2 of the ledger was changed",
    ),
    "nobody": (in_ledger("update repricer_ledger set by = ' ' where number = 1"), "names nobody"),
    "mixed versions": (
        in_ledger(
            "update repricer_ledger set body = json_set(body, '$.versions.demand', 4) where number = 2"
        ),
        "mixes versions",
    ),
    "another approval": (
        in_ledger(
            "update repricer_ledger set body = json_set(body, '$.manifests.demand', 'x') where number = 3"
        ),
        "the champion demand version 2 is not the one that Ada approved",
    ),
    "an unsigned champion": (
        in_mlflow("delete from model_version_tags where key = 'rolled_back_to_by' and name = 'demand'"),
        "demand version 2 does not say that Ada made it champion",
    ),
    "a changed artifact": (changed_artifact, "and a finished stage wrote 000"),
    "a bad price": (bad_price, "the price of 2 is inf"),
    "a ruined database": (with_file("mlflow.db", "ruined" * 1000), "a database cannot be read"),
}


def test_a_sound_folder_violates_nothing(folder: Path) -> None:
    assert violations(folder) == []


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_is_seen_and_named(fault: str, folder: Path) -> None:
    inject, sentence = FAULTS[fault]
    inject(folder)
    assert any(sentence in line for line in violations(folder)), violations(folder)


def test_runs_that_may_be_running_are_allowed(folder: Path) -> None:
    in_mlflow(RUN.format("RUNNING"))(folder)
    assert violations(folder, allowed=["1"]) == []


@pytest.fixture
def left(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        env={**os.environ, "PLACE": f"{folder}/prefect"},
    )
    yield process
    process.kill()
    process.wait()


def test_a_process_that_is_left_is_seen_by_its_environment(
    folder: Path, left: subprocess.Popen[bytes]
) -> None:
    (line,) = violations(folder, seconds_to_end=0)
    assert line.startswith(f"process {left.pid} is left:")
    assert violations(folder.with_name("dat"), seconds_to_end=0) == [], "another folder whose name begins so"


def test_an_api_that_listens_is_seen(folder: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with_file("prefect/api.lock", json.dumps({"port": port}))(folder)
        assert violations(folder) == [f"the Prefect API of the folder listens on port {port} still"]
    assert violations(folder) == []


def test_a_list_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("new")
    digest = checker.sha256(tmp_path / "list.csv")
    assert torn_list(tmp_path / "list.csv", {"0", digest}) == []
    assert torn_list(tmp_path / "list.csv", {"0"}) == [
        f"{tmp_path / 'list.csv'}: the list is neither the old one nor the new one"
    ]
    assert torn_list(tmp_path / "none.csv", {"0"}) == [f"{tmp_path / 'none.csv'}: the list is gone"]


def retrained_in(folder: Path, elasticity: float = -1.0, **summary: object) -> Path:
    """Make the attempt of a retraining that came to its end."""
    attempt = folder / "attempts" / folder.name
    attempt.mkdir(parents=True)
    (attempt / "attempt.json").write_text(json.dumps({"finished": True, "id": folder.name}))
    of_this_run = {"run_id": folder.name, "seconds": {}, "peak_memory_mb": 1.0, "versions": {}}
    (attempt / "summary.json").write_text(json.dumps({**of_this_run, "verdict": "PASS", **summary}))
    (attempt / "place.json").write_text(json.dumps({"path": f"{attempt}/x"}))
    pd.DataFrame({"id": ["1"], "elasticity": [elasticity]}).to_parquet(attempt / "table.parquet")
    return folder


def test_retrainings_differ_by_bytes_and_not_by_times_ids_and_paths(tmp_path: Path) -> None:
    whole = retrained_in(tmp_path / "whole")
    assert differences(whole, retrained_in(tmp_path / "same")) == []
    assert differences(whole, retrained_in(tmp_path / "other", elasticity=-1.5, verdict="FAIL")) == [
        "summary.json differs in ['verdict']",
        "table.parquet differs in the columns ['elasticity']",
    ]
    lacking = retrained_in(tmp_path / "lacking")
    next(lacking.glob("attempts/*/table.parquet")).unlink()
    assert differences(whole, lacking) == ["table.parquet is missing"]


def test_a_fault_suite_can_fail(tmp_path: Path) -> None:
    from tests.faults.case import Case, run

    def break_it(folder: Path) -> list[str]:
        (folder / "x.part").touch()
        return []

    def fail(folder: Path) -> list[str]:
        raise ValueError(folder.name)

    broken = run(Case("fault", "a part is left", break_it), 1, tmp_path)
    assert broken.violations == [
        f"{tmp_path}/0001-fault/x.part is the beginning of a file, and nobody goes on with it"
    ]
    assert broken.folder == str(tmp_path / "0001-fault"), "the folder of a violation stays, and is named"
    assert "the case itself failed" in run(Case("fault", "no case", fail), 2, tmp_path).violations[0]
    assert run(Case("fault", "nothing", lambda _: []), 3, tmp_path).folder is None
    assert not (tmp_path / "0003-fault").exists()
