"""The rows of a published list: from when to when a price holds, and what holds after it.

The row of a channel that begins later than others has the price in force until then, the new one after it.
A row of a promotion carries its end and the price after it. Whoever has the list can restore that price,
whatever else is stopped; ``restored`` makes the version of the list in which the promotions have ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import (
    ACTION,
    CHANNEL,
    EFFECTIVE_FROM,
    EFFECTIVE_UNTIL,
    PRICE,
    PRICE_AFTER,
    PRODUCT,
    REASON,
    REFERENCE_PRICE,
    RULE,
    SERIES,
    STORE,
)

DEFAULT_CHANNEL = "default"
KEY = [PRODUCT, STORE, CHANNEL]
RAISE, LOWER, HOLD, PROMOTE, RESTORE = "raise", "lower", "hold", "promote", "restore"
ENDED_REASON = "The promotion ended; the price before it is back."
SCALE = 6  # decimals of a published price
SHOWN = 5  # rows that a message names


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A row in which two lists differ; prices are none where a list lacks it (currency/unit)."""

    product: str
    store: str
    channel: str
    price_a: float | None
    price_b: float | None

    def __str__(self) -> str:
        """Return the row and both prices."""
        prices = (_price(price) for price in (self.price_a, self.price_b))
        return f"{self.product} in {self.store} ({self.channel}): {' against '.join(prices)}"


def actions(rows: pd.DataFrame, announced: np.ndarray) -> np.ndarray:
    """Return what a list does to every price: raise, lower, hold, or promote where it is announced (rows,).

    Args:
        rows: with the price and the price in force (currency/unit).
        announced: whether the price is that of a promotion (rows,), bool.
    """
    new, old = micros(rows[PRICE]), micros(rows[REFERENCE_PRICE])
    return np.select([announced, new > old, new < old], [PROMOTE, RAISE, LOWER], HOLD)


def channels_in(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the channels of a list with their rows; none where the shop names no channels."""
    for name, part in rows.groupby(CHANNEL):
        if name != DEFAULT_CHANNEL:
            yield str(name), part


def ends_of(*tables: pd.DataFrame) -> tuple[datetime, ...]:
    """Return the moments at which promotions end in a list, and in what it leaves out, in their order."""
    moments = {moment for rows in tables for moment in rows[EFFECTIVE_UNTIL].dropna().unique()}
    return tuple(sorted(pd.Timestamp(moment).to_pydatetime() for moment in moments))


def price_at(rows: pd.DataFrame, at: datetime) -> pd.Series:
    """Return the price of every row at a moment at which its list is in force, currency/unit (rows,)."""
    return rows[PRICE].mask(rows[EFFECTIVE_UNTIL] <= at, rows[PRICE_AFTER])


def regular_price(rows: pd.DataFrame) -> pd.Series:
    """Return the price of every row outside of promotions, currency/unit (rows,)."""
    return rows[PRICE].mask(rows[EFFECTIVE_UNTIL].notna(), rows[PRICE_AFTER])


def restored(rows: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """Return a list after what ended in it by a moment: promotions, and prices before a channel began.

    Its other rows stay as they are.
    """
    over = rows[EFFECTIVE_UNTIL] <= at
    after, promoted = rows[over], (rows[ACTION] == PROMOTE)[over]
    changes: dict[str, Any] = {
        REFERENCE_PRICE: after[PRICE],
        PRICE: after[PRICE_AFTER],
        ACTION: after[ACTION].mask(promoted, RESTORE),
        RULE: after[RULE].mask(promoted, ""),
        REASON: after[REASON].mask(promoted, ENDED_REASON),
        EFFECTIVE_FROM: after[EFFECTIVE_UNTIL],
        EFFECTIVE_UNTIL: pd.NaT,
        PRICE_AFTER: np.nan,
    }
    version = rows.copy()
    for name, values in changes.items():
        version.loc[over, name] = values
    return version


def ended(rows: pd.DataFrame, unlisted: pd.DataFrame, at: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a list and what it leaves out, after the promotions that have ended at a moment.

    A promotion ends as it was published, although a later list left its product out: the restored row enters
    the list, so that whoever reads it charges the price before the promotion again.

    Args:
        rows: of the list.
        unlisted: newest published rows of products that the list does not have.
        at: moment.
    """
    over = unlisted[EFFECTIVE_UNTIL] <= at
    listed = [restored(rows, at), restored(unlisted[over], at)]
    return pd.concat([part for part in listed if len(part)], ignore_index=True), unlisted[~over]


def left_out(before: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return what stands published of the products that a new list does not have (rows, columns of a list).

    A store that changes its channel keeps its products.

    Args:
        before: what stood published before the list, a row for every product and store.
        rows: of the new list.
    """
    listed = pd.MultiIndex.from_frame(before[SERIES]).isin(pd.MultiIndex.from_frame(rows[SERIES]))
    return before[~listed].reset_index(drop=True)


def differences(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in which two lists differ: key, ``price_a`` and ``price_b``, missing where not listed.

    Two rows differ in their price, in when it ends or in the price after it.

    Args:
        a, b: rows of lists, each key once.
    """
    columns = [PRICE, EFFECTIVE_UNTIL, PRICE_AFTER]
    both = a[KEY + columns].merge(
        b[KEY + columns], on=KEY, how="outer", suffixes=("_a", "_b"), indicator=True
    )
    same = (both["_merge"] == "both").to_numpy()
    for name in columns:
        left, right = both[f"{name}_a"], both[f"{name}_b"]
        if name != EFFECTIVE_UNTIL:
            left, right = left.round(SCALE), right.round(SCALE)
        same = same & ((left == right) | (left.isna() & right.isna())).to_numpy()
    return both.loc[~same, [*KEY, f"{PRICE}_a", f"{PRICE}_b"]].reset_index(drop=True)


def each_difference(table: pd.DataFrame) -> Iterator[Difference]:
    """Yield the rows of ``differences``."""
    for product, store, channel, left, right in table.itertuples(index=False):
        prices = (None if pd.isna(price) else float(price) for price in (left, right))
        price_a, price_b = prices
        yield Difference(product=product, store=store, channel=channel, price_a=price_a, price_b=price_b)


def named(table: pd.DataFrame) -> str:
    """Return the first of the rows of ``differences`` in words, and how many there are."""
    shown = "; ".join(map(str, each_difference(table.head(SHOWN))))
    return f"{len(table)} rows differ: {shown}{'; ...' if len(table) > SHOWN else ''}"


def micros(prices: pd.Series) -> pd.Series:
    """Return prices in millionths of the currency, exact (rows,)."""
    return (prices * 10**SCALE).round()


def _price(price: float | None) -> str:
    return "not listed" if price is None else f"{price:.{SCALE}f}".rstrip("0").rstrip(".")
