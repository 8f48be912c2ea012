"""A small shop whose demand is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.demand.features import build_features, planned
from tasks.demand.panel import Panel, panel_of

PERIODS, GAP, HORIZON = 160, 1, 7
PAST, KNOWN = ("log_units", "mean_7"), ("log_price", "promotion_deal", "monday", "saturday")


@pytest.fixture(scope="session")
def shop() -> pd.DataFrame:
    """Return 160 days of six products with elasticity -2 and a weekly season."""
    rng = np.random.default_rng(11)
    dates = pd.date_range("2025-01-06", periods=PERIODS, unit="us")
    parts = []
    for product in range(6):
        price = 2.0 * rng.choice([0.8, 1.0, 1.2], PERIODS)
        deal = (rng.random(PERIODS) < 0.2).astype(float)
        mean = (
            8
            * (product + 1)
            * (price / 2) ** -2
            * np.exp(0.5 * deal)
            * np.where(dates.dayofweek == 5, 2.0, 1.0)
        )
        parts.append(
            pd.DataFrame(
                {
                    "date": dates,
                    "product_id": f"p{product}",
                    "store_id": "all",
                    "category": "even" if product % 2 == 0 else "odd",
                    "units": rng.poisson(mean).astype(float),
                    "price": price,
                    "promotion_deal": deal,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def panel(shop: pd.DataFrame) -> Panel:
    """Return its panel, with the planned days after the data."""
    table = build_features(planned(shop, GAP + HORIZON, "D"), (1, 7), (7,), "D").frame
    return panel_of(shop, table, PAST, KNOWN, ["category"])
