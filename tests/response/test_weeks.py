"""The weeks that price response is estimated from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.response.weeks import weekly


def test_weeks_are_summed_and_incomplete_weeks_left_out() -> None:
    days = pd.date_range("2025-01-01", "2025-01-19", unit="us")  # Wednesday to Sunday
    sales = pd.DataFrame(
        {
            "date": days,
            "product_id": "a",
            "store_id": "all",
            "category": "x",
            "units": 2.0,
            "price": np.where(days.dayofweek < 3, 1.0, 2.0),
        }
    )
    weeks = weekly(sales, "D")
    assert weeks["week"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-06", "2025-01-13"]
    assert weeks["units"].tolist() == [14.0, 14.0]
    np.testing.assert_allclose(weeks["price"], (3 * 1 + 4 * 2) / 7)
