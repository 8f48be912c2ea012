"""Picture of why a price: what every step of the ladder earns in a week, and in the season over holding."""

from __future__ import annotations

from textwrap import fill

from matplotlib.figure import Figure

from expectations.columns import PRICE
from expectations.palette import BLACK, BLUE, MODELS
from tasks.pricing.explain import FREE, Explanation
from tasks.pricing.rules import Rules

MONEY = "currency"  # of a label where no currency is named
TITLE_WIDTH = 96  # characters of a line of the title


def ladder(explanation: Explanation, rules: Rules, name: str, money: str = MONEY) -> Figure:
    """Draw what every step of the ladder is expected to earn in a week, and its gain over holding.

    Args:
        explanation: why a price.
        rules: of the market; give the objective and the weeks of the season.
        name: whose price.
        money: name of the currency.
    """
    rows, objective = explanation.ladder, rules.objective
    chosen = rows[rows["chosen"]].iloc[0]
    in_force, new = chosen[PRICE] / chosen["step"], chosen[PRICE]
    figure = Figure(figsize=(9.5, 7.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    ends = (rows[f"{objective}_low"], rows[f"{objective}_high"])
    top.fill_between(rows[PRICE], *ends, color=BLUE, alpha=0.2, lw=0, label="95 % of what is plausible")
    top.plot(rows[PRICE], rows[objective], color=BLUE, marker="o", label="expected")
    top.set(ylabel=f"{objective} of the first week ({money})")
    allowed = rows[rows["gain"].notna()]
    bottom.plot(allowed[PRICE], allowed["gain"], color=BLUE, marker="o")
    for _, step in rows[rows["gain"].isna()].iterrows():
        bottom.plot(step[PRICE], 0, "x", color=BLACK, ms=8, label="step that is not allowed")
    bottom.axhline(0, color=BLACK, lw=0.8)
    bottom.set(
        xlabel=f"price ({money}/unit)",
        ylabel=f"gain over holding,\n{rules.decisions} weeks ({money})",
    )
    for axis in (top, bottom):
        axis.axvline(in_force, color=MODELS["hold"], lw=1.4, ls="--", label="price in force")
        if new != in_force:
            axis.axvline(new, color=MODELS["dqn"], lw=2, label="recommended price")
    legend = {
        label: handle
        for axis in (top, bottom)
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(legend.values(), legend.keys(), loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(_title(explanation, name, (in_force, new), money), fontsize=11)
    return figure


def _title(explanation: Explanation, name: str, prices: tuple[float, float], money: str) -> str:
    """Return the change, the rule behind it and the elasticity in words."""
    in_force, new = prices
    change = (
        f"{in_force:.2f} to {new:.2f} {money} ({100 * (new / in_force - 1):+.1f} %)"
        if new != in_force
        else f"held at {new:.2f} {money}"
    )
    binding = "no rule bound it" if explanation.binding == FREE else f"bound by: {explanation.binding}"
    interval = f"{explanation.elasticity_low:.2f} to {explanation.elasticity_high:.2f}"
    answer = f"elasticity {explanation.elasticity:.2f} ({interval}) % units per 1 % price"
    return "\n".join([f"{name}: {change}", fill(binding, TITLE_WIDTH), answer])
