"""Channels: through which a store charges its prices, and what of a price stays with the shop.

A channel is an attribute of stores: a row of the table says of a store its channel, the fee of the channel
(share of the gross price), the tax (share on top of the net price), time zone and currency. Of a price p the
shop keeps p / (1 + tax) - fee p; ``expectations.tax`` folds both into one rate.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import CHANNEL, CHANNEL_FEE, CURRENCY, ROW, SALES_TAX, STORE, TAX_RATE
from expectations.refusals import FILE, Breach, DataError, broken
from expectations.tax import LARGEST_RATE, charge_rate, kept_share
from tasks.governance.local_time import LocalTimeError, zone_of

OPTION = "price.channels"
FEE, TAX, ZONE = "fee", "tax", "zone"
TEXTS, NUMBERS = (STORE, CHANNEL, ZONE, CURRENCY), (FEE, TAX)
NEEDED = (STORE, CHANNEL)
LEAST_KEPT = 0.05  # of a price, after tax and fee
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")  # of a channel, which is the name of a folder, too


@dataclass(frozen=True)
class Channels:
    """The channels of a shop.

    Attributes:
        stores: by store, its ``channel``, ``fee``, ``tax`` (nan: that of the sales), ``zone`` and
            ``currency`` (none: that of the shop).
        origin: file of the table, for messages.
    """

    stores: pd.DataFrame
    origin: str

    def of(self, stores: pd.Series) -> pd.DataFrame:
        """Return the channel of every row, with the index of the rows (rows, 5).

        Raises:
            DataError: a store has no row.
        """
        missing = sorted(set(stores) - set(self.stores.index))
        if missing:
            cells = tuple((self.origin, f"no row of {store!r}") for store in missing[:5])
            rule, remedy = "every store that is priced has a row", "add a row with the store and its channel"
            raise DataError([Breach(column=STORE, rule=rule, remedy=remedy, cells=cells, count=len(missing))])
        return self.stores.loc[stores].set_axis(stores.index)

    def charged(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return sales, or a market, with the tax and the fee of the channels of their stores.

        ``sales_tax`` and ``channel_fee`` are what the channel takes; ``tax_rate`` is both in one. A channel
        without a tax has that of the sales.

        Raises:
            DataError: a store has no row.
        """
        of = self.of(table[STORE])
        known = table.get(SALES_TAX, table.get(TAX_RATE, pd.Series(0.0, table.index)))
        tax, fee = of[TAX].fillna(known), of[FEE]
        return table.assign(**{SALES_TAX: tax, CHANNEL_FEE: fee, TAX_RATE: charge_rate(tax, fee)})

    def names(self) -> list[str]:
        """Return the channels by name."""
        return sorted(self.stores[CHANNEL].unique())

    def zone(self, channel: str) -> str | None:
        """Return the zone of a channel, none where it is that of the shop."""
        zone: str | None = self.stores.loc[self.stores[CHANNEL] == channel, ZONE].iloc[0]
        return zone

    def currency(self, channel: str) -> str | None:
        """Return the currency of a channel, none where it is that of the shop."""
        currency: str | None = self.stores.loc[self.stores[CHANNEL] == channel, CURRENCY].iloc[0]
        return currency


def checked_channels(table: pd.DataFrame, origin: str = OPTION) -> Channels:
    """Return the channels of a table.

    Args:
        table: a row per store: ``store_id``, ``channel`` and, optional, ``fee``, ``tax``, ``zone`` and
            ``currency``. An empty fee is 0, an empty tax that of the sales.
        origin: file that the table is from, for the messages.

    Raises:
        DataError: a column is not known or missing, a cell cannot be read or is beyond its limits, a store
            has two rows, or the stores of a channel differ in zone or currency; the message has all of them.
    """
    known = [*TEXTS, *NUMBERS]
    wrong = [*_strange(table, known, origin), *_missing(table, origin)]
    if wrong:
        raise DataError(wrong)
    rows = table.reindex(columns=known).reset_index(drop=True)
    rows[FILE], rows[ROW] = origin, np.arange(1, len(rows) + 1)
    typed = rows.assign(**{name: _text(rows[name]) for name in TEXTS})
    typed = typed.assign(
        **{name: pd.to_numeric(rows[name], errors="coerce").astype(float) for name in NUMBERS}
    )
    breaches = [*_named(typed), *_shares(rows, typed), *_places(typed)]
    if breaches:
        raise DataError(breaches)
    return Channels(typed.assign(**{FEE: typed[FEE].fillna(0.0)}).set_index(STORE)[known[1:]], origin)


