"""A sample of the fault suite that CI runs; `make faults` runs the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.case import Case, Plan, run
from tests.faults.races import raced
from tests.faults.registry_kills import killable, kills
from tests.faults.tampering import by_hand

pytestmark = pytest.mark.slow

KILLS, RACES = 12, 2


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    work = tmp_path_factory.mktemp("faults")
    none = dict.fromkeys(("kills", "first_kills", "signals", "locks", "disk_kilobytes"), 0)
    return Plan(work=work, seed=17, registry_kills=KILLS, races=RACES, **none)


def violated(cases: Iterator[Case], plan: Plan) -> list[str]:
    outcomes = [run(case, number, plan.work / "cases") for number, case in enumerate(cases, start=1)]
    assert outcomes, "no case was run"
    return [f"{outcome.name}: {sentence}" for outcome in outcomes for sentence in outcome.violations]


def test_a_promotion_and_a_rollback_killed_at_their_first_writes_violate_nothing(plan: Plan) -> None:
    assert violated(kills(plan, killable(plan.work / "registry", None)), plan) == []


def test_two_promotions_at_once_violate_nothing(plan: Plan) -> None:
    registry = plan.work / "registry"
    races = (
        Case("race", str(number), lambda folder: raced(registry / "template", registry / "promoted", folder))
        for number in range(plan.races)
    )
    assert violated(races, plan) == []


def test_an_alias_set_by_hand_approves_nothing(plan: Plan) -> None:
    assert violated(by_hand(plan.work / "by-hand"), plan) == []
