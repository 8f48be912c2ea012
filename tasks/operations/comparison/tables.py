"""The tables of a comparison, as texts: the same on the terminal, in Markdown and in HTML."""

from __future__ import annotations

from typing import NamedTuple

from tasks.operations.comparison.records import Compared, GateResult, MetricRow, Reading
from tasks.operations.comparison.words import (
    NONE,
    gain_cell,
    lift_cell,
    money,
    signed_share,
    week_gains,
)

CATEGORIES_SHOWN = 12
FAILED = "FAIL"  # begins the cell of a gate that failed


class Table(NamedTuple):
    """A table of texts; ``texts`` of its first columns are words, the others figures."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    texts: int


def tables(compared: Compared) -> list[Table]:
    """Return every table, the one that decides first; those without rows are left out."""
    made = [gains(compared), gates(compared), metrics(compared), categories(compared), moves(compared)]
    return [table for table in made if table.rows]


def gains(compared: Compared) -> Table:
    """Return what the lists are expected to bring in a week."""
    prices = compared["list"]
    return Table(
        title="Expected gain of a week",
        head=("list", _gain_head(compared), prices["objective"]),
        rows=[(name, gain_cell(changes), lift_cell(changes)) for name, changes in week_gains(compared)],
        texts=1,
    )


def gates(compared: Compared) -> Table:
    """Return every gate: its limit, whether both versions passed it, and their figures."""
    champion = compared["champion"]
    rows: list[tuple[str, ...]] = []
    for row in compared["gates"]:
        results = [row["candidate"], *([row["champion"]] if champion else [])]
        limits = dict.fromkeys(result["limit"] for result in results if result)
        rows.append((row["title"], " / ".join(limits), *map(_result, results)))
    return Table("Gates", ("gate", "limit", *_names(compared)), rows, 2)


def metrics(compared: Compared) -> Table:
    """Return every figure of both versions, and their difference where both stand on the same data."""
    champion = compared["champion"]
    rows: list[tuple[str, ...]] = []
    for row in compared["metrics"]:
        cells = (row["title"], reading(row["candidate"], row["unit"]))
        if champion is not None:
            difference = reading(row["difference"], row["unit"], signed=True)
            cells = (*cells, reading(row["champion"], row["unit"]), difference, said_by(row))  # type: ignore[assignment]
        rows.append(cells)
    head = ("figure", *_names(compared))
    pairs = ("difference on the same data", "it is") if champion else ()
    return Table("Figures of the retrainings", (*head, *pairs), rows, 1)


def categories(compared: Compared) -> Table:
    """Return the categories in which most prices move."""
    moving = compared["list"]["categories"]
    cut = f" ({CATEGORIES_SHOWN} of {len(moving)})" if len(moving) > CATEGORIES_SHOWN else ""
    return Table(
        title=f"Where prices move{cut}",
        head=("category", "prices", "up", "down", "mean change", _gain_head(compared)),
        rows=[
            (
                row["category"],
                *(str(row[count]) for count in ("prices", "up", "down")),  # type: ignore[literal-required]
                signed_share(row["mean_change"]),
                money(row["gain"]),
            )
            for row in moving[:CATEGORIES_SHOWN]
        ],
        texts=1,
    )


def moves(compared: Compared) -> Table:
    """Return the largest moves."""
    prices, champion = compared["list"], compared["champion"]
    columns = ("in_force", "before", "after") if champion else ("in_force", "after")
    words = dict(zip(("after", "before"), _names(compared), strict=False)) | {"in_force": "in force"}
    moved = prices["up"] + prices["down"]
    return Table(
        title=f"The largest moves ({len(prices['largest'])} of {moved})",
        head=("product", "category", *(words[name] for name in columns), "change", _gain_head(compared)),
        rows=[
            (
                move["name"],
                move["category"],
                *(f"{move[name]:,.2f}" for name in columns),  # type: ignore[literal-required]
                signed_share(move["change"]),
                money(move["gain"]),
            )
            for move in prices["largest"]
        ],
        texts=2,
    )


def said_by(row: MetricRow) -> str:
    """Return whether the candidate is better, worse, or not clearly either, on the same data."""
    difference = row["difference"]
    if difference is None or difference["low"] is None or difference["high"] is None:
        return NONE
    if difference["low"] <= 0 <= difference["high"]:
        return "not clearly different"
    return "better" if (difference["low"] > 0) == (row["better"] == "higher") else "worse"


def reading(value: Reading | None, unit: str, *, signed: bool = False) -> str:
    """Return a figure with its interval; ``unit`` is ``share`` or ``number``."""
    if value is None:
        return NONE
    factor, suffix, decimals = (100, " %", 1) if unit == "share" else (1, "", 2)
    plus = "+" if signed else ""

    def text(number: float) -> str:
        return f"{factor * number:{plus}.{decimals}f}"

    if value["low"] is None or value["high"] is None:
        return f"{text(value['value'])}{suffix}"
    return f"{text(value['value'])}{suffix} ({text(value['low'])} to {text(value['high'])})"


def _result(result: GateResult | None) -> str:
    """Return whether a gate passed, in a word, with its figure."""
    if result is None:
        return NONE
    passed = "untested" if result["untested"] else "pass"
    return f"{passed if result['passed'] else FAILED} {result['text']}"


def _names(compared: Compared) -> tuple[str, ...]:
    """Return the heads of the columns of the versions."""
    champion = compared["champion"]
    return (compared["candidate"]["name"], *([champion["name"]] if champion else []))


def _gain_head(compared: Compared) -> str:
    return f"gain a week, {compared['currency']}" if compared["currency"] else "gain a week"
