"""The data report: one HTML file that opens offline, for a person who wants to know what went into a retraining."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from expectations.columns import (
    DATE,
    LIST_PRICE,
    NUMERIC,
    PRICE,
    PRODUCT,
    REASON,
    ROW,
    SERIES,
    UNITS,
    promotions,
)
from expectations.pregate import FILE
from expectations.suites import Outcome

EXAMPLES = 5  # rows shown per reason
WIDTH, HEIGHT = 720, 200  # of a chart (px)
LEFT, RIGHT, BOTTOM, TOP = 64, 32, 28, 10  # margins of its axes (px)
BINS = 40
RULES = (
    "A row that breaks a critical rule is set aside; a warning is only told. Whether a row can be true at all, "
    "such as a finite number and a date that is not in the future, was checked before: a row that cannot be would have ended the run."
)
STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1d2430; background: #fff; max-width: 60rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p { max-width: 46rem; } .quiet { color: #5a6472; } code { font-size: .85em; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th { font-weight: 600; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid #e3e7ec; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; }
dt { color: #5a6472; font-size: .85rem; } dd { margin: 0; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } .bad { color: #a32020; font-weight: 600; } .warn { color: #8a5a00; font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #5a6472; }
"""


@dataclass(frozen=True)
class Overview:
    """What the report tells.

    Attributes:
        source: where the sales came from, in words.
        data_hash: of the accepted table.
        rows: counts by name, in the order in which they are shown (rows).
        sales: sales table of the products that are modelled.
        set_aside: rows set aside, with ``file``, ``row`` and ``reason``.
        outcomes: how the expectations came out.
        kept: features in use -> what each is.
        dropped: features left out -> why.
    """

    source: str
    data_hash: str
    rows: Mapping[str, int]
    sales: pd.DataFrame
    set_aside: pd.DataFrame
    outcomes: Sequence[Outcome]
    kept: Mapping[str, str]
    dropped: Mapping[str, str]


def render(overview: Overview) -> str:
    """Return the report as one HTML page without links, scripts or anything to load."""
    sales = overview.sales
    days = f"{sales[DATE].min():%d %B %Y} to {sales[DATE].max():%d %B %Y}"
    counts = {
        **overview.rows,
        "products": sales[PRODUCT].nunique(),
        "series": len(sales[SERIES].drop_duplicates()),
    }
    parts = [
        "<h1>Data report</h1>",
        f'<p class="quiet">{escape(overview.source)} · {days}<br>data hash <code>{escape(overview.data_hash)}</code></p>',
        "<dl>"
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{count:,}</dd></div>" for name, count in counts.items())
        + "</dl>",
        _charts(sales),
        "<h2>Columns</h2>",
        _table(
            ("column", "missing", "min", "median", "max"),
            [_column(sales[name]) for name in sales.columns],
            numeric=range(1, 5),
        ),
        "<h2>Rules</h2>",
        f"<p>{RULES}</p>",
        _table(("rule", "kind", "outcome"), [_rule(outcome) for outcome in overview.outcomes], raw=(2,)),
        "<h2>Set aside</h2>",
        _set_aside(overview.set_aside),
        "<h2>Features</h2>",
        f"<p>{len(overview.kept)} are used, {len(overview.dropped)} were dropped.</p>",
        _table(("used", "what it is"), list(overview.kept.items())),
        _table(("dropped", "why"), list(overview.dropped.items())) if overview.dropped else "",
    ]
    head = f'<meta charset="utf-8"><title>Data report</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{chr(10).join(parts)}\n</body></html>\n'


def _charts(sales: pd.DataFrame) -> str:
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
        f'<text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{_number(v)}</text>'
        for v in steps
    )
    span = (high - low) or 1.0
    names = "".join(
        f'<text x="{LEFT + (place - low) / span * (WIDTH - LEFT - RIGHT):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(name)}</text>'
        for place, name in ticks
    )
    shape = f'<path d="{bars}" fill="#3b6ea5"/>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{grid}{shape}{names}</svg>'


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


def _column(values: pd.Series) -> tuple[str, ...]:
    name, missing = str(values.name), f"{int(values.isna().sum()):,}"
    if name == DATE:
        return (
            name,
            missing,
            f"{values.min():%Y-%m-%d}",
            f"{values.median():%Y-%m-%d}",
            f"{values.max():%Y-%m-%d}",
        )
    if name in NUMERIC or promotions([name]) or pd.api.types.is_numeric_dtype(values):
        return name, missing, *(_number(v) for v in (values.min(), values.median(), values.max()))
    return name, missing, "", f"{values.nunique():,} different", ""


def _rule(outcome: Outcome) -> tuple[str, str, str]:
    kind = "critical" if outcome.critical else "warning"
    if outcome.passed:
        return outcome.sentence, kind, "holds"
    said = f"fails in {len(outcome.failing):,} rows" if outcome.failing else f"fails: {outcome.observed}"
    return (
        outcome.sentence,
        kind,
        f'<span class="{"bad" if outcome.critical else "warn"}">{escape(said)}</span>',
    )


def _set_aside(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "<p>No row.</p>"
    columns = [name for name in (FILE, ROW, DATE, *SERIES, UNITS, PRICE, LIST_PRICE) if name in rows]
    parts = []
    for reason, group in rows.groupby(REASON, sort=True):
        shown = group[columns].head(EXAMPLES).assign(**{DATE: group[DATE].dt.strftime("%Y-%m-%d")})
        more = f" The first {EXAMPLES}:" if len(group) > EXAMPLES else ""
        cells = [
            [_number(value) if isinstance(value, float) else f"{value}" for value in row]
            for row in shown.itertuples(index=False)
        ]
        parts += [f"<h3>{len(group):,} x {escape(str(reason))}.{more}</h3>", _table(columns, cells)]
    return "".join(parts)


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Iterable[int] = (), raw: Iterable[int] = ()
) -> str:
    """Return a table; every cell is escaped but those of the columns in ``raw``."""
    right, safe = set(numeric), set(raw)

    def cell(tag: str, place: int, text: str) -> str:
        return f"<{tag}{' class=n' if place in right else ''}>{text if tag == 'td' and place in safe else escape(text)}</{tag}>"

    lines = [("th", head), *(("td", row) for row in rows)]
    body = "".join(
        "<tr>" + "".join(cell(tag, i, text) for i, text in enumerate(row)) + "</tr>" for tag, row in lines
    )
    return f'<div class="wide"><table>{body}</table></div>'


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
