"""The rules of possible rows: finite numbers, plausible dates, one currency, one value per key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import (
    COMPETITOR_PRICE,
    DATE,
    KEY,
    LIST_PRICE,
    NUMERIC,
    PRICE,
    PRODUCT,
    REFERENCE_PRICE,
    REQUIRED,
    ROW,
    STORE,
    UNIT_COST,
    UNITS,
    promotions,
)
from expectations.refusals import EXAMPLES, FILE, Breach, broken

CURRENCY = "currency"  # text; checked to be one, then dropped
MONEY = [PRICE, LIST_PRICE, UNIT_COST, COMPETITOR_PRICE, REFERENCE_PRICE]
FIRST_YEAR, LAST_YEAR = 1990, 2100
LARGEST = 1e12  # a number beyond it is an error of the source, in any currency

NUMBER_RULE = "a finite number, such as 1299.00"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is still believed of a sales table.

    Attributes:
        period: ``D`` for days, ``W`` for weeks that all begin on one weekday.
        future_hours: dates later than now by more are refused (hours).
        level_shift: factor from the product's median price beyond which a price is set aside (ratio).
        spike: factor from the product's 99th percentile beyond which units are set aside (ratio).
        quarantine_share: the run is refused when more is set aside (share of rows).
    """

    period: str
    future_hours: float
    level_shift: float
    spike: float
    quarantine_share: float


def missing_columns(lines: pd.DataFrame, reported: set[str]) -> list[Breach]:
    """Return the required columns that are not there, without those that reading already reported."""
    where = (("the table", f"not among {', '.join(map(str, lines.columns))}"),)
    return [
        Breach(
            column=name,
            rule=f"the column {name} exists",
            remedy=f"map it with --set source.columns.{name}=NAME",
            cells=where,
            count=1,
        )
        for name in REQUIRED
        if name not in lines and name not in reported
    ]


def impossible_values(lines: pd.DataFrame, limits: Limits, now: pd.Timestamp) -> list[Breach]:
    """Return the rules that values break; of a table without rows, that it has none.

    Args:
        lines: rows of the sales table with ``file`` and ``row``.
        limits: what is still believed.
        now: current time, without a zone.
    """
    if not len(lines):
        rule, cells = "the source has rows", (("the source", "no row"),)
        remedy = "check the file or the query"
        return [Breach(column="(all)", rule=rule, remedy=remedy, cells=cells, count=0)]
    return [*_identity(lines), *_numbers(lines), *_dates(lines, limits, now), *_currency(lines)]


def conflicting_rows(rows: pd.DataFrame) -> list[Breach]:
    """Return the keys that have two values, both rows of each shown."""
    if any(name not in rows for name in KEY):
        return []
    again = rows[rows.duplicated(KEY) & rows[[DATE, PRODUCT]].notna().all(axis=1)]
    first = again[KEY].head(EXAMPLES).merge(rows.drop_duplicates(KEY), on=KEY)
    values = [name for name in rows.columns if name not in (*KEY, FILE, ROW)]
    cells = tuple(
        _pair(a, b, values)
        for a, b in zip(first.to_dict("records"), again.head(EXAMPLES).to_dict("records"), strict=True)
    )
    rule = "one row per date, product_id and store_id"
    remedy = "delete one of the two rows, or map a store_id that tells them apart"
    breach = Breach(column="+".join(KEY), rule=rule, remedy=remedy, cells=cells, count=len(again))
    return [breach] if cells else []


def _identity(lines: pd.DataFrame) -> list[Breach]:
    remedy = "complete or delete the row"
    return [
        breach
        for name in (PRODUCT, STORE)
        if name in lines
        for breach in broken(lines, lines[name].isna(), name, f"{name} is never empty", remedy)
    ]


def _numbers(lines: pd.DataFrame) -> list[Breach]:
    breaches: list[Breach] = []
    for name in [column for column in [*NUMERIC, *promotions(lines.columns)] if column in lines]:
        values = lines[name].to_numpy(dtype=float)
        wild = np.isinf(values) | (np.abs(values) > LARGEST) | ((values == 0) & np.signbit(values))
        rule = f"{NUMBER_RULE}, at most {LARGEST:g} in size and not -0"
        remedy = "mend the value; leave it empty if unknown"
        breaches += broken(lines, wild, name, rule, remedy)
        if name in MONEY:
            breaches += broken(lines, (values <= 0) & ~wild, name, f"{name} is above 0", remedy)
        if name == UNITS:
            remedy = "book returns in a column of their own and leave them out of the units"
            breaches += broken(lines, (values < 0) & ~wild, name, "units are not negative", remedy)
    return breaches


def _dates(lines: pd.DataFrame, limits: Limits, now: pd.Timestamp) -> list[Breach]:
    if DATE not in lines:
        return []
    dates = lines[DATE]
    shown = dates.dt.strftime("%Y-%m-%d")
    odd = (dates.dt.year < FIRST_YEAR) | (dates.dt.year > LAST_YEAR)
    rule = f"the year is between {FIRST_YEAR} and {LAST_YEAR}"
    breaches = broken(lines, odd, DATE, rule, "mend the date", shown=shown)
    late = dates > now + pd.Timedelta(hours=limits.future_hours)
    rule = f"no date is later than now ({now:%Y-%m-%d %H:%M}) by more than {limits.future_hours:g} hours"
    remedy = "mend the date, or leave plans out of the sales"
    breaches += broken(lines, late & ~odd, DATE, rule, remedy, shown=shown)
    return breaches + (_weekdays(lines, shown) if limits.period == "W" and dates.notna().any() else [])


def _weekdays(lines: pd.DataFrame, shown: pd.Series) -> list[Breach]:
    """Return the weekly dates that lie on another weekday than most."""
    days = lines[DATE].dt.day_name()
    usual = days.mode().iloc[0]
    rule = f"weekly dates are the first day of the period and lie on one weekday (here most are a {usual})"
    remedy = "mend the date, or set source.period=D"
    other = days.notna() & (days != usual)
    return broken(lines, other, DATE, rule, remedy, shown=shown + " (" + days + ")")


def _currency(lines: pd.DataFrame) -> list[Breach]:
    if CURRENCY not in lines or lines[CURRENCY].nunique(dropna=False) < 2:
        return []
    usual = lines[CURRENCY].mode().iloc[0]
    rule = f"all prices are in one currency (here most are in {usual})"
    remedy = "convert the prices, or leave the other currency out"
    return broken(lines, lines[CURRENCY] != usual, CURRENCY, rule, remedy)


def _pair(a: dict[Any, Any], b: dict[Any, Any], values: list[str]) -> tuple[str, str]:
    """Return where two rows of one key are, and in what they differ."""
    differing = [
        name for name in values if not (a[name] == b[name] or (pd.isna(a[name]) and pd.isna(b[name])))
    ]
    first, second = (", ".join(f"{name} {row[name]}" for name in differing) for row in (a, b))
    key = f"{a[DATE]:%Y-%m-%d} {a[PRODUCT]!r} {a[STORE]!r}"
    return f"{a[FILE]}, row {a[ROW]} and {b[FILE]}, row {b[ROW]}", f"{key} has {first} and {second}"
