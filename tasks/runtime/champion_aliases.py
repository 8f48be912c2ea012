"""The champion is the newest entry of the ledger; the aliases and tags of the registry follow it.

A command that was killed between its entry and the aliases, or a person who moved an alias by hand, leaves
them elsewhere: every command that needs the champion puts them back first.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from conf import Settings
from tasks.governance.approval import CANDIDATE, CHAMPION, PREVIOUS, Refused, require_promotable
from tasks.governance.champion import HEAD, MODELS, Champion, Unresolved, adopted, entry
from tasks.runtime import champion_store, track, verified_models
from tasks.runtime.candidate_aliases import candidate_of, follow_policy

log = logging.getLogger("repricer")


def champion(settings: Settings) -> Champion | None:
    """Return the champion, with the aliases of all models on its versions; none where nobody was promoted.

    The candidate's are put on the versions of one retraining. Aliases that stood elsewhere are put back, with
    a warning.

    Raises:
        Unresolved: there are aliases without an entry, and they do not belong together; or a version of the
            champion is gone.
        StoreError: the store does not answer.
    """
    track.open_store(settings)
    if champion_store.newest(settings) is None:
        _adopt(settings)
    for correction in mirror(settings):
        log.warning(correction)
    return champion_store.newest(settings)


def mirror(settings: Settings) -> list[str]:
    """Let aliases and tags of all models follow the ledger and return what was corrected.

    The candidate's aliases follow its policy.

    One process of a data folder at a time. Other machines may share the registry: the entry is read again
    after the last write, so that whoever writes last leaves the aliases of the newest entry.

    Raises:
        Unresolved: a version of the champion is no longer registered.
    """
    corrections: list[str] = []
    with (Path(settings.data_folder) / ".champion.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        current, followed = champion_store.newest(settings), None
        while current is not None and current != followed:
            replaced = champion_store.numbered(settings, current.replaces) if current.replaces else None
            corrections += _follow(current, replaced)
            current, followed = champion_store.newest(settings), current
        corrections += follow_policy()
    return corrections


def repair(settings: Settings) -> None:
    """Put aliases back where a command needs no champion; an unresolved champion is only warned of."""
    try:
        champion(settings)
    except Unresolved as error:
        log.warning(str(error))


def chosen(settings: Settings, name: str, version: int | None) -> tuple[int, Any]:
    """Return a version and its model: the given one, else the champion, else the candidate.

    Raises:
        ModelError: there is none.
        FormatError: it is of another format.
        ManifestError: it is not what was registered or approved.
        Refused: the alias of the candidate points to a version that did not pass.
        Unresolved: who is champion is not known.
    """
    track.open_store(settings)
    standing = champion(settings) if version is None else None
    number = standing.versions[name] if standing else version or _candidate(name)
    if number is None or track.version_tags(name, number) is None:
        lack = "none is champion or candidate" if number is None else f"there is no version {number}"
        raise track.ModelError(
            f"{name}: a registered version is needed; {lack} in {settings.data_folder}. "
            "Run `repricer retrain` first."
        )
    return number, verified_models.load(settings, name, number, standing).unwrap_python_model()


def version_of(settings: Settings, name: str, alias: str) -> int | None:
    """Return the version that an alias means: by the ledger for the champion, by the registry for others."""
    if alias == CHAMPION:
        current = champion(settings)
        return current.versions[name] if current else None
    return _candidate(name) if alias == CANDIDATE else track.aliases(name).get(alias)


def load_model(settings: Settings, name: str, alias: str) -> Any:
    """Return the registered model that an alias means, as MLflow loads it.

    Raises:
        ModelError: there is none.
        FormatError: it is of another format.
        ManifestError: it is not what was registered or approved.
    """
    track.open_store(settings)
    standing = champion(settings) if alias == CHAMPION else None
    number = standing.versions[name] if standing else version_of(settings, name, alias)
    if number is None:
        remedy = "Retrain, or promote a version, or name the profile."
        raise track.ModelError(f"{name}: there is no {alias} in {settings.data_folder}. {remedy}")
    return verified_models.load(settings, name, number, standing)


def _candidate(name: str) -> int | None:
    """Return the version that is candidate.

    Raises:
        FormatError: it is of another format.
        Refused: it did not pass.
    """
    number = candidate_of(name)
    if number is not None and (tags := track.version_tags(name, number)) is not None:
        require_promotable(name, number, tags)
    return number


def _adopt(settings: Settings) -> None:
    """Write the first entries of a shop whose aliases were set before there was a ledger.

    Raises:
        Unresolved: the aliases do not belong together, or were set by hand.
    """
    standing = {name: track.aliases(name) for name in MODELS}
    if not any(CHAMPION in aliases for aliases in standing.values()):
        return
    current = _aliased(standing, CHAMPION)
    _require_older_than_the_ledger(settings, current)
    entries = [current]
    with suppress(Unresolved):  # a champion without a predecessor can be replaced, only not rolled back
        first = _aliased(standing, PREVIOUS)
        entries = [first, entry(first, current.action, current.versions, current.approval)]
    try:
        champion_store.append(settings, *entries)
    except Refused as error:
        log.info("the ledger was begun by another command: %s", error)
        return
    log.warning("the ledger begins with the champion that the aliases named: %s %s", HEAD, current)


def _require_older_than_the_ledger(settings: Settings, current: Champion) -> None:
    """Accept aliases on versions without a manifest: there was a ledger before there were manifests.

    Raises:
        Unresolved: a version has a manifest, so that whoever promotes it leaves an entry.
    """
    for name, number in current.versions.items():
        if verified_models.is_sealed(settings, name, number):
            raise Unresolved(
                f"who is champion is not known: the alias {CHAMPION} of {name} points to version {number}, "
                "and the ledger has no entry that made it champion. "
                "Promote a version: `repricer promote --version N --by NAME --reason WHY`."
            )


def _aliased(standing: Mapping[str, Mapping[str, int]], alias: str) -> Champion:
    versions = {name: aliases[alias] for name, aliases in standing.items() if alias in aliases}
    return adopted(
        versions, {name: track.version_tags(name, number) or {} for name, number in versions.items()}
    )


def _follow(current: Champion, replaced: Champion | None) -> list[str]:
    """Set what differs from the ledger and return a line for each alias or version corrected."""
    tags = {name: track.version_tags(name, number) for name, number in current.versions.items()}
    gone = [f"{name} version {current.versions[name]}" for name in MODELS if tags[name] is None]
    if gone:
        raise Unresolved(
            f"the champion is {HEAD} {current}, but the registry no longer has {', '.join(gone)}. "
            "Restore it, or promote another: `repricer promote --version N --by NAME --reason WHY`."
        )
    corrections = []
    for name, version in current.versions.items():
        aliases = track.aliases(name)
        for alias, target in ((CHAMPION, version), (PREVIOUS, replaced.versions[name] if replaced else None)):
            if aliases.get(alias) != target and _point(name, alias, target, aliases):
                pointed = aliases.get(alias)
                corrections.append(
                    f"{name}: the alias {alias} pointed to {pointed}, not {target}; it is put back."
                )
        if not current.tags().items() <= (tags[name] or {}).items():
            track.tag_version(name, version, current.tags())
            corrections.append(
                f"{name} version {version}: the tags of its approval were missing; they are set."
            )
    return corrections


def _point(name: str, alias: str, version: int | None, aliases: Mapping[str, int]) -> bool:
    """Let an alias point to a version, or drop it where there is none; return whether it changed."""
    if version is not None and track.version_tags(name, version) is not None:
        track.set_alias(name, alias, version)
        return True
    if alias in aliases:
        track.drop_alias(name, alias)
    return alias in aliases
