"""The analysis of an experiment: sample ratio first, then balance, effects, guardrails and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tasks.trial.effects import Arm
from tasks.trial.errors import TrialError
from tasks.trial.looks import group_sequential, levels_of, looks_of
from tasks.trial.ratio import Split, split_of
from tasks.trial.readings import balance_of, corrected, read_metric, share_of_control, sharpest
from tasks.trial.results import Analysis, Look, Reading
from tasks.trial.spec import Spec
from tasks.trial.table import Rows
from tasks.trial.units import arms_of
from tasks.trial.verdict import Evidence, decide


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two arms that are already summed.

    Attributes:
        spec: specification of the trial.
        what: what was randomised: ``unit``, ``cluster`` or ``block``.
        treated: name of the arm compared with control.
        split: sample ratio.
        arms: metric -> control and treated; none are needed while the sample ratio alarms.
        looks: lift over time of the primary metric.
        last: last period in the data, if it has periods.
    """

    spec: Spec
    what: str
    treated: str
    split: Split
    arms: Mapping[str, tuple[Arm, Arm]] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    last: str | None = None


def analyse(rows: Rows, spec: Spec) -> Analysis:
    """Analyse a long table."""
    counts = {name: int((rows.arm == number).sum()) for number, name in enumerate(rows.arms)}
    treated = treated_arm(rows.arms, spec)
    pair = rows.arms.index(spec.control), rows.arms.index(treated)
    comparison = Comparison(spec=spec, what=rows.what, treated=treated, split=split_of(counts, spec))
    if comparison.split.alarm:
        return conclude(comparison)
    arms = {name: arms_of(rows, metric, pair) for name, metric in spec.metrics.items()}
    last = rows.periods[-1] if rows.periods else None
    return conclude(replace(comparison, arms=arms, looks=looks_of(rows, spec, pair), last=last))


def treated_arm(arms: list[str], spec: Spec) -> str:
    """Return the arm that is compared with control.

    Raises:
        TrialError: there are several and the spec does not choose, or it chooses one that is not there.
    """
    others = [name for name in arms if name != spec.control]
    if spec.treated is not None and str(spec.treated) in others:
        return str(spec.treated)
    if spec.treated is not None or len(others) != 1:
        raise TrialError(
            "spec: `treated` must name one arm beside control. "
            f"Received: {spec.treated}, of {', '.join(others)}."
        )
    return others[0]


def conclude(comparison: Comparison) -> Analysis:
    """Return the analysis of two arms; without results while the sample ratio alarms."""
    if comparison.split.alarm:
        return _without_results(comparison)
    spec, split = comparison.spec, comparison.split
    readings = _readings(comparison)
    effects = {name: sharpest(reading.effects) for name, reading in readings.items()}
    evidence = Evidence(
        effects=effects,
        scale={name: share_of_control(reading, spec.control) for name, reading in readings.items()},
        adjusted_p=corrected(readings, spec),
        units=split.counts[spec.control] + split.counts[comparison.treated],
        last=comparison.last,
    )
    verdict, reasons = decide(spec, evidence)
    return Analysis(
        spec=spec,
        what=comparison.what,
        treated=comparison.treated,
        split=split,
        balance=balance_of(comparison.arms, spec),
        metrics=readings,
        looks=comparison.looks,
        group_sequential=group_sequential(spec, effects[spec.primary]),
        verdict=verdict,
        reasons=reasons,
    )


def _readings(comparison: Comparison) -> dict[str, Reading]:
    """Return the results by metric, their p-values corrected for the number of metrics."""
    spec = comparison.spec
    levels = levels_of(spec, comparison.what, sum(comparison.split.counts.values()))
    readings = {
        name: read_metric(
            name, spec.metrics[name], {spec.control: control, comparison.treated: treated}, levels
        )
        for name, (control, treated) in comparison.arms.items()
    }
    adjusted_p = corrected(readings, spec)
    return {name: replace(reading, adjusted_p=adjusted_p.get(name)) for name, reading in readings.items()}


def _without_results(comparison: Comparison) -> Analysis:
    """Return the analysis of arms that are not split as planned: a reason, and no result."""
    split, spec = comparison.split, comparison.spec
    seen = ", ".join(f"{name} {count:,}" for name, count in split.counts.items())
    planned = ", ".join(f"{name} {share:.0%}" for name, share in split.shares.items())
    reason = (
        f"sample-ratio mismatch: {seen} {comparison.what}s where {planned} were planned, "
        f"p = {split.p:.2g} < {spec.srm_alarm:g}. The arms are not comparable and no result is shown. "
        "Find out what lost or moved them, and run the trial again."
    )
    return Analysis(
        spec=spec,
        what=comparison.what,
        treated=comparison.treated,
        split=split,
        balance={},
        metrics={},
        looks=[],
        group_sequential=None,
        verdict=None,
        reasons=[reason],
    )
