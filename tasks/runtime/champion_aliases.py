"""The champion is what the ledger says; the aliases and tags of the registry follow it.

A command that was killed between its entry and the aliases leaves them elsewhere: every command that needs
the champion puts them right first. When all have followed, the policy's version is marked with the entry. An
alias that has left the champion of a marked entry was moved by hand: nothing is recommended until a named
person adopts what it points to, or promotes the champion once more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from conf import Settings
from tasks.governance.approval import CANDIDATE, CHAMPION, PREVIOUS, require_promotable
from tasks.governance.champion import HEAD, MODELS, Champion, Standing, Unresolved
from tasks.governance.ledger import REJECTED, LedgerError, Overtaken
from tasks.runtime import champion_store, track, verified_models
from tasks.runtime.candidate_aliases import candidate_of, follow_policy
from tasks.runtime.writer_lock import Writer, held

log = logging.getLogger("repricer")

FOLLOWED = "ledger_entry"  # tag of the champion's policy: number and digest of the entry that aliases follow


class Astray(NamedTuple):
    """An alias that points elsewhere than the ledger says; none is no version."""

    name: str
    alias: str
    pointed: int | None
    target: int | None

    def __str__(self) -> str:
        """Return where it points and where it should."""
        return f"{self.name}: the alias {self.alias} pointed to {self.pointed}, not {self.target}"


class Unapproved(Unresolved):
    """An alias that somebody moved by hand names a version that no entry of the ledger made champion."""


def champion(settings: Settings) -> Champion | None:
    """Return the champion, with the aliases of all models on its versions; none where nobody was promoted.

    The candidate's are put on the versions of one retraining. Aliases that a killed command left elsewhere
    are put right, with a warning.

    Raises:
        Unapproved: an alias of the champion was moved by hand.
        Unresolved: there are aliases without an entry, or a version of the champion is gone.
        LedgerError: the ledger is not what was written.
        StoreError: the store does not answer.
    """
    track.open_store(settings)
    if champion_store.newest(settings) is None:
        _require_no_alias()
    for correction in mirror(settings):
        log.warning(correction)
    return champion_store.newest(settings)


def mirror(settings: Settings) -> list[str]:
    """Let aliases and tags of all models follow the ledger and return what was corrected.

    The candidate's aliases follow its policy.

    One process of a data folder at a time. Other machines may share the registry: the entry is read again
    after the last write, so that whoever writes last leaves the aliases of the newest entry.

    Raises:
        Unapproved: an alias of the champion was moved by hand since they followed the ledger.
        Unresolved: a version of the champion is no longer registered.
        Overtaken: the process was paused meanwhile, and another one has taken over.
    """
    try:
        with held(champion_store.lock_of(settings)) as writer:
            return _mirrored(settings, writer)
    except Overtaken:
        # The write that it was amid when it was paused may have come after those of the newer holder.
        with held(champion_store.lock_of(settings)) as writer:
            state = champion_store.current(settings)
            if state.champion is not None:
                _follow(state.champion, state.previous, writer)
        raise


def _mirrored(settings: Settings, writer: Writer) -> list[str]:
    corrections: list[str] = []
    state, followed = champion_store.current(settings), None
    while state.champion is not None and state.champion != followed:
        moved = _moved_by_hand(state.champion)
        latest = champion_store.current(settings)
        if latest.champion == state.champion:
            if moved:
                raise Unapproved(moved)
            corrections += _follow(state.champion, state.previous, writer)
            followed = state.champion
        state = latest
    _tag_rejected(state)
    return corrections + follow_policy(set(state.rejected))


def repair(settings: Settings) -> None:
    """Put aliases right where a command needs no champion; where it is not known, that is only warned of."""
    try:
        champion(settings)
    except (Unresolved, LedgerError) as error:
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
    current = champion(settings) if version is None else champion_store.newest(settings)
    number = version or (current.versions[name] if current else _candidate(name))
    if number is None or track.version_tags(name, number) is None:
        lack = "none is champion or candidate" if number is None else f"there is no version {number}"
        raise track.ModelError(
            f"{name}: a registered version is needed; {lack} in {settings.data_folder}. "
            "Run `repricer retrain` first."
        )
    approved = current if current and current.versions[name] == number else None
    return number, verified_models.load(settings, name, number, approved).unwrap_python_model()


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


def _require_no_alias() -> None:
    """Accept a shop without a champion whose aliases name none either.

    Raises:
        Unresolved: an alias names a champion, from before the ledger or set by hand: a person takes it up.
    """
    pointed = {name: track.aliases(name).get(CHAMPION) for name in MODELS}
    named = [f"{name} version {number}" for name, number in pointed.items() if number is not None]
    if not named:
        return
    remedy = "promote a version: `repricer promote --version N --by NAME --reason WHY`"
    if pointed[HEAD] is not None:
        adopt = f"`repricer adopt --version {pointed[HEAD]} --by NAME --reason WHY`"
        remedy = f"take up what the alias of {HEAD} names: {adopt}, or {remedy}"
    raise Unresolved(
        f"who is champion is not known: the alias {CHAMPION} points to {', '.join(named)}, and no entry of "
        "the ledger made it champion: it is from before the ledger, or was set by hand. To settle it, "
        f"{remedy}."
    )


def _moved_by_hand(current: Champion) -> str:
    """Return a sentence about an alias that left the champion after all had followed it, none if none did."""
    if (track.version_tags(HEAD, current.versions[HEAD]) or {}).get(FOLLOWED) != current.mark:
        return ""  # the command that made it champion was killed before the aliases followed
    for name, version in current.versions.items():
        pointed = track.aliases(name).get(CHAMPION, version)
        if pointed != version:
            head = track.aliases(HEAD).get(CHAMPION, "N")
            return (
                f"the alias {CHAMPION} of {name} points to version {pointed}, which has no approval: the "
                f"champion is {HEAD} {current}. To approve what the alias of {HEAD} names: `repricer adopt "
                f"--version {head} --by NAME --reason WHY`. To keep the champion: `repricer promote "
                f"--version {current.versions[HEAD]} --by NAME --reason WHY`."
            )
    return ""


def _tag_rejected(state: Standing) -> None:
    """Let the newest rejected version say who rejected it; the ones before it were tagged in their time."""
    for version, signed in list(state.rejected.items())[-1:]:
        tags = track.version_tags(HEAD, version)
        if tags is not None and not signed.tags(REJECTED).items() <= tags.items():
            track.tag_version(HEAD, version, signed.tags(REJECTED))


def astray(current: Champion, replaced: Champion | None) -> Iterator[Astray]:
    """Yield the aliases that do not point where the ledger says."""
    for name, version in current.versions.items():
        aliases = track.aliases(name)
        for alias, target in ((CHAMPION, version), (PREVIOUS, replaced.versions[name] if replaced else None)):
            if aliases.get(alias) != target and (alias in aliases or _exists(name, target)):
                yield Astray(name, alias, aliases.get(alias), target)


def _follow(current: Champion, replaced: Champion | None, writer: Writer) -> list[str]:
    """Set what differs from the ledger and return a line for each alias or version corrected.

    The mark of the entry is set last: it says that all of them followed.
    """
    tags = {name: track.version_tags(name, number) for name, number in current.versions.items()}
    gone = [f"{name} version {current.versions[name]}" for name in MODELS if tags[name] is None]
    if gone:
        raise Unresolved(
            f"the champion is {HEAD} {current}, but the registry no longer has {', '.join(gone)}. "
            "Restore it, or promote another: `repricer promote --version N --by NAME --reason WHY`."
        )
    corrections = []
    for stray in list(astray(current, replaced)):
        writer.require_newest()
        _point(stray.name, stray.alias, stray.target)
        corrections.append(f"{stray}; it is put back.")
    for name, version in current.versions.items():
        if not current.tags().items() <= (tags[name] or {}).items():
            writer.require_newest()
            track.tag_version(name, version, current.tags())
            corrections.append(
                f"{name} version {version}: the tags of its approval were missing; they are set."
            )
    if (tags[HEAD] or {}).get(FOLLOWED) != current.mark:
        writer.require_newest()
        track.tag_version(HEAD, current.versions[HEAD], {FOLLOWED: current.mark})
    return corrections


def _point(name: str, alias: str, version: int | None) -> None:
    """Let an alias point to a version, or drop it where there is none."""
    if _exists(name, version):
        track.set_alias(name, alias, cast("int", version))
    else:
        track.drop_alias(name, alias)


def _exists(name: str, version: int | None) -> bool:
    return version is not None and track.version_tags(name, version) is not None
