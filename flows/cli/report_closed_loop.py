"""What ``repricer bench closed-loop`` prints: claims beside the truth, shop by shop and kind by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from flows.cli import report

SHOP = ("shop", "verdict", "list claims", "true / best", "season claims", "true / best", "covered")
KIND = (
    "kind",
    "passed",
    "covered: list / season",
    "list: true / best",
    "share",
    "season: true / best",
    "share",
)
ARMS = {
    "one_list_true": "one list, kept",
    "frozen_true": "weekly lists, frozen belief",
    "season_true": "weekly lists with feedback",
    "independent_true": "a market without substitutes",
}
FEEDBACK = ("shop", "error", "with feedback", "without", "difference")
MARK = {True: "yes", False: "no", None: "-"}


def show_closed_loop(measured: Mapping[str, Any]) -> None:
    """Print a row per shop, a row per kind, the arms, and what holds over the shops that passed."""
    _print_table("Shops by their true demand", SHOP, [_shop_row(shop) for shop in measured["shops"]])
    rows = [_kind_row(kind, totals) for kind, totals in measured["totals"].items()]
    _print_table("Kinds of shops", KIND, rows)
    everything = measured["totals"]["all"]
    arms = ", ".join(f"{name} {_percent(everything[key])}" for key, name in ARMS.items())
    report.say(f"true lift of a season, mean over shops: {arms}")
    report.say(f"{everything['passed']} of {everything['shops']} shops passed their gates")
    covered = [_share(everything[f"coverage_{part}_passed"]) for part in ("list", "season")]
    report.say(f"their intervals hold the truth: list {covered[0]}, season {covered[1]}")
    by_list, by_season = everything["losing_passed"], everything["losing_passed_season"]
    report.say(f"of these {by_list} lose by their list, {by_season} in the season")
    of_passed, width = _percent(everything["true_of_passed"]), _share(everything["width_of_passed"])
    report.say(f"true lift of their lists {of_passed}; median half-width {width} of the claim")
    shares = [_share(everything[f"share_of_{shops}"]) for shops in ("passed", "independent")]
    report.say(f"share of the possible: shops that passed {shares[0]}, independent products {shares[1]}")
    report.say(f"{measured['seconds']:.0f} s, profile {measured['profile']}, seeds from {measured['seed']}")


def show_feedback(measured: Mapping[str, Any]) -> None:
    """Print a row per shop, and the mean difference that feedback makes."""
    rows = [_feedback_row(shop) for shop in measured["shops"]]
    _print_table("Seasons with and without feedback, true lift", FEEDBACK, rows)
    mean = measured["difference"]
    interval = f"{_points(mean['low'])} to {_points(mean['high'])}"
    report.say(f"with feedback less without: {_points(mean['mean'])} ({interval})")
    report.say(f"{measured['seconds']:.0f} s, profile {measured['profile']}")


def _feedback_row(shop: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the row of a shop."""
    lifts = (_points(shop[name]) for name in ("feedback", "frozen", "difference"))
    return (shop["shop"], f"{shop['error']:+.1f}", *lifts)


def _shop_row(shop: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the row of a shop."""
    return (
        shop["shop"],
        shop["verdict"],
        _claim(shop["list"]),
        _beside(shop["list"]["true"], shop["best_possible"]),
        _claim(shop["season"]),
        _beside(shop["season"]["true"], shop["best_possible_season"]),
        f"{MARK[shop['covered']['list']]}, {MARK[shop['covered']['season']]}",
    )


def _kind_row(kind: str, totals: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the row of a kind."""
    return (
        kind,
        f"{totals['passed']} of {totals['shops']}",
        f"{_share(totals['coverage_list'])} / {_share(totals['coverage_season'])}",
        _beside(totals["true"], totals["best_possible"]),
        _share(totals["share_of_possible"]),
        _beside(totals["season_true"], totals["best_possible_season"]),
        _share(totals["share_of_possible_season"]),
    )


def _beside(true: float, best: float) -> str:
    """Return a true lift and the best possible one."""
    return f"{100 * true:+.1f} / {100 * best:+.1f} %"


def _claim(claim: Mapping[str, float | None]) -> str:
    """Return a lift with its interval."""
    lift, low, high = (claim[name] for name in ("lift", "low", "high"))
    if lift is None or low is None or high is None:
        return "not shown"
    return f"{100 * lift:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) %"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.1f} %"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.2f} %"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(escape, row))
    report.console.print(table)
