"""The whole fault suite: ``make faults``, or ``python -m tests.faults --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

from flows.cli.session import quiet_environment
from tests.faults import (
    first_starts,
    full_disks,
    locks,
    races,
    registry_kills,
    report,
    retraining_kills,
    signals,
    tampering,
)
from tests.faults.case import Case, Outcome, Plan, run
from tests.faults.shop import Shop, prepared

FAULTS: dict[str, Callable[[Plan, Shop], Iterator[Case]]] = {
    fault.FAULT: fault.cases
    for fault in (
        races,
        tampering,
        registry_kills,
        locks,
        signals,
        full_disks,
        first_starts,
        retraining_kills,
    )
}
"""The quick ones first."""


def main() -> None:
    """Run the cases and exit with 1 where an invariant was violated."""
    given = arguments()
    quiet_environment()
    names = [field.name for field in fields(Plan) if field.name != "work"]
    plan = Plan(work=given.work.resolve(), **{name: getattr(given, name) for name in names})
    plan.work.mkdir(parents=True, exist_ok=True)
    report.say(f"seed {plan.seed}; an undisturbed retraining first, in {plan.work}")
    shop = prepared(plan.work, given.reuse)
    cases = [case for fault in given.only or FAULTS for case in FAULTS[fault](plan, shop)]
    outcomes: list[Outcome] = []
    for number, case in enumerate(cases, start=1):
        if given.case in (None, number):
            outcomes.append(run(case, number, plan.work / "cases"))
            report.say(report.line(outcomes[-1], len(cases), plan.seed))
            report.write(given.json, plan, outcomes)
    report.say(report.summary(outcomes))
    violated = [outcome for outcome in outcomes if outcome.violations]
    report.say(f"{len(violated)} of {len(outcomes)} cases violated an invariant; {given.json}")
    sys.exit(bool(violated))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=17, help="of every random draw")
    parser.add_argument("--kills", type=int, default=100, help="of retrainings at random moments")
    parser.add_argument(
        "--registry-kills", type=int, default=200, help="in registrations, promotions and rollbacks"
    )
    parser.add_argument("--first-kills", type=int, default=20, help="in first starts in an empty folder")
    parser.add_argument("--races", type=int, default=50, help="of promotions by two people at once")
    parser.add_argument("--signals", type=int, default=2, help="times that every signal is sent")
    parser.add_argument("--locks", type=int, default=1, help="times that every database is held")
    parser.add_argument("--disk-kilobytes", type=int, default=400, help="by which a full disk grows")
    parser.add_argument("--only", action="append", choices=list(FAULTS), help="this fault; may be repeated")
    parser.add_argument(
        "--reuse", action="store_true", help="take the undisturbed retraining that lies in the folder"
    )
    parser.add_argument("--case", type=int, help="only this number of the cases")
    parser.add_argument("--work", type=Path, default=Path("var/faults"), help="folder of what it writes")
    parser.add_argument("--json", type=Path, default=Path("var/faults.json"), help="file of the outcomes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
