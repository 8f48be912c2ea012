"""What a policy knows of the products of a list that their guard must know, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, CHANNEL_FEE, PRICE, SALES_TAX, TAX_RATE, UNIT_COST
from tasks.pricing.assumed_cost import COST_ASSUMED
from tasks.pricing.known_cost import COST_STALE
from tasks.pricing.products import index_since_training
from tasks.pricing.recommend import COVERING_PRICE, PolicyModel
from tasks.pricing.shop_view import ShopNow

INDEX_WEIGHT, INDEX_MOVED, SLOW_REFERENCE = "index_weight", "index_moved", "slow_reference"
NET_COST = "net_cost"  # without tax and fee, currency/unit
NOISE_DECIMALS = 9  # a cost with tax is 1.19, not 1.1900000000000002


def with_shelf(policy: PolicyModel, prices: pd.DataFrame, now: ShopNow | None) -> pd.DataFrame:
    """Return prices in force with category, cost, slow reference price and weight in the price index.

    ``unit_cost`` is the cost that counts, known or assumed, ``covering_price`` the price with tax and fee
    that just covers it (currency/unit); where stores have channels, ``net_cost``, ``sales_tax`` and
    ``channel_fee`` are what it is of. ``cost_assumed`` marks costs of a stated margin, and products without
    any cost whose objective is revenue. ``index_weight`` is the share of the product in the shop's revenue,
    ``index_moved`` the log change of the price index since the season began.

    Args:
        policy: with its market.
        prices: product, store, price in force and, where it is known, ``unit_cost``.
        now: what the shop knows now; none: the first decision after the training.
    """
    rows, products, costs = policy.rows(prices), policy.products, policy.costs(prices)
    known, in_force = rows >= 0, prices[PRICE].to_numpy(float)
    assumed = costs[COST_ASSUMED].to_numpy(bool)
    cost = np.where(assumed, products.covering_price[rows], costs[COVERING_PRICE].to_numpy(float))
    costless = np.isnan(cost) & (policy.rules.objective == "revenue")
    usual = np.where(known, products.price[rows], in_force)  # a share of the price in force would follow it
    stated = (1 - policy.rules.stated_margin) * usual * _fee_factor(policy, rows)
    cost = np.where(costless, stated, cost)
    ratio = np.ones(len(products)) if now is None else now.view.ratio.copy()
    ratio[rows[known]] = in_force[known] / products.price[rows[known]]
    revenue = products.price * ratio * products.units
    columns: dict[str, Any] = {
        UNIT_COST: costs[UNIT_COST].to_numpy(float),
        COVERING_PRICE: cost.round(NOISE_DECIMALS),
        COST_STALE: costs[COST_STALE].to_numpy(bool) | _too_old(prices),
        COST_ASSUMED: assumed | costless,
        INDEX_MOVED: _index_moved(policy, prices, now),
        INDEX_WEIGHT: np.where(known, revenue[rows] / revenue.sum(), 0.0),
    }
    for name, none in ((CATEGORY, None), (SLOW_REFERENCE, np.nan)):
        if name in policy.market:
            columns[name] = np.where(known, policy.market[name].to_numpy()[rows], none)
    return prices.assign(**columns, **_charges(policy, rows, cost))


def _fee_factor(policy: PolicyModel, rows: np.ndarray) -> np.ndarray:
    """Return the price that covers a cost with tax and fee over the one that covers it with tax (rows,).

    A stated margin is of the price without tax; the fee of a channel lowers what it leaves.
    """
    if CHANNEL_FEE not in policy.market:
        return np.ones(len(rows))
    rate, tax = (policy.market[name].to_numpy(float) for name in (TAX_RATE, SALES_TAX))
    factor = (1 + rate) / (1 + tax)
    return np.where(rows >= 0, factor[rows], factor.max())


def _charges(policy: PolicyModel, rows: np.ndarray, cost: np.ndarray) -> dict[str, np.ndarray]:
    """Return the cost without tax and fee, and both; a product that is not known is charged most.

    Args:
        policy: with its market.
        rows: of the market, -1 where it does not know the product (rows,).
        cost: price with tax and fee that just covers it, currency/unit (rows,).
    """
    if CHANNEL_FEE not in policy.market:
        return {}
    charges = {name: policy.market[name].to_numpy(float) for name in (TAX_RATE, SALES_TAX, CHANNEL_FEE)}
    of = {name: np.where(rows >= 0, values[rows], values.max()) for name, values in charges.items()}
    return {NET_COST: (cost / (1 + of.pop(TAX_RATE))).round(NOISE_DECIMALS), **of}


def _too_old(prices: pd.DataFrame) -> np.ndarray:
    """Return which costs are too old now, whatever the code of a version of before makes of them (rows,)."""
    return prices[COST_STALE].to_numpy(bool) if COST_STALE in prices else np.zeros(len(prices), bool)


def _index_moved(policy: PolicyModel, prices: pd.DataFrame, now: ShopNow | None) -> float:
    """Return the log change of the price index since the season began."""
    if now is not None:
        return float(now.view.index[0])
    known = prices[policy.rows(prices) >= 0]
    return float(index_since_training(policy.products, policy.rows(known), known[PRICE])[0])
