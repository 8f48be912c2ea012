"""The rules of possible rows: finite numbers, plausible dates, one currency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import (
    COMPETITOR_PRICE,
    CURRENCY,
    DATE,
    LIST_PRICE,
    NUMERIC,
    PRICE,
    PRODUCT,
    REFERENCE_PRICE,
    REQUIRED,
    STORE,
    UNIT_COST,
    UNITS,
    promotions,
)
from expectations.dates import wrong_period
from expectations.refusals import Breach, broken

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
        returns: negative units are returns, which reduce the units of the period.
        currency: ISO 4217 code that a column ``currency`` holds; none: any, the same in all rows.
    """

    period: str
    future_hours: float
    level_shift: float
    spike: float
    quarantine_share: float
    returns: bool = False
    currency: str | None = None


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
    return [*_numbers(lines, limits), *_dates(lines, limits, now), *_currency(lines, limits.currency)]


def unplaced(lines: pd.DataFrame) -> pd.Series:
    """Return why a row belongs to no product, store and time, empty where it does (rows,)."""
    reasons = pd.Series("", index=lines.index, dtype="str")
    if DATE in lines:
        reasons[lines[DATE].dt.year < FIRST_YEAR] = f"date before {FIRST_YEAR}"
    for name in [name for name in (STORE, PRODUCT) if name in lines]:
        reasons[lines[name].isna()] = f"{name} missing"
    return reasons


def _numbers(lines: pd.DataFrame, limits: Limits) -> list[Breach]:
    breaches: list[Breach] = []
    for name in [column for column in [*NUMERIC, *promotions(lines.columns)] if column in lines]:
        values = lines[name].to_numpy(dtype=float)
        wild = np.isinf(values) | (np.abs(values) > LARGEST) | ((values == 0) & np.signbit(values))
        rule = f"{NUMBER_RULE}, at most {LARGEST:g} in size and not -0"
        remedy = "mend the value; leave it empty if unknown"
        breaches += broken(lines, wild, name, rule, remedy)
        if name in MONEY:
            breaches += broken(lines, (values <= 0) & ~wild, name, f"{name} is above 0", remedy)
        if name == UNITS and not limits.returns:
            remedy = (
                "book returns in a column of their own and leave them out of the units, "
                "or take them off the units with --set source.returns=subtract"
            )
            breaches += broken(lines, (values < 0) & ~wild, name, "units are not negative", remedy)
    return breaches


def _dates(lines: pd.DataFrame, limits: Limits, now: pd.Timestamp) -> list[Breach]:
    if DATE not in lines:
        return []
    dates = lines[DATE]
    shown = dates.dt.strftime("%Y-%m-%d")
    odd = dates.dt.year > LAST_YEAR
    rule = f"the year is at most {LAST_YEAR}"
    breaches = broken(lines, odd, DATE, rule, "mend the date", shown=shown)
    late = dates > now + pd.Timedelta(hours=limits.future_hours)
    rule = f"no date is later than now ({now:%Y-%m-%d %H:%M}) by more than {limits.future_hours:g} hours"
    remedy = "mend the date, leave plans out of the sales, or set the clock of this machine"
    breaches += broken(lines, late & ~odd, DATE, rule, remedy, shown=shown)
    return breaches + wrong_period(lines, limits.period)


def _currency(lines: pd.DataFrame, stated: str | None) -> list[Breach]:
    if CURRENCY not in lines:
        return []
    if stated is not None:
        rule = f"all prices are in {stated}, as source.currency says"
        remedy = f"convert the prices to {stated}, or name their currency with --set source.currency=CODE"
        return broken(lines, lines[CURRENCY] != stated, CURRENCY, rule, remedy)
    if lines[CURRENCY].nunique(dropna=False) < 2:
        return []
    usual = lines[CURRENCY].mode().iloc[0]
    rule = f"all prices are in one currency (here most are in {usual})"
    remedy = "convert the prices, or leave the other currency out"
    return broken(lines, lines[CURRENCY] != usual, CURRENCY, rule, remedy)
