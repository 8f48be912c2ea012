"""The analysis of an experiment: sample ratio first, then balance, effects, corrections, guardrails, verdict, and the lift over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tasks.trial.corrections import CORRECTIONS
from tasks.trial.effects import Arm, Effect, Levels, M, X, absolute, estimates, relative, theta_of
from tasks.trial.errors import RatioMismatch, TrialError
from tasks.trial.ratio import sample_ratio
from tasks.trial.sequential import obrien_fleming, spending_bounds
from tasks.trial.spec import Metric, Spec
from tasks.trial.table import Rows
from tasks.trial.units import arms_of, arms_up_to
from tasks.trial.verdict import decide

LOOKS = 60  # points of the lift over time
UNIT_TUNING = 5000.0


@dataclass(frozen=True)
class Split:
    """How the trial was split.

    Attributes:
        p: of the split being the planned one.
        counts: units of randomisation per arm.
        shares: planned shares.
        alarm: whether p is below the least one.
    """

    p: float
    counts: dict[str, int]
    shares: dict[str, float]
    alarm: bool


@dataclass(frozen=True)
class Read:
    """One metric, read: its effects by name, each arm's value, CUPED's coefficient and share of variance removed, p corrected."""

    kind: str
    effects: dict[str, Effect | None]
    arms: dict[str, float]
    theta: float | None
    variance_reduction: float | None
    adjusted_p: float | None


@dataclass(frozen=True)
class Look:
    """The primary metric's effect up to a period."""

    period: str
    units: int
    effect: Effect


@dataclass(frozen=True)
class Analysis:
    """What an experiment says.

    Attributes:
        spec: as it was designed.
        what: what was randomised.
        treated: name of the arm compared with control.
        split: sample ratio.
        balance: covariate -> difference before the trial, in standard deviations, and its p.
        metrics: metric -> what was read; empty while the sample ratio alarms.
        looks: lift over time of the primary metric.
        group_sequential: bounds on z at each planned look, if any were planned.
        verdict: ship, keep or continue; none while the sample ratio alarms.
        reasons: of the verdict.
    """

    spec: Spec
    what: str
    treated: str
    split: Split
    balance: dict[str, dict[str, float]]
    metrics: dict[str, Read]
    looks: list[Look]
    group_sequential: dict[str, Any] | None
    verdict: str | None
    reasons: list[str]


def analyse(rows: Rows, spec: Spec) -> Analysis:
    """Analyse a long table."""
    counts = {name: int((rows.arm == number).sum()) for number, name in enumerate(rows.arms)}
    treated = treated_arm(rows.arms, spec)
    pair = rows.arms.index(spec.control), rows.arms.index(treated)
    split = split_of(counts, spec)
    if split.alarm:
        return conclude({}, spec, rows.what, treated, split, [])
    arms = {name: arms_of(rows, metric, pair) for name, metric in spec.metrics.items()}
    last = rows.periods[-1] if rows.periods else None
    return conclude(arms, spec, rows.what, treated, split, _looks(rows, spec, pair), last)


def split_of(counts: Mapping[str, int], spec: Spec) -> Split:
    """Return the sample-ratio check of the counts per arm."""
    shares = {str(name): float(share) for name, share in (spec.shares or dict.fromkeys(counts, 1.0)).items()}
    p = sample_ratio([counts[name] for name in shares], list(shares.values()))
    total = sum(shares.values())
    return Split(p, dict(counts), {name: share / total for name, share in shares.items()}, p < spec.srm_alarm)


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
            f"spec: `treated` must name one arm beside control. Received: {spec.treated}, of {', '.join(others)}."
        )
    return others[0]


def conclude(
    arms: Mapping[str, tuple[Arm, Arm]],
    spec: Spec,
    what: str,
    treated: str,
    split: Split,
    looks: list[Look],
    last: str | None = None,
) -> Analysis:
    """Return the analysis of arms that are already summed; without results while the sample ratio alarms."""
    if split.alarm:
        seen = ", ".join(f"{name} {count:,}" for name, count in split.counts.items())
        planned = ", ".join(f"{name} {share:.0%}" for name, share in split.shares.items())
        reason = (
            f"sample-ratio mismatch: {seen} {what}s where {planned} were planned, p = {split.p:.2g} < {spec.srm_alarm:g}. "
            "The arms are not comparable and no result is shown. Find out what lost or moved them, and run the trial again."
        )
        return Analysis(spec, what, treated, split, {}, {}, [], None, None, [reason])
    levels = levels_of(spec, what, sum(split.counts.values()))
    reads = {
        name: _read(name, spec.metrics[name], pair, levels, (spec.control, treated))
        for name, pair in arms.items()
    }
    adjusted = _adjusted(reads, spec)
    reads = {name: Read(**{**vars(read), "adjusted_p": adjusted.get(name)}) for name, read in reads.items()}
    best, scale = {}, {}
    for name, read in reads.items():
        sharp = _sharpest(read.effects)
        best[name] = sharp
        scale[name] = (
            1.0
            if sharp in (read.effects["relative"], read.effects.get("cuped_relative"))
            else abs(read.arms[spec.control])
        )
    units = split.counts[spec.control] + split.counts[treated]
    verdict, reasons = decide(spec, best, scale, adjusted, units, last)
    return Analysis(
        spec,
        what,
        treated,
        split,
        balance_of(arms, spec),
        reads,
        looks,
        _group(spec, best[spec.primary]),
        verdict,
        reasons,
    )


def levels_of(spec: Spec, what: str, units: int) -> Levels:
    """Return the levels of the intervals: a confidence sequence over few clusters or blocks is narrowest at their number."""
    tuning = spec.tuning or spec.planned or (UNIT_TUNING if what == "unit" else float(units))
    return Levels(spec.alpha, float(tuning))


