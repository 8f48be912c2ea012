"""How long a trial must run to find a wanted effect, tried on the history itself: its own variance, its own runs of good and bad weeks.

Clusters and switchbacks: windows of the past are randomised and analysed as the trial will be, with the effect laid on the treated ones.
Stores are plain units: the closed form of ``power`` at the coefficient of variation that the past shows over such a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from tasks.trial.randomisation import STORES, TIME, Scheme, stratified, switched
from tasks.trial.effects import Arm, Effect, Levels, absolute, arm_of, estimates, relative
from tasks.trial.errors import TrialError
from tasks.trial.power import power_of_mean

DRAWS = 1000  # trials simulated of a length that may suffice
SCREEN = 200  # and of one that may not
SLACK = 0.05  # by which a screened length may miss the wanted power and still be measured
WINDOWS = 50  # windows of the past on which the closed form is averaged


class Wanted(NamedTuple):
    """What a trial shall find: relative effect, its power, chance of a false find, and the periods before it that are known."""

    effect: float
    power: float
    alpha: float
    before: int


class Length(NamedTuple):
    """A length and what it finds: periods, probability of finding the effect, least effect found with the wanted probability."""

    periods: int
    power: float
    least_effect: float


def plan(
    value: np.ndarray, scheme: Scheme, wanted: Wanted, lengths: Sequence[int], seed: int
) -> tuple[Length, list[Length]]:
    """Return the shortest length that finds the effect as often as wanted, and all that were tried on the way.

    Args:
        value: the metric of each member of a unit in each period (members, periods).
        scheme: how the trial randomises.
        wanted: what it shall find.
        lengths: in periods, rising.
        seed: of the simulated trials.

    Raises:
        TrialError: no length suffices; says the least effect that can be found.
    """
    tried: list[Length] = []
    for periods in lengths:
        tried.append(measure(value, scheme, wanted, periods, seed, SCREEN))
        if tried[-1].power >= wanted.power - SLACK:
            tried[-1] = measure(value, scheme, wanted, periods, seed)
        if tried[-1].power >= wanted.power:
            return tried[-1], tried
    if not tried:
        raise TrialError(
            f"design: the history must hold the trial and {wanted.before} periods before it. "
            f"Received: {value.shape[1]} periods. Bring a longer one."
        )
    best = min(tried, key=lambda told: told.least_effect)
    raise TrialError(
        f"design: an effect of {wanted.effect:+.1%} cannot be found with {wanted.power:.0%} in this history's noise. "
        f"Received: {scheme.units} {scheme.unit} units over up to {tried[-1].periods} periods; the least effect found is "
        f"{best.least_effect:.1%}, in {best.periods} periods. "
        "Ask for a larger effect, name the length with `--length`, or randomise more units (stores, or time blocks)."
    )


def measure(
    value: np.ndarray, scheme: Scheme, wanted: Wanted, periods: int, seed: int, draws: int | None = None
) -> Length:
    """Return what a trial of one length finds, by the closed form for stores and by simulation else."""
    if scheme.unit == STORES:
        return _closed(value, scheme, wanted, periods)
    levels = Levels(wanted.alpha, float(scheme.units))
    told = [
        _read(arms, levels)
        for arms in trials(value, scheme, wanted, periods, wanted.effect, draws or DRAWS, seed)
    ]
    found = float(
        np.mean([effect.p < wanted.alpha and effect.difference * wanted.effect > 0 for effect in told])
    )
    return Length(periods, found, _least(told, wanted))


def _least(told: Sequence[Effect], wanted: Wanted) -> float:
    """Return the effect that such trials find as often as wanted: quiet windows more often than restless ones.

    The error of a relative effect grows with the treated mean: se(effect) = (1 + effect) se(0). So effect / (1 + effect) is sought first.
    """
    se = np.array([effect.se for effect in told]) / (1 + wanted.effect)
    bar = special.stdtrit(np.array([effect.df for effect in told]), 1 - wanted.alpha / 2)
    far = float(((bar + stats.norm.isf(1e-6)) * se).max())
    share = float(
        optimize.brentq(lambda share: stats.norm.cdf(share / se - bar).mean() - wanted.power, 0.0, far)
    )
    return share / (1 - share) if share < 1 else np.inf


def holds(value: np.ndarray, scheme: Scheme, wanted: Wanted, periods: int, margin: float, seed: int) -> float:
    """Return how often a guardrail that nothing happens to is shown to hold: its interval lies above the loss that is tolerated."""
    levels = Levels(wanted.alpha, float(scheme.units))
    told = [_read(arms, levels) for arms in trials(value, scheme, wanted, periods, 0.0, DRAWS, seed)]
    return float(np.mean([effect.low > -margin for effect in told]))


def trials(
    value: np.ndarray, scheme: Scheme, wanted: Wanted, periods: int, effect: float, draws: int, seed: int
) -> Iterator[tuple[Arm, Arm]]:
    """Yield control and treated of trials in random windows of the past, drawn as the trial will be."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        first = int(rng.integers(wanted.before, value.shape[1] - periods + 1))
        before = value[:, first - wanted.before : first].mean(axis=1)
        window = value[:, first : first + periods]
        yield (_blocks if scheme.unit == TIME else _units)(window, before, scheme, effect, rng)


