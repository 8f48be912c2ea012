"""Operations: why a registered model forecasts what it does, and why a policy recommends its price."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NotRequired

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import DATE, MODEL, PRICE, PRODUCT, STORE
from expectations.product_names import product_names, series_name
from tasks.demand.model import DemandError
from tasks.pricing.explain import Explanation
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.rules import Rules
from tasks.runtime import champion_aliases
from tasks.runtime.disk import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 3  # products that an error names


class Explained(TypedDict):
    """Why forecasts are what they are."""

    version: int
    """Version of `demand`."""
    name: str
    """Of the product, shortened; its id where it has no name."""
    rows: list[dict[str, str | float]]
    """A row per model and date: what level, season, price, promotion and rivals add to log(1 + units)."""


class Step(TypedDict):
    """A step of the ladder, and what it is expected to sell and earn in a week.

    Intervals hold 95 % of the plausible elasticities. Profit is none if no cost is known, Q-value and gain
    over holding are none if the step is not allowed.
    """

    step: float
    price: float
    allowed: bool
    chosen: bool
    q_value: float | None
    gain: float | None
    units: float
    units_low: float
    units_high: float
    revenue: float
    revenue_low: float
    revenue_high: float
    profit: float | None
    profit_low: float | None
    profit_high: float | None


class ExplainedPrice(TypedDict):
    """Why a price."""

    version: int
    """Version of `pricing_policy`."""
    name: str
    """Of the product, shortened; its id where it has no name."""
    weeks: int
    """Of the season whose gain over holding is told."""
    objective: str
    """`revenue` or `profit`."""
    price: float
    """In force, currency/unit."""
    recommended: float
    """Currency/unit."""
    elasticity: float
    """Mean of the belief that was used."""
    elasticity_low: float
    elasticity_high: float
    """95 % of the belief."""
    binding: str
    """Rule that bound the price; for one that holds, the test of identification that failed."""
    currency: NotRequired[str]
    """ISO 4217 code of all money, if it was named."""
    ladder: list[Step]


def explain_forecast(
    settings: Settings,
    version: int | None,
    product: str,
    store: str,
    *,
    price: float | None = None,
    figure: Path | None = None,
) -> Explained:
    """Explain the forecasts of one product from the end of the model's data.

    Args:
        settings: whose store holds the model.
        version: of `demand`; none: the champion, or the candidate if nothing was promoted.
        product, store: the series.
        price: planned for all periods; by default the one in force (currency/unit).
        figure: PNG to draw.

    Raises:
        ModelError: there is no such version.
        DemandError: there is no such series, or the price is not finite and above 0.
    """
    number, model = champion_aliases.chosen(settings, "demand", version)
    outlook = model.outlook()
    series = outlook[(outlook[PRODUCT] == product) & (outlook[STORE] == store)]
    if series.empty:
        raise DemandError(
            f"demand: version {number} knows no product {product!r} in store {store!r}. "
            f"Known: {_some(outlook)}."
        )
    explained = model.explain(series if price is None else series.assign(**{PRICE: price}))
    names: dict[str, str] = getattr(model, "names", dict)()  # versions that were registered before know none
    if figure is not None:
        from tasks.demand.explanation_figure import explanation

        _keep(explanation(explained[explained[MODEL] == "blend"], names), figure)
    rows = explained.assign(**{DATE: explained[DATE].dt.strftime("%Y-%m-%d")}).to_dict("records")
    return Explained(version=number, name=series_name(names, product, store), rows=rows)  # type: ignore[typeddict-item]


def explain_price(
    settings: Settings,
    version: int | None,
    product: str,
    store: str,
    *,
    price: float | None = None,
    figure: Path | None = None,
) -> ExplainedPrice:
    """Explain the next price of one product.

    Args:
        settings: whose store holds the policy.
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        product, store: the product.
        price: in force now; by default the one at the end of the training data (currency/unit).
        figure: PNG to draw.

    Raises:
        ModelError: there is no such version.
        PolicyError: there is no such product, or the price is not finite and above 0.
    """
    number, model = champion_aliases.chosen(settings, "pricing_policy", version)
    policy: PolicyModel = model.policy
    explanation = policy.explain(product, store, price)
    name = series_name(product_names(policy.market), product, store)
    if figure is not None:
        from tasks.pricing.ladder_figure import MONEY, ladder

        _keep(ladder(explanation, policy.rules, name, policy.currency or MONEY), figure)
    explained = _explained_price(explanation, number, name, policy.rules)
    if policy.currency:
        explained["currency"] = policy.currency
    return explained


def _keep(plot: Figure, path: Path) -> None:
    """Write a figure as the ending of its file says, PNG where there is none."""
    with written_whole(path) as part:
        plot.savefig(part, format=path.suffix[1:] or "png")


def _explained_price(explanation: Explanation, version: int, name: str, rules: Rules) -> ExplainedPrice:
    """Return an explanation as JSON."""
    ladder = explanation.ladder
    chosen = ladder[ladder["chosen"]].iloc[0]
    steps = ladder.replace([np.inf, -np.inf], np.nan).astype(object)  # JSON has neither
    steps = steps.where(steps.notna(), None)
    return ExplainedPrice(
        version=version,
        name=name,
        weeks=rules.decisions,
        objective=rules.objective,
        price=float(chosen[PRICE] / chosen["step"]),
        recommended=float(chosen[PRICE]),
        elasticity=explanation.elasticity,
        elasticity_low=explanation.elasticity_low,
        elasticity_high=explanation.elasticity_high,
        binding=explanation.binding,
        ladder=steps.to_dict("records"),  # type: ignore[typeddict-item]
    )


def _some(outlook: pd.DataFrame) -> str:
    """Name the first products of a table."""
    known = outlook[[PRODUCT, STORE]].drop_duplicates()
    names = [f"{row[PRODUCT]} in {row[STORE]}" for _, row in known.head(SHOWN).iterrows()]
    return ", ".join(names) + (", ..." if len(known) > SHOWN else "")