def _strange(table: pd.DataFrame, known: list[str], origin: str) -> Iterator[Breach]:
    rule = "a table of channels has columns that exist"
    for name in map(str, table.columns.difference(known)):
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"write {close[0]}" if close else f"take it out; columns are {', '.join(known)}"
        cells = ((origin, "there is no such column"),)
        yield Breach(column=name, rule=rule, remedy=remedy, cells=cells, count=1)


def _missing(table: pd.DataFrame, origin: str) -> Iterator[Breach]:
    for name in NEEDED:
        if name not in table:
            rule, cells = f"a row has a {STORE} and a {CHANNEL}", ((origin, "it is missing"),)
            yield Breach(column=name, rule=rule, remedy=f"add the column {name}", cells=cells, count=1)


def _named(rows: pd.DataFrame) -> Iterator[Breach]:
    """Yield stores without a name or with two rows, and channels without a plain name."""
    yield from broken(rows, rows[STORE].isna(), STORE, "a row names its store", "fill it in")
    twice = rows.duplicated(STORE) & rows[STORE].notna()
    yield from broken(rows, twice, STORE, "a store has one row", "keep one of them")
    plain = rows[CHANNEL].map(lambda name: name is not None and bool(NAME.fullmatch(name)))
    rule = "a channel is named by small letters, digits, - and _, at most 31 of them"
    yield from broken(rows, ~plain.astype(bool), CHANNEL, rule, "write a name such as web")


def _shares(rows: pd.DataFrame, typed: pd.DataFrame) -> Iterator[Breach]:
    """Yield fees and taxes that are no shares, and channels that leave nothing of a price."""
    for name, rule, remedy in (
        (FEE, "a fee is a share of the gross price, 0 and below 1", "write 0.15 for 15 %, or nothing"),
        (TAX, "a tax is a share of the net price, 0 to 1", "write 0.19 for 19 %, or nothing"),
    ):
        given = rows[name].notna() & (rows[name].astype("str").str.strip() != "")
        inside = (typed[name] >= 0) & (typed[name] < 1 if name == FEE else typed[name] <= LARGEST_RATE)
        yield from broken(rows, given & ~inside, name, rule, remedy)
    kept = kept_share(typed[TAX].fillna(0.0), typed[FEE].fillna(0.0))
    rule = f"tax and fee leave at least {LEAST_KEPT:g} of a price"
    yield from broken(rows, kept < LEAST_KEPT, FEE, rule, "correct the fee")


def _places(rows: pd.DataFrame) -> Iterator[Breach]:
    """Yield zones and currencies that do not exist, and channels whose stores differ in them."""
    there = rows[ZONE].map(lambda name: name is None or _exists(name)).astype(bool)
    rule = "a zone is an IANA time zone"
    yield from broken(rows, ~there, ZONE, rule, "write Europe/Berlin, or nothing for that of the shop")
    code = rows[CURRENCY].map(lambda name: name is None or bool(re.fullmatch("[A-Z]{3}", name))).astype(bool)
    rule = "a currency is a code of ISO 4217"
    yield from broken(rows, ~code, CURRENCY, rule, "write EUR, or nothing for that of the shop")
    for name in (ZONE, CURRENCY):
        first = rows[name].fillna("").groupby(rows[CHANNEL]).transform("first")
        rule = f"the stores of a channel have one {name}"
        yield from broken(rows, rows[name].fillna("") != first, name, rule, "name another channel for it")


def _exists(zone: str) -> bool:
    try:
        return bool(zone_of(zone))
    except LocalTimeError:
        return False


def _text(values: pd.Series) -> Any:
    """Return texts without the blanks around them, none where a cell is empty (rows,)."""
    text = values.astype("str").str.strip()
    return text.astype(object).where(values.notna() & (text != ""), None)
