"""The summary of a retraining as a person reads it, on its MLflow page and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from tasks.demand.coverage import coverage_sentences
from tasks.pricing.list_claim import sentence
from tasks.runtime.records import Interval, ListClaim, Scores, Trial
from tasks.runtime.summary import DataSummary, ResponseSummary, Summary
from tasks.trial.policy_value import headline as off_policy_headline

MODEL_ORDER = ("seasonal_naive", "ets", "arima", "lstm", "blend")
POLICY_ORDER = ("dqn", "hold", "cost_plus", "myopic", "random")
SCORES = ("wape", "mase", "bias", "pinball", "coverage_80", "mape")


def headline(summary: Summary) -> str:
    """Return verdict, change and reason of a retraining in one sentence.

    Example: `PASS: +2.2 % profit a week (1.8 to 2.5, at an assumed margin); 110 prices up, 37 down, 149 held`
    """
    claim = summary["list"]
    prices = f"{claim['up']} prices up, {claim['down']} down, {claim['held']} held"
    return f"{summary['verdict']}: {_gain(claim)}; {prices}"


def as_markdown(summary: Summary, profile: str) -> str:
    """Return the summary of a retraining with this profile."""
    forecast = summary["forecast"]
    lines = [
        f"# {summary['verdict']} · {profile}",
        "",
        f"**{headline(summary)}**",
        "",
        *[f"- {reason}" for reason in summary["reasons"]],
        "",
        _data_line(summary["data"]),
        "",
        *_score_table(forecast["scores"]),
        "",
        f"Weight of ARIMA in the blend: {forecast['lambda']:.2f}.",
        *["", *coverage_sentences(forecast["coverage"])],
        "",
        _response_line(summary["response"]),
        "",
        *_policy_table(summary["policy"], _money(summary)),
        "",
        _trial_line(summary["trial"]),
        "",
        sentence(summary["list"]),
        *(["", off_policy_headline(summary["off_policy"])] if summary["off_policy"] else []),
    ]
    return "\n".join(lines)


def _gain(claim: ListClaim) -> str:
    """Return the relative change of the objective in a week with its interval."""
    if claim["lift"] is None or claim["low"] is None or claim["high"] is None:
        return f"change in {claim['objective']} not known"
    assumed = ", at an assumed margin" if claim["assumed"] else ""
    interval = f"{100 * claim['low']:.1f} to {100 * claim['high']:.1f}{assumed}"
    return f"{100 * claim['lift']:+.1f} % {claim['objective']} a week ({interval})"


def _data_line(data: DataSummary) -> str:
    accepted = f"{data['rows_accepted']:,} of {data['rows_in']:,} rows accepted"
    return f"Data: {accepted}, {data['rows_quarantined']:,} set aside."


def _score_table(scores: Mapping[str, Scores]) -> list[str]:
    rows = {model: cast("Mapping[str, float | None]", scores[model]) for model in MODEL_ORDER}
    return [
        f"| Held-out forecast | {' | '.join(SCORES)} |",
        f"|---|{'---|' * len(SCORES)}",
        *[
            f"| {model} | {' | '.join(_number(row.get(name)) for name in SCORES)} |"
            for model, row in rows.items()
        ],
    ]


def _policy_table(policy: Mapping[str, Interval], earned: str) -> list[str]:
    rows = [(name, policy[name]) for name in POLICY_ORDER]
    return [
        f"| Policy, {earned} per product-week in simulation | value | low | high |",
        "|---|---|---|---|",
        *[
            f"| {name} | {_number(row['value'])} | {_number(row['low'])} | {_number(row['high'])} |"
            for name, row in rows
        ],
    ]


def _money(summary: Summary) -> str:
    """Return what policies earn, with its currency where that is named."""
    currency = f" ({summary['currency']})" if "currency" in summary else ""
    return summary["objective"] + currency


def _response_line(response: ResponseSummary) -> str:
    counts = f"{response['identified']} products identified, {response['not_identified']} not"
    return f"Price response: {counts}; median elasticity {_number(response['median_elasticity'])}."


def _trial_line(trial: Trial) -> str:
    """Return the lift, and the share of A/A trials that report an effect."""
    lift = f"{_percent(trial['lift'])} ({_percent(trial['low'])} to {_percent(trial['high'])})"
    draws = f"{_percent(trial['luck_low'])} to {_percent(trial['luck_high'])}"
    return (
        f"Season of weekly lists, simulated against the price in force: lift {lift}, with the doubt about "
        f"slopes and curve; the luck of the draws alone {draws}; "
        f"sample-ratio p = {_number(trial['srm_p'])}. "
        f"The price in force against itself (A/A): an effect in {trial['aa_found']:.1%} "
        f"of {trial['aa_trials']} trials."
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "not shown" if share is None else f"{100 * share:+.1f} %"
