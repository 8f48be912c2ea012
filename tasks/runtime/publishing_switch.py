"""The file of the switch that stops all publishing; it works with every service down.

The file holds what was switched, by whom, when and why, and a digest of that. It is written before anything
else. The ledger gets the same entries as soon as its database answers; ``tasks.governance.switch`` says which
of both counts. Publishing stays stopped while the file cannot be read, or was removed by hand after it was
stopped: a named person lifts it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import STOPPED, Entry, canonical
from tasks.governance.switch import KINDS, Turn, newest, not_entered, turns_of
from tasks.runtime.folder_lock import locked
from tasks.runtime.published_lists import PART, folder_of, replace_whole

FOLDER, FILE = "switch", "switch.json"
SHORTEST = timedelta(microseconds=1)
"""Time between two turns: the newer one is dated later even where the clock was set back."""


class SwitchError(RuntimeError):
    """A file of the switch that cannot be read."""


def throw(settings: Settings, kind: str, signed: Approval, entries: Iterable[Entry] = ()) -> None:
    """Stop or resume publishing, whatever the file was before; it is on the disk when this returns.

    Args:
        settings: of the data folder.
        kind: `STOPPED` or `RESUMED`.
        signed: who turns it, why and when; dated after every turn before it.
        entries: of the ledger, as far as its database answers.
    """
    place = _place(settings)
    with locked(place.parent):
        try:
            before = turns(settings)
        except SwitchError:
            before = []
        for left in place.parent.glob(f"{PART}*"):  # by a command that was killed
            left.unlink()
        at = max((signed.at, *(turn.at + SHORTEST for turn in (*before, *turns_of(entries)))))
        replace_whole(place, _text([*before, Turn(kind, replace(signed, at=at))]))


def turns(settings: Settings) -> list[Turn]:
    """Return every turn of the switch, the oldest first, none where it was never used.

    Raises:
        SwitchError: the file cannot be read, or is not what was written.
    """
    place = _place(settings)
    try:
        said = json.loads(place.read_bytes())
        received, expected = _digest(said["turns"]), said["sha256"]
        if received != expected:
            raise ValueError(f"its turns have SHA-256 {received}, and {expected} was written")
        return [_turn(turn) for turn in said["turns"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SwitchError(f"{place}: the file of the switch cannot be read ({error})") from None


def stopped_because(settings: Settings, entries: Iterable[Entry]) -> str:
    """Return why publishing is stopped, nothing where it is not.

    Args:
        settings: of the data folder.
        entries: of the ledger.
    """
    try:
        in_file = turns(settings)
    except SwitchError as error:
        return f"{error}; until then publishing is stopped"
    decisive = newest(in_file, turns_of(entries))
    if decisive is None or decisive.kind != STOPPED:
        return ""
    if decisive.at in {turn.at for turn in in_file}:
        return f"publishing is {decisive}"
    if not in_file:
        return f"publishing is {decisive}, and the file of the switch was removed by hand"
    return (
        f"publishing is {decisive}, as the ledger says; {_place(settings)} does not know of it: it was "
        f"restored from a backup or changed by hand, and its last turn ({in_file[-1]}) lifts no newer stop"
    )


def not_in_ledger(settings: Settings, entries: Iterable[Entry]) -> list[Turn]:
    """Return the turns that the ledger does not have yet, the oldest first."""
    try:
        return not_entered(turns(settings), turns_of(entries))
    except SwitchError:
        return []


def faults(settings: Settings, entries: Iterable[Entry]) -> Iterator[str]:
    """Yield what is wrong with the file: it cannot be read, or lacks the newest turn of the ledger."""
    try:
        in_file = turns(settings)
    except SwitchError as error:
        yield str(error)
        return
    in_ledger = turns_of(entries)
    if in_ledger and in_ledger[-1].at not in {turn.at for turn in in_file}:
        yield f"{_place(settings)}: the newest turn of the ledger is missing: {in_ledger[-1]}"


def _place(settings: Settings) -> Path:
    folder = folder_of(settings) / FOLDER
    folder.mkdir(exist_ok=True)
    return folder / FILE


def _turn(said: dict[str, Any]) -> Turn:
    at = datetime.fromisoformat(said["at"])
    if said["kind"] not in KINDS or at.tzinfo is None:
        raise ValueError(f"{said['kind']!r} at {said['at']} is no turn")
    return Turn(said["kind"], Approval(str(said["by"]), str(said["reason"]), at))


def _text(turned: Iterable[Turn]) -> bytes:
    lines = [
        {
            "kind": turn.kind,
            "by": turn.approval.by,
            "reason": turn.approval.reason,
            "at": turn.at.isoformat(),
        }
        for turn in turned
    ]
    return (json.dumps({"turns": lines, "sha256": _digest(lines)}, indent=2) + "\n").encode()


def _digest(lines: Any) -> str:
    return hashlib.sha256(canonical(lines).encode()).hexdigest()
