"""Rules by category and product: a row of the table holds for one of them, an empty cell says nothing.

A cell of a product comes before that of its category, and that before the settings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, PRODUCT, STORE
from tasks.governance.endings import SEPARATOR
from tasks.governance.rule_checks import (
    ADVERTISED,
    BAND,
    ENDINGS,
    FAMILY,
    FIXED,
    LEAST,
    MARGIN,
    MARGIN_OF,
    MOST,
    NUMBERS,
    PRODUCTS,
    RIVAL_HIGH,
    RIVAL_LOW,
    SCOPE,
    SIZE,
    STEP,
    SUBJECT,
    TEXTS,
)
from tasks.governance.rules import OF_PRICE, HouseRules, Limits


class RowRules(NamedTuple):
    """The rules of the rows of a list, their families of packs in a store (-1: none) and sizes (rows,)."""

    limits: Limits
    family: np.ndarray
    size: np.ndarray


def rules_of(products: pd.DataFrame, table: pd.DataFrame | None, house: HouseRules) -> RowRules:
    """Return the rules of every product: of its row in the table, of its category's, of the settings.

    Args:
        products: a row per product and store and, where it is known, ``category``.
        table: of ``checked_rules``; none: the settings hold for all.
        house: rules of the settings.
    """
    cells = _Cells(products, table)
    limits = Limits(
        least=cells.numbers(LEAST, house.least_price),
        most=cells.numbers(MOST, house.most_price),
        fixed=cells.numbers(FIXED),
        advertised=cells.numbers(ADVERTISED),
        margin=cells.numbers(MARGIN, house.margin_floor),
        margin_of_price=cells.texts(MARGIN_OF, house.margin_of) == OF_PRICE,
        step=cells.numbers(STEP, house.guard.step),
        band=cells.numbers(BAND, house.guard.band),
        competitor_low=cells.numbers(RIVAL_LOW, house.competitor_low),
        competitor_high=cells.numbers(RIVAL_HIGH, house.competitor_high),
        endings=cells.texts(ENDINGS, SEPARATOR.join(house.endings)),
    )
    family, size = cells.texts(FAMILY, ""), cells.numbers(SIZE)
    families = products[[STORE]].assign(family=family)[family != ""]
    number = np.full(len(products), -1)
    number[family != ""] = families.groupby([STORE, "family"], sort=False).ngroup()
    return RowRules(limits, number, size)


def strangers(products: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Return the categories and products of a table of rules that no row of a list has.

    Args:
        products: product and category of the list.
        table: of ``checked_rules``.
    """
    names = []
    for scope, column in ((CATEGORY, CATEGORY), (PRODUCTS, PRODUCT)):
        there = set(products[column].dropna()) if column in products else set()
        rows = table.loc[table[SCOPE] == scope, SUBJECT]
        names += [f"{scope} {name!r}" for name in rows if name not in there]
    return names


class _Cells:
    """Cells of a table for the products of a list."""

    def __init__(self, products: pd.DataFrame, table: pd.DataFrame | None) -> None:
        empty = pd.DataFrame(columns=[*TEXTS, *NUMBERS])
        rows = empty if table is None else table
        self.products = products
        self.by_product = rows[rows[SCOPE] == PRODUCTS].set_index(SUBJECT)
        self.by_category = rows[rows[SCOPE] == CATEGORY].set_index(SUBJECT)

    def numbers(self, name: str, default: float | None = None) -> np.ndarray:
        """Return the numbers of a rule, nan where a product has none (rows,)."""
        return self._of(name, np.nan if default is None else default, float)

    def texts(self, name: str, default: str) -> np.ndarray:
        """Return the texts of a rule (rows,)."""
        return self._of(name, default, object)

    def _of(self, name: str, default: float | str, kind: type) -> np.ndarray:
        """Return the cells of a rule, those of products before those of categories (rows,)."""
        values: np.ndarray = np.full(len(self.products), default, kind)
        for subject, rows in ((CATEGORY, self.by_category), (PRODUCT, self.by_product)):
            cells = rows[name].dropna()
            if subject in self.products and len(cells):
                place = pd.Index(cells.index).get_indexer(self.products[subject])
                values = np.where(place >= 0, cells.to_numpy(kind)[place], values)
        return values
