"""The gates of a candidate: what forecast, response, policy and trial must show before promotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.gates import Gate, above, at_most, below

NOMINAL = 0.8  # probability of the interval between the 10 % and the 90 % quantile
MIN_PERIODS = 100  # held-out periods of slow movers from which they are looked at alone
CLEAR_GAIN = 0.05  # of the objective: what a lower end of a gain has, if it leaves no doubt
MANY = 0.5  # share of the prices that take the largest step from which a note says so


@dataclass(frozen=True, kw_only=True)
class CandidateFigures:
    """The figures that are held to the gates.

    Attributes:
        wape: WAPE on the held-out periods by model, ``blend`` and ``seasonal_naive`` among them.
        coverage: randomised coverage of the blend's 80 % interval on the held-out periods, of ``all`` series
            and of ``slow`` movers if there are any: its ``value``, the ends ``low`` and ``high`` of its
            sampling interval, and the number of ``periods``.
        outlook_spread: standard deviation of the forecasts of the future (units/period).
        identified: products whose elasticity is identified.
        not_identified: products whose elasticity is not.
        median_elasticity: of the identified products; none without any.
        median_width: median width of their intervals; none without any.
        finite_share: share of finite numbers in the arrays of the models.
        gain_low: lower end of the policy's gain over hold, best fixed and myopic, such as ``over_hold``
            (share).
        claim: of the policy's own price list: ``lift``, ``low``, ``high`` (share of the objective of a week),
            ``refusal``, why they are not identified, and how many prices move and take the largest step.
        predictive_check: whether the response foresaw held-out weeks: ``slope``, ``status``, ``sentence``.
        notes: sentences that stand beside the reasons of the verdict.
    """

    wape: Mapping[str, float]
    coverage: Mapping[str, Mapping[str, Any]]
    outlook_spread: float
    identified: int
    not_identified: int
    median_elasticity: float | None
    median_width: float | None
    finite_share: float
    gain_low: Mapping[str, float]
    claim: Mapping[str, Any]
    predictive_check: Mapping[str, Any]
    notes: Sequence[str] = ()


def candidate_gates(
    figures: CandidateFigures, srm_p: float, lift_low: float | None, settings: EvaluationSettings
) -> list[Gate]:
    """Return every gate of a candidate.

    Args:
        figures: of forecast, response and policy.
        srm_p: p-value of the trial's sample ratio.
        lift_low: lower end of the trial's lift; none while the sample ratio alarms.
        settings: the thresholds.
    """
    return [
        *_forecast_gates(figures, settings),
        *_response_gates(figures, settings),
        predictive_gate(figures.predictive_check),
        above(
            "weights_finite",
            "the share of finite numbers in the models",
            figures.finite_share,
            1.0,
            inclusive=True,
        ),
        *policy_gates(figures.gain_low, settings),
        above(
            "trial_ratio",
            "the p-value of the trial's sample ratio",
            srm_p,
            settings.srm_alarm,
            inclusive=True,
            span=1 - settings.srm_alarm,
        ),
        above(
            "trial_lift",
            "the lower end of the trial's lift",
            lift_low,
            settings.min_lift,
            span=CLEAR_GAIN,
        ),
        list_gate(figures.claim, settings),
    ]


def coverage_gate(coverage: Mapping[str, Mapping[str, Any]], settings: EvaluationSettings) -> Gate:
    """Return the gate of the forecast's 80 % interval, for all series and for slow movers.

    What counts is how far the sampling interval of the coverage is from 80 %, so that a few held-out periods
    refuse nobody by chance.

    Args:
        coverage: by class, as ``CandidateFigures`` has it.
        settings: the thresholds.
    """
    names = {"all": "all series", "slow": "slow movers"}
    misses = {
        f"{names[name]} ({row['value']:.1%} covered)": max(row["low"] - NOMINAL, NOMINAL - row["high"], 0.0)
        for name, row in coverage.items()
        if name == "all" or (name == "slow" and row["periods"] >= MIN_PERIODS)
    }
    worst = max(misses, key=lambda name: misses[name], default="all series (none held out)")
    what = f"the miss of the blend's 80 % interval beyond its sampling error, held out, {worst},"
    return at_most("forecast_coverage", what, misses.get(worst), settings.coverage_tolerance)


def list_gate(claim: Mapping[str, Any], settings: EvaluationSettings) -> Gate:
    """Return the gate of the policy's own price list; what is not identified does not pass.

    Args:
        claim: ``low`` (share), the lower end of the list's lift, and ``refusal``.
        settings: the thresholds.
    """
    what = "the lower end of the list's lift, substitutes counted,"
    low = None if claim["refusal"] else claim["low"]
    return above("list_lift", what, low, settings.min_lift, span=CLEAR_GAIN)


def predictive_gate(check: Mapping[str, Any]) -> Gate:
    """Return the gate of the predictive check, which only a check that failed does not pass.

    Args:
        check: ``slope``, the ends of its interval ``low`` and ``high``, ``status`` (passed, failed, untested)
            and ``sentence``.
    """
    ends = (check["low"], check["high"])
    half = None if None in ends or ends[0] == ends[1] else (ends[1] - ends[0]) / 2
    return Gate(
        name="response_predicts",
        passed=check["status"] != "failed",
        value=check["slope"],
        threshold=1.0,
        sentence=f"response_predicts: {check['sentence']}",
        sign="holds",
        margin=None if half is None else min(1.0 - ends[0], ends[1] - 1.0) / half,
        untested=check["status"] == "untested",
    )


def predictive_notes(check: Mapping[str, Any]) -> list[str]:
    """Return a note where the predictive check could not be made."""
    return [f"note: {check['sentence']}"] if check["status"] == "untested" else []


def claim_notes(claim: Mapping[str, Any]) -> list[str]:
    """Return notes on a list whose groups are not identified, or that takes the largest steps."""
    notes = []
    if claim["refusal"]:
        notes.append(f"note: how substitute groups answer their prices is not identified: {claim['refusal']}")
    prices = claim["up"] + claim["down"] + claim["held"]
    if claim["at_ends"] > MANY * prices:
        notes.append(
            f"note: {claim['at_ends']} of {prices} prices take the largest step of a week: right where "
            f"prices are far from the best for {claim['objective']}"
            + (" at the assumed margin" if claim["assumed"] else "")
            + ", else a sign that the market is wrong"
        )
    return notes


def policy_gates(gain_low: Mapping[str, float], settings: EvaluationSettings) -> list[Gate]:
    """Return the gates of a policy: better than holding, not worse than the rules that do not plan.

    Where there is nothing to plan for (no stock, no remembered price) the best policy *is* the myopic price.

    Args:
        gain_low: lower end of its gain over each of them, with the same demand draws (share).
        settings: the thresholds.
    """
    rules = {
        "policy_over_best_fixed": "the lower end of its gain over the best list that is kept",
        "policy_over_myopic": "the lower end of its gain over the best list of each week",
    }
    gain = "the lower end of the policy's gain over holding"
    return [
        above("policy_over_hold", gain, gain_low["over_hold"], settings.min_lift, span=CLEAR_GAIN),
        *(
            above(
                name,
                what,
                gain_low[name.removeprefix("policy_")],
                -settings.tolerance,
                inclusive=True,
                span=CLEAR_GAIN,
            )
            for name, what in rules.items()
        ),
    ]


def finite_share(arrays: Sequence[np.ndarray]) -> float:
    """Return the share of finite numbers in arrays."""
    return sum(int(np.isfinite(values).sum()) for values in arrays) / sum(values.size for values in arrays)


def forecast_notes(wape: Mapping[str, float]) -> list[str]:
    """Return a note where the blend is not the best forecast of the held-out periods."""
    blend = wape["blend"]
    better = [f"{name} ({value:.4f})" for name, value in wape.items() if name != "blend" and value < blend]
    if not better:
        return []
    return [f"note: held out, the blend (WAPE {blend:.4f}) is worse than {', '.join(better)}"]


def _forecast_gates(figures: CandidateFigures, settings: EvaluationSettings) -> list[Gate]:
    """Return the gates of the forecast."""
    return [
        below(
            "forecast",
            "WAPE of the blend over that of seasonal naive, held out,",
            figures.wape["blend"] / figures.wape["seasonal_naive"],
            settings.max_wape_ratio,
        ),
        coverage_gate(figures.coverage, settings),
        above("forecast_varies", "the standard deviation of the outlook", figures.outlook_spread, 0.0),
    ]


def _response_gates(figures: CandidateFigures, settings: EvaluationSettings) -> list[Gate]:
    """Return the gates of the price response."""
    products = max(1, figures.identified + figures.not_identified)
    return [
        above(
            "response_identified",
            "the share of identified products",
            figures.identified / products,
            settings.min_identified,
            inclusive=True,
            span=1 - settings.min_identified,
        ),
        below(
            "response_sign",
            "the median elasticity",
            figures.median_elasticity,
            settings.max_median_elasticity,
        ),
        below(
            "response_width",
            "the median width of its interval",
            figures.median_width,
            settings.max_median_width,
        ),
    ]
