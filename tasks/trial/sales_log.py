"""Sales whose prices were drawn at random with a known probability, read as a log of decisions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import DATE, PRICE, PROPENSITY, REFERENCE_PRICE, SERIES, UNIT_COST, UNITS
from expectations.tax import net_prices
from tasks.trial.decision_log import REWARD

DRAW = [PRICE, PROPENSITY, REFERENCE_PRICE]
WEEK, BEFORE = "week", "units_before"


def decisions_of(sales: pd.DataFrame, objective: str) -> pd.DataFrame | None:
    """Return a row per decision with what it earned, or none where the sales table holds no probabilities.

    A price that was drawn for a week is one decision about its days; where some week holds several draws,
    every row is a decision. The context of a decision is what the series sold in the week, or on the row,
    before it.

    Args:
        sales: sales table; ``propensity`` is the probability of the price, ``reference_price`` the one in
            force before.
        objective: what a decision earns: ``revenue``, or ``profit``, of prices without tax, which leaves
            rows without a cost out.
    """
    if not {PROPENSITY, REFERENCE_PRICE} <= set(sales.columns):
        return None
    cost = sales.get(UNIT_COST, np.nan) if objective == "profit" else 0.0
    paid = net_prices(sales) if objective == "profit" else sales[PRICE]
    reward = sales[UNITS] * (paid - cost)
    rows = sales.assign(**{REWARD: reward, WEEK: sales[DATE].dt.to_period("W")}).sort_values([*SERIES, DATE])
    drawn = rows.dropna(subset=[*DRAW, REWARD])
    several = drawn.drop_duplicates([*SERIES, WEEK, *DRAW]).duplicated([*SERIES, WEEK]).any()
    when = [*SERIES, DATE if several else WEEK]
    before = rows.groupby(when)[UNITS].sum().groupby(SERIES).shift().rename(BEFORE)
    decisions = (
        drawn.groupby(when)
        .agg({**dict.fromkeys(DRAW, "first"), REWARD: "sum"})
        .join(before)
        .dropna()
        .reset_index()
    )
    return decisions[[*SERIES, *DRAW, REWARD, BEFORE]] if len(decisions) else None
