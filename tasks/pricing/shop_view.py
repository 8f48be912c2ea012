"""What the policy reads of a shop now: its state and its beliefs by the sales since the training."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.pricing.learning import Doubt, Learned, learn
from tasks.pricing.new_sales import Calendar
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.shop_state import ShopState, state_of
from tasks.pricing.state import View, opening

LEVEL_ERROR = 0.2  # standard deviation of the log error of a product's forecast that lasts
LASTING = 0.5  # correlation of a product's demand shocks from week to week
DRIFT = 0.15  # standard deviation by which the slopes of the whole shop may have moved since the training
PRODUCT_SPREAD = 0.25  # the same of a product's slope within its group


class ShopNow(NamedTuple):
    """The view of a policy after the training, the state and what was learned behind it, and its last day."""

    view: View
    state: ShopState
    learned: Learned
    as_of: pd.Timestamp


def shop_now(policy: PolicyModel, sales: pd.DataFrame, calendar: Calendar) -> ShopNow:
    """Return what the shop knows after its sales since the training.

    Args:
        policy: with the market of its training.
        sales: sales table since the training; earlier rows do not count.
        calendar: dates of training and state.

    Raises:
        SalesSinceError: the table tells nothing of the time since the training.
    """
    products, start = policy.products, opening(policy.products)

    def expected(prices: np.ndarray) -> np.ndarray:
        ratios = prices / products.price
        weeks = [start.believed.units(products, ratio) for ratio in ratios]
        return np.stack(weeks) if weeks else np.empty((0, len(products)))

    memory = policy.rules.reference_memory
    state = state_of(policy.market, sales, calendar, memory, expected)
    change = [start.believed.change(products, ratio) for ratio in state.prices / products.price]
    sold = state.sold(
        products.group,
        np.stack(change) if change else np.empty_like(state.prices),
        products.units,
        products.dispersion,
    )
    doubt = Doubt(product=PRODUCT_SPREAD**2, level=LEVEL_ERROR**2, lasting=LASTING, drift=DRIFT**2)
    learned = learn(sold, products.slopes.within, products.slopes.whole, doubt)
    return ShopNow(_view(start, state, learned), state, learned, calendar.as_of)


def _view(start: View, state: ShopState, learned: Learned) -> View:
    """Return the opening view moved to the state and the beliefs of now."""
    products, alone = start.products, learned.alone
    ratio = state.price / products.price
    return replace(
        start,
        week=state.season_week,
        ratio=ratio,
        planned=ratio,
        remembered=state.remembered / products.price,
        within=np.where(alone, start.within, learned.mean),
        within_variance=np.where(alone, start.within_variance, learned.sd**2),
        whole=np.where(alone, learned.mean, start.whole),
        whole_variance=np.where(alone, learned.sd**2, start.whole_variance),
        surprise=state.surprise,
        stock=products.on_hand(state.stock),
        index=np.full(len(products), state.index),
    )