def balance_of(arms: Mapping[str, tuple[Arm, Arm]], spec: Spec) -> dict[str, dict[str, float]]:
    """Return for every covariate how far the arms differed before the trial, by Welch."""
    told = {}
    for name, pair in arms.items():
        covariate = spec.metrics[name].covariate
        if covariate is None or covariate in told:
            continue
        before = [_swapped(arm) for arm in pair]
        spread = np.sqrt(np.mean([max(arm.second[X, X] - arm.mean[X] ** 2, 0.0) for arm in pair]))
        if spread > 0:
            effect = absolute(*estimates(before[0], before[1], adjusted=False), Levels(spec.alpha))
            told[covariate] = {
                "difference": effect.difference,
                "standardised": float((pair[1].mean[X] - pair[0].mean[X]) / spread),
                "p": effect.p,
            }
    return told


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Return the analysis as plain names and numbers."""
    return {
        "srm": asdict(analysis.split),
        "design": {
            "randomised": analysis.what,
            "control": analysis.spec.control,
            "treated": analysis.treated,
        },
        "balance": analysis.balance,
        "metrics": {name: _plain(read) for name, read in analysis.metrics.items()},
        "primary": analysis.spec.primary,
        "looks": [
            {"period": look.period, "units": look.units, **asdict(look.effect)} for look in analysis.looks
        ],
        "group_sequential": analysis.group_sequential,
        "verdict": analysis.verdict,
        "reasons": analysis.reasons,
    }


def shown(analysis: Analysis) -> Analysis:
    """Return the analysis if it may be shown.

    Raises:
        RatioMismatch: the sample ratio alarms.
    """
    if analysis.split.alarm:
        raise RatioMismatch(analysis.reasons[0])
    return analysis


def _plain(read: Read) -> dict[str, Any]:
    effects = {name: asdict(effect) if effect else None for name, effect in read.effects.items()}
    rest = {
        "kind": read.kind,
        "arms": read.arms,
        "theta": read.theta,
        "variance_reduction": read.variance_reduction,
    }
    return {**effects, **rest, "adjusted_p": read.adjusted_p}


def _read(name: str, metric: Metric, pair: tuple[Arm, Arm], levels: Levels, names: tuple[str, str]) -> Read:
    try:
        plain = estimates(*pair, adjusted=False)
        effects: dict[str, Effect | None] = {
            "absolute": absolute(*plain, levels),
            "relative": relative(*plain, levels),
        }
    except TrialError as error:
        raise TrialError(f"metric {name}: {error}") from error
    theta = reduction = None
    if metric.covariate is not None:
        sharp = estimates(*pair, adjusted=True)
        effects |= {"cuped_absolute": absolute(*sharp, levels), "cuped_relative": relative(*sharp, levels)}
        theta, reduction = (
            theta_of(list(pair)),
            1 - sum(e.variance for e in sharp) / sum(e.variance for e in plain),
        )
    return Read(
        metric.kind,
        effects,
        {name: e.value for name, e in zip(names, plain, strict=True)},
        theta,
        reduction,
        None,
    )


def _sharpest(effects: Mapping[str, Effect | None]) -> Effect:
    """Return the effect that decides: relative before absolute, with CUPED where there is a covariate."""
    found = next(
        effects[name]
        for name in ("cuped_relative", "relative", "cuped_absolute", "absolute")
        if effects.get(name) is not None
    )
    assert found is not None
    return found


def _adjusted(reads: Mapping[str, Read], spec: Spec) -> dict[str, float]:
    """Return p for one look of the metrics that are no guardrails, corrected for their number."""
    names = [name for name in reads if spec.metrics[name].margin is None] or [spec.primary]
    p = np.array([_sharpest(reads[name].effects).p for name in names])
    return dict(zip(names, map(float, CORRECTIONS[spec.correction](p)), strict=True))


def _group(spec: Spec, effect: Effect) -> dict[str, Any] | None:
    if not (spec.looks and spec.look):
        return None
    information = np.arange(1, spec.looks + 1) / spec.looks
    bounds = obrien_fleming(spec.looks, spec.alpha)
    z = effect.difference / effect.se
    return {
        "look": spec.look,
        "looks": spec.looks,
        "z": z,
        "crossed": bool(abs(z) >= bounds[spec.look - 1]),
        "obrien_fleming": bounds.tolist(),
        "spending_obrien_fleming": spending_bounds(information, spec.alpha).tolist(),
        "spending_pocock": spending_bounds(information, spec.alpha, "pocock").tolist(),
    }


def _looks(rows: Rows, spec: Spec, pair: tuple[int, int]) -> list[Look]:
    """Return the primary metric's effect up to each period, from the first at which both arms have units enough."""
    if rows.period is None or len(rows.periods) < 2:
        return []
    metric, told = spec.metrics[spec.primary], []
    levels = levels_of(spec, rows.what, len(rows.arm))
    lasts = np.unique(np.linspace(0, len(rows.periods) - 1, min(LOOKS, len(rows.periods))).astype(int))
    for last, pair_of in zip(lasts, arms_up_to(rows, metric, pair, lasts), strict=True):
        try:
            arms = estimates(*pair_of, adjusted=metric.covariate is not None)
            effect = relative(*arms, levels) or absolute(*arms, levels)
        except TrialError:
            continue  # nothing to tell yet: too few units, or no value that varies
        told.append(Look(rows.periods[last], arms[0].n + arms[1].n, effect))
    return told


def _swapped(arm: Arm) -> Arm:
    """Return an arm whose outcome is its covariate."""
    order = [X, M, X, M]
    rows = None if arm.rows is None else arm.rows[:, order]
    return Arm(arm.n, arm.mean[order], arm.second[np.ix_(order, order)], rows)
