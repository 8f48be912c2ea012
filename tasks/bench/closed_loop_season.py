"""A season of a shop whose demand is known: a list every week, and the sales that follow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import (
    PRICE,
    PRODUCT,
    PROPENSITY,
    RANDOMISED,
    REFERENCE_PRICE,
    SERIES,
    STORE,
    UNIT_COST,
)
from tasks.bench.cases.shop_history import SEASON_WEEKS
from tasks.bench.cases.true_shops import TrueShop
from tasks.bench.closed_loop_chain import Chain
from tasks.runtime.artifacts import save_table
from tasks.runtime.tables import write_table

LOGGED = [REFERENCE_PRICE, RANDOMISED, PROPENSITY]  # columns of a list that are logged with the sales


@dataclass(frozen=True, kw_only=True)
class Season:
    """The weeks after a retraining.

    Attributes:
        shop: whose demand is known.
        chain: the product under test.
        settings: of the retraining.
        version: of the policy that prices the weeks.
        folder: of lists and sales.
    """

    shop: TrueShop
    chain: Chain
    settings: Settings
    version: int
    folder: Path

    def lists(self, weeks: int, *, feedback: bool) -> np.ndarray:
        """Return the prices of every week, currency/unit (weeks, rows).

        A list is recommended for the prices of the week before. The sales are kept in ``sales.parquet`` of
        the folder, with the columns of the lists that are logged; the lists' draws are the same either way.

        Args:
            weeks: that are priced.
            feedback: whether a recommendation gets all sales of the season so far.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        return np.array(list(self._weekly(weeks, feedback)))

    def _weekly(self, weeks: int, feedback: bool) -> Iterator[np.ndarray]:
        """Yield the prices of every week (rows,)."""
        sales: list[pd.DataFrame] = []
        prices, kept = self.shop.price, self.folder / "sales.parquet"
        recommend = partial(self.chain.recommend, self.settings, self.version)
        for week in range(weeks):
            in_force, written = self.folder / "in_force.csv", self.folder / f"list_{week:02d}.csv"
            write_table(in_force_of(self.shop, prices), in_force)
            past = str(kept) if feedback and sales else None
            recommend(str(in_force), str(written), self.shop.seed * SEASON_WEEKS + week, sales=past)
            listed = list_at(written, self.shop.rows)
            prices = listed[PRICE].to_numpy(float)
            sales.append(self.shop.week(week, prices).merge(listed[[*SERIES, *LOGGED]], on=SERIES))
            save_table(pd.concat(sales), kept)
            yield prices


def in_force_of(shop: TrueShop, prices: np.ndarray) -> pd.DataFrame:
    """Return product, store, price in force and, where the shop knows it, unit cost."""
    cost = {UNIT_COST: shop.unit_cost} if shop.traits.costs else {}
    return shop.rows[SERIES].assign(**{PRICE: prices}, **cost)


def list_at(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a list in the order of the shop's rows.

    Raises:
        ValueError: the list lacks a product.
    """
    listed = rows[SERIES].merge(pd.read_csv(path, dtype=dict.fromkeys(SERIES, "str")), on=SERIES, how="left")
    if listed[PRICE].isna().any():
        first = listed[listed[PRICE].isna()].iloc[0]
        raise ValueError(
            f"{path.name}: no price for {first[PRODUCT]} in {first[STORE]}. A list holds all products."
        )
    return listed
