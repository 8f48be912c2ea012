"""The price list of the next week: what the policy recommends, why, and the random variation around it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import CURRENCY, PRICE, PRODUCT, REASON, REFERENCE_PRICE, STORE
from expectations.ids import likeness
from tasks.pricing.guarded_plan import GuardedPlan, ListGuard, guard_columns
from tasks.pricing.recommend import (
    ANNOUNCED,
    COST_HOLDS,
    COVERING_PRICE,
    STEP,
    PolicyError,
    PolicyModel,
)
from tasks.pricing.shelf import with_shelf
from tasks.pricing.shop_view import ShopNow
from tasks.pricing.variation import Variation, vary

KEY = [PRODUCT, STORE]


def in_force(policy: PolicyModel, now: ShopNow | None = None) -> pd.DataFrame:
    """Return product, store and price in force now; none: at the end of the training data (products, 3)."""
    table = policy.market[[*KEY, PRICE]].reset_index(drop=True)
    return table if now is None else table.assign(**{PRICE: now.state.price})


def unknown_products(policy: PolicyModel, prices: pd.DataFrame) -> list[str]:
    """Return the products and stores that the policy was not trained on, beside an id like it that it knows.

    Args:
        prices: product and store of every price (rows,).
    """
    known = pd.MultiIndex.from_frame(policy.market[KEY])
    rows = prices.loc[~pd.MultiIndex.from_frame(prices[KEY]).isin(known), KEY]
    similar = {likeness(product): product for product in policy.market[PRODUCT].unique()}
    return [
        f"{product!r} in {store!r}"
        + (f" (known: {similar[likeness(product)]!r})" if likeness(product) in similar else "")
        for product, store in rows.itertuples(index=False)
    ]


def price_list(
    policy: PolicyModel,
    prices: pd.DataFrame,
    variation: Variation,
    seed: int,
    now: ShopNow | None = None,
    *,
    guard: ListGuard | None = None,
) -> pd.DataFrame:
    """Return the list: ``reference_price`` (in force), ``price``, ``step``, ``reason`` and what was drawn.

    Logged with the sales, ``propensity`` and ``reference_price`` let the next retraining evaluate its policy
    on them, and ``randomised_price`` is its instrument. No draw leaves the ladder or the bounds of the price,
    or goes below a known cost; none moves what holds for its cost, is announced or was decided by the guard.
    ``slope_trained`` and ``slope_now`` say what sales since the training taught. With a guard there are
    ``action``, ``binding_rule`` and ``guard_reason``; what is left out stays here with its price in force.

    Args:
        policy: what recommends.
        prices: product, store, price in force and, where they are known, ``unit_cost``, the bounds of this
            week, ``lowest`` and ``highest``, and ``announced_price`` of a promotion (currency/unit).
        variation, seed: of the draw; log them with the list.
        now: what the shop knows now; none: the first decision after the training.
        guard: decides whether a planned price may stand; none: all may.

    Raises:
        PolicyError: a product stands twice, or a price is not finite and above 0.
    """
    _require_once(prices)
    recommended = policy.recommend(prices, now.view if now else None, variation.decimals)
    reference, step = prices[PRICE].to_numpy(float), recommended[STEP].to_numpy(float)
    planned, low, high = _drawable(policy, prices, recommended, variation.decimals)
    if plan := guard and guard(with_shelf(policy, prices, now), planned):
        step = np.where(plan.price == planned, step, plan.price / reference)
        planned, low, high = _guarded(plan, low, high)
    varied = vary(prices[KEY].assign(**{PRICE: planned}), variation, low, high, np.random.default_rng(seed))
    varied.insert(len(KEY), REFERENCE_PRICE, reference)
    guarded = guard_columns(plan, varied[PRICE].to_numpy(float), reference) if plan else {}
    columns = {STEP: step, REASON: recommended[REASON].to_numpy(), **guarded}
    return varied.assign(**columns, **_learned(policy, prices, now), **_named(policy))


def _require_once(prices: pd.DataFrame) -> None:
    """Refuse prices in which a product of a store stands twice."""
    twice = prices.duplicated(KEY)
    if twice.any():
        first = prices[twice].iloc[0]
        raise PolicyError(
            "price list: one row per product and store. "
            f"Received: {first[PRODUCT]} in {first[STORE]} twice. Keep one."
        )


def _named(policy: PolicyModel) -> dict[str, str]:
    return {CURRENCY: policy.currency} if policy.currency else {}


def _guarded(
    plan: GuardedPlan, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the guarded prices, and between what a draw may move them, currency/unit (rows,) each."""
    low = np.where(plan.free, np.maximum(low, plan.low), plan.price)
    return plan.price, low, np.where(plan.free, np.minimum(high, plan.high), plan.price)


def _drawable(
    policy: PolicyModel, prices: pd.DataFrame, recommended: pd.DataFrame, decimals: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the planned prices, and between what a draw may move them, currency/unit (rows,) each."""
    reference, known = prices[PRICE].to_numpy(float), policy.costs(prices)
    cost, free = known[COVERING_PRICE].to_numpy(), (known[COST_HOLDS] == "").to_numpy()
    announced = (recommended[REASON] == ANNOUNCED).to_numpy()
    held = (recommended[STEP] == 1.0).to_numpy()
    price = recommended[PRICE].to_numpy()
    planned = np.where(held | announced, price, price.round(decimals))
    free = free & ~announced
    ladder = policy.rules.ladder
    lowest, highest = policy.bounds(prices)
    low = np.fmax(np.maximum(reference * ladder[0], np.minimum(lowest, reference)), cost)
    high = np.minimum(reference * ladder[-1], np.maximum(highest, reference))
    return planned, np.where(free, low, planned), np.where(free, high, planned)


def _learned(policy: PolicyModel, prices: pd.DataFrame, now: ShopNow | None) -> dict[str, np.ndarray]:
    """Return the slope of every product before and after the sales since the training, nan if unknown."""
    if now is None:
        return {}
    rows = policy.rows(prices)
    return {
        name: np.where(rows >= 0, values[rows], np.nan)
        for name, values in (("slope_trained", now.learned.before), ("slope_now", now.learned.mean))
    }
