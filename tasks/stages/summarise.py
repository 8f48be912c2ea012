"""The summary of a retraining: one JSON, the headline metrics and the note on its page in MLflow."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from conf import Settings
from tasks.pricing.list_claim import ListClaim, figures, sentence
from tasks.runtime import track
from tasks.runtime.artifacts import save_json
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Versions
from tasks.trial.policy_value import estimates_of, headline

MODEL_ORDER = ("seasonal_naive", "ets", "arima", "lstm", "blend")
POLICY_ORDER = ("dqn", "hold", "cost_plus", "myopic", "random")
SCORES = ("wape", "mase", "bias", "pinball", "coverage_80", "mape")


class Summary(TypedDict):
    """What `--json` writes; these names stay."""

    run_id: str
    data: dict[str, Any]
    forecast: dict[str, Any]
    response: dict[str, Any]
    policy: dict[str, dict[str, float]]
    objective: str
    trial: dict[str, Any]
    list: ListClaim
    off_policy: dict[str, Any] | None
    verdict: str
    reasons: list[str]
    versions: Versions
    seconds: dict[str, float]
    peak_memory_mb: float


def summarise(
    attempt: Attempt,
    settings: Settings,
    stages: dict[str, dict[str, Any]],
    versions: Versions,
    peak_memory_mb: float,
) -> Summary:
    """Gather what the stages returned, and show it on the run's page.

    Args:
        stages: results of ``prepare``, ``forecast``, ``respond``, ``price`` and ``evaluate`` by name.
        peak_memory_mb: largest resident memory of the process and its children (MB).
    """
    seconds = track.stage_seconds(attempt)
    summary = Summary(
        run_id=attempt.run_id,
        data={"hash": stages["prepare"]["data_hash"], **{key: stages["prepare"][key] for key in _ROWS}},
        forecast={key: stages["forecast"][key] for key in ("scores", "lambda")},
        response={
            key: stages["respond"][key] for key in ("identified", "not_identified", "median_elasticity")
        },
        policy=stages["price"]["policy"],
        objective=stages["price"]["objective"],
        trial=stages["evaluate"]["trial"],
        list=stages["evaluate"]["list"],
        off_policy=stages["evaluate"]["off_policy"],
        verdict=stages["evaluate"]["verdict"],
        reasons=stages["evaluate"]["reasons"],
        versions=versions,
        seconds={**seconds, "total": sum(seconds.values())},
        peak_memory_mb=peak_memory_mb,
    )
    track.log_headlines(attempt, _headlines(summary))
    track.note(
        attempt,
        as_markdown(summary, settings),
        {"verdict": summary["verdict"], "data_hash": summary["data"]["hash"]},
    )
    save_json(summary, attempt.path("summary.json"))
    return summary


def as_markdown(summary: Summary, settings: Settings) -> str:
    """Return the summary as a person would read it."""
    data, trial, response = summary["data"], summary["trial"], summary["response"]
    scores = summary["forecast"]["scores"]
    lines = [
        f"# {summary['verdict']} · {settings.profile}",
        "",
        *[f"- {reason}" for reason in summary["reasons"]],
        "",
        f"Data: {data['rows_accepted']:,} of {data['rows_in']:,} rows accepted, {data['rows_quarantined']:,} set aside.",
        "",
        f"| Held-out forecast | {' | '.join(SCORES)} |",
        f"|---|{'---|' * len(SCORES)}",
        *[
            f"| {model} | {' | '.join(_number(scores[model].get(s)) for s in SCORES)} |"
            for model in MODEL_ORDER
        ],
        "",
        f"Weight of ARIMA in the blend: {summary['forecast']['lambda']:.2f}.",
        "",
        _response_line(response),
        "",
        f"| Policy, {summary['objective']} per product-week in simulation | value | low | high |",
        "|---|---|---|---|",
        *[
            f"| {name} | {' | '.join(_number(summary['policy'][name][k]) for k in ('value', 'low', 'high'))} |"
            for name in POLICY_ORDER
        ],
        "",
        _trial_line(trial),
        "",
        sentence(summary["list"]),
        *(["", headline(summary["off_policy"])] if summary["off_policy"] else []),
    ]
    return "\n".join(lines)


def _response_line(response: dict[str, Any]) -> str:
    counts = f"{response['identified']} products identified, {response['not_identified']} not"
    return f"Price response: {counts}; median elasticity {_number(response['median_elasticity'])}."


def _trial_line(trial: dict[str, Any]) -> str:
    span = f"{_share(trial['lift'])} ({_share(trial['low'])} to {_share(trial['high'])})"
    return f"Simulated A/B trial against the price in force: lift {span}, sample-ratio p = {_number(trial['srm_p'])}.{_same(trial)}"


def _same(trial: dict[str, Any]) -> str:
    """Return what the same trial finds where nothing is to be found."""
    return f" The price in force against itself (A/A): an effect in {trial['aa_found']:.1%} of {trial['aa_trials']} trials."


_ROWS = ("rows_in", "rows_accepted", "rows_quarantined")


def _headlines(summary: Summary) -> dict[str, float]:
    scores = {
        f"forecast.{model}.{name}": value
        for model, row in summary["forecast"]["scores"].items()
        for name, value in row.items()
    }
    policy = {f"policy.{name}.value": row["value"] for name, row in summary["policy"].items()}
    trial = {f"trial.{name}": summary["trial"][name] for name in ("lift", "low", "high", "srm_p", "aa_found")}
    response = {f"response.{name}": value for name, value in summary["response"].items()}
    data = {f"data.{name}": float(summary["data"][name]) for name in _ROWS}
    run = {"seconds.total": summary["seconds"]["total"], "peak_memory_mb": summary["peak_memory_mb"]}
    logged = estimates_of(summary["off_policy"] or {})
    every = {
        **scores,
        "forecast.lambda": summary["forecast"]["lambda"],
        **response,
        **policy,
        **trial,
        **figures(summary["list"]),
        **logged,
        **data,
        **run,
    }
    return {name: value for name, value in every.items() if value is not None}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "not shown" if value is None else f"{100 * value:+.1f} %"
