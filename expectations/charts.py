"""The charts of the data report, drawn as SVG so that the page opens offline."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
import pandas as pd

from expectations.columns import DATE, PRICE, PRODUCT, UNITS

WIDTH, HEIGHT = 720, 200  # of a chart (px)
LEFT, RIGHT, BOTTOM, TOP = 64, 32, 28, 10  # margins of its axes (px)
BINS = 40


def charts(sales: pd.DataFrame) -> str:
    """Return the charts of units over time, of prices, and of how many periods products sold in."""
    units = sales.groupby(DATE)[UNITS].sum()
    periods = sales[sales[UNITS] > 0].groupby(PRODUCT)[DATE].nunique().to_numpy()
    logs = np.log10(sales[PRICE].to_numpy())
    heights, edges = np.histogram(logs, bins=BINS)
    most = sales[DATE].nunique()
    products, ends = np.histogram(periods, bins=np.linspace(0, most, min(BINS, most) + 1))
    ticks = [(np.log10(value), f"{value:g}") for value in _price_ticks(logs)]
    return "".join(
        [
            "<h2>Units per period, all products together</h2>",
            _svg("units per period", units.to_numpy(), _date_ticks(units.index), 0, len(units)),
            "<h2>Prices (currency/unit, log scale)</h2>",
            _svg("rows by price", heights, ticks, edges[0], edges[-1]),
            "<h2>Products by the number of periods in which they sold</h2>",
            _svg(
                "products by periods",
                products,
                [(v, f"{v:,.0f}") for v in np.linspace(0, most, 5)],
                ends[0],
                ends[-1],
            ),
        ]
    )


def _svg(label: str, heights: np.ndarray, ticks: Iterable[tuple[float, str]], low: float, high: float) -> str:
    """Return bars of equal width over ``low..high`` with an axis of ticks below and a scale at the left.

    Args:
        label: what the bars are, for those who cannot see them.
        heights: one per bar (bars,).
        ticks: places on the axis and their names.
        low: left end of the axis.
        high: right end of the axis.
    """
    steps = _round_steps(float(heights.max()) or 1.0)
    top = steps[-1]
    floor = HEIGHT - BOTTOM
    width = (WIDTH - LEFT - RIGHT) / len(heights)

    def y(value: float) -> float:
        return floor - value / top * (floor - TOP)

    bars = "".join(
        f"M{LEFT + i * width:.1f} {floor}V{y(v):.1f}h{width * 0.9:.2f}V{floor}z"
        for i, v in enumerate(heights)
        if v > 0
    )
    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#e3e7ec"/>'
        f'<text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{short_number(v)}</text>'
        for v in steps
    )
    span = (high - low) or 1.0
    names = "".join(
        f'<text x="{LEFT + (place - low) / span * (WIDTH - LEFT - RIGHT):.1f}" y="{HEIGHT - 8}" '
        f'text-anchor="middle">{escape(name)}</text>'
        for place, name in ticks
    )
    shape = f'<path d="{bars}" fill="#3b6ea5"/>'
    box = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return f"{box}{grid}{shape}{names}</svg>"


def _round_steps(top: float) -> list[float]:
    """Return 0 and two to five round numbers, the last at or above ``top``."""
    size = 10.0 ** np.floor(np.log10(top))
    step = next(size * m for m in (0.2, 0.5, 1, 2, 5) if size * m * 5 >= top)
    return [float(step * i) for i in range(int(np.ceil(top / step)) + 1)]


def _date_ticks(dates: pd.Index) -> list[tuple[float, str]]:
    places = np.unique(np.linspace(0, len(dates) - 1, 5).astype(int))
    return [(i + 0.5, f"{dates[i]:%b %Y}") for i in places]


def _price_ticks(logs: np.ndarray) -> list[float]:
    steps = [float(f"{m}e{e}") for e in range(-4, 9) for m in (1, 2, 5)]
    inside = [value for value in steps if logs.min() <= np.log10(value) <= logs.max()]
    return [value for value in inside if len(inside) <= 9 or str(value).strip("0.").startswith("1")] or [
        float(10 ** logs.mean())
    ]


def short_number(value: float) -> str:
    """Return a number as a person would write it, empty where there is none."""
    return "" if pd.isna(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
