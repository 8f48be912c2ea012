"""Whether what was decided is what stands: the chain of the ledger, the aliases, the bytes of the champion.

Nothing is changed. A check is a function that yields a sentence for whatever is wrong; `CHECKS` names them in
their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.approval import CHAMPION, Refused
from tasks.governance.champion import HEAD, MODELS, standing
from tasks.governance.format import FormatError
from tasks.governance.ledger import LedgerError
from tasks.governance.manifest import ManifestError
from tasks.operations import verify_lists
from tasks.runtime import champion_store, ledger_store, ledger_witness, track, verified_models
from tasks.runtime.champion_aliases import astray


class Finding(TypedDict):
    """Something that is not as it was decided, and the check that says so."""

    check: str
    finding: str


class Verified(TypedDict):
    """What was looked at and what is wrong; nothing is wrong where there are no findings."""

    entries: int
    champion: str | None
    checks: list[str]
    findings: list[Finding]


def verify(settings: Settings) -> Verified:
    """Run every check; where the ledger itself is broken, only what needs no ledger is checked besides.

    Raises:
        StoreError: the store does not answer.
    """
    track.open_store(settings)
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            findings += [Finding(check=name, finding=text) for text in check(settings)]
        except LedgerError:  # the check of the chain names the entry
            continue
    entries = [] if ledger_store.broken(settings) else ledger_store.entries(settings)
    champion = standing(entries).champion
    return Verified(
        entries=len(entries),
        champion=f"{HEAD} {champion}" if champion else None,
        checks=list(CHECKS),
        findings=findings,
    )


def _chain(settings: Settings) -> Iterator[str]:
    broken = ledger_store.broken(settings)
    if broken is not None:
        yield str(broken)
    else:
        yield from ledger_witness.faults(settings, ledger_store.entries(settings))


def _aliases(settings: Settings) -> Iterator[str]:
    state = champion_store.current(settings)
    if state.champion is not None:
        yield from (f"{stray}" for stray in astray(state.champion, state.previous))
        return
    for name in MODELS:
        pointed = track.aliases(name).get(CHAMPION)
        if pointed is not None:
            yield f"{name}: the alias {CHAMPION} points to {pointed}, and the ledger has no champion"


def _champion(settings: Settings) -> Iterator[str]:
    champion = champion_store.newest(settings)
    if champion is None:
        return
    for name, version in champion.versions.items():
        try:
            for manifest in verified_models.verified(settings, {name: version}):
                verified_models.require_approved(champion, manifest)
        except (ManifestError, FormatError, track.ModelError, Refused) as error:
            yield str(error)


CHAIN = "chain of the ledger"
CHECKS: Mapping[str, Callable[[Settings], Iterable[str]]] = {
    CHAIN: _chain,
    "aliases": _aliases,
    "bytes of the champion": _champion,
    "files of published lists": verify_lists.files_of_lists,
    "guards of published lists": verify_lists.guards,
    "list in force": verify_lists.pointer,
    "switch": verify_lists.switch,
    "published prices": verify_lists.prices,
}
"""What is checked."""
