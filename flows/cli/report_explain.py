"""What ``repricer explain`` prints: the parts of a forecast, and the steps of a price."""

from __future__ import annotations

from math import expm1
from typing import TYPE_CHECKING, Any

from flows.cli.report import print_table, say

if TYPE_CHECKING:  # the operation imports the heavy libraries, which `--help` must not wait for
    from tasks.operations.explain import Explained
    from tasks.operations.explain_price import ExplainedPrice, Lesson, Trail

PARTS = ("season", "price", "promotion", "rivals")
FREE = "none"  # binding of a price that no rule bound


def show_explained(explained: Explained) -> None:
    """Print what each part adds to the blend's forecasts, date by date."""
    rows: list[dict[str, Any]] = [{**row} for row in explained["rows"] if row["model"] == "blend"]
    cells = [
        (
            str(row["date"]),
            f"{expm1(row['level']):.1f}",
            *(f"{100 * row[part]:+.1f}" for part in PARTS),
            f"{row['units']:.1f}",
        )
        for row in rows
    ]
    title = f"{explained['name']}: median forecast of the blend, demand version {explained['version']}"
    print_table(title, ("date", "level", *PARTS, "units"), cells)
    say("level: usual units of a period; units: the forecast. Between them what each part changes, in")
    say("logs of 1 + units times 100 (about %): they add up from the level to the forecast.")


def show_explained_price(explained: ExplainedPrice) -> None:
    """Print every step of the ladder, what it is expected to earn, and which one was taken."""
    objective = explained["objective"]
    steps: list[dict[str, Any]] = [{**row} for row in explained["ladder"]]
    cells = [
        (
            f"{row['price']:.2f}",
            "hold" if row["step"] == 1 else f"{100 * (row['step'] - 1):+.1f} %",
            f"{row['units']:.1f}",
            *(f"{row[f'{objective}{end}']:.2f}" for end in ("", "_low", "_high")),
            "-" if row["gain"] is None else f"{row['gain']:+.2f}" if row["gain"] else "0.00",
            "chosen" if row["chosen"] else "" if row["allowed"] else "forbidden",
        )
        for row in steps
    ]
    listed = f", list {explained['list']}" if "list" in explained else ""
    title = f"{explained['name']}{listed}: simulated, pricing_policy version {explained['version']}"
    print_table(title, ("price", "change", "units", objective, "low", "high", "gain", ""), cells)
    say(f"units and {objective}: of the first week, with 95 % of what is plausible (low to high)")
    say(f"gain: of the {explained['weeks']} weeks of the season over holding the price in force")
    say(_decision(explained))


def _decision(explained: ExplainedPrice) -> str:
    """Return the change of the price, the elasticity behind it, and what bound it."""
    money = f" {explained['currency']}" if "currency" in explained else ""
    price, new = explained["price"], explained["recommended"]
    change = f"{price:.2f} to {new:.2f}{money} ({100 * (new / price - 1):+.1f} %)"
    interval = f"{explained['elasticity_low']:.2f} to {explained['elasticity_high']:.2f}"
    rule, drawn, guarded = explained["trail"]["rule"], explained["drawn"], explained["trail"]["guard_reason"]
    return "\n".join(
        [
            f"price: held at {new:.2f}{money}" if new == price else f"price: {change}",
            f"prices in force: {explained['prices_in_force']}",
            *([f"drawn at random: {100 * drawn:+.2f} % of it"] if drawn else []),
            f"elasticity: {explained['elasticity']:.2f} ({interval}), % units per 1 % price",
            *_learned(explained["lesson"]),
            f"why: {'the best step; no rule bound it' if rule == FREE else rule}",
            *([f"guard: {guarded}"] if guarded else []),
            *_bounds(explained["trail"]),
        ]
    )


def _bounds(trail: Trail) -> list[str]:
    """Return between which prices the week keeps the price, and of what that comes."""
    if trail["lowest"] is None or trail["highest"] is None:
        return []
    sources = {
        "prices of the last seven days": (trail["recent_low"], trail["recent_high"]),
        "slow reference price": (trail["slow_reference"],),
        "price that covers the cost": (trail["covering_price"],),
    }
    known = {name: [value for value in values if value is not None] for name, values in sources.items()}
    texts = [
        f"{name} {' to '.join(dict.fromkeys(f'{value:.2f}' for value in values))}"
        for name, values in known.items()
        if values
    ]
    lines = [f"bounds of this week: {trail['lowest']:.2f} to {trail['highest']:.2f}"]
    return [*lines, f"they come of: {', '.join(texts)}"] if texts else lines


def _learned(lesson: Lesson) -> list[str]:
    """Return what the sales since the training taught of the answer to the price."""
    if lesson["slope_trained"] is None or lesson["slope_now"] is None:
        return ["learned since the training: nothing, no sales of that time were given (--sales)"]
    slopes = f"{-lesson['slope_trained']:.2f} to {-lesson['slope_now']:.2f}"
    return [f"learned of {lesson['weeks']} whole weeks since the training: slope {slopes}, % units per 1 %"]
