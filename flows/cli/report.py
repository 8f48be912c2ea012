"""What the command prints: results as tables a person reads at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from conf import Settings

console = Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a line as it is."""
    console.print(escape(text))


def show_summary(summary: Mapping[str, Any], settings: Settings) -> None:
    """Print the summary of a retraining and where to look next."""
    from tasks.stages.summarise import as_markdown

    console.print(Markdown(as_markdown(summary, settings)), soft_wrap=False)  # type: ignore[arg-type]
    _print_table(
        "Seconds", ("stage", "s"), [(name, f"{value:.1f}") for name, value in summary["seconds"].items()]
    )
    option = "" if settings.profile == "default" else f" --profile {settings.profile}"
    version = summary["versions"]["pricing_policy"]
    say(f"peak memory {summary['peak_memory_mb']:,.0f} MB")
    say(f"look:    repricer ui{option}    then http://127.0.0.1:5000, run {summary['run_id']}")
    if summary["verdict"] == "PASS":
        say(f'promote: repricer promote{option} --version {version} --by NAME --reason "..."')
    else:
        say(
            f"version {version} failed its gates: it is registered, not promotable, and no alias points to it."
        )


def show_promoted(promoted: Mapping[str, Any]) -> None:
    """Print the champion and the one before it."""
    rows = [
        (name, f"{number}", f"{promoted['previous'][name] or '-'}")
        for name, number in promoted["champion"].items()
    ]
    _print_table("Champion", ("model", "champion", "before"), rows)


def show_recommended(told: Mapping[str, Any]) -> None:
    """Print how many prices of a list rise, fall and hold, and whether it was varied."""
    counts = f"{told['up']} up, {told['down']} down, {told['hold']} held"
    say(f"{told['file']}: {told['products']} prices by pricing_policy version {told['version']}: {counts}")
    say(f"varied at random: {told['varied']} (seed {told['seed']}; `price.variation.share` says how many)")


def show_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """Print what the doctor found."""
    _print_table(
        "Doctor",
        ("", "check", "found"),
        [("ok" if f["ok"] else "NO", f["name"], f["found"]) for f in findings],
    )


def show_bench(measured: Mapping[str, Any]) -> None:
    """Print medians and worst values of a benchmark."""
    rows = [
        (name, f"{value['median']:.1f}", f"{value['worst']:.1f}")
        for name, value in measured["figures"].items()
    ]
    _print_table(
        f"{measured['runs']} runs of profile {measured['profile']}", ("figure", "median", "worst"), rows
    )


def show_forecast_bench(measured: Mapping[str, Any]) -> None:
    """Print the scores over all rounds of a forecasting benchmark."""
    total = measured["total"]
    names = ("mape", "wape", "mase", "bias", "pinball", "coverage_80")
    rows = [
        (model, *("-" if row[name] is None else f"{row[name]:.2f}" for name in names))
        for model, row in total["scores"].items()
    ]
    _print_table(
        f"{total['points']:,} points",
        ("model", "MAPE %", "WAPE %", "MASE", "bias %", "pinball", "covered by 80 %"),
        rows,
    )
    spent = f"ARIMA {total['arima_cpu_ms_per_series_round']:.1f} ms of processor time per series and round"
    say(f"{total['seconds']:.0f} s, peak memory {total['peak_memory_mb']:,.0f} MB, {spent}")


def show_scale(measured: Mapping[str, Any]) -> None:
    """Print seconds, cost per series and peak memory of every stage of every chain."""
    rows = []
    for chain in measured["chains"]:
        for name, stage in chain["stages"].items():
            seconds = (
                f"{stage['seconds']:.1f}",
                f"{stage['cpu_seconds']:.1f}",
                f"{stage['cpu_ms_per_series']:.2f}",
            )
            numbers = (*seconds, f"{stage['peak_memory_mb']:,.0f}")
            fitted = f"{stage['fitted_series']:,} fitted" if "fitted_series" in stage else ""
            rows.append((f"{chain['series']:,}", name, *numbers, fitted))
    title = f"Chains of {measured['weeks']} weeks, {measured['chunk_series']:,} series at a time, {measured['cores']} cores"
    _print_table(title, ("series", "stage", "s", "CPU s", "CPU ms a series", "peak MB", ""), rows)


