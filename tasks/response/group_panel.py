"""The weeks of a substitute group as arrays: what its members sold, charged and announced."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    COMPETITOR_PRICE,
    PRICE,
    PRODUCT,
    RANDOMISED,
    SERIES,
    STORE,
    UNIT_COST,
    UNITS,
    promotions,
)
from tasks.response.weeks import WEEK

COMPETITOR = "competitor"  # log competitor price relative to its mean
UNSEEN = "unseen"  # what the instrument does not explain of the log price


class GroupPanel(NamedTuple):
    """The weeks of a group: T weeks, n members, K announcements, C further controls.

    Attributes:
        store, category: of which it is.
        products: names of the members (n,).
        week: numbers of the weeks, the same for all groups (T,).
        units: sold (T, n); 0 where a member has no row.
        present: which members have a row (T, n), bool.
        ratio: price over the member's reference price (T, n); 1 where it has no row.
        announced: promotions of the week (T, n, K).
        around: promotions of the week before and of the week after, the competitor's price, and what an
            instrument does not explain of the own price (T, n, C).
        reference: reference prices, the median over the weeks, currency/unit (n,).
    """

    store: str
    category: str
    products: np.ndarray
    week: np.ndarray
    units: np.ndarray
    present: np.ndarray
    ratio: np.ndarray
    announced: np.ndarray
    around: np.ndarray
    reference: np.ndarray


def group_panels(weeks: pd.DataFrame, instrumented: bool = False) -> list[GroupPanel]:
    """Return the groups of a shop: the products of a category within a store.

    Args:
        weeks: as ``weekly`` returns them.
        instrumented: whether prices answer demand that is not in the table, so that only what the instrument
            (the randomised price, else the cost) explains of them may tell how demand answers.
    """
    first = weeks[WEEK].min()
    numbered = weeks.assign(number=(weeks[WEEK] - first).dt.days // 7)
    if COMPETITOR_PRICE in numbered:
        log_price = np.log(numbered[COMPETITOR_PRICE])
        mean = log_price.groupby([numbered[PRODUCT], numbered[STORE]]).transform("mean")
        numbered[COMPETITOR] = (log_price - mean).fillna(0.0)
    if instrumented:
        numbered[UNSEEN] = _unexplained(numbered)
    groups = numbered.groupby([STORE, CATEGORY], sort=True)
    return [_panel(str(store), str(category), rows) for (store, category), rows in groups]


def _panel(store: str, category: str, rows: pd.DataFrame) -> GroupPanel:
    """Return the arrays of one group."""
    kinds = promotions(rows.columns)

    def wide(name: str) -> pd.DataFrame:
        return rows.pivot(index="number", columns=PRODUCT, values=name).sort_index()

    price = wide(PRICE)
    present = price.notna().to_numpy()
    reference = price.median().to_numpy()
    week, count = price.index.to_numpy(), len(price.columns)
    deals = [wide(name).fillna(0.0) for name in kinds]
    around = [
        shifted.reindex(deal.index).fillna(0.0).to_numpy()
        for deal in deals
        for shifted in (deal.set_axis(deal.index + 1), deal.set_axis(deal.index - 1))
    ]
    around += [wide(name).fillna(0.0).to_numpy() for name in (COMPETITOR, UNSEEN) if name in rows]
    return GroupPanel(
        store=store,
        category=category,
        products=price.columns.to_numpy().astype(str),
        week=week,
        units=wide(UNITS).fillna(0.0).to_numpy(),
        present=present,
        ratio=np.where(present, price.to_numpy() / reference, 1.0),
        announced=_stacked([deal.to_numpy() for deal in deals], (len(week), count)),
        around=_stacked(around, (len(week), count)),
        reference=reference,
    )


def _unexplained(weeks: pd.DataFrame) -> pd.Series:
    """Return what the instrument does not explain of every log price: the control function of the estimates.

    A regression that holds it fixed sees only what the instrument moved (Wooldridge 2015, J. Human Resources
    50:420).
    """
    if RANDOMISED in weeks:
        instrument = weeks[RANDOMISED]
    else:
        instrument = np.log(weeks[UNIT_COST].where(weeks[UNIT_COST] > 0))
    both = pd.DataFrame({"price": np.log(weeks[PRICE]), "instrument": instrument})
    keys = [weeks[name] for name in SERIES]
    apart = both - both.groupby(keys).transform("mean")
    apart["instrument"] = apart["instrument"].fillna(0.0)
    products = pd.DataFrame({"cross": apart.prod(axis=1), "power": apart["instrument"] ** 2})
    sums = products.groupby(keys).transform("sum")
    first_stage = (sums["cross"] / sums["power"]).where(sums["power"] > 0, 0.0)
    return apart["price"] - first_stage * apart["instrument"]


def _stacked(columns: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Return columns of (T, n) as (T, n, columns), without those that never vary."""
    varied = [column for column in columns if np.ptp(column) > 0]
    return np.stack(varied, axis=2) if varied else np.empty((*shape, 0))
