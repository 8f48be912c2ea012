"""How old the champion is when a list of it is published or drafted."""

from __future__ import annotations

from datetime import UTC, datetime

from conf import Settings
from tasks.governance.champion import HEAD
from tasks.governance.champion_age import AgeLimits, ChampionAge
from tasks.operations.draft import Draft
from tasks.runtime import verified_models


def age_of(draft: Draft, version: int) -> ChampionAge:
    """Return how old a version is, by the calendar and by the sales that its list knows."""
    now = draft.known.now
    return ChampionAge(
        version=version,
        trained=(datetime.now(UTC) - verified_models.registered_at(HEAD, version)).days,
        sales=0 if now is None else (now.as_of - draft.policy.trained).days,
    )


def age_limits(settings: Settings) -> AgeLimits:
    """Return the ages past which a champion is old, and past which it is too old to publish."""
    return AgeLimits(warn=settings.publish.champion_warn_days, stop=settings.publish.champion_stop_days)
