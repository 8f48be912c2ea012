"""Files of a champion that were changed behind its back, and aliases that were set by hand."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tasks.governance.approval import Refused
from tasks.governance.manifest import ManifestError
from tasks.runtime.champion_aliases import champion, chosen
from tests.conftest import MODELS
from tests.faults.case import Case, Plan
from tests.faults.changes import flip, replace, swap, truncate
from tests.faults.checked_registry import POLICY, manifests, versions_of
from tests.faults.checker import sha256, torn_list
from tests.faults.registry_kills import begin_from
from tests.faults.shop import Shop, command, run_to_its_end, store
from tests.operations.promotions import VERSIONS, close_connections, forked, promote, settings_of, triple
from tests.operations.template import made_registry

FAULT = "tampering"
LIST = "list.csv"


CHANGES: dict[str, Callable[[Path, Path], None]] = {
    "flipped": flip,
    "truncated": truncate,
    "swapped": swap,
    "replaced": replace,
}


class Change(NamedTuple):
    """A change of a file of the champion.

    Attributes:
        model: whose version is changed.
        file: in the folder of the version.
        other: another file in it.
        how: a name of `CHANGES`.
        by_command: whether the command `recommend` meets it, not only its loading of models.
    """

    model: str
    file: str
    other: str
    how: str
    by_command: bool


def cases(plan: Plan, shop: Shop) -> Iterator[Case]:
    """Yield every file of the champion changed in every way; the command meets a few of them."""
    base = promoted_reference(plan.work / "tampered", shop)
    for change in CHANGES:
        for model in MODELS:
            files = sorted(next(m for (name, _), m in manifests(base).items() if name == model)["files"])
            for position, file in enumerate(files):
                by_command = position == 0 and model == POLICY  # a list is made of nothing else
                tampered = Change(model, file, files[position - 1], change, by_command)
                work = partial(changed, base, tampered)
                yield Case(FAULT, f"{model}, {file} {change}", work, checked=False)
    folder = plan.work / "by-hand"
    shutil.rmtree(folder, ignore_errors=True)
    yield from by_hand(*made_registry(folder))


def promoted_reference(base: Path, shop: Shop) -> Path:
    """Return a copy of the undisturbed retraining whose version is champion and has written a list."""
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(shop.reference, base)
    if forked(lambda: promote(settings_of(base), 1)):
        raise RuntimeError("the version of the undisturbed retraining could not be promoted")
    ended = run_to_its_end(recommendation(base))
    if ended.status:
        raise RuntimeError(f"the champion has written no list: {ended.text}")
    return base


def recommendation(folder: Path) -> list[str]:
    return command("recommend", "--out", str(folder / LIST), "--seed", "1", *store(folder))


def changed(base: Path, change: Change, folder: Path) -> list[str]:
    """Change a file of the champion and load it, as every command does, else write a list."""
    shutil.copytree(base, folder, dirs_exist_ok=True)
    version = next(v for v in versions_of(folder) if v.model == change.model)
    place = folder / version.folder.relative_to(base)
    CHANGES[change.how](place / change.file, place / change.other)
    if change.by_command:
        ended = run_to_its_end(recommendation(folder))
        refusal = "" if ended.status == 0 else ended.text
    else:
        refusal = refusal_of(lambda: chosen(settings_of(folder), change.model, None), folder / "refusal.txt")
    return [*complaints(refusal, change.file), *torn_list(folder / LIST, {sha256(base / LIST)})]


def complaints(refusal: str, file: str) -> list[str]:
    """Return what a refusal should say and does not; an empty one is none."""
    if not refusal:
        return [f"{file} was changed, and the version was loaded"]
    lacks = [words for words in (file, "expected", "found", "Nothing of it was run") if words not in refusal]
    return [f"the refusal does not say {lacks}: {refusal[-1000:]}"] if lacks else []


def refusal_of(work: Callable[[], object], file: Path) -> str:
    """Return the message with which work in a forked process was refused, empty where it was done."""

    def refused() -> None:
        try:
            work()
        except (ManifestError, Refused) as error:
            file.write_text(str(error), encoding="utf-8")

    if forked(refused):
        raise RuntimeError("it was neither done nor refused")
    return file.read_text(encoding="utf-8") if file.exists() else ""


# --- aliases set by hand ---


def by_hand(template: Path, promoted: Path) -> Iterator[Case]:
    """Yield aliases on a version that nobody approved: with a ledger, without one, and the candidate's.

    An alias stays where a hand put it until a person decides, so that the checker of aliases has no say.
    """
    for alias, ledger in (("champion", promoted), ("champion", template), ("candidate", template)):
        name = f"alias {alias} set by hand, {'with' if ledger is promoted else 'without'} a ledger"
        yield Case(FAULT, name, partial(aliased, alias, template, ledger), checked=False)


def aliased(alias: str, template: Path, ledger: Path, folder: Path) -> list[str]:
    """Let an alias of all models point to versions that failed; the champion may not become one of them."""
    settings = settings_of(folder)
    begin_from(template, ledger, settings)
    close_connections()
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        for model, number in triple(VERSIONS + 1).items():
            database.execute(
                "insert or replace into registered_model_aliases (alias, version, name) values (?, ?, ?)",
                (alias, number, model),
            )
        database.commit()
    if ledger == template:
        refusal = refusal_of(lambda: chosen(settings, POLICY, None), folder / "refusal.txt")
        return [] if refusal else ["a version that nobody approved was loaded by an alias set by hand"]
    refusal = refusal_of(lambda: champion(settings), folder / "refusal.txt")
    lacks = [words for words in ("no approval", "repricer adopt") if words not in refusal]
    return [f"the refusal does not say {lacks}: {refusal}"] if lacks else []
