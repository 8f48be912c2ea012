"""The members of a trial (products with their substitute groups, or stores) and their metrics over time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, DATE, DAYS_A_WEEK, PRICE, PRODUCT, STORE, UNITS
from tasks.trial.design_request import DesignRequest
from tasks.trial.errors import TrialError
from tasks.trial.randomisation import CLUSTER, ITEM, STORES, TIME
from tasks.trial.substitutes import Groups, groups_of

CROSS = "cross"
LEAST_STORES = 4
NAMED_ITEMS = 4  # items of a substitute group that a refusal names


class Members(NamedTuple):
    """The members of a trial.

    Attributes:
        table: a row per member: its key (product or store), and where they are products their ``cluster``.
        groups: substitute groups by cross elasticities; none where they were not made so.
    """

    table: pd.DataFrame
    groups: Groups | None


class Values(NamedTuple):
    """The history of the members: the dates, and each metric by name (members, periods)."""

    dates: pd.DatetimeIndex
    by_metric: dict[str, np.ndarray]


def members_of(sales: pd.DataFrame, request: DesignRequest) -> Members:
    """Return the members of the trial.

    Raises:
        TrialError: items with substitutes would be randomised one by one, or there are too few stores to
        randomise.
    """
    stores = np.sort(sales[STORE].unique())
    if request.unit == STORES and len(stores) < LEAST_STORES:
        raise TrialError(
            f"design: stores can be randomised from four on. Received: {len(stores)}. "
            "Randomise groups (`--unit cluster`) or time."
        )
    if request.unit == STORES or (request.unit == TIME and len(stores) > 1):
        return Members(pd.DataFrame({STORE: stores}), None)
    members = _grouped_products(sales, request.groups)
    if request.unit == ITEM:
        _check_items(members.table)
    return members


def values_of(sales: pd.DataFrame, members: pd.DataFrame, names: list[str], *, no_sale: bool) -> Values:
    """Return each metric by member and date.

    Args:
        sales: sales history, measured.
        members: members of the trial, their key in the first column.
        names: metrics.
        no_sale: a missing row is no sale; else it is unknown, and the member's mean stands for it.
    """
    key = members.columns[0]
    sums = sales.groupby([key, DATE])[names].sum()
    values = {}
    for name in names:
        wide = sums[name].unstack(DATE).reindex(members[key])
        filled = wide.fillna(0.0) if no_sale else wide.T.fillna(wide.mean(axis=1)).T
        values[name] = filled.to_numpy(float)
    return Values(pd.DatetimeIndex(wide.columns), values)


def _grouped_products(sales: pd.DataFrame, grouping: str | None) -> Members:
    """Return the products with their substitute groups, by category or by cross elasticities."""
    products = pd.DataFrame({PRODUCT: np.sort(sales[PRODUCT].unique())})
    grouping = grouping or (CATEGORY if CATEGORY in sales and len(sales[CATEGORY].unique()) > 1 else CROSS)
    if grouping == CATEGORY:
        if CATEGORY not in sales or sales[CATEGORY].isna().any():
            raise TrialError(
                "design: `--groups category` needs a category in every row. Received: rows without. "
                "Use `--groups cross`."
            )
        category = sales.groupby(PRODUCT)[CATEGORY].first()
        return Members(products.assign(**{CLUSTER: products[PRODUCT].map(category)}), None)
    if grouping == CROSS:
        groups = groups_of(*_weekly(sales, products[PRODUCT].to_numpy()))
        names = [f"group {number + 1}" for number in groups.group]
        return Members(products.assign(**{CLUSTER: names}), groups)
    raise TrialError(f"design: `--groups` must be category or cross. Received: {grouping}.")


def _check_items(products: pd.DataFrame) -> None:
    """Refuse to randomise items one by one where some are substitutes."""
    items = products.groupby(CLUSTER)[PRODUCT].agg(list)
    several = items[items.map(len) > 1]
    if len(several):
        raise TrialError(
            "design: items of one substitute group must share an arm. Received: items one by one, where "
            f"{several.index[0]} holds {', '.join(several.iloc[0][:NAMED_ITEMS])} "
            f"({len(several)} such groups). "
            "A buyer who finds one dearer takes the next one, so the sale that moved is counted twice: "
            "a true +0.6 % can read as +26 %. Use `--unit cluster`, `store` or `time`."
        )


def _weekly(sales: pd.DataFrame, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return units and mean price (stores, weeks, products), nan where there is no row."""
    keys = [
        pd.factorize(sales[STORE])[0],
        (sales[DATE] - sales[DATE].min()).dt.days.to_numpy() // DAYS_A_WEEK,
        np.searchsorted(products, sales[PRODUCT]),
    ]
    shape = tuple(int(key.max()) + 1 for key in keys)
    cell = np.ravel_multi_index(keys, shape)
    count, units, price = (
        np.bincount(cell, weights, np.prod(shape)) for weights in (None, sales[UNITS], sales[PRICE])
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, units, np.nan).reshape(shape), (price / count).reshape(shape)