def _units(
    window: np.ndarray, before: np.ndarray, scheme: Scheme, effect: float, rng: np.random.Generator
) -> tuple[Arm, Arm]:
    y, x, m = (
        np.bincount(scheme.owner, part).astype(float)
        for part in (window.sum(axis=1), before, np.ones(len(before)))
    )
    treated = stratified(x, scheme.share, rng)
    y = y * (1 + effect * treated)
    grouped = scheme.unit != STORES
    return arm_of(y[~treated], m[~treated], x[~treated], m[~treated], grouped), arm_of(
        y[treated], m[treated], x[treated], m[treated], grouped
    )


def _blocks(
    window: np.ndarray, before: np.ndarray, scheme: Scheme, effect: float, rng: np.random.Generator
) -> tuple[Arm, Arm]:
    """Return the arms of places that switch: a unit is one block of one place, without its burn-in."""
    blocks = window.shape[1] // scheme.block
    kept = window[:, : blocks * scheme.block].reshape(len(window), blocks, scheme.block)[
        :, :, scheme.burn_in :
    ]
    treated = switched(scheme.units, blocks, scheme.share, rng)
    y, x, m = np.zeros(treated.shape), np.zeros(scheme.units), np.zeros(scheme.units)
    np.add.at(y, scheme.owner, kept.sum(axis=2))
    np.add.at(x, scheme.owner, before * kept.shape[2])
    np.add.at(m, scheme.owner, kept.shape[2])
    y, arms = y * (1 + effect * treated), []
    for mine in (~treated, treated):
        place = np.nonzero(mine)[0]
        arms.append(arm_of(y[mine], m[place], x[place], m[place], grouped=True))
    return arms[0], arms[1]


def _read(arms: tuple[Arm, Arm], levels: Levels) -> Effect:
    """Return the effect that decides, as the analysis reads it: relative where there is one, sharpened by what was known before."""
    pair = estimates(*arms, adjusted=True)
    return relative(*pair, levels) or absolute(*pair, levels)


def _closed(value: np.ndarray, scheme: Scheme, wanted: Wanted, periods: int) -> Length:
    """Return what the closed form finds, at the mean residual variation of windows of the past."""
    treated = round(scheme.units * scheme.share)
    if min(treated, scheme.units - treated) < 2:
        raise TrialError(
            f"design: both arms need two stores. Received: {scheme.units} stores. Randomise groups or time blocks."
        )
    per_arm = 2 / (1 / treated + 1 / (scheme.units - treated))
    firsts = np.linspace(wanted.before, value.shape[1] - periods, WINDOWS).astype(int)
    variation = float(
        np.sqrt(
            np.mean([_variation(value, first, periods, wanted.before) ** 2 for first in np.unique(firsts)])
        )
    )
    reach = (
        (stats.norm.isf(wanted.alpha / 2) + stats.norm.ppf(wanted.power)) * variation * np.sqrt(2 / per_arm)
    )
    return Length(periods, power_of_mean(per_arm, variation, wanted.effect, wanted.alpha), float(reach))


def _variation(value: np.ndarray, first: int, periods: int, before: int) -> float:
    """Return standard deviation over mean of a store's window, less what the time before explains."""
    y, x = value[:, first : first + periods].sum(axis=1), value[:, first - before : first].mean(axis=1)
    explained = np.corrcoef(y, x)[0, 1] ** 2 if y.std() > 0 and x.std() > 0 else 0.0
    return float(y.std(ddof=1) * np.sqrt(1 - explained) / y.mean())
