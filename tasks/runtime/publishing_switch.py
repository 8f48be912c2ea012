"""The switch that stops all publishing: a file in the data folder, which works with every service down.

The file holds what was switched, by whom, when and why, and its last turn decides. It is written before
anything else. The ledger gets the same entries as soon as its database answers. Publishing stays stopped
while the file cannot be read, or was removed by hand after it was stopped: a named person lifts it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import RESUMED, STOPPED, Entry
from tasks.runtime.folder_lock import locked
from tasks.runtime.published_lists import PART, folder_of, replace_whole

FOLDER, FILE = "switch", "switch.json"
AT = "switched_at"


@dataclass(frozen=True)
class Switched:
    """A turn of the switch: `STOPPED` or `RESUMED`, by whom, why and when."""

    kind: str
    approval: Approval


class SwitchError(RuntimeError):
    """A file of the switch that cannot be read."""


def throw(settings: Settings, kind: str, signed: Approval) -> None:
    """Stop or resume publishing, whatever the file was before; it is on the disk when this returns."""
    place = _place(settings)
    with locked(place.parent):
        try:
            before = turns(settings)
        except SwitchError:
            before = []
        for left in place.parent.glob(f"{PART}*"):  # by a command that was killed
            left.unlink()
        replace_whole(place, _text([*before, Switched(kind, signed)]))


def turns(settings: Settings) -> list[Switched]:
    """Return every turn of the switch, the oldest first, none where it was never used.

    Raises:
        SwitchError: the file cannot be read.
    """
    place = _place(settings)
    try:
        return [
            Switched(
                str(turn["kind"]),
                Approval(str(turn["by"]), str(turn["reason"]), datetime.fromisoformat(turn["at"])),
            )
            for turn in json.loads(place.read_bytes())["turns"]
        ]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise SwitchError(f"{place}: the file of the switch cannot be read ({error})") from None


def stopped_because(settings: Settings, entries: Iterable[Entry]) -> str:
    """Return why publishing is stopped, nothing where it is not.

    Args:
        settings: of the data folder.
        entries: of the ledger.
    """
    try:
        switched = turns(settings)
    except SwitchError as error:
        return f"{error}; until then publishing is stopped"
    known = [entry for entry in entries if entry.kind in (STOPPED, RESUMED)]
    if switched:
        last = switched[-1]
        return _sentence(last.approval) if last.kind == STOPPED else ""
    if known and known[-1].kind == STOPPED:
        return f"{_sentence(known[-1].approval)}, and the file of the switch was removed by hand"
    return ""


def not_in_ledger(settings: Settings, entries: Iterable[Entry]) -> list[Switched]:
    """Return the turns that the ledger does not have yet, the oldest first."""
    known = {entry.body.get(AT) for entry in entries if entry.kind in (STOPPED, RESUMED)}
    try:
        return [turn for turn in turns(settings) if turn.approval.at.isoformat() not in known]
    except SwitchError:
        return []


def body(turn: Switched) -> dict[str, str]:
    """Return the body of the entry of a turn; its moment tells turns apart."""
    return {AT: turn.approval.at.isoformat()}


def _place(settings: Settings) -> Path:
    folder = folder_of(settings) / FOLDER
    folder.mkdir(exist_ok=True)
    return folder / FILE


def _sentence(signed: Approval) -> str:
    return f"publishing is stopped by {signed.by} since {signed.at:%Y-%m-%d %H:%M} UTC: {signed.reason}"


def _text(switched: Iterable[Switched]) -> bytes:
    lines = [
        {
            "kind": turn.kind,
            "by": turn.approval.by,
            "reason": turn.approval.reason,
            "at": turn.approval.at.isoformat(),
        }
        for turn in switched
    ]
    return (json.dumps({"turns": lines}, indent=2) + "\n").encode()
