"""Pictures of the trial and of the gates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tasks.trial.gates import Gate
from tasks.trial.lift import Lift

GREEN, RED, GREY = "#54a24b", "#e45756", "#7f7f7f"


def trial_lift(lift: Lift, by_cluster: dict[str, float], objective: str, markets: int) -> Figure:
    """Draw the lift with its interval, and the lifts of the largest clusters without one.

    Args:
        lift: of the trial.
        by_cluster: relative difference of the arms' means in the largest clusters, by name.
        objective: what was earned.
        markets: market draws.
    """
    figure = Figure(figsize=(9, 1.8 + 0.28 * len(by_cluster)), layout="constrained")
    axis = figure.subplots()
    names = ["ALL", *by_cluster]
    place = np.arange(len(names))[::-1]
    axis.errorbar(100 * lift.value, place[0], xerr=100 * (lift.high - lift.value), fmt="o", color=GREEN, capsize=5, ms=8)
    axis.plot([100 * value for value in by_cluster.values()], place[1:], "o", color=GREY, ms=4)
    axis.axvline(0, color="black", lw=0.8)
    axis.set_yticks(place, [name.title() if name != "ALL" else "all categories" for name in names], fontsize=8)
    axis.set(xlabel=f"lift of {objective} over the price in force (%)")
    axis.set_title(
        f"Simulated trial, {markets} market draws, randomised by category: {100 * lift.value:+.1f} % "
        f"({100 * lift.low:+.1f} to {100 * lift.high:+.1f})\nIn the market fitted to the sales, not in a shop",
        fontsize=10,
    )
    return figure


def gates(every: Sequence[Gate], verdict: str) -> Figure:
    """Draw which gates passed, with their sentences."""
    figure = Figure(figsize=(11, 0.8 + 0.36 * len(every)), layout="constrained")
    axis = figure.subplots()
    for place, gate in enumerate(reversed(every)):
        axis.plot(0, place, "o", ms=13, color=GREEN if gate.passed else RED)
        axis.annotate(gate.sentence, (0, place), xytext=(16, 0), textcoords="offset points", va="center", fontsize=9)
    axis.set(xlim=(-0.05, 1), ylim=(-0.7, len(every) - 0.3), title=f"Gates: {verdict}")
    axis.axis("off")
    return figure
