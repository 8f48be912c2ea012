"""What the benchmarks print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flows.cli.report import print_table, say

if TYPE_CHECKING:
    from tasks.bench.retrain import Measured


def show_bench(measured: Measured) -> None:
    """Print medians and worst values of a benchmark."""
    rows = [
        (name, f"{value['median']:.1f}", f"{value['worst']:.1f}")
        for name, value in measured["figures"].items()
    ]
    print_table(
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
    print_table(
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
    chunks = f"{measured['chunk_series']:,} series at a time, {measured['cores']} cores"
    title = f"Chains of {measured['weeks']} weeks, {chunks}"
    print_table(title, ("series", "stage", "s", "CPU s", "CPU ms a series", "peak MB", ""), rows)


def show_prepare(measured: Mapping[str, Any]) -> None:
    """Print seconds and peak memory of every step from a large CSV to features."""
    names = ("seconds", "cpu_seconds", "peak_memory_mb")
    rows = [(step, *(f"{row[name]:,.1f}" for name in names)) for step, row in measured["steps"].items()]
    print_table(f"{measured['rows']:,} rows", ("step", "s", "CPU s", "peak MB"), rows)


def show_groups(measured: Mapping[str, Any]) -> None:
    """Print what the agent and simpler policies gain in every market, in percent of the optimum's gain."""
    rows: list[Sequence[str]] = []
    for market in measured["markets"]:
        gained = [*(market["share"].get(name) for name in ("best_fixed", "myopic", "best_season"))]
        learned = sum(step > 0 for step in market["kept_at_step"])
        shares = [*gained, market["agent_mean"], market["agent_worst"]]
        percent = ("-" if share is None else f"{100 * share:.1f}" for share in shares)
        name = f"{market['market']} {market['variant']}".removeprefix("groups_of_")
        rows.append((name, f"{100 * market['gain']:.1f}", *percent, f"{learned}/{measured['seeds']}"))
    title = f"{measured['environment_steps']:,} product-steps a training, {measured['seeds']} seeds"
    columns = ("groups of", "gain %", "fixed", "myopic", "season", "agent", "worst", "new")
    print_table(title, columns, rows)
    mean = f"{100 * measured['share']:.1f} % of the optimum's gain over hold"
    worst = (
        f"worst market {100 * measured['least_share']:.1f} %, worst seed {100 * measured['worst_seed']:.1f} %"
    )
    say(f"agent: {mean}, {worst}")
    speed = f"{measured['steps_per_second']:,.0f} product-steps a second"
    say("gain: of the joint optimum over hold; new: agents that are not the myopic list")
    say(f"training: {speed}, {measured['steps_per_cpu_second']:,.0f} a second of processor time")


def show_cold_start(measured: Mapping[str, Any]) -> None:
    """Print the scores of products without a past."""
    names = ("wape", "mape", "bias", "pinball", "coverage_80")
    rows = [
        (model, *("-" if row[name] is None else f"{row[name]:.3f}" for name in names))
        for model, row in measured["scores"].items()
    ]
    print_table(
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
    print_table("Percent of the optimum", columns, rows)
    plain, stocked = (
        measured["market"][name] / 1e6 for name in ("steps_per_cpu_second", "stocked_steps_per_cpu_second")
    )
    speed = f"{plain:.2f} million steps per second of CPU, {stocked:.2f} where stock is counted"
    say(f"market of a retraining: {speed}")


def show_elasticities(measured: Mapping[str, Any]) -> None:
    """Print elasticities with intervals, and how the estimator fares in simulated shops."""
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
        print_table(f"Price response, {measured['seconds']:.1f} s", columns, rows)
    if "predictive_check" in measured:
        say(measured["predictive_check"]["sentence"])
    for flag in measured.get("flags", []):
        say(f"flag: {flag}")
    _show_simulated_shops(measured)


def _show_simulated_shops(measured: Mapping[str, Any]) -> None:
    """Print how the estimator fares in simulated shops, and in shops whose buyers remember prices."""
    keys = ("bias", "coverage", "identified", "promotable")
    shops = [
        (name, *(f"{figures[key]:.3f}" for key in keys))
        for name, figures in measured.get("simulated", {}).items()
    ]
    if shops:
        print_table("Simulated shops", ("unseen", *keys), shops)
    of_memory = ("elasticity", "elasticity_spread", "true_effect", "effect", "shown", "covered", "seeds")
    memories = [
        (name, *(f"{figures[key]:.3g}" for key in of_memory))
        for name, figures in measured.get("memory", {}).items()
    ]
    if memories:
        print_table("Shops of elasticity -2", ("buyers", *of_memory), memories)


def show_experiment_bench(measured: Mapping[str, Any]) -> None:
    """Print every figure of a benchmark of experiments."""
    if "reproduced" in measured:
        say(f"known answers: largest deviation {measured['reproduced']['largest_deviation']:.2g}")
    for name, figures in measured.get("calibrations", {}).items():
        rows = [(key, f"{value:.4g}") for key, value in figures.items() if isinstance(value, (int, float))]
        print_table(name.replace("_", " "), ("figure", "measured"), rows)
    if "off_policy" in measured:
        known = measured["off_policy"]
        coverage = f"coverage {known['coverage_low']:.3f} to {known['coverage_high']:.3f}"
        bias = f"bias at most {known['largest_bias_in_errors']:.2f} Monte-Carlo errors"
        say(f"known policies: {bias}, {coverage}")
        say(f"refused: {known['refused']}")
    if "clock" in measured:
        clock = measured["clock"]
        say(
            f"{clock['rows']:,} rows: {clock['seconds']:.1f} s, peak memory {clock['peak_memory_mb']:,.0f} MB"
        )
