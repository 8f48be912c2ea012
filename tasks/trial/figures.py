"""Pictures of the trial and of the gates."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from expectations.palette import BLACK, BLUE, DARK, GREEN, GREY
from expectations.product_names import readable, shortened
from tasks.trial.evaluation import Evaluation
from tasks.trial.gates_figure import gates
from tasks.trial.policy_value import PolicyValue
from tasks.trial.simulated_trial import SimulatedTrial

LUCK_WIDTH = 5.0  # of the line whose ends are the luck of the draws alone


def of_evaluation(evaluation: Evaluation, objective: str) -> dict[str, Figure]:
    """Draw an evaluation: pictures by file name; no lift is drawn while the sample ratio alarms."""
    trial, off_policy = evaluation.trial, evaluation.off_policy
    lift = {"trial_lift.png": trial_lift(trial, objective)} if trial.comparable else {}
    logged = {"off_policy_overlap.png": overlap(off_policy)} if off_policy is not None else {}
    return {
        **lift,
        "trial_aa.png": same_against_same(trial),
        **logged,
        "gates.png": gates(evaluation.gates, evaluation.verdict),
    }


def trial_lift(trial: SimulatedTrial, objective: str) -> Figure:
    """Draw the lift with its interval, and the lifts of the largest clusters without one.

    Args:
        trial: the simulated trial.
        objective: what was earned.
    """
    season, draws, by_cluster = trial.season, trial.effect, trial.lift_by_cluster
    figure = Figure(figsize=(10, 2.4 + 0.3 * len(by_cluster)), layout="constrained")
    axis = figure.subplots()
    place = np.arange(1 + len(by_cluster))[::-1]
    doubt = "all, with the doubt about how demand answers prices"
    for interval, width, mark, label in (
        ((season.low, season.high, season.lift), 1.5, "o", doubt),
        ((draws.low, draws.high, draws.difference), LUCK_WIDTH, "|", "chance of sales alone"),
    ):
        low, high, middle = (100 * value for value in interval)
        style = {"lw": width, "solid_capstyle": "butt", "label": label}
        axis.plot([low, high], [place[0]] * 2, color=GREEN, **style)  # type: ignore[arg-type]
        axis.plot(middle, place[0], mark, color=GREEN, ms=9)
    lifts = [100 * value for value in by_cluster.values()]
    axis.plot(lifts, place[1:], "D", color=DARK, ms=4, label="a category (no interval)")
    axis.axvline(0, color=BLACK, lw=0.8)
    names = ["all categories", *(shortened(readable(name)) for name in by_cluster)]
    axis.set_yticks(place, names, fontsize=9)
    axis.set(xlabel=f"change of {objective} in a season against the prices in force (%)")
    axis.set_title(
        f"{objective.capitalize()} {100 * season.lift:+.1f} % in a season, likely between "
        f"{100 * season.low:+.1f} and {100 * season.high:+.1f} %\n",
        fontsize=12,
        fontweight="bold",
    )
    where = f"simulated in {trial.markets} markets fitted to the sales, not measured in a shop"
    style = {"transform": axis.transAxes, "ha": "center", "fontsize": 10}
    axis.text(0.5, 1.02, f"{where}; the largest categories below", **style)  # type: ignore[arg-type]
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def same_against_same(trial: SimulatedTrial) -> Figure:
    """Draw the p-values of the A/A trials against the uniform ones that they should be."""
    p = trial.aa_p
    figure = Figure(figsize=(6.4, 5.8), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color=BLACK, lw=1, ls="--", label="as it should be")
    axis.plot(
        np.sort(p), (np.arange(len(p)) + 0.5) / len(p), color=BLUE, lw=2, label="trials without an effect"
    )
    axis.set(xlabel="p-value of a trial", ylabel="share of trials below it", xlim=(0, 1), ylim=(0, 1))
    axis.set_title(
        "Is the trial honest? Prices in force against themselves (A/A):\n"
        f"{100 * trial.aa_detected:.1f} % of {len(p)} trials report an effect that is not there",
        fontsize=11,
    )
    axis.legend(loc="lower right")
    return figure


def overlap(value: PolicyValue) -> Figure:
    """Draw how far a log covers a policy: shares of the prices in both, and the weights of the rows."""
    prices, action, weight = value.decisions.prices, value.decisions.action, value.weight
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    place, logged = np.arange(len(prices)), np.bincount(action, minlength=len(prices)) / len(action)
    left.bar(place - 0.2, logged, 0.4, color=GREY, label="log")
    left.bar(place + 0.2, value.target.mean(axis=0), 0.4, color=GREEN, label="policy")
    left.set_xticks(place, prices, fontsize=8)
    left.set(
        xlabel="price (currency/unit)", ylabel="share of decisions", title="Prices logged and prices wanted"
    )
    left.legend(frameon=False)
    right.hist(weight, bins=40, color=GREY)
    right.set_yscale("log")
    effective = weight.sum() ** 2 / max((weight**2).sum(), 1e-300)
    right.set(
        xlabel="weight of a row",
        ylabel="rows",
        title=f"Effective sample {effective:,.0f} of {len(weight):,}, largest {weight.max():.3g}",
    )
    return figure
