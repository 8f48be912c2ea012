"""Picture of the gates: how far each figure is from its limit, beside its words."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from expectations.palette import BLACK, FAILS, PALE, PASSES, UNTESTED
from tasks.trial.gate_words import figure_of, headline, title_of
from tasks.trial.gates import Gate


def gates(outcomes: Sequence[Gate], verdict: str) -> Figure:
    """Draw the distance of every figure from its limit, the gates that failed first."""
    ordered = sorted(outcomes, key=lambda gate: (gate.passed, not gate.untested if gate.passed else False))
    figure = Figure(figsize=(13.5, 1.9 + 0.42 * len(ordered)), layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0, 0.98, 1))  # type: ignore[union-attr, call-arg]
    axis = figure.subplots()
    axis.axvspan(-1.1, 0, color=PALE, alpha=0.5, lw=0, zorder=0)
    for place, gate in enumerate(ordered):
        _row(axis, place, gate)
    axis.axvline(0, color=BLACK, lw=1.2)
    axis.set_yticks(range(len(ordered)), [title_of(gate.name) for gate in ordered], fontsize=10)
    axis.set(xlim=(-1.1, 1.1), ylim=(len(ordered) - 0.4, -0.6))
    axis.set_xticks([-0.55, 0, 0.55], ["fails", "limit", "passes"])
    axis.set_xlabel("distance from the limit: the longer the bar, the clearer the result")
    axis.tick_params(axis="both", length=0)
    axis.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axis.set_title(headline(outcomes, verdict), fontsize=13, fontweight="bold", pad=12)
    return figure


def _row(axis: Axes, place: int, gate: Gate) -> None:
    """Draw a gate: its bar from the limit, its sign and word, and its figure and limit in words."""
    untested = gate.passed and gate.untested
    colour = UNTESTED if untested else PASSES if gate.passed else FAILS
    word = "? untested" if untested else "✓ pass" if gate.passed else "✗ FAIL"
    margin = 0.0 if untested else -1.0 if gate.margin is None else max(-1.0, min(1.0, gate.margin))
    hatch = "" if gate.passed else "xxx" if gate.margin is None else "//"
    axis.barh(place, margin, 0.62, color=colour, hatch=hatch, ec="white", lw=0)
    axis.plot(0, place, "o", ms=7, color=colour, mec="white", zorder=3)
    for points, text in ((8, word), (92, figure_of(gate))):
        axis.annotate(
            text,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(points, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=BLACK if gate.passed else FAILS,
            fontweight="normal" if gate.passed else "bold",
            annotation_clip=False,
        )
