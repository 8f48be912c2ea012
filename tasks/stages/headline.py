"""The one sentence of a retraining: verdict, reason and change."""

from __future__ import annotations

from tasks.pricing.list_claim import assumption
from tasks.runtime.records import ListClaim
from tasks.runtime.summary import Summary

GATES = {
    "forecast": "the forecast",
    "forecast_coverage": "the interval of the forecast",
    "forecast_varies": "the forecast",
    "response_identified": "the share of products whose price response is known",
    "response_sign": "the sign of the price response",
    "response_width": "the doubt about the price response",
    "response_predicts": "the price response in held-out weeks",
    "weights_finite": "the numbers of the models",
    "policy_over_hold": "the gain over holding all prices",
    "policy_over_best_fixed": "the gain over the best list that is kept",
    "policy_over_myopic": "the gain over the best list of each week",
    "trial_ratio": "the groups of the trial",
    "trial_lift": "the lift of the trial",
    "list_lift": "the lift of the list",
}
"""What the gates are about, in words."""


def headline(summary: Summary) -> str:
    """Return verdict, change and reason of a retraining in one sentence.

    Example: `PASS: +2.2 % profit a week (1.8 to 2.5, at an assumed margin of 30 %); 110 prices up, 37 down,
    149 held`
    """
    claim = summary["list"]
    prices = f"{claim['up']} prices up, {claim['down']} down, {claim['held']} held"
    failed = dict.fromkeys(GATES.get(name, name) for name in summary["failed_gates"])
    why = f" on {', '.join(failed)}" if failed else ""
    return f"{summary['verdict']}{why}: {_gain(claim)}; {prices}"


def _gain(claim: ListClaim) -> str:
    """Return the relative change of the objective in a week with its interval."""
    if claim["lift"] is None or claim["low"] is None or claim["high"] is None:
        return f"change in {claim['objective']} not known"
    assumed = f", {assumption(claim)}" if claim["assumed_margins"] else ""
    interval = f"{100 * claim['low']:.1f} to {100 * claim['high']:.1f}{assumed}"
    return f"{100 * claim['lift']:+.1f} % {claim['objective']} a week ({interval})"
