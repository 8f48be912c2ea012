"""The part of a summary that a pricing manager reads: what the candidate's list would do."""

from __future__ import annotations

from tasks.pricing.list_claim import assumption
from tasks.runtime.records import CategoryClaim, ListClaim
from tasks.runtime.summary import ChampionSummary, Summary

SHOWN = 12  # categories; the rest is one row
UNNAMED = "in the currency of the table"


def candidate_lines(summary: Summary) -> list[str]:
    """Return what the candidate would do: prices, gain, the champion beside it, and the categories."""
    return [
        f"## What version {summary['versions']['pricing_policy']} would do",
        "",
        *what_it_does(summary),
        f"- {_champion(summary['champion'])}",
        *_categories(summary["list"]["categories"], summary.get("currency") or UNNAMED),
    ]


def what_it_does(summary: Summary) -> list[str]:
    """Return what the candidate's list does to prices, and what it is expected to bring."""
    claim = summary["list"]
    return [f"- {_prices(claim)}", f"- {_gain(claim, summary.get('currency') or UNNAMED)}"]


def _prices(claim: ListClaim) -> str:
    total = claim["up"] + claim["down"] + claim["held"]
    counts = f"{claim['up']} up, {claim['down']} down, {claim['held']} held"
    ends = f"{claim['at_ends']} ({100 * claim['at_ends_share']:.0f} %) take the largest step of a week"
    return f"Of {total} prices: {counts}; {ends}; the price level moves by {100 * claim['index']:+.1f} %."


def _gain(claim: ListClaim, currency: str) -> str:
    assumed = f", {assumption(claim)}" if assumption(claim) else ""
    if claim["gain"] is None or claim["lift"] is None:
        return f"Expected gain in {claim['objective']}: not known, there is nothing to compare with."
    span = f"({claim['gain_low']:+,.2f} to {claim['gain_high']:+,.2f})"
    share = f"{100 * claim['lift']:+.1f} % {claim['objective']}"
    doubt = f" Not identified: {claim['refusal']}." if claim["refusal"] else ""
    gain = f"{claim['gain']:+,.2f} {span} a week, {currency}"
    return f"Expected gain: {gain}; {share}{assumed}, substitutes counted.{doubt}"


def _champion(champion: ChampionSummary | None) -> str:
    if champion is None:
        return "No champion yet: the comparison is with the prices in force."
    begin = f"Champion: version {champion['version']}"
    if champion["lift"] is None or champion["low"] is None or champion["high"] is None:
        return f"{begin}; what its list would change was not recorded."
    interval = f"{100 * champion['low']:.1f} to {100 * champion['high']:.1f}"
    return f"{begin}; its list promised {100 * champion['lift']:+.1f} % ({interval}) when it was registered."


def _categories(categories: list[CategoryClaim], currency: str) -> list[str]:
    """Return a table of the categories that change most."""
    if not categories:
        return []
    largest = sorted(categories, key=lambda row: -abs(row["gain"] or 0.0))
    shown, rest = largest[:SHOWN], largest[SHOWN:]
    lines = [
        "",
        f"| Category | up | down | held | mean change | gain a week ({currency}) |",
        "|---|---:|---:|---:|---:|---:|",
        *[_row(row) for row in shown],
    ]
    return [*lines, _row(_together(rest))] if rest else lines


def _together(rows: list[CategoryClaim]) -> CategoryClaim:
    """Return the sum of categories as one row."""
    counts = {name: sum(row[name] for row in rows) for name in ("up", "down", "held")}  # type: ignore[literal-required]
    sizes = [row["up"] + row["down"] + row["held"] for row in rows]
    changes = sum(size * row["mean_change"] for size, row in zip(sizes, rows, strict=True))
    gains = [row["gain"] for row in rows if row["gain"] is not None]
    return CategoryClaim(
        category=f"{len(rows)} others",
        up=counts["up"],
        down=counts["down"],
        held=counts["held"],
        mean_change=changes / sum(sizes),
        gain=sum(gains) if gains else None,
    )


def _row(row: CategoryClaim) -> str:
    name, change = row["category"].replace("|", "/"), f"{100 * row['mean_change']:+.1f} %"
    gain = "-" if row["gain"] is None else f"{row['gain']:+,.2f}"
    return f"| {name} | {row['up']} | {row['down']} | {row['held']} | {change} | {gain} |"
