"""Whether the registry of a data folder is sound: versions, manifests, aliases, champion.

Part of the checker.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from tests.faults.databases import rows

MODELS = ("demand", "price_response", "pricing_policy")
POLICY = "pricing_policy"
CONTENT = ("number", "kind", "body", "by", "reason", "at", "previous", "token")
"""Columns of the ledger that the digest of an entry covers."""
NOT_REGISTERED = ("registered_model_meta", "__pycache__")
"""What loading leaves in the folder of a version."""


class Version(NamedTuple):
    """A registered version, the run that registered it, and the folder of its files."""

    model: str
    number: int
    run_id: str
    source: str
    folder: Path


def registry_violations(folder: Path) -> list[str]:
    """Return a sentence for every invariant of the registry that does not hold."""
    versions = versions_of(folder)
    return [
        *wrong_numbers_of_versions(folder, versions),
        *models_without_version(folder, versions),
        *changed_versions(folder, versions),
        *split_candidate(folder, versions),
        *broken_ledger(folder, versions),
        *wrong_champion(folder, versions),
    ]


def versions_of(folder: Path) -> list[Version]:
    query = "select name, version, run_id, source, storage_location from model_versions"
    return [
        Version(model, number, run, source, Path(unquote(urlsplit(location or source).path)))
        for model, number, run, source, location in rows(folder / "mlflow.db", query)
    ]


def wrong_numbers_of_versions(folder: Path, versions: list[Version]) -> Iterator[str]:
    """Yield the retrainings that registered a model twice, and the finished ones that lack a version."""
    registered = Counter((version.run_id, version.model) for version in versions if version.run_id)
    for (run, model), count in registered.items():
        if count > 1:
            yield f"the retraining {run} registered {count} versions of {model}"
    for file in folder.glob("attempts/*/attempt.json"):
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            yield f"{file} is no JSON"
            continue
        for model in MODELS:
            if kept["finished"] and not registered[kept["attempt"]["run_id"], model]:
                yield f"the finished retraining {kept['attempt']['id']} has no version of {model}"


def models_without_version(folder: Path, versions: list[Version]) -> Iterator[str]:
    """Yield the logged models of finished runs that no version is made of."""
    query = (
        "select model_id, logged_models.name from logged_models join runs on run_uuid = source_run_id "
        "where logged_models.lifecycle_stage = 'active' and runs.status = 'FINISHED'"
    )
    sources = {version.source for version in versions}
    for model, name in rows(folder / "mlflow.db", query):
        if f"models:/{model}" not in sources:
            yield f"the logged model {model} of {name} belongs to no version"


# --- the bytes of versions ---


def manifests(folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the manifest of every version: model, version, run, files, tags."""
    query = "select model, version, run_id, files, tags from repricer_manifests"
    return {
        (model, number): {
            "model": model,
            "version": number,
            "run_id": run,
            "files": json.loads(files),
            "tags": json.loads(tags),
        }
        for model, number, run, files, tags in rows(folder / "mlflow.db", query)
    }


def changed_versions(folder: Path, versions: list[Version]) -> Iterator[str]:
    """Yield the versions whose files or tags differ from their manifests, and manifests of no version."""
    kept = manifests(folder)
    for version in versions:
        manifest = kept.pop((version.model, version.number), None)
        name = f"{version.model} version {version.number}"
        if manifest is None:
            continue
        yield from (f"{name}: {text}" for text in differing_files(manifest["files"], version.folder))
        tags = dict(
            rows(
                folder / "mlflow.db",
                "select key, value from model_version_tags where name = ? and version = ?",
                version.model,
                version.number,
            )
        )
        for tag, value in manifest["tags"].items():
            if tags.get(tag) != value:
                yield f"{name}: the tag {tag} is {tags.get(tag)}, and was registered as {value}"
    for model, number in kept:
        yield f"there is a manifest of {model} version {number}, which is not registered"


def differing_files(files: dict[str, dict[str, Any]], folder: Path) -> Iterator[str]:
    present = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(NOT_REGISTERED) & set(path.relative_to(folder).parts)
    }
    for name in sorted(files.keys() | present.keys()):
        if name not in present:
            yield f"{name} is gone"
        elif name not in files:
            yield f"{name} was not registered"
        elif (len(present[name]), sha256(present[name]).hexdigest()) != (
            files[name]["size"],
            files[name]["sha256"],
        ):
            yield f"{name} has other bytes than its manifest says"


# --- aliases and the ledger ---


def aliases(folder: Path) -> dict[str, dict[str, int]]:
    """Return alias -> model -> version."""
    pointers: dict[str, dict[str, int]] = {}
    query = "select name, alias, version from registered_model_aliases"
    for model, alias, version in rows(folder / "mlflow.db", query):
        pointers.setdefault(alias, {})[model] = int(version)
    return pointers


