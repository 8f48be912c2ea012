"""Only a version that passed is promotable, and only by a person with a reason."""

from __future__ import annotations

import pytest

from tasks.governance.approval import (
    Refused,
    approval,
    failed_gates,
    require_failed,
    require_promotable,
    require_second_person,
)
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
    ("tags", "failed"),
    [
        ({"verdict": "PASS", "reasons": "all 9 gates passed: trial_lift"}, []),
        ({"verdict": "FAIL", "reasons": "b: too low · note: so what · a: it is 1 · plain"}, ["a", "b"]),
        ({"verdict": "FAIL"}, ["verdict"]),
        ({}, ["verdict"]),
    ],
)
def test_what_failed_is_named_by_its_gate_else_by_the_verdict(
    tags: dict[str, str], failed: list[str]
) -> None:
    assert failed_gates(tags) == failed


def test_only_all_names_of_what_failed_override_it() -> None:
    tags = {"format": str(FORMAT), "verdict": "FAIL", "reasons": "a: too low · b: too low."}
    require_promotable("pricing_policy", 3, tags, ["a", "b"])
    with pytest.raises(Refused, match=r"a: too low · b: too low\. Who .*`repricer promote --override b`"):
        require_promotable("pricing_policy", 3, tags, ["a"])
    require_failed(["a"], ["a", "b"])
    with pytest.raises(Refused, match=r"--override c: it did not fail\. What failed: a, b"):
        require_failed(["a", "c"], ["a", "b"])


def test_the_second_person_is_another_one() -> None:
    require_second_person("Bob", "ada")
    for by in ("ada", " ADA "):
        with pytest.raises(Refused, match="who trained a version does not approve it"):
            require_second_person(by, "Ada")
    for nobody in (None, "unknown"):
        with pytest.raises(Refused, match="does not say who trained it"):
            require_second_person("Bob", nobody)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"verdict": "PASS"}, r"pricing_policy version 3 carries no format number; .* formats 2, 3 and 4\."),
        (
            {"verdict": "PASS", "format": "0"},
            r"pricing_policy version 3 has format 0; .* formats 2, 3 and 4\.",
        ),
        (
            {"verdict": "PASS", "format": str(FORMAT + 1)},
            rf"has format {FORMAT + 1}; .* Retrain with `repricer retrain`",
        ),
    ],
)
def test_a_version_of_another_format_is_refused_with_the_remedy(tags: dict[str, str], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        require_promotable("pricing_policy", 3, tags)
