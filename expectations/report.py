"""The data report: one HTML file that opens offline and shows what went into a retraining."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from expectations.charts import charts, short_number
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
from expectations.refusals import FILE
from expectations.suites import Outcome

EXAMPLES = 5  # rows shown per reason
RULES = (
    "A row that breaks a critical rule is set aside; a warning is only reported. Impossible values, such as "
    "an infinite number or a date in the future, were checked before: one of them would have ended the run."
)
STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1d2430; background: #fff; }
body { max-width: 60rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p { max-width: 46rem; } .quiet { color: #5a6472; } code { font-size: .85em; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th { font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; }
th, td { border-bottom: 1px solid #e3e7ec; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; }
dt { color: #5a6472; font-size: .85rem; }
dd { margin: 0; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } .bad { color: #a32020; font-weight: 600; }
.warn { color: #8a5a00; font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #5a6472; }
"""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the report shows.

    Attributes:
        source: where the sales came from, in words.
        data_hash: of the accepted table.
        rows: counts by name, in the order in which they are shown (rows).
        sales: sales table of the products that are modelled.
        set_aside: rows set aside, with ``file``, ``row`` and ``reason``.
        outcomes: how the expectations came out.
        kept: features in use -> what each is.
        dropped: features left out -> why.
        notes: what people should know of the source, in sentences.
    """

    source: str
    data_hash: str
    rows: Mapping[str, int]
    sales: pd.DataFrame
    set_aside: pd.DataFrame
    outcomes: Sequence[Outcome]
    kept: Mapping[str, str]
    dropped: Mapping[str, str]
    notes: Sequence[str] = ()


def render(overview: Overview) -> str:
    """Return the report as one HTML page without links, scripts or anything to load."""
    sales = overview.sales
    days = f"{sales[DATE].min():%d %B %Y} to {sales[DATE].max():%d %B %Y}"
    counts = {
        **overview.rows,
        "products": sales[PRODUCT].nunique(),
        "series": len(sales[SERIES].drop_duplicates()),
    }
    data_hash = f"data hash <code>{escape(overview.data_hash)}</code>"
    parts = [
        "<h1>Data report</h1>",
        f'<p class="quiet">{escape(overview.source)} · {days}<br>{data_hash}</p>',
        "<dl>"
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{count:,}</dd></div>" for name, count in counts.items())
        + "</dl>",
        *(f'<p class="warn">{escape(note)}</p>' for note in overview.notes),
        charts(sales),
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
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


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
        return name, missing, *(short_number(v) for v in (values.min(), values.median(), values.max()))
    return name, missing, "", f"{values.nunique():,} different", ""


def _rule(outcome: Outcome) -> tuple[str, str, str]:
    kind = "critical" if outcome.critical else "warning"
    if outcome.passed:
        return outcome.sentence, kind, "holds"
    failure = f"fails in {len(outcome.failing):,} rows" if outcome.failing else f"fails: {outcome.observed}"
    return (
        outcome.sentence,
        kind,
        f'<span class="{"bad" if outcome.critical else "warn"}">{escape(failure)}</span>',
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
            [short_number(value) if isinstance(value, float) else f"{value}" for value in row]
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
        shown = text if tag == "td" and place in safe else escape(text)
        return f"<{tag}{' class=n' if place in right else ''}>{shown}</{tag}>"

    lines = [("th", head), *(("td", row) for row in rows)]
    body = "".join(
        "<tr>" + "".join(cell(tag, i, text) for i, text in enumerate(row)) + "</tr>" for tag, row in lines
    )
    return f'<div class="wide"><table>{body}</table></div>'
