"""A comparison as one page: HTML that loads nothing, and Markdown for Prefect and MLflow."""

from __future__ import annotations

from html import escape

from tasks.operations.comparison.charts import gains_chart, moves_chart
from tasks.operations.comparison.records import Compared
from tasks.operations.comparison.tables import FAILED, Table, tables
from tasks.operations.comparison.words import beside, decision, method, title

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2430; background: #fff; \
max-width: 62rem; margin: 1.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: right; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #e3e7ec; \
font-variant-numeric: tabular-nums; vertical-align: top; }
th { font-weight: 600; } .text { text-align: left; }
.decision { background: #f4f6f8; border-left: .3rem solid #0072b2; \
padding: .6rem 1rem .6rem 2rem; margin: 0; }
.FAIL { color: #d55e00; font-weight: 700; } .untested { color: #555555; }
.note { color: #555555; font-size: .875rem; }
svg { width: 100%; } svg text { font: 12px system-ui, sans-serif; fill: #555555; }
svg .name { fill: #1d2430; }
"""
MARKS = (FAILED, "untested")  # words whose cells have a style of their own


def as_html(compared: Compared) -> str:
    """Return the report, without links, scripts or anything to load."""
    heading = title(compared)
    parts = [
        f"<h1>{escape(heading)}</h1>",
        _list(decision(compared), "decision"),
        _figure("Expected gain of a week", gains_chart(compared)),
        _figure(f"Prices by their change against {beside(compared)}", moves_chart(compared)),
        *map(_table, tables(compared)),
        f'<p class="note">{escape(method(compared))}</p>',
        f"<h2>What the retraining of {escape(compared['candidate']['name'])} says</h2>",
        _list(compared["candidate"]["reasons"], "note"),
    ]
    head = f'<meta charset="utf-8"><title>{escape(heading)}</title><style>{STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def as_markdown(compared: Compared) -> str:
    """Return the same in Markdown, in which names of a shop are neither tags nor links."""
    parts = [
        f"# {title(compared)}",
        "\n".join(f"- {_plain(sentence)}" for sentence in decision(compared)),
        *map(_markdown_table, tables(compared)),
        _plain(method(compared)),
    ]
    return "\n\n".join(parts)


def _figure(heading: str, chart: str) -> str:
    return f"<h2>{escape(heading)}</h2>{chart}" if chart else ""


def _list(items: list[str], style: str) -> str:
    lines = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<ul class="{style}">{lines}</ul>'


def _table(table: Table) -> str:
    """Return a table in HTML."""
    lines = [("th", table.head), *(("td", row) for row in table.rows)]
    body = "".join(
        "<tr>"
        + "".join(_cell(tag, cell, column < table.texts) for column, cell in enumerate(cells))
        + "</tr>"
        for tag, cells in lines
    )
    return f"<h2>{escape(table.title)}</h2><table>{body}</table>"


def _cell(tag: str, cell: str, text: bool) -> str:
    styles = " ".join([*(["text"] if text else []), *(mark for mark in MARKS if cell.startswith(f"{mark} "))])
    return f'<{tag} class="{styles}">{escape(cell)}</{tag}>' if styles else f"<{tag}>{escape(cell)}</{tag}>"


def _markdown_table(table: Table) -> str:
    """Return a table in Markdown."""
    rule = ["---" if column < table.texts else "---:" for column in range(len(table.head))]
    lines = [table.head, tuple(rule), *(tuple(map(_plain, row)) for row in table.rows)]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {table.title}\n\n{body}"


def _plain(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")
