"""Only a version that passed is promotable, and only by a person with a reason."""

from __future__ import annotations

import pytest

from tasks.governance.approval import Refused, approval, require_promotable
from tasks.governance.format import FORMAT, FormatError


@pytest.mark.parametrize(("by", "reason", "option"), [(" ", "x", "--by"), ("Ada", "", "--reason")])
def test_a_promotion_without_a_name_or_a_reason_is_refused(by: str, reason: str, option: str) -> None:
    with pytest.raises(Refused, match=f"{option} is blank"):
        approval(by, reason)


def test_an_approval_says_who_when_and_why() -> None:
    tags = approval(" Ada ", "lift checked").tags("promoted")
    assert tags["promoted_by"] == "Ada"
    assert tags["promoted_reason"] == "lift checked"
    assert tags["promoted_at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (None, "there is no such version"),
        ({"format": str(FORMAT)}, "its verdict is missing"),
        (
            {"format": str(FORMAT), "verdict": "FAIL", "reasons": "policy_over_hold: too low"},
            "only PASS is promotable. policy_over_hold: too low",
        ),
        ({"format": str(FORMAT), "verdict": "pass"}, "its verdict is pass"),
    ],
)
def test_whatever_is_not_pass_is_refused(tags: dict[str, str] | None, message: str) -> None:
    with pytest.raises(Refused, match=message):
        require_promotable("pricing_policy", 3, tags)


def test_pass_is_accepted() -> None:
    require_promotable("pricing_policy", 3, {"format": str(FORMAT), "verdict": "PASS"})


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"verdict": "PASS"}, r"pricing_policy version 3 carries no format number; .* only format 2\."),
        ({"verdict": "PASS", "format": "0"}, r"pricing_policy version 3 has format 0; .* only format 2\."),
        (
            {"verdict": "PASS", "format": str(FORMAT + 1)},
            rf"has format {FORMAT + 1}; .* Retrain with `repricer retrain`",
        ),
    ],
)
def test_a_version_of_another_format_is_refused_with_the_remedy(tags: dict[str, str], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        require_promotable("pricing_policy", 3, tags)
