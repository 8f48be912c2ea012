"""The gates of a candidate: what forecast, response, policy and trial must show before promotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.gates import Gate, above, below


@dataclass(frozen=True, kw_only=True)
class CandidateFigures:
    """The figures that are held to the gates.

    Attributes:
        wape: WAPE on the held-out periods by model, ``blend`` and ``seasonal_naive`` among them.
        outlook_spread: standard deviation of the forecasts of the future (units/period).
        identified: products whose elasticity is identified.
        not_identified: products whose elasticity is not.
        median_elasticity: of the identified products; none without any.
        median_width: median width of their intervals; none without any.
        finite_share: share of finite numbers in the arrays of the models.
        gain_low: lower end of the policy's gain over hold, best fixed and myopic, such as ``over_hold``
            (share).
        distinct_prices: steps of the ladder in use.
        claim: of the policy's own price list: ``lift``, ``low``, ``high`` (share of the objective of a week)
            and ``refusal``, why they are not identified.
        notes: sentences that stand beside the reasons of the verdict.
    """

    wape: Mapping[str, float]
    outlook_spread: float
    identified: int
    not_identified: int
    median_elasticity: float | None
    median_width: float | None
    finite_share: float
    gain_low: Mapping[str, float]
    distinct_prices: int
    claim: Mapping[str, Any]
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
        above(
            "weights_finite",
            "the share of finite numbers in the models",
            figures.finite_share,
            1.0,
            inclusive=True,
        ),
        *policy_gates(figures.gain_low, figures.distinct_prices, settings),
        above(
            "trial_ratio",
            "the p-value of the trial's sample ratio",
            srm_p,
            settings.srm_alarm,
            inclusive=True,
        ),
        above("trial_lift", "the lower end of the trial's lift", lift_low, settings.min_lift),
        list_gate(figures.claim, settings),
    ]


def list_gate(claim: Mapping[str, Any], settings: EvaluationSettings) -> Gate:
    """Return the gate of the policy's own price list; what is not identified does not pass.

    Args:
        claim: ``low`` (share), the lower end of the list's lift, and ``refusal``.
        settings: the thresholds.
    """
    what = "the lower end of the list's lift, substitutes counted,"
    return above("list_lift", what, None if claim["refusal"] else claim["low"], settings.min_lift)


def claim_notes(claim: Mapping[str, Any]) -> list[str]:
    """Return a note where the answer of substitute groups is not identified."""
    if not claim["refusal"]:
        return []
    return [f"note: how substitute groups answer their prices is not identified: {claim['refusal']}"]


def policy_gates(
    gain_low: Mapping[str, float], distinct_prices: int, settings: EvaluationSettings
) -> list[Gate]:
    """Return the gates of a policy against hold, the best fixed steps and the myopic price.

    Args:
        gain_low: lower end of its gain over each of them, with the same demand draws (share).
        distinct_prices: steps of the ladder in use.
        settings: the thresholds.
    """
    gains = {
        "policy_over_hold": "the lower end of the policy's gain over holding",
        "policy_over_best_fixed": "the lower end of its gain over the best fixed steps",
        "policy_over_myopic": "the lower end of the policy's gain over the myopic one",
    }
    return [
        *(
            above(name, what, gain_low[name.removeprefix("policy_")], settings.min_lift)
            for name, what in gains.items()
        ),
        above(
            "policy_varies",
            "the number of steps in use",
            distinct_prices,
            settings.min_distinct_prices,
            inclusive=True,
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
