"""Why a registered model forecasts what it forecasts, and why a registered policy asks the price that it asks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import DATE, MODEL, PRICE, PRODUCT, STORE
from tasks.demand.model import DemandError
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import champion_aliases


class Explained(TypedDict):
    """Version of `demand`, and one row per model and date: what level, season, price, promotion and rivals add to log(1 + units)."""

    version: int
    rows: list[dict[str, str | float]]


def explain_forecast(
    settings: Settings,
    version: int | None,
    product: str,
    store: str,
    price: float | None,
    figure: Path | None = None,
) -> Explained:
    """Explain the forecasts of one product from the end of the model's data.

    Args:
        settings: whose store holds the model.
        version: of `demand`; none: the champion, or the candidate where nobody was promoted.
        product, store: the series.
        price: planned for all periods, the one in force where none is given (currency/unit).
        figure: PNG to draw.

    Raises:
        ModelError: there is no such version.
        DemandError: there is no such series, or the price is no price.
    """
    number, model = champion_aliases.chosen(settings, "demand", version)
    outlook = model.outlook()
    asked = outlook[(outlook[PRODUCT] == product) & (outlook[STORE] == store)]
    if asked.empty:
        raise DemandError(
            f"demand: version {number} knows no product {product!r} in store {store!r}. Known: {_some(outlook)}."
        )
    explained = model.explain(asked if price is None else asked.assign(**{PRICE: price}))
    if figure is not None:
        from tasks.demand.figures import explanation

        explanation(explained[explained[MODEL] == "blend"]).savefig(figure)
    rows = explained.assign(**{DATE: explained[DATE].dt.strftime("%Y-%m-%d")}).to_dict("records")
    return Explained(version=number, rows=rows)  # type: ignore[typeddict-item]


class ExplainedPrice(TypedDict):
    """Why a price: the version of `pricing_policy`, the two prices (currency/unit), the elasticity used, the binding rule, every step."""

    version: int
    objective: str
    price: float
    recommended: float
    elasticity: float
    elasticity_low: float
    elasticity_high: float
    binding: str
    ladder: list[dict[str, float | bool | None]]


def explain_price(
    settings: Settings,
    version: int | None,
    product: str,
    store: str,
    price: float | None,
    figure: Path | None = None,
) -> ExplainedPrice:
    """Explain the next price of one product.

    Args:
        settings: whose store holds the policy.
        version: of `pricing_policy`; none: the champion, or the candidate where nobody was promoted.
        product, store: the product.
        price: in force now, the one at the end of the training data where none is given (currency/unit).
        figure: PNG to draw.

    Raises:
        ModelError: there is no such version.
        PolicyError: there is no such product, or the price is no price.
    """
    number, model = champion_aliases.chosen(settings, "pricing_policy", version)
    policy: PolicyModel = model.policy
    told = policy.explain(product, store, price)
    if figure is not None:
        from tasks.pricing.figures import ladder

        ladder(
            told, policy.rules.objective, f"product {product}, store {store}, pricing_policy version {number}"
        ).savefig(figure)
    chosen = told.ladder[told.ladder["chosen"]].iloc[0]
    known = told.ladder.astype(object).where(told.ladder.notna(), None)  # without a cost there is no profit
    return ExplainedPrice(
        version=number,
        objective=policy.rules.objective,
        price=float(chosen[PRICE] / chosen["step"]),
        recommended=float(chosen[PRICE]),
        elasticity=told.elasticity,
        elasticity_low=told.elasticity_low,
        elasticity_high=told.elasticity_high,
        binding=told.binding,
        ladder=known.to_dict("records"),  # type: ignore[typeddict-item]
    )


def _some(outlook: pd.DataFrame) -> str:
    known = outlook[[PRODUCT, STORE]].drop_duplicates()
    return ", ".join(f"{row[PRODUCT]} in {row[STORE]}" for _, row in known.head(3).iterrows()) + (
        ", ..." if len(known) > 3 else ""
    )
