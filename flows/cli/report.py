"""What the command prints: results as tables a person reads at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from conf import Settings, profile_name
from flows.cli.hints import same_store
from tasks.runtime.summary import Summary

if TYPE_CHECKING:  # these modules import the heavy libraries, which `--help` must not wait for
    from tasks.operations.doctor import Finding
    from tasks.operations.promote import Promoted
    from tasks.operations.recommend import Recommended

console = Console(highlight=False, soft_wrap=True)

UNKNOWN_SHOWN = 5  # products of a list that the policy does not know


def say(text: str) -> None:
    """Print a line as it is."""
    console.print(escape(text))


def show_summary(summary: Summary, settings: Settings) -> None:
    """Print the summary of a retraining and where to look next."""
    from tasks.stages.summary_page import as_markdown

    console.print(Markdown(as_markdown(summary, profile_name(settings.profile))), soft_wrap=False)
    seconds = [(stage, f"{value:.1f}") for stage, value in summary["seconds"].items()]
    print_table("Seconds", ("stage", "s"), seconds)
    option = same_store(settings)
    version = summary["versions"]["pricing_policy"]
    say(f"peak memory {summary['peak_memory_mb']:,.0f} MB")
    say(f"look:    repricer ui{option}    run {summary['run_id']}")
    if summary["verdict"] == "PASS":
        say(f'promote: repricer promote{option} --version {version} --by NAME --reason "..."')
    else:
        say(f"version {version} failed its gates: registered, not promotable, and no alias points to it.")


def show_promoted(promoted: Promoted) -> None:
    """Print the champion and the one before it."""
    rows = [
        (name, f"{number}", f"{promoted['previous'][name] or '-'}")
        for name, number in promoted["champion"].items()
    ]
    print_table("Champion", ("model", "champion", "before"), rows)


def show_recommended(recommended: Recommended) -> None:
    """Print what a list is, what it would change, and whether it was varied."""
    status, version = recommended["status"], recommended["version"]
    what = {
        "CHAMPION": f"list of the champion, pricing_policy version {version}",
        "DRAFT": f"DRAFT by pricing_policy version {version}, which nobody has promoted",
    }.get(status, f"FORCED DRAFT by pricing_policy version {version}, which failed its gates: do not publish")
    counts = f"{recommended['up']} up, {recommended['down']} down, {recommended['hold']} held"
    promoted = f", {recommended['promoted']} announced" if recommended["promoted"] else ""
    say(f"{recommended['file']}: {what}; week from {recommended['week']}")
    say(f"{recommended['products']} prices: {counts}{promoted}; in force: {recommended['prices_in_force']}")
    if recommended["gain"] is not None:
        money = recommended["currency"] or "in the currency of the table"
        say(f"expected: {recommended['gain']:+,.2f} a week, {money}: {recommended['objective']}")
    if recommended["weeks"]:
        say(f"it knows {recommended['weeks']} whole weeks of sales since the training")
    unknown = recommended["unknown"]
    if unknown:
        shown = ", ".join(unknown[:UNKNOWN_SHOWN]) + (", ..." if len(unknown) > UNKNOWN_SHOWN else "")
        say(f"not known to the policy, so held or left out: {len(unknown)}: {shown}")
    if recommended["guarded"]:
        say(f"set or held by a rule: {recommended['guarded']} prices (columns action, binding_rule, reason)")
    for title, lines in (
        ("warning", recommended["warnings"]),
        ("promotion runs on", recommended["run_on"]),
        ("promotion that it ends", recommended["ended_early"]),
        ("left out", recommended["left_out"]),
        ("rules that meet no product", recommended["strangers"]),
        ("not publishable", recommended["hindrances"]),
    ):
        for line in lines[:UNKNOWN_SHOWN]:
            say(f"{title}: {line}")
        if len(lines) > UNKNOWN_SHOWN:
            say(f"{title}: {len(lines) - UNKNOWN_SHOWN} more")
    draws = f"(seed {recommended['seed']}; `price.variation.share` says how many)"
    say(f"varied at random: {recommended['varied']} {draws}")


def show_findings(findings: Sequence[Finding]) -> None:
    """Print the checks of the doctor."""
    rows = [("ok" if finding["ok"] else "NO", finding["name"], finding["result"]) for finding in findings]
    print_table("Doctor", ("", "check", "result"), rows)


def show_design(design: Mapping[str, Any]) -> None:
    """Print a designed trial: what is randomised, how long, which effect it finds."""
    rows = [
        (str(length["periods"]), f"{length['power']:.1%}", f"{length['least_effect']:.1%}")
        for length in design["tried"]
    ]
    print_table(
        f"Lengths tried, {design['by']}",
        ("periods", f"finds {design['effect']:+.1%} {design['metric']}", "least effect found"),
        rows,
    )
    randomised = f"{design['units']} by {design['unit']}, {design['members']} members"
    say(f"randomised: {randomised}, {design['starts']} to {design['ends']}")
    for name, guard in design["guardrails"].items():
        power = f"in {guard['power']:.0%} of trials where there is none"
        say(f"guardrail {name}: a loss of {guard['margin']:.1%} is ruled out {power}")
    say(f"assignment: {design['files']['assignment']}")
    options = f"--data SALES_OF_THE_TRIAL --spec {design['files']['spec']} --report trial.html"
    say(f"analyze:    repricer experiment analyze {options}")


def show_off_policy(evaluated: Mapping[str, Any]) -> None:
    """Print what a policy would have earned, and how well the log covers it."""
    values = {"logged": evaluated["logged"], **evaluated["estimates"]}
    columns = ("value", "se", "low", "high")
    rows = [
        (name, *(f"{estimate[key]:.4g}" if key in estimate else "-" for key in columns))
        for name, estimate in values.items()
    ]
    title = f"Reward per {evaluated['per']}, policy {evaluated['policy']}"
    print_table(title, ("estimate", *columns), rows)
    support = evaluated["support"]
    say(
        f"effective sample {support['effective_sample']:,.0f} of {evaluated['rows']:,}, "
        f"largest weight {support['largest_weight']:.3g}, "
        f"least propensity {support['least_propensity']:.3g}"
    )
    for note in evaluated["notes"]:
        say(f"left out: {note}")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of texts below its title."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")  # a narrow screen breaks a cell, and hides nothing of it
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
