"""A small shop for tests: 200 days of five products, in the words of another shop."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAYS = 200
COLUMNS = {
    "date": "day",
    "product_id": "sku",
    "store_id": "branch",
    "units": "qty",
    "price": "net_price",
    "list_price": "shelf",
}
"""Name in the sales table -> name in the shop."""


def daily_sales() -> pd.DataFrame:
    """Return the sales of five products in one store, a fifth of the days at a deal."""
    rng = np.random.default_rng(3)
    keys = [
        (day, f"0{p}", "north")
        for p in range(5)
        for day in pd.date_range("2024-01-01", periods=DAYS).strftime("%Y-%m-%d")
    ]
    frame = pd.DataFrame(keys, columns=["day", "sku", "branch"])
    shelf = 2.0 + frame["sku"].astype(int)
    deal = rng.random(len(frame)) < 0.2
    return frame.assign(
        qty=rng.poisson(5 + 5 * deal),
        net_price=shelf * np.where(deal, 0.8, 1.0),
        shelf=shelf,
        promotion_deal=deal.astype(int),
    )