def show_prepare_bench(measured: Mapping[str, Any]) -> None:
    """Print seconds and peak memory of every step from a large CSV to features."""
    names = ("seconds", "cpu_seconds", "peak_memory_mb")
    rows = [(step, *(f"{row[name]:,.1f}" for name in names)) for step, row in measured["steps"].items()]
    _print_table(f"{measured['rows']:,} rows", ("step", "s", "CPU s", "peak MB"), rows)


def show_cold_start(measured: Mapping[str, Any]) -> None:
    """Print the scores of products without a past."""
    names = ("wape", "mape", "bias", "pinball", "coverage_80")
    rows = [
        (model, *("-" if row[name] is None else f"{row[name]:.3f}" for name in names))
        for model, row in measured["scores"].items()
    ]
    _print_table(
        f"{measured['held_out']} of {measured['products']} products held out, {measured['points']:,} points",
        ("", *names),
        rows,
    )


def show_policy_bench(measured: Mapping[str, Any]) -> None:
    """Print percent of the optimum: mean and worst seed of the kept policy, beside the yardsticks."""
    rows = []
    for name, case in measured["cases"].items():
        if "refused" in case:
            rows.append((name, "-", "refused", "", "", "", "", ""))
            continue
        best, worst = case["percent"]["best"], case["percent"]["worst_of_last_ten"]
        others = [
            f"{100 * case['baselines'][key] / case['optimum']:.1f}"
            for key in ("best_fixed", "myopic", "random")
        ]
        mean = f"{sum(best) / len(best):.2f}"
        rows.append((name, f"{case['optimum']:.2f}", mean, f"{min(best):.2f}", f"{min(worst):.2f}", *others))
    columns = (
        "case",
        "optimum",
        "kept, mean %",
        "worst seed %",
        "worst of last ten %",
        "best fixed %",
        "myopic %",
        "random %",
    )
    _print_table("Percent of the optimum", columns, rows)
    plain, stocked = (
        measured["market"][name] / 1e6 for name in ("steps_per_cpu_second", "stocked_steps_per_cpu_second")
    )
    say(
        f"market of a retraining: {plain:.2f} million steps per second of CPU, {stocked:.2f} where stock is counted"
    )


def show_elasticities(measured: Mapping[str, Any]) -> None:
    """Print elasticities with intervals, and what simulated shops say of the estimator."""
    columns = (
        "product",
        "elasticity",
        "low",
        "high",
        "first half",
        "second half",
        "method",
        "F",
        "not identified because",
    )
    rows = []
    for row in measured.get("products", []):
        numbers = [
            "-" if row[name] is None else f"{row[name]:.2f}"
            for name in ("elasticity", "low", "high", "first_half", "second_half")
        ]
        strength = "-" if row["first_stage_f"] is None else f"{row['first_stage_f']:.0f}"
        rows.append((row["product_id"], *numbers, row["method"], strength, row["reason"]))
    if rows:
        _print_table(f"Price response, {measured['seconds']:.1f} s", columns, rows)
    for flag in measured.get("flags", []):
        say(f"flag: {flag}")
    keys = ("bias", "coverage", "identified", "promotable")
    shops = [
        (name, *(f"{told[key]:.3f}" for key in keys)) for name, told in measured.get("simulated", {}).items()
    ]
    if shops:
        _print_table("Simulated shops", ("unseen", *keys), shops)


def show_explained(told: Mapping[str, Any]) -> None:
    """Print what each part adds to the blend's forecasts, date by date."""
    parts = ("level", "season", "price", "promotion", "rivals", "log_point")
    rows = [
        (row["date"], *(f"{row[part]:+.3f}" for part in parts), f"{row['units']:.1f}")
        for row in told["rows"]
        if row["model"] == "blend"
    ]
    _print_table(
        f"demand version {told['version']}, median of the blend in log(1 + units)",
        ("date", *parts, "units"),
        rows,
    )


