"""What the suite prints and writes: a line for every case, a table at the end, and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.faults.case import Outcome, Plan


def say(text: str) -> None:
    """Print a line at once, also into a file."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def line(outcome: Outcome, of: int, seed: int) -> str:
    """Return the line of a case that has ended."""
    verdict = "VIOLATED" if outcome.violations else "holds"
    facts = "".join(f", {name} {value}" for name, value in outcome.facts.items())
    head = (
        f"case {outcome.number} of {of}, seed {seed}: {outcome.fault}, {outcome.name}: "
        f"{verdict} after {outcome.seconds:.0f} s{facts}"
    )
    folder = [f"  its folder: {outcome.folder}"] if outcome.folder else []
    return "\n".join([head, *(f"  {sentence}" for sentence in outcome.violations), *folder])


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return a table with a row for every fault."""
    rows = [("fault", "cases", "violated", "seconds")]
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        of_fault = [outcome for outcome in outcomes if outcome.fault == fault]
        violated = sum(bool(outcome.violations) for outcome in of_fault)
        seconds = sum(outcome.seconds for outcome in of_fault)
        rows.append((fault, str(len(of_fault)), str(violated), f"{seconds:.0f}"))
    return "\n".join(f"{a:<18}{b:>8}{c:>10}{d:>10}" for a, b, c, d in rows)


def write(file: Path, plan: Plan, outcomes: Sequence[Outcome]) -> None:
    """Write the plan and every outcome as JSON."""
    value = {
        "plan": {**asdict(plan), "work": str(plan.work)},
        "violated": sum(bool(outcome.violations) for outcome in outcomes),
        "cases": [asdict(outcome) for outcome in outcomes],
    }
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