def pins(folder: Path, policy: int) -> dict[str, int]:
    """Return the versions of all models that a version of the policy was trained with, by its tags."""
    query = "select key, value from model_version_tags where name = ? and version = ?"
    tags = dict(rows(folder / "mlflow.db", query, POLICY, policy))
    pinned = {model: tags.get(f"{model}_version", "") for model in MODELS if model != POLICY}
    return {POLICY: policy, **{model: int(pin) for model, pin in pinned.items() if pin.isdecimal()}}


def split_candidate(folder: Path, versions: list[Version]) -> Iterator[str]:
    """Yield that `candidate` names versions of more than one retraining, or one that failed."""
    candidate = aliases(folder).get("candidate")
    if not candidate:
        return
    if candidate != pins(folder, candidate.get(POLICY, 0)):
        yield f"the alias candidate names versions of different retrainings: {candidate}"
    runs = {version.run_id for version in versions if candidate.get(version.model) == version.number}
    if len(runs) != 1:
        yield f"the alias candidate names versions of the runs {sorted(runs)}"
    query = "select value from model_version_tags where key = 'verdict' and name = ? and version = ?"
    for model, number in candidate.items():
        for (verdict,) in rows(folder / "mlflow.db", query, model, number):
            if verdict != "PASS":
                yield f"the candidate {model} version {number} has the verdict {verdict}"


def ledger(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of the ledger that made a champion, the oldest first."""
    champions = []
    for entry in chain(folder):
        if "versions" in entry["body"]:
            action = entry["body"].get("was", entry["kind"])
            champions.append({**entry, **entry["body"]["versions"], "action": action})
    return champions


def chain(folder: Path) -> list[dict[str, Any]]:
    """Return all entries of the ledger, the oldest first."""
    if not rows(folder / "mlflow.db", "select 1 from sqlite_master where name = 'repricer_ledger'"):
        return []
    quoted = ", ".join(f'"{name}"' for name in (*CONTENT, "digest"))
    entries = rows(folder / "mlflow.db", f"select {quoted} from repricer_ledger order by number")
    named = [dict(zip((*CONTENT, "digest"), entry, strict=True)) for entry in entries]
    return [{**entry, "body": json.loads(entry["body"])} for entry in named]


def broken_ledger(folder: Path, versions: list[Version]) -> Iterator[str]:
    """Yield the entries that have no place, no name, or no three versions that belong together."""
    registered = {(version.model, version.number) for version in versions}
    previous = ""
    for position, entry in enumerate(chain(folder)):
        name = f"entry {entry['number']} of the ledger"
        content = {key: entry[key] for key in CONTENT}
        digest = sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        if (entry["number"], entry["previous"]) != (position + 1, previous):
            yield f"{name} stands at place {position + 1} and follows {entry['previous']}, not {previous}"
        if entry["digest"] != digest:
            yield f"{name} was changed"
        previous = digest
        if not (entry["by"].strip() and entry["reason"].strip()):
            yield f"{name} names nobody or no reason"
    for entry in ledger(folder):
        name = f"entry {entry['number']} of the ledger"
        decided = {model: entry[model] for model in MODELS}
        if decided != pins(folder, entry[POLICY]):
            yield f"{name} mixes versions of different retrainings: {decided}"
        for model, number in decided.items():
            if (model, number) not in registered:
                yield f"{name} names {model} version {number}, which is not registered"


def wrong_champion(folder: Path, versions: list[Version]) -> Iterator[str]:
    """Yield where aliases, tags or approved bytes are not those of the newest entry of the ledger."""
    entries, pointers = ledger(folder), aliases(folder)
    pointed = {alias: pointers[alias] for alias in ("champion", "previous") if alias in pointers}
    decided = [{model: entry[model] for model in MODELS} for entry in entries]
    others = [versions for versions in decided if versions != decided[-1]]
    last = {"champion": decided[-1:], "previous": others[-1:]}
    standing = {alias: versions[0] for alias, versions in last.items() if versions}
    if pointed != standing:
        yield f"the aliases name {pointed}, and the ledger {standing}"
    if not entries:
        return
    newest, kept = entries[-1], manifests(folder)
    approved = newest["body"]["manifests"]
    for model in MODELS:
        manifest = kept.get((model, newest[model]), {})
        digest = sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
        if approved.get(model) != digest:
            yield f"the champion {model} version {newest[model]} is not the one that {newest['by']} approved"
        query = "select value from model_version_tags where name = ? and version = ? and key = ?"
        signed = rows(folder / "mlflow.db", query, model, newest[model], f"{newest['action']}_by")
        if signed != [(newest["by"],)]:
            yield f"{model} version {newest[model]} does not say that {newest['by']} made it champion"
