"""The simulated trial of a candidate, read by the same estimator as a real one, and its A/A check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tasks.trial.effects import Arm, Effect, Levels, arm_of, estimates, relative, theta_of
from tasks.trial.errors import TrialError
from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.randomisation import assign
from tasks.trial.ratio import sample_ratio

AA_TRIALS = 400  # trials of the price in force against itself: 5 % of them known to about 1 %
SHOWN_CLUSTERS = 12  # clusters in the picture, the largest ones


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What every product earns in every market, under the policy and at the price in force.

    Attributes:
        policy: currency; every market has another draw of the slopes (markets, products).
        hold: currency, the price in force held, with the same demand draws (markets, products).
        before: what a product earns at the price in force, known before the trial: currency (products,).
        clusters: number of each product's cluster, from 0 (products,).
        names: names of the clusters.
    """

    policy: np.ndarray
    hold: np.ndarray
    before: np.ndarray
    clusters: np.ndarray
    names: list[str]


class Season(NamedTuple):
    """The lift of a season over markets of different slopes (share)."""

    lift: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class SimulatedTrial:
    """The simulated trial.

    The trial of one market alone would read ``effect``: its interval is the luck of demand and assignment.
    ``season`` is what the whole shop gains, market by market; each has other slopes and another curve, so its
    interval holds what is not known of them as well.

    Attributes:
        effect: the relative lift over the price in force, read by the estimator of a real trial.
        season: mean and interval of the paired lift of the whole shop over the markets.
        comparable: whether the sample-ratio check holds; no lift is shown where it does not.
        srm_p: p-value of the sample-ratio check.
        treated_clusters, control_clusters: units of randomisation per arm (clusters x markets).
        markets: market draws.
        theta: CUPED's coefficient of what was known before.
        lift_by_cluster: relative difference of the arms' means in the largest clusters, by name.
        aa_p: p-values of A/A trials, the price in force against itself (trials,).
        aa_detected: share of them that report an effect: 1 - confidence, if all is right.
    """

    effect: Effect
    season: Season
    comparable: bool
    srm_p: float
    treated_clusters: int
    control_clusters: int
    markets: int
    theta: float
    lift_by_cluster: dict[str, float]
    aa_p: np.ndarray
    aa_detected: float

    @property
    def figures(self) -> dict[str, float | None]:
        """Return the trial in numbers; the lift is none while the sample ratio alarms."""
        return {
            "lift": self.season.lift if self.comparable else None,
            "low": self.season.low if self.comparable else None,
            "high": self.season.high if self.comparable else None,
            "luck_low": self.effect.low if self.comparable else None,
            "luck_high": self.effect.high if self.comparable else None,
            "srm_p": self.srm_p,
            "treated_clusters": self.treated_clusters,
            "control_clusters": self.control_clusters,
            "markets": self.markets,
            "theta": self.theta,
            "aa_found": self.aa_detected,
            "aa_trials": len(self.aa_p),
        }


def simulate_trial(
    outcomes: Outcomes, settings: EvaluationSettings, *, assignment_seed: int, aa_seed: int
) -> SimulatedTrial:
    """Randomise clusters between the policy and the price in force, and estimate the lift.

    Args:
        outcomes: of both arms.
        settings: of the trial.
        assignment_seed: root of the assignment.
        aa_seed: root of the assignments of the A/A check.
    """
    share = settings.treated_share
    treated = assign(len(outcomes.policy), outcomes.clusters, share, assignment_seed)
    outcome = np.where(treated, outcomes.policy, outcomes.hold)  # (markets, products)
    arms = arms_of(outcome, outcomes.before, treated, outcomes.clusters)
    effect = lift(arms, settings.confidence)
    srm_p = sample_ratio([arm.n for arm in arms], [1 - share, share])
    aa_p = same_against_same(outcomes, settings, trials=AA_TRIALS, seed=aa_seed)
    return SimulatedTrial(
        effect=effect,
        season=season_of(outcomes, settings.confidence),
        comparable=srm_p >= settings.srm_alarm,
        srm_p=srm_p,
        treated_clusters=arms[1].n,
        control_clusters=arms[0].n,
        markets=len(outcome),
        theta=theta_of(list(arms)),
        lift_by_cluster=_lift_by_cluster(outcome, treated, outcomes),
        aa_p=aa_p,
        aa_detected=float((aa_p < 1 - settings.confidence).mean()),
    )


