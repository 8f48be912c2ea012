"""Operation: why a policy recommends its price, between which bounds, and what it learned since the training.

The price is that of the whole list, as ``recommend`` writes it from the same tables: to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NotRequired

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import PRICE, PRODUCT, RANDOMISED, REASON, REFERENCE_PRICE, RULE, STORE
from expectations.product_names import product_names, series_name
from tasks.governance.champion import HEAD
from tasks.governance.shelf_prices import RECENT_HIGH, RECENT_LOW, SLOW_REFERENCE
from tasks.operations.agreed_margins import drafted_margins
from tasks.operations.channel_charges import with_todays_charges
from tasks.operations.draft import Draft, ShopTables, next_list
from tasks.operations.explain import keep_figure
from tasks.operations.published_prices import published_now
from tasks.pricing.explain import Explanation
from tasks.pricing.guarded_plan import GUARD_REASON
from tasks.pricing.recommend import COVERING_PRICE, HIGHEST, LOWEST, PolicyError, PolicyModel
from tasks.pricing.shop_view import ShopNow
from tasks.runtime import champion_aliases

BOUNDS = (LOWEST, HIGHEST, RECENT_LOW, RECENT_HIGH, SLOW_REFERENCE, COVERING_PRICE)
"""Columns of ``Trail``."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Whose price is explained, in which list.

    Attributes:
        product, store: the product.
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        price: in force now; none: that of the tables (currency/unit).
        seed: of the list's variation; none: nothing is drawn.
    """

    product: str
    store: str = "all"
    version: int | None = None
    price: float | None = None
    seed: int | None = None


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


class Trail(TypedDict):
    """What kept the price of this week inside its bounds (currency/unit); what is not known is none.

    ``lowest`` and ``highest`` are the bounds of the week. They come of the lowest and the highest price of
    the last seven days, of the slow reference price, and of the price that covers the cost. ``rule`` is the
    rule that bound the price, and for one that holds the test of identification that failed. ``guard`` names
    the rules of the shop that bound the price in the list, and ``guard_reason`` says how; both are empty
    where none did.
    """

    rule: str
    guard: str
    guard_reason: str
    lowest: float | None
    highest: float | None
    recent_low: float | None
    recent_high: float | None
    slow_reference: float | None
    covering_price: float | None


class Lesson(TypedDict):
    """What whole weeks of sales since the training taught of how demand answers the price.

    Slopes are % units per 1 % price within the product's group, before and after; none where no sales of
    that time were given.
    """

    weeks: int
    slope_trained: float | None
    slope_now: float | None


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
    """In the list, currency/unit."""
    drawn: float
    """Part of the log price that was drawn at random (1); 0: none."""
    reason: str
    """Why, as the list says it."""
    prices_in_force: str
    """Where the prices in force are from."""
    week: str
    """First day of the list (ISO date)."""
    elasticity: float
    """Mean of the belief that was used."""
    elasticity_low: float
    elasticity_high: float
    """95 % of the belief."""
    trail: Trail
    lesson: Lesson
    list: NotRequired[str]
    """Published list whose price it is; missing: it is the price of a draft."""
    currency: NotRequired[str]
    """ISO 4217 code of all money, if it was named."""
    ladder: list[Step]


def explain_price(
    settings: Settings,
    question: Question,
    tables: ShopTables,
    sales: pd.DataFrame | None = None,
    figure: Path | None = None,
) -> ExplainedPrice:
    """Explain the next price of one product.

    Args:
        settings: whose store holds the policy.
        question: whose price.
        tables: what is known of the shop now, as ``recommend`` takes them.
        sales: the sales table of ``tables.sales``.
        figure: PNG to draw.

    Raises:
        ModelError: there is no such version.
        PolicyError: there is no such product, or the price is not finite and above 0.
    """
    number, model = champion_aliases.chosen(settings, HEAD, question.version)
    policy = with_todays_charges(model.policy, settings)
    policy.row_of(question.product, question.store)
    settings, tables = _varied(settings, question.seed), replace(tables, stated=_stated(question))
    settings = drafted_margins(settings, model.policy).settings
    published, seed = published_now(settings), question.seed or 0
    draft = next_list(settings, policy, tables, sales, published=published, seed=seed)
    return explained(draft, number, question, settings.price.decimals, figure)


def explained(
    draft: Draft, version: int, question: Question, decimals: int, figure: Path | None = None
) -> ExplainedPrice:
    """Return why the price of one product in a list is what it is.

    Args:
        draft: the list.
        version: of the policy that computed it.
        question: whose price.
        decimals: of a price in the list.
        figure: PNG to draw.

    Raises:
        PolicyError: there is no such product.
    """
    policy, product, store = draft.policy, question.product, question.store
    row, current, now = policy.row_of(product, store), draft.known.current, draft.known.now
    ours = _rows_of(current, product, store)
    explanation = policy.explain(product, store, current, now and now.view, decimals)
    name = series_name(product_names(policy.market), product, store)
    _draw(explanation, policy, name, figure)
    listed = draft.table[ours].iloc[0]
    return ExplainedPrice(
        version=version,
        name=name,
        week=f"{draft.known.today:%Y-%m-%d}",
        prices_in_force=draft.known.prices_in_force,
        **_numbers(explanation, listed, policy),  # type: ignore[typeddict-item]
        trail=_trail(explanation.binding, listed, current.assign(**policy.costs(current))[ours].iloc[0]),
        lesson=_lesson(now, row),
    )


def _draw(explanation: Explanation, policy: PolicyModel, name: str, path: Path | None) -> None:
    """Draw the ladder of a product, if a file is given."""
    if path is None:
        return
    from tasks.pricing.ladder_figure import MONEY, ladder

    keep_figure(ladder(explanation, policy.rules, name, policy.currency or MONEY), path)


def _rows_of(prices: pd.DataFrame, product: str, store: str) -> np.ndarray:
    """Return which rows of the prices in force are of a product (rows,), bool.

    Raises:
        PolicyError: there is none.
    """
    ours = ((prices[PRODUCT].astype(str) == product) & (prices[STORE].astype(str) == store)).to_numpy()
    if not ours.any():
        raise PolicyError(
            f"the prices in force have no product {product!r} in store {store!r}: its price is not in the "
            "list. Name a product of the table, or give no table."
        )
    return ours


def _stated(question: Question) -> pd.DataFrame | None:
    """Return the price that is supposed of a product, if one is (currency/unit)."""
    if question.price is None:
        return None
    return pd.DataFrame({PRODUCT: [question.product], STORE: [question.store], PRICE: [question.price]})


def _varied(settings: Settings, seed: int | None) -> Settings:
    """Return settings by which a list varies as a seed draws it, and not at all without a seed."""
    if seed is not None:
        return settings
    variation = settings.price.variation.model_copy(update={"share": 0.0})
    return settings.model_copy(update={"price": settings.price.model_copy(update={"variation": variation})})


def _numbers(explanation: Explanation, listed: pd.Series, policy: PolicyModel) -> dict[str, Any]:
    """Return what the list says of the price, and what is behind it, as JSON."""
    steps = explanation.ladder.replace([np.inf, -np.inf], np.nan).astype(object)  # JSON has neither
    return {
        **({"currency": policy.currency} if policy.currency else {}),
        "weeks": policy.rules.decisions,
        "objective": policy.rules.objective,
        "price": float(listed[REFERENCE_PRICE]),
        "recommended": float(listed[PRICE]),
        "drawn": float(listed[RANDOMISED]),
        "reason": str(listed[REASON]),
        "elasticity": explanation.elasticity,
        "elasticity_low": explanation.elasticity_low,
        "elasticity_high": explanation.elasticity_high,
        "ladder": steps.where(steps.notna(), None).to_dict("records"),
    }


def _trail(rule: str, listed: pd.Series, current: pd.Series) -> Trail:
    """Return the rules that bound a price, and the bounds of the week with what they come of."""
    bounds = {name: current.get(name, np.nan) for name in BOUNDS}
    amounts = {name: float(value) if np.isfinite(value) else None for name, value in bounds.items()}
    guarded = {"guard": str(listed[RULE]), "guard_reason": str(listed[GUARD_REASON])}
    return Trail(rule=rule, **guarded, **amounts)  # type: ignore[typeddict-item]


def _lesson(now: ShopNow | None, row: int) -> Lesson:
    """Return what the sales since the training taught of a row of the market."""
    if now is None:
        return Lesson(weeks=0, slope_trained=None, slope_now=None)
    before, after = float(now.learned.before[row]), float(now.learned.mean[row])
    return Lesson(weeks=now.state.weeks, slope_trained=before, slope_now=after)
