"""The margins to which a person agreed where costs are not known: floors rest on these and on no others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.governance.approval import Refused
from tasks.governance.ledger import PUBLISHED, Entry

Margins = Mapping[str, float]
"""Share of the price without tax, by department or category, and of all others."""
REMEDY = "Set them back, or retrain with them and agree to what the new version carries"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Who agreed to which margins.

    Attributes:
        by: name of the person.
        margins: that stand for the costs that are not known.
    """

    by: str
    margins: Margins

    @property
    def digest(self) -> str:
        """Return the SHA-256 (hexadecimal) of the margins."""
        return hashlib.sha256(json.dumps(dict(self.margins), sort_keys=True).encode()).hexdigest()

    def body(self) -> dict[str, Any]:
        """Return what the ledger keeps of it."""
        return {"agreed_by": self.by, "margins": dict(self.margins), "digest": self.digest}


def newest_agreement(entries: Iterable[Entry]) -> Agreement | None:
    """Return the last agreement of the ledger; none: there is none to the margins of a version."""
    for entry in reversed(list(entries)):
        kept = entry.body.get("margins") if entry.kind == PUBLISHED else None
        if kept and "digest" in kept:
            return Agreement(by=kept["agreed_by"], margins=kept["margins"])
    return None


def require_same(agreement: Agreement, stated: Margins) -> None:
    """Accept an agreement while the settings state the margins that it is to.

    Raises:
        Refused: they state others.
    """
    if dict(stated) != dict(agreement.margins):
        raise Refused(
            f"the champion was trained with the margins {words(agreement.margins)}, and the settings "
            f"(`price.margins`, `price.stated_margin`) say {words(stated)}. Nothing was published. {REMEDY}"
        )


def other_margins(agreement: Agreement, carried: Margins) -> str:
    """Return that an agreement is to other margins than those that a version carries."""
    return (
        f"{agreement.by} agreed to the margins {words(agreement.margins)}, and the champion carries "
        f"{words(carried)}: --agree-margins agrees to these"
    )


def words(margins: Margins) -> str:
    """Return margins as a person reads them."""
    return ", ".join(f"{name} {100 * share:.10g} %" for name, share in margins.items())
