"""What `verify` and `ledger` print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flows.cli.report import print_table, say

if TYPE_CHECKING:  # these modules import the heavy libraries, which `--help` must not wait for
    from tasks.operations.ledger import Listed
    from tasks.operations.verify import Verified

DIGEST = 64  # characters of a SHA-256, which only machines compare


def show_verified(verified: Verified) -> None:
    """Print a line for whatever is wrong, else what was checked."""
    for finding in verified["findings"]:
        say(f"{finding['check']}: {finding['finding']}")
    if not verified["findings"]:
        checks = ", ".join(verified["checks"])
        say(f"{verified['entries']} entries, champion {verified['champion'] or 'none'}: {checks} are sound")


def show_ledger(entries: Sequence[Listed]) -> None:
    """Print the entries as a table: number, when, what, who, why."""
    rows = [
        (
            str(entry["number"]),
            f"{datetime.fromisoformat(entry['at']):%Y-%m-%d %H:%M:%S}",
            entry["kind"].replace("_", " "),
            ", ".join(_facts(entry["body"])),
            entry["by"],
            entry["reason"],
        )
        for entry in entries
    ]
    print_table("Ledger", ("entry", "when (UTC)", "what", "of", "who", "why"), rows)


def _facts(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a body says, without the digests."""
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _facts(value)
        elif isinstance(value, list):
            yield f"{name} {' '.join(map(str, value))}"
        elif not (isinstance(value, str) and len(value) == DIGEST):
            yield f"{name} {value}"