def show_explained_price(told: Mapping[str, Any]) -> None:
    """Print every step of the ladder, what it is expected to sell and earn in a week, and which one was taken."""
    shown = ["units", "revenue", *(["profit"] if told["objective"] == "profit" else [])]
    rows = [
        (
            f"{row['price']:.2f}",
            f"{row['step']:.3f}",
            *(f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})" for name in shown),
            f"{row['q_value']:+.3f}",
            "recommended" if row["chosen"] else "" if row["allowed"] else "forbidden",
        )
        for row in told["ladder"]
    ]
    title = f"pricing_policy version {told['version']}; a week's units and {' and '.join(shown[1:])} with 95 %, simulated"
    _print_table(title, ("price", "step", *shown, "Q-value", ""), rows)
    interval = f"{told['elasticity_low']:.2f} to {told['elasticity_high']:.2f}"
    say(
        f"in force {told['price']:.2f}, recommended {told['recommended']:.2f}; elasticity {told['elasticity']:.2f} ({interval})"
    )
    say(f"rule that bound it: {told['binding']}")


def show_design(told: Mapping[str, Any]) -> None:
    """Print a designed trial: what is randomised, how long, what it finds."""
    rows = [
        (str(one["periods"]), f"{one['power']:.1%}", f"{one['least_effect']:.1%}") for one in told["tried"]
    ]
    _print_table(
        f"Lengths tried, {told['by']}",
        ("periods", f"finds {told['effect']:+.1%} {told['metric']}", "least effect found"),
        rows,
    )
    say(
        f"randomised: {told['units']} by {told['unit']}, {told['members']} members, {told['starts']} to {told['ends']}"
    )
    for name, guard in told["guardrails"].items():
        say(
            f"guardrail {name}: a loss of {guard['margin']:.1%} is ruled out in {guard['power']:.0%} of trials where there is none"
        )
    say(f"assignment: {told['files']['assignment']}")
    say(
        f"analyze:    repricer experiment analyze --data SALES_OF_THE_TRIAL --spec {told['files']['spec']} --report trial.html"
    )


def show_off_policy(told: Mapping[str, Any]) -> None:
    """Print what a policy would have earned, and how well the log covers it."""
    values = {"logged": told["logged"], **told["estimates"]}
    rows = [
        (name, *(f"{one[k]:.4g}" if k in one else "-" for k in ("value", "se", "low", "high")))
        for name, one in values.items()
    ]
    _print_table(
        f"Reward per {told['per']}, policy {told['policy']}", ("estimate", "value", "se", "low", "high"), rows
    )
    support = told["support"]
    say(
        f"effective sample {support['effective_sample']:,.0f} of {told['rows']:,}, largest weight {support['largest_weight']:.3g}, "
        f"least propensity {support['least_propensity']:.3g}"
    )
    for note in told["notes"]:
        say(f"left out: {note}")


def show_experiment_bench(measured: Mapping[str, Any]) -> None:
    """Print every figure of a benchmark of experiments."""
    if "reproduced" in measured:
        say(f"known answers: largest deviation {measured['reproduced']['largest_deviation']:.2g}")
    for name, told in measured.get("calibrations", {}).items():
        rows = [(key, f"{value:.4g}") for key, value in told.items() if isinstance(value, (int, float))]
        _print_table(name.replace("_", " "), ("figure", "measured"), rows)
    if "off_policy" in measured:
        told = measured["off_policy"]
        span = f"coverage {told['coverage_low']:.3f} to {told['coverage_high']:.3f}"
        say(f"known policies: bias at most {told['largest_bias_in_errors']:.2f} Monte-Carlo errors, {span}")
        say(f"refused: {told['refused']}")
    if "clock" in measured:
        told = measured["clock"]
        say(f"{told['rows']:,} rows: {told['seconds']:.1f} s, peak memory {told['peak_memory_mb']:,.0f} MB")


def _print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
