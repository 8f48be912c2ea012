"""The pictures of a comparison, as SVG in the page: expected gains with intervals, and sizes of the moves."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from expectations.palette import BLACK, BLUE, DARK, GREEN, GREY, PALE, VERMILION
from tasks.operations.comparison.records import Compared
from tasks.operations.comparison.words import gain_cell, week_gains
from tasks.pricing.list_claim import Changes

WIDTH, LEFT, RIGHT = 760, 310, 20  # of a chart and its margins (px)
ROW, TOP, BOTTOM = 40, 8, 26  # height of a row, margins (px)
BIN_HEIGHT = 120  # of the tallest bar (px)
COLOURS = (GREEN, DARK, BLUE)
"""Of the candidate's gain, of the champion's, and of the difference."""
BINS = (
    "below -10 %",
    "-10 to -5 %",
    "-5 to -2 %",
    "-2 to 0 %",
    "as before",
    "0 to 2 %",
    "2 to 5 %",
    "5 to 10 %",
    "above 10 %",
)
"""The bins of ``ListComparison.histogram``."""


def gains_chart(compared: Compared) -> str:
    """Draw what the lists are expected to bring in a week, with intervals; empty where nothing is known."""
    coloured = zip(week_gains(compared), COLOURS, strict=False)
    known = [(*row, colour) for row, colour in coloured if row[1]["gain"] is not None]
    if not known:
        return ""
    ends = [0.0, *(end for _, changes, _ in known for end in _ends(changes))]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT - 10) + 5

    parts = [
        _row_text(place, name, gain_cell(changes))
        + _interval(place, colour, [x(value) for value in (*_ends(changes), changes["gain"] or 0.0)])
        for place, (name, changes, colour) in enumerate(known)
    ]
    bottom = TOP + ROW * len(known)
    zero = f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{TOP}" y2="{bottom}" stroke="{BLACK}"/>'
    ticks = "".join(
        f'<text x="{x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:+,.0f}</text>'
        for value in _ticks(low, high)
    )
    return _svg("expected gain of a week with intervals", bottom + BOTTOM, zero, *parts, ticks)


def moves_chart(compared: Compared) -> str:
    """Draw how many prices move by how much."""
    counts = compared["list"]["histogram"]
    tallest, width = max([*counts, 1]), (WIDTH - 2 * RIGHT) / len(BINS)
    floor = TOP + 16 + BIN_HEIGHT
    bars = []
    for place, (count, name) in enumerate(zip(counts, BINS, strict=True)):
        height = BIN_HEIGHT * count / tallest
        centre = len(BINS) // 2
        colour = GREY if place == centre else VERMILION if place < centre else BLUE
        middle = RIGHT + width * (place + 0.5)
        bars.append(
            f'<rect x="{RIGHT + width * place + 4:.1f}" y="{floor - height:.1f}" width="{width - 8:.1f}" '
            f'height="{height:.1f}" fill="{colour}"/>'
            f'<text x="{middle:.1f}" y="{floor - height - 5:.1f}" text-anchor="middle">{count}</text>'
            f'<text x="{middle:.1f}" y="{floor + 16}" text-anchor="middle">{escape(name)}</text>'
        )
    axis = f'<line x1="{RIGHT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}" stroke="{PALE}"/>'
    return _svg("prices by the size of their change", floor + BOTTOM, axis, *bars)


def _row_text(place: int, name: str, figures: str) -> str:
    """Return the name of a row, and its figures below."""
    y = TOP + ROW * place + ROW / 2
    return (
        f'<text x="0" y="{y - 2:.1f}" class="name">{escape(name)}</text>'
        f'<text x="0" y="{y + 13:.1f}">{escape(figures)}</text>'
    )


def _interval(place: int, colour: str, ends: Sequence[float]) -> str:
    """Return an interval as a bar with its mean as a dot; ``ends`` are low, high and mean (px)."""
    low, high, mean = (f"{end:.1f}" for end in ends)
    y = f"{TOP + ROW * place + ROW / 2:.1f}"
    bar = f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="5" '
    return f'{bar}stroke-opacity="0.45"/><circle cx="{mean}" cy="{y}" r="6" fill="{colour}"/>'


def _ends(changes: Changes) -> tuple[float, float]:
    """Return the ends of an expected gain (currency/week)."""
    return changes["gain_low"] or 0.0, changes["gain_high"] or 0.0


def _ticks(low: float, high: float) -> Sequence[float]:
    """Return 0 and the ends of the axis, but for those that would stand on one another."""
    apart = 0.1 * (high - low)
    return [0.0, *(end for end in (low, high) if abs(end) > apart)]


def _svg(label: str, height: float, *parts: str) -> str:
    box = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">'
    return f"{box}{''.join(parts)}</svg>"
