"""A registry in which retrainings passed and failed, promotion as a person commands it, and a checker."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy.engine import Engine

from conf import Settings
from tasks.operations import promote as operations
from tasks.runtime import champion_store, ledger_witness, track
from tasks.runtime.moved import ARTIFACTS
from tests.conftest import MODELS

VERSIONS = 3  # retrainings that passed
SHIFT = {"demand": 1, "price_response": 2, "pricing_policy": 0}
"""How far version numbers are ahead of the policy's: they differ, so that none passes for another."""
KILLED = -signal.SIGKILL


def triple(version: int) -> dict[str, int]:
    """Return the versions of all three models that belong to a version of the policy."""
    return {name: version + SHIFT[name] for name in MODELS}


def settings_of(folder: Path) -> Settings:
    return Settings(profile="smoke", data_folder=str(folder))


def without_waiting_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    """Leave writing to the disk to the system, which outlives a killed process."""
    connection.execute("pragma synchronous = off")


def close_connections() -> None:
    for engine in [thing for thing in gc.get_objects() if isinstance(thing, Engine)]:
        engine.dispose()


def restored(settings: Settings, source: Path) -> Settings:
    """Put a copy of another folder's database and models in place; no connection to it may be open."""
    shutil.copyfile(source / "mlflow.db", Path(settings.data_folder) / "mlflow.db")
    (Path(settings.data_folder) / ledger_witness.FILE).unlink(missing_ok=True)
    if (source / ARTIFACTS).exists():
        shutil.rmtree(Path(settings.data_folder) / ARTIFACTS, ignore_errors=True)
        shutil.copytree(source / ARTIFACTS, Path(settings.data_folder) / ARTIFACTS)
    return settings


LAST_RELEASE = """
create table repricer_champions (number integer not null primary key, replaces integer unique,
    action varchar(32) not null, demand integer not null, price_response integer not null,
    pricing_policy integer not null, "by" varchar(255) not null, reason varchar(5000) not null,
    at varchar(40) not null);
create table repricer_approved_manifests (number integer not null, model varchar(255) not null,
    sha256 varchar(64) not null, primary key (number, model));
insert into repricer_champions select number, nullif(number - 1, 0), kind,
    json_extract(body, '$.versions.demand'), json_extract(body, '$.versions.price_response'),
    json_extract(body, '$.versions.pricing_policy'), "by", reason, substr(at, 1, 19) || '+00:00'
    from repricer_ledger;
insert into repricer_approved_manifests select number, manifest.key, manifest.value
    from repricer_ledger, json_each(body, '$.manifests') as manifest;
drop table repricer_ledger;
delete from model_version_tags where key = 'ledger_entry';
"""


def as_the_last_release_left_it(settings: Settings, *, manifests: bool = True) -> None:
    """Put the champions where the release before the ledger kept them; with what it knew of their files."""
    with closing(sqlite3.connect(Path(settings.data_folder) / "mlflow.db")) as database:
        database.executescript(LAST_RELEASE)
        if not manifests:
            database.executescript("drop table repricer_approved_manifests; drop table repricer_manifests")
    (Path(settings.data_folder) / ledger_witness.FILE).unlink()  # that release wrote none


def promote(settings: Settings, version: int, by: str = "Ada", *override: str) -> dict[str, Any]:
    return dict(operations.promote.fn(settings, version, by, f"version {version}", override))


def rollback(settings: Settings, by: str = "Ada") -> dict[str, Any]:
    return dict(operations.rollback.fn(settings, by, "margin fell"))


def forked(work: Callable[[], object]) -> int:
    """Run work in a forked process and return its exit status, the negative signal where it was killed."""
    process = os.fork() or child(work)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def child(work: Callable[[], object]) -> NoReturn:
    """Do the work of a forked process and end it."""
    gc.disable()  # it would copy every page of the parent
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


# --- the checker: reads the file with sqlite3 alone ---


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as db:
        return db.execute(query).fetchall()


def aliases(folder: Path) -> dict[str, dict[str, int]]:
    """Return alias -> model -> version, but for the candidate."""
    pointers: dict[str, dict[str, int]] = {}
    for model, alias, version in rows(folder, "select name, alias, version from registered_model_aliases"):
        pointers.setdefault(alias, {})[model] = int(version)
    return {alias: versions for alias, versions in pointers.items() if alias != "candidate"}


def ledger(folder: Path) -> list[dict[str, Any]]:
    """Return the entries that made a champion, of a ledger whose digests this checker computes by itself."""
    if not rows(folder, "select 1 from sqlite_master where name = 'repricer_ledger'"):
        return []
    names = ("number", "kind", "body", "by", "reason", "at", "previous", "token")
    quoted = ", ".join(f'"{name}"' for name in (*names, "digest"))
    champions, previous = [], ""
    for position, row in enumerate(rows(folder, f"select {quoted} from repricer_ledger order by number")):
        entry = dict(zip((*names, "digest"), row, strict=True))
        entry["body"] = json.loads(entry["body"])
        content = json.dumps({name: entry[name] for name in names}, sort_keys=True, separators=(",", ":"))
        assert (entry["number"], entry["previous"]) == (position + 1, previous), "the chain has a gap"
        assert entry["digest"] == sha256(content.encode()).hexdigest(), f"entry {position + 1} was changed"
        previous = entry["digest"]
        if "versions" in entry["body"]:
            action = entry["body"].get("was", entry["kind"])
            champions.append({**entry, **entry["body"]["versions"], "action": action})
    return champions


def without_manifests(shop: Settings) -> None:
    """Let all versions of a shop be older than manifests."""
    for name in MODELS:
        champion_store.forget_manifests(shop, name)


def promoted_before(version: int, alias: str, at: str) -> None:
    """Set aliases and tags as promotions did that kept no ledger."""
    for name, number in triple(version).items():
        track.set_alias(name, alias, number)
        track.tag_version(name, number, {"promoted_by": "Eve", "promoted_reason": "lift", "promoted_at": at})


def check(folder: Path) -> dict[str, Any]:
    """Assert that there is one champion and that aliases and tags of all models follow it; return its row."""
    entries = ledger(folder)
    assert entries, "nobody wrote down who is champion"
    for entry in entries:
        assert {name: entry[name] for name in MODELS} == triple(entry["pricing_policy"]), (
            "a row mixes versions of two retrainings"
        )
    decided = [{name: entry[name] for name in MODELS} for entry in entries]
    standing = {"champion": decided[-1]}
    if others := [versions for versions in decided if versions != decided[-1]]:
        standing["previous"] = others[-1]
    assert aliases(folder) == standing, "the aliases do not follow the newest row"
    key = f"{entries[-1]['action']}_by"
    for name, version in standing["champion"].items():
        tags = f"select value from model_version_tags where name = '{name}' and version = {version}"
        assert rows(folder, f"{tags} and key = '{key}'") == [(entries[-1]["by"],)], (
            f"{name} version {version} does not say who made it champion"
        )
    return entries[-1]
