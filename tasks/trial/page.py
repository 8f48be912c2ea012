"""The report of an experiment on one HTML page: verdict, sample ratio, effects and the lift over time."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tasks.trial.effects import Effect
from tasks.trial.results import Analysis, Look

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 260, 64, 28  # of the chart (px)
COLOURS = {"ship": "#2f7d32", "keep": "#a32020", "continue": "#8a5a00", None: "#a32020"}
STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1d2430; background: #fff; \
max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: right; padding: .3rem .7rem .3rem 0; \
border-bottom: 1px solid #e3e7ec; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
.verdict { color: #fff; padding: .6rem 1rem; border-radius: .4rem; font-size: 1.3rem; }
svg text { font: 12px system-ui, sans-serif; fill: #5a6472; }
"""


def render(analysis: Analysis, currency: str | None = None) -> str:
    """Return the page, without links, scripts or anything to load.

    Args:
        analysis: of the trial.
        currency: ISO 4217 code of revenue and profit; none: it is not named.
    """
    verdict = analysis.verdict or "no result: sample-ratio mismatch"
    counts = ", ".join(f"{name} {count:,}" for name, count in analysis.split.counts.items())
    parts = [
        "<h1>Price experiment</h1>",
        (
            f"<p>{escape(analysis.treated)} against {escape(analysis.spec.control)}, "
            f"randomised by {escape(analysis.what)}: {escape(counts)}. "
            f"Sample ratio: p = {analysis.split.p:.3g}{' (alarm)' if analysis.split.alarm else ''}.</p>"
        ),
        f'<p class="verdict" style="background:{COLOURS[analysis.verdict]}">{escape(verdict)}</p>',
        "<ul>" + "".join(f"<li>{escape(reason)}</li>" for reason in analysis.reasons) + "</ul>",
    ]
    if analysis.metrics:
        money = f"; money in {escape(currency)}" if currency else ""
        parts += [f"<h2>Effects{money}</h2>", _effects(analysis)]
    if analysis.looks:
        parts += [f"<h2>Lift of {escape(analysis.spec.primary)} over time</h2>", _chart(analysis.looks)]
    if analysis.balance:
        rows = [
            [name, "", *(f"{balance[key]:.4g}" for key in ("difference", "standardised", "p"))]
            for name, balance in analysis.balance.items()
        ]
        parts += [
            "<h2>Balance before the trial</h2>",
            _table(["covariate", "", "difference", "in standard deviations", "p"], rows),
        ]
    head = f'<meta charset="utf-8"><title>Price experiment</title><style>{STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _effects(analysis: Analysis) -> str:
    """Return the table of effects."""
    rows = [
        [name, label.replace("_", " "), *_cells(effect, share="relative" in label)]
        for name, reading in analysis.metrics.items()
        for label, effect in reading.effects.items()
        if effect is not None
    ]
    return _table(["metric", "effect", "difference", "one look", "any look", "p"], rows)


def _cells(effect: Effect, share: bool) -> list[str]:
    """Return difference, both intervals and p as text."""

    def text(value: float) -> str:
        return f"{100 * value:+.2f} %" if share else f"{value:+.4g}"

    intervals = (effect.low, effect.high), (effect.sequential_low, effect.sequential_high)
    return [
        text(effect.difference),
        *(f"{text(low)} to {text(high)}" for low, high in intervals),
        f"{effect.p:.3g}",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in HTML."""
    lines = [("th", head), *(("td", row) for row in rows)]
    return (
        "<table>"
        + "".join("<tr>" + "".join(f"<{t}>{escape(c)}</{t}>" for c in row) + "</tr>" for t, row in lines)
        + "</table>"
    )


def _chart(looks: Sequence[Look]) -> str:
    """Draw the effect up to every period, with the interval for one look (dark) and for all (light)."""
    last = looks[-1].effect
    reach = 2.5 * max(last.sequential_high - last.difference, abs(last.difference)) or 1.0
    step = (WIDTH - LEFT - 16) / max(len(looks) - 1, 1)

    def y(value: float) -> float:
        return 8 + (HEIGHT - BOTTOM - 8) * (1 - (min(max(value, -reach), reach) + reach) / (2 * reach))

    def band(low: str, high: str, colour: str) -> str:
        top = [f"{LEFT + i * step:.1f},{y(getattr(look.effect, high)):.1f}" for i, look in enumerate(looks)]
        bottom = [f"{LEFT + i * step:.1f},{y(getattr(look.effect, low)):.1f}" for i, look in enumerate(looks)]
        return f'<polygon points="{" ".join(top + bottom[::-1])}" fill="{colour}"/>'

    line = " ".join(f"{LEFT + i * step:.1f},{y(look.effect.difference):.1f}" for i, look in enumerate(looks))
    ticks = "".join(
        f'<text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v:+.3g}</text>'
        for v in (-reach, -reach / 2, 0, reach / 2, reach)
    )
    names = "".join(
        f'<text x="{LEFT + i * step:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">'
        f"{escape(looks[i].period)}</text>"
        for i, anchor in {len(looks) - 1: "end", len(looks) // 2: "middle", 0: "start"}.items()
    )
    zero = f'<line x1="{LEFT}" x2="{WIDTH - 16}" y1="{y(0):.1f}" y2="{y(0):.1f}" stroke="#1d2430"/>'
    shape = band("sequential_low", "sequential_high", "#dbe7f3") + band("low", "high", "#9dbfe0") + zero
    path = f'<polyline points="{line}" fill="none" stroke="#1f4e79" stroke-width="2"/>'
    frame = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="lift over time">'
    return f"{frame}{shape}{path}{ticks}{names}</svg>"
