"""Rows of published lists."""

from __future__ import annotations

import numpy as np
import pandas as pd

EFFECTIVE = pd.Timestamp("2026-12-01T00:00", tz="Europe/Berlin").tz_convert("UTC")


def published_rows(count: int = 4, promoted: int = 1, price: float = 2.05) -> pd.DataFrame:
    """Return the rows of a list in which the first prices are promotions of a week.

    Args:
        count: of rows.
        promoted: of them, a promotion.
        price: of those that are not (currency/unit).
    """
    promotion = np.arange(count) < promoted
    until = EFFECTIVE + pd.Timedelta(days=7)
    rows = pd.DataFrame(
        {
            "name": "Tea",
            "category": "drinks",
            "product_id": [f"{row:03d}" for row in range(count)],
            "store_id": "all",
            "channel": "default",
            "reference_price": 2.0,
            "price": np.where(promotion, 1.5, price),
            "currency": "EUR",
            "action": np.where(promotion, "promote", "raise"),
            "binding_rule": "",
            "reason": "Raised: 1.0 % fewer units a week.",
            "expected_units": 20.0,
            "expected_units_low": 18.5,
            "expected_units_high": 21.25,
            "expected_gain": 0.5,
            "expected_gain_low": -0.25,
            "expected_gain_high": 1.5,
            "effective_from": EFFECTIVE,
            "effective_until": pd.Series(np.where(promotion, until, pd.NaT)).pipe(pd.to_datetime, utc=True),
            "price_after": np.where(promotion, 2.0, np.nan),
            "pricing_policy": 1,
            "price_response": 3,
            "demand": 2,
            "propensity": 1.0,
            "randomised_price": 0.0,
        }
    )
    texts = rows.select_dtypes("object").columns
    return rows.astype(dict.fromkeys(texts, "str"))
