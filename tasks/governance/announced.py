"""Announced promotions: while one runs, its price is the price of the product, and no policy moves it.

An announcement is a row: product, first and last local date, price, and a store where it does not hold in all
of them. Days are dates of the shop's calendar, both ends included.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, PRICE, PRODUCT, ROW, SERIES, STORE
from expectations.refusals import FILE, Breach, DataError, broken

START, END = "start", "end"  # local dates, both included
REQUIRED = [PRODUCT, START, END, PRICE]
OPTION = "--promotions"
ISO_DATE = r"\d{4}-\d{2}-\d{2}( 00:00:00)?"
"""A date as text; as a time stamp it reads as midnight."""


def promoted_prices(promotions: pd.DataFrame, as_of: pd.Timestamp, origin: str = OPTION) -> pd.DataFrame:
    """Return product, store, announced ``price`` (currency/unit) and ``start`` of a date (announcements, 4).

    Args:
        promotions: a row per announcement: ``product_id``, ``start``, ``end`` (local dates, the last one
            included), ``price`` (currency/unit) and, where stores differ, ``store_id``. Without a store, and
            with the store ``all``, an announcement holds in every store.
        as_of: a local date.
        origin: file or option that the table is from, for the messages.

    Raises:
        DataError: a column is missing, a cell cannot be read, a price is not finite and above 0, an end is
            before its start, or two announcements of a product overlap in a store.
    """
    table = _checked(promotions, origin)
    today = as_of.tz_localize(None).normalize()
    running = table[(table[START] <= today) & (today <= table[END])]
    return running[[*SERIES, PRICE, START, END]].sort_values(SERIES, ignore_index=True)


def announced_for(products: pd.DataFrame, promoted: pd.DataFrame) -> np.ndarray:
    """Return the announced price of every product and store, nan where there is none (rows,), currency/unit.

    Args:
        products: a row per product and store.
        promoted: of ``promoted_prices``; the store ``all`` stands for every store.
    """
    here, everywhere = _values(products, promoted, PRICE)
    return np.where(here.isna(), everywhere.to_numpy(dtype=float), here.to_numpy(dtype=float))


def dates_for(products: pd.DataFrame, promoted: pd.DataFrame, name: str) -> pd.Series:
    """Return the first or the last day of every product's announcement, missing where there is none (rows,).

    Args:
        products, promoted: as ``announced_for`` takes them.
        name: `START` or `END`.
    """
    here, everywhere = (pd.to_datetime(values) for values in _values(products, promoted, name))
    return here.where(here.notna(), everywhere)


def _values(products: pd.DataFrame, promoted: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """Return what is announced in a row's store, and in every store (rows,), (rows,)."""
    here = products[SERIES].merge(promoted, on=SERIES, how="left")[name].set_axis(products.index)
    everywhere = promoted[promoted[STORE] == ALL_STORES].set_index(PRODUCT)[name]
    return here, everywhere.reindex(products[PRODUCT]).set_axis(products.index)


def _checked(promotions: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Return typed announcements; every broken rule is in one error."""
    missing = [name for name in REQUIRED if name not in promotions]
    if missing:
        raise DataError([_missing(name, promotions, origin) for name in missing])
    table = promotions.reset_index(drop=True)
    table[STORE] = table.get(STORE, ALL_STORES)
    table[FILE], table[ROW] = origin, np.arange(1, len(table) + 1)
    typed = table.assign(**{name: _local_dates(table[name]) for name in (START, END)})
    typed[PRICE] = pd.to_numeric(table[PRICE], errors="coerce")
    breaches = [*_unreadable(table, typed), *_backwards(typed)]
    if breaches:
        raise DataError(breaches)
    overlapping = _overlapping(typed)
    if overlapping:
        raise DataError(overlapping)
    return typed


def _missing(name: str, promotions: pd.DataFrame, origin: str) -> Breach:
    columns = ", ".join(map(str, promotions.columns)) or "none"
    return Breach(
        column=name,
        rule=f"an announcement has {', '.join(REQUIRED)}",
        remedy=f"name the column {name}",
        cells=((origin, f"there is no such column (columns: {columns})"),),
        count=1,
    )


def _unreadable(table: pd.DataFrame, typed: pd.DataFrame) -> list[Breach]:
    """Return the cells that say no product, no store, no date or no price."""
    price = typed[PRICE]
    breaches = []
    for name in SERIES:
        blank = table[name].isna() | (table[name].astype(str).str.strip() == "")
        remedy = "fill it in" if name == PRODUCT else "fill it in, or write all for every store"
        breaches += broken(table, blank, name, f"an announcement names its {name}", remedy)
    for name in (START, END):
        rule = "a local date without a time of day, year first"
        breaches += broken(table, typed[name].isna(), name, rule, "write it as 2026-12-01")
    rule = "an announced price is finite and above 0"
    valid = np.isfinite(price) & (price > 0)
    return [*breaches, *broken(table, ~valid, PRICE, rule, "write the price of a unit, such as 1.99")]


def _backwards(typed: pd.DataFrame) -> list[Breach]:
    rule = "a promotion ends on its start or later"
    return broken(
        typed, typed[END] < typed[START], END, rule, "swap or correct the dates", shown=_dates(typed)
    )


def _overlapping(typed: pd.DataFrame) -> list[Breach]:
    """Return the announcements that begin while another one holds for their product in a store of theirs."""
    table = typed.sort_values([PRODUCT, START, END], kind="stable", ignore_index=True)
    everywhere = table[STORE] == ALL_STORES
    in_any = _latest_end_before(table, [PRODUCT])
    in_all = _latest_end_before(table, [PRODUCT], everywhere)
    in_store = _latest_end_before(table, SERIES)
    latest = in_any.where(everywhere, pd.concat([in_all, in_store], axis=1).max(axis=1))
    shown = _dates(table) + ", while another one runs until " + latest.dt.strftime("%Y-%m-%d")
    return broken(
        table,
        table[START] <= latest,
        START,
        "a product has one announced price a day in a store",
        "correct the dates, or take one of the announcements out",
        shown=table[PRODUCT] + " in " + table[STORE] + ": " + shown,
    )


def _latest_end_before(table: pd.DataFrame, by: list[str], counted: pd.Series | None = None) -> pd.Series:
    """Return the latest end among the earlier rows of a group, of the counted ones alone (rows,)."""
    ends = table[END] if counted is None else table[END].where(counted)
    groups = [table[name] for name in by]
    latest = ends.groupby(groups).cummax()
    return latest.groupby(groups).ffill().groupby(groups).shift(1)


def _local_dates(values: pd.Series) -> pd.Series:
    """Return dates, missing where a value is none or has a time of day or a zone."""
    text = values.astype("str")
    return pd.to_datetime(text.where(text.str.fullmatch(ISO_DATE)), format="ISO8601", errors="coerce")


def _dates(table: pd.DataFrame) -> pd.Series:
    return table[START].dt.strftime("%Y-%m-%d") + " to " + table[END].dt.strftime("%Y-%m-%d")
