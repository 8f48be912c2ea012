"""How long a trial must run to detect an effect, tested on the history with its variance and its bad weeks.

Clusters and switchbacks: windows of the past are randomised and analysed as the trial will be, with the
effect added to the treated ones. Stores are plain units: the closed form of ``power`` at the coefficient of
variation that the past shows over such a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from tasks.trial.effects import Arm, Effect, Levels, absolute, arm_of, estimates, relative
from tasks.trial.errors import TrialError
from tasks.trial.power import power_of_mean
from tasks.trial.randomisation import STORES, TIME, Scheme, stratified, switched

DRAWS = 1000  # simulated trials of a length that may suffice
SCREEN = 200  # simulated trials of a length that may not
SLACK = 0.05  # by which a screened length may miss the wanted power and still be measured
WINDOWS = 50  # windows of the past on which the closed form is averaged
FARTHEST = 1e-6  # probability beyond the largest effect that is searched


class Goal(NamedTuple):
    """The effect that a trial must detect: relative size, power, and probability of a false positive."""

    effect: float
    power: float
    alpha: float


@dataclass(frozen=True)
class History:
    """One metric before the trial.

    Attributes:
        value: the metric of each member of a unit in each period (members, periods).
        scheme: how the trial randomises.
        before: periods before a window over which a member's size is averaged.
    """

    value: np.ndarray
    scheme: Scheme
    before: int

    @property
    def longest(self) -> int:
        """Return the most periods that a trial on this history can have."""
        return int(self.value.shape[1]) - self.before

    def levels(self, alpha: float) -> Levels:
        """Return the levels of the intervals of a trial with these units."""
        return Levels(alpha, float(self.scheme.units))


class Length(NamedTuple):
    """A length and what it detects.

    Attributes:
        periods: of the trial.
        power: probability of detecting the wanted effect.
        least_effect: relative effect that is detected with the wanted power.
    """

    periods: int
    power: float
    least_effect: float


def plan(history: History, goal: Goal, lengths: Sequence[int], seed: int) -> tuple[Length, list[Length]]:
    """Return the shortest length that detects the effect with the wanted power, and all that were measured.

    Args:
        history: the metric that decides.
        goal: the effect to detect.
        lengths: in periods, rising.
        seed: of the simulated trials.

    Raises:
        TrialError: no length suffices; says the least effect that can be detected.
    """
    measured: list[Length] = []
    for periods in lengths:
        length = measure(history, goal, periods, seed, draws=SCREEN)
        if length.power >= goal.power - SLACK:
            length = measure(history, goal, periods, seed)
        measured.append(length)
        if length.power >= goal.power:
            return length, measured
    if not measured:
        raise TrialError(
            f"design: the history must hold the trial and {history.before} periods before it. "
            f"Received: {history.value.shape[1]} periods. Bring a longer one."
        )
    best = min(measured, key=lambda length: length.least_effect)
    raise TrialError(
        f"design: an effect of {goal.effect:+.1%} cannot be found with {goal.power:.0%} in this history's "
        f"noise. Received: {history.scheme.units} {history.scheme.unit} units over up to "
        f"{measured[-1].periods} periods; the least effect found is {best.least_effect:.1%}, "
        f"in {best.periods} periods. Ask for a larger effect, name the length with `--length`, "
        "or randomise more units (stores, or time blocks)."
    )


def measure(history: History, goal: Goal, periods: int, seed: int, *, draws: int | None = None) -> Length:
    """Return what a trial of a given length detects, by the closed form for stores and by simulation else."""
    if history.scheme.unit == STORES:
        return _closed_form(history, goal, periods)
    levels = history.levels(goal.alpha)
    simulated = trials(history, periods, goal.effect, draws=draws or DRAWS, seed=seed)
    effects = [_decisive(arms, levels) for arms in simulated]
    detected = [effect.p < goal.alpha and effect.difference * goal.effect > 0 for effect in effects]
    return Length(periods, float(np.mean(detected)), _least_effect(effects, goal))


def guard_power(history: History, alpha: float, periods: int, margin: float, seed: int) -> float:
    """Return how often a guardrail is shown to hold when there is no effect on it.

    It holds where its interval lies above the loss that is tolerated.

    Args:
        history: the guarded metric.
        alpha: of the interval (two-sided).
        periods: length of the trial.
        margin: loss that is tolerated (share of control).
        seed: of the simulated trials.
    """
    levels = history.levels(alpha)
    effects = [_decisive(arms, levels) for arms in trials(history, periods, 0.0, draws=DRAWS, seed=seed)]
    return float(np.mean([effect.low > -margin for effect in effects]))


def trials(
    history: History, periods: int, effect: float, *, draws: int, seed: int
) -> Iterator[tuple[Arm, Arm]]:
    """Yield control and treated of trials in random windows of the past, randomised as the trial will be.

    Args:
        history: the metric to simulate.
        periods: length of the trial.
        effect: relative effect that is added to the treated units.
        draws: number of trials.
        seed: of windows and assignments.
    """
    rng = np.random.default_rng(seed)
    value, before = history.value, history.before
    arms_of = _arms_of_blocks if history.scheme.unit == TIME else _arms_of_units
    for _ in range(draws):
        first = int(rng.integers(before, value.shape[1] - periods + 1))
        size = value[:, first - before : first].mean(axis=1)
        yield arms_of(value[:, first : first + periods], size, history.scheme, effect, rng)


def _least_effect(effects: Sequence[Effect], goal: Goal) -> float:
    """Return the effect that such trials detect with the wanted power, over quiet and restless windows.

    The error of a relative effect grows with the treated mean: se(effect) = (1 + effect) se(0). So
    effect / (1 + effect) is sought first.
    """
    se = np.array([effect.se for effect in effects]) / (1 + goal.effect)
    bar = special.stdtrit(np.array([effect.df for effect in effects]), 1 - goal.alpha / 2)
    farthest = float(((bar + stats.norm.isf(FARTHEST)) * se).max())
    share = float(
        optimize.brentq(lambda share: stats.norm.cdf(share / se - bar).mean() - goal.power, 0.0, farthest)
    )
    return share / (1 - share) if share < 1 else np.inf


def _arms_of_units(
    window: np.ndarray, before: np.ndarray, scheme: Scheme, effect: float, rng: np.random.Generator
) -> tuple[Arm, Arm]:
    """Return the arms of groups or stores: a unit is one of them over the whole window."""
    y, x, m = (
        np.bincount(scheme.owner, part).astype(float)
        for part in (window.sum(axis=1), before, np.ones(len(before)))
    )
    treated = stratified(x, scheme.share, rng)
    y = y * (1 + effect * treated)
    grouped = scheme.unit != STORES
    control, candidate = (
        arm_of(y[units], m[units], x[units], m[units], grouped) for units in (~treated, treated)
    )
    return control, candidate


def _arms_of_blocks(
    window: np.ndarray, before: np.ndarray, scheme: Scheme, effect: float, rng: np.random.Generator
) -> tuple[Arm, Arm]:
    """Return the arms of places that switch: a unit is one block of one place, without its burn-in."""
    blocks = window.shape[1] // scheme.block
    by_block = window[:, : blocks * scheme.block].reshape(len(window), blocks, scheme.block)
    kept = by_block[:, :, scheme.burn_in :]
    treated = switched(scheme.units, blocks, scheme.share, rng)
    y, x, m = np.zeros(treated.shape), np.zeros(scheme.units), np.zeros(scheme.units)
    np.add.at(y, scheme.owner, kept.sum(axis=2))
    np.add.at(x, scheme.owner, before * kept.shape[2])
    np.add.at(m, scheme.owner, kept.shape[2])
    y, arms = y * (1 + effect * treated), []
    for units in (~treated, treated):
        place = np.nonzero(units)[0]
        arms.append(arm_of(y[units], m[place], x[place], m[place], grouped=True))
    return arms[0], arms[1]


def _decisive(arms: tuple[Arm, Arm], levels: Levels) -> Effect:
    """Return the effect that decides, as the analysis reads it: relative where there is one, with CUPED."""
    pair = estimates(*arms, adjusted=True)
    return relative(*pair, levels) or absolute(*pair, levels)


def _closed_form(history: History, goal: Goal, periods: int) -> Length:
    """Return what the closed form detects, at the mean residual variation of windows of the past."""
    scheme = history.scheme
    treated = round(scheme.units * scheme.share)
    if min(treated, scheme.units - treated) < 2:
        raise TrialError(
            f"design: both arms need two stores. Received: {scheme.units} stores. "
            "Randomise groups or time blocks."
        )
    per_arm = 2 / (1 / treated + 1 / (scheme.units - treated))
    last = history.value.shape[1] - periods
    firsts = np.unique(np.linspace(history.before, last, WINDOWS).astype(int))
    variances = [_variation(history.value, first, periods, history.before) ** 2 for first in firsts]
    variation = float(np.sqrt(np.mean(variances)))
    quantiles = stats.norm.isf(goal.alpha / 2) + stats.norm.ppf(goal.power)
    least_effect = float(quantiles * variation * np.sqrt(2 / per_arm))
    return Length(periods, power_of_mean(per_arm, variation, goal.effect, goal.alpha), least_effect)


def _variation(value: np.ndarray, first: int, periods: int, before: int) -> float:
    """Return standard deviation over mean of the stores' windows, less what the time before explains."""
    y, x = value[:, first : first + periods].sum(axis=1), value[:, first - before : first].mean(axis=1)
    explained = np.corrcoef(y, x)[0, 1] ** 2 if y.std() > 0 and x.std() > 0 else 0.0
    return float(y.std(ddof=1) * np.sqrt(1 - explained) / y.mean())
