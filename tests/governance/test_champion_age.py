"""A champion that is old is published with a warning, one that is too old is not published."""

from __future__ import annotations

import pytest

from tasks.governance.approval import Refused
from tasks.governance.champion_age import AgeLimits, ChampionAge, age_warnings, require_fresh

LIMITS = AgeLimits(warn=28, stop=91)


@pytest.mark.parametrize("kind", ["trained", "sales"])
def test_an_age_warns_past_the_first_limit_and_stops_past_the_second(kind: str) -> None:
    def aged(days: int) -> ChampionAge:
        return ChampionAge(**{"version": 7, "trained": 0, "sales": 0, kind: days})

    assert require_fresh(aged(28), LIMITS) == []
    for days in (29, 91):
        (warning,) = require_fresh(aged(days), LIMITS)
        assert f" {days} days" in warning
        assert "Past 91 days nothing of it is published. `repricer retrain`" in warning
    with pytest.raises(Refused, match=r"too old, nothing was published: .* 92 days .* at most 91 are"):
        require_fresh(aged(92), LIMITS)


def test_who_only_drafts_is_warned_past_the_second_limit_as_well() -> None:
    (warning,) = age_warnings(ChampionAge(version=7, trained=92, sales=28), LIMITS)
    assert warning.startswith("the champion is too old, nothing of it is published: version 7 was trained 92")
    assert age_warnings(ChampionAge(version=7, trained=28, sales=28), LIMITS) == []


def test_both_ages_are_measured_by_themselves() -> None:
    both = require_fresh(ChampionAge(version=7, trained=30, sales=40), LIMITS)
    assert "version 7 was trained 30 days ago" in both[0]
    assert "the sales go on 40 days after those of version 7" in both[1]
