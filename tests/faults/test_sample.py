"""A sample of the fault suite that CI runs; `make faults` runs the whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.case import Case, Plan, run
from tests.faults.races import raced
from tests.faults.registry_kills import killable, kills
from tests.faults.tampering import by_hand
from tests.operations.template import made_registry

pytestmark = pytest.mark.slow

KILLS, RACES = 4, 1


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    work = tmp_path_factory.mktemp("faults")
    none = dict.fromkeys(("kills", "first_kills", "signals", "locks", "disk_kilobytes"), 0)
    return Plan(work=work, seed=17, registry_kills=KILLS, races=RACES, **none)


@pytest.fixture(scope="module")
def registry(plan: Plan) -> tuple[Path, Path]:
    """Return the folders of a registry of which nothing, and of which two versions were promoted."""
    return made_registry(plan.work / "registry")


def violated(cases: Iterator[Case], plan: Plan) -> list[str]:
    outcomes = [run(case, number, plan.work / "cases") for number, case in enumerate(cases, start=1)]
    assert outcomes, "no case was run"
    return [f"{outcome.name}: {sentence}" for outcome in outcomes for sentence in outcome.violations]


def test_a_promotion_and_a_rollback_killed_at_their_writes_violate_nothing(
    plan: Plan, registry: tuple[Path, Path]
) -> None:
    assert violated(kills(plan, killable(registry, plan.work / "count", None)), plan) == []


def test_two_promotions_at_once_violate_nothing(plan: Plan, registry: tuple[Path, Path]) -> None:
    races = (Case("race", str(number), partial(raced, *registry)) for number in range(plan.races))
    assert violated(races, plan) == []


def test_an_alias_set_by_hand_approves_nothing(plan: Plan, registry: tuple[Path, Path]) -> None:
    assert violated(by_hand(*registry), plan) == []
