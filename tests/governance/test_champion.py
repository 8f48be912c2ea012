"""The entries of the ledger are dated in their order, whatever the clock says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.governance.approval import Approval
from tasks.governance.champion import PROMOTED, ROLLED_BACK, Champion, entry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VERSIONS = {"demand": 1, "price_response": 1, "pricing_policy": 1}


def after(current: Champion | None, at: datetime, action: str = PROMOTED) -> Champion:
    return entry(current, action, VERSIONS, Approval("Ada", "why", at))


def test_a_decision_keeps_its_date_where_the_clock_goes_on() -> None:
    assert after(None, NOON).approval.at == NOON
    later = NOON + timedelta(days=7)
    assert after(after(None, NOON), later).approval.at == later


def test_a_rollback_after_the_clock_was_set_back_is_still_the_newer_decision() -> None:
    promoted = after(None, NOON)
    rolled_back = after(promoted, NOON - timedelta(days=3), ROLLED_BACK)
    assert rolled_back.approval.at > promoted.approval.at
    assert rolled_back.approval.by == "Ada"
    again = after(rolled_back, NOON - timedelta(days=3))
    assert again.approval.at > rolled_back.approval.at
    assert again.approval.at < NOON + timedelta(minutes=1), "no further than the order needs"