def season_of(outcomes: Outcomes, confidence: float) -> Season:
    """Return the lift of the whole shop in the season, over markets in which both arms meet the same demand.

    Raises:
        TrialError: a market earns nothing at the price in force.
    """
    held = outcomes.hold.sum(axis=1)
    if (held <= 0).any():
        raise TrialError(
            "trial: the price in force must earn something. Received: nothing. Check the market."
        )
    lifts, tail = outcomes.policy.sum(axis=1) / held - 1, (1 - confidence) / 2
    low, high = np.quantile(lifts, [tail, 1 - tail])
    return Season(float(lifts.mean()), float(low), float(high))


def arms_of(
    outcome: np.ndarray, covariate: np.ndarray, treated: np.ndarray, clusters: np.ndarray
) -> tuple[Arm, Arm]:
    """Return control and treated; a unit is a cluster of products in one market.

    Args:
        outcome: outcome of every product (markets, products).
        covariate: known before (products,).
        treated: as ``assign`` returns it (markets, products).
        clusters: number of each product's cluster, from 0 (products,).
    """
    return _split(_sums(outcome, covariate, clusters), treated, clusters)


def lift(arms: tuple[Arm, Arm], confidence: float) -> Effect:
    """Return the relative effect, with CUPED for what was known before.

    Raises:
        TrialError: an arm has fewer than two clusters, or nothing was earned in the control arm.
    """
    effect = relative(
        *estimates(*arms, adjusted=True), Levels(1 - confidence, float(sum(arm.n for arm in arms)))
    )
    if effect is None:
        raise TrialError("trial: the control arm must earn something. Received: nothing. Check the market.")
    return effect


def same_against_same(
    outcomes: Outcomes, settings: EvaluationSettings, *, trials: int, seed: int
) -> np.ndarray:
    """Return the p-values of A/A trials, the price in force against itself (trials,).

    They are uniform, if the intervals are right.

    Args:
        outcomes: of which those at the price in force are used.
        settings: of the trial.
        trials: number of assignments.
        seed: root of the assignments.
    """
    clusters = outcomes.clusters
    sums = _sums(outcomes.hold, outcomes.before, clusters)
    seeds = np.random.SeedSequence(seed).generate_state(trials)
    assignments = (
        assign(len(outcomes.hold), clusters, settings.treated_share, int(trial_seed)) for trial_seed in seeds
    )
    return np.array([lift(_split(sums, treated, clusters), settings.confidence).p for treated in assignments])


def _lift_by_cluster(outcome: np.ndarray, treated: np.ndarray, outcomes: Outcomes) -> dict[str, float]:
    """Return the relative difference of the arms' means in the clusters that earn most and have both arms."""
    size = np.bincount(outcomes.clusters, outcomes.before)
    lifts = {}
    for number in np.argsort(-size)[:SHOWN_CLUSTERS]:
        members = outcomes.clusters == number
        sums, arm = outcome[:, members].sum(axis=1), treated[:, members][:, 0]
        if arm.any() and not arm.all() and sums[~arm].mean() > 0:
            lifts[str(outcomes.names[number])] = float(sums[arm].mean() / sums[~arm].mean() - 1)
    return lifts


def _sums(outcome: np.ndarray, covariate: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return outcome, size and covariate of every cluster of every market (market x cluster, 3)."""
    member = np.eye(clusters.max() + 1)[clusters]  # (products, clusters)
    size, known = (np.tile(part @ member, len(outcome)) for part in (np.ones(len(clusters)), covariate))
    return np.stack([(outcome @ member).ravel(), size, known], axis=1)


def _split(sums: np.ndarray, treated: np.ndarray, clusters: np.ndarray) -> tuple[Arm, Arm]:
    """Return control and treated of summed clusters."""
    first = np.unique(clusters, return_index=True)[1]  # a cluster has one arm: that of its first product
    in_treated = treated[:, first].ravel()
    y, d, x = sums.T
    control, candidate = (
        arm_of(y[units], d[units], x[units], d[units], grouped=True) for units in (~in_treated, in_treated)
    )
    return control, candidate
