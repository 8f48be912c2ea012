"""The panel is the sales table, cell by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.demand.panel import Panel


def test_every_cell_is_that_of_the_table(shop: pd.DataFrame, panel: Panel) -> None:
    assert panel.shape == (6, 168)
    row, column = 3, 77
    cell = shop[(shop["product_id"] == "p3") & (shop["date"] == panel.dates[column])].iloc[0]
    assert panel.series["product_id"][row] == "p3"
    assert panel.units[row, column] == cell["units"]
    assert panel.price[row, column] == cell["price"]
    assert panel.known[row, column, panel.known_names.index("promotion_deal")] == cell["promotion_deal"]


def test_what_lies_ahead_has_known_features_and_no_units(panel: Panel) -> None:
    assert np.isnan(panel.units[:, 160:]).all()
    assert np.isfinite(panel.known[:, 160:]).all()
    assert np.isnan(panel.past[:, 160:, 0]).all()
