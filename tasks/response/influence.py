"""Which rows moved an estimate most: the week of every product, and the rows that count for less.

The week is the one without which the product's own slope would change most (Cook and Weisberg 1982): leaving
out the rows W of a week changes the slope e of units y on price p, both less effects and controls, by

    -sum_W p_t (y_t - e p_t) / (sum p_t^2 - sum_W p_t^2)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import DATE, PRODUCT
from tasks.response.bounds import LITTLE, WEIGHT, BoundedWeeks
from tasks.response.panel import Panel, residuals

NAMED = 5  # products that a warning names
LEAST_ROWS = 5  # rows that count for little from which a product is named


class Influence(NamedTuple):
    """The week that moves a product's own slope most.

    Attributes:
        week: its number.
        change: what leaving it out adds to the slope.
    """

    week: int
    change: float


NO_INFLUENCE = Influence(-1, float("nan"))


def influence_of(panel: Panel, slope: float) -> Influence:
    """Return the week that moves the slope of a product most."""
    units, price = residuals(np.column_stack([panel.units, panel.price]), panel).T
    weeks, number = np.unique(panel.week, return_inverse=True)
    pull = np.bincount(number, price * (units - slope * price))
    power = np.bincount(number, price**2)
    rest = power.sum() - power
    change = np.divide(-pull, rest, out=np.zeros_like(pull), where=rest > 0)
    most = int(np.abs(change).argmax())
    return Influence(int(weeks[most]), float(change[most]))


def influence_table(products: pd.DataFrame, bounded: BoundedWeeks) -> pd.DataFrame:
    """Return a row per product: the week that moved its estimate most, and its rows that count for less.

    Args:
        products: product_id, week (first day, or none), change (of the elasticity without that week) and
            raw_error (of the elasticity).
        bounded: the rows that count for less than they say.
    """
    rows = bounded.rows.assign(little=bounded.rows[WEIGHT] < LITTLE).sort_values(DATE)
    by_product = rows.groupby(PRODUCT)
    first = rows[rows["little"]].groupby(PRODUCT)[DATE].first()
    counts = pd.DataFrame(
        {
            "bounded_rows": by_product.size(),
            "little_rows": by_product["little"].sum(),
            "least_weight": by_product[WEIGHT].min(),
            "first_little": first,
        }
    )
    table = products.merge(counts, left_on=PRODUCT, right_index=True, how="left")
    table = table.fillna({"bounded_rows": 0, "little_rows": 0, "least_weight": 1.0})
    table = table.astype({"bounded_rows": int, "little_rows": int})
    table["change_in_errors"] = table["change"] / table["raw_error"]
    return table.sort_values(
        ["little_rows", "change_in_errors"], key=np.abs, ascending=False, ignore_index=True
    )


def warnings_of(table: pd.DataFrame) -> list[str]:
    """Return a sentence for every product with several rows that count for little, the most of them first.

    Args:
        table: as ``influence_table`` returns it.
    """
    named = table[table["little_rows"] >= LEAST_ROWS]
    sentences = [
        f"product {row[PRODUCT]}: {row['little_rows']} rows of the sales table count for less than a fifth, "
        f"the first of {row['first_little']:%Y-%m-%d}: check their units and prices"
        for _, row in named.head(NAMED).iterrows()
    ]
    if len(named) > NAMED:
        rest = named["little_rows"][NAMED:].sum()
        sentences.append(f"{len(named) - NAMED} more products have {rest} such rows: see influence.parquet")
    return sentences
