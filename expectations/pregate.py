"""The pre-gate: rules that are checked before Great Expectations, which lets inf, an empty frame and an empty suite pass.

A row that cannot be true *breaks* a rule and the run is refused, with every broken rule in one error. A row that is only unlikely
is *set aside* with its reason and the run goes on without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    REASON,
    REFERENCE_PRICE,
    REQUIRED,
    ROW,
    STORE,
    UNIT_COST,
    UNITS,
    promotions,
)

FILE = "file"  # origin of a row, together with ROW
CURRENCY = "currency"  # text; checked to be one, then dropped
MONEY = [PRICE, LIST_PRICE, UNIT_COST, COMPETITOR_PRICE, REFERENCE_PRICE]
FIRST_YEAR, LAST_YEAR = 1990, 2100
LARGEST = 1e12  # a number beyond it is an error of the source, in any currency
LEAST_SPIKE = 1000.0  # units/period; a burst below it is a burst, whatever the product sold before
TOP_SHARE = 0.01  # of a product's rows that do not count for its usual units
EXAMPLES = 5  # rows shown per broken rule

NUMBER_RULE = "a finite number, such as 1299.00"
MISSING_PRICE, MISSING_UNITS = "price missing", "units missing"


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Breach:
    """A broken rule.

    Attributes:
        column: column of the sales table.
        rule: what must hold.
        remedy: what the user can do.
        cells: where it does not hold, as ``sales.csv, row 3`` and the value; at most ``EXAMPLES``.
        count: how often it does not hold (rows).
    """

    column: str
    rule: str
    remedy: str
    cells: tuple[tuple[str, str], ...]
    count: int

    def __str__(self) -> str:
        """Return a line per example, and one for those not shown."""
        lines = [
            f"{where}, column {self.column}: {value.rstrip('.')}. Rule: {self.rule}. Remedy: {self.remedy}."
            for where, value in self.cells
        ]
        if self.count > len(self.cells):
            lines.append(
                f"column {self.column}: {self.count - len(self.cells):,} more rows break the rule: {self.rule}."
            )
        return "\n".join(lines)


class DataError(ValueError):
    """A source that is refused; the message lists every broken rule."""

    def __init__(self, breaches: Sequence[Breach]) -> None:
        """Join the breaches, a line each where one suffices."""
        super().__init__("\n".join(["the data is refused:", *map(str, breaches)]))
        self.breaches = tuple(breaches)

    def __reduce__(self) -> tuple[type[DataError], tuple[tuple[Breach, ...]]]:
        """Travel between processes as its breaches, not as their text."""
        return DataError, (self.breaches,)


@dataclass(frozen=True)
class Gated:
    """What the pre-gate let through.

    Attributes:
        kept: rows that are believed, with their origin.
        set_aside: rows that are not, with their origin and ``reason``.
        repeated: exact duplicates, kept once (rows).
    """

    kept: pd.DataFrame
    set_aside: pd.DataFrame
    repeated: int


def refusal(column: str, where: str, value: str, rule: str, remedy: str) -> DataError:
    """Return the error of one rule broken in one place."""
    return DataError([Breach(column, rule, remedy, ((where, value),), 1)])


def broken(
    frame: pd.DataFrame, rows: pd.Series | np.ndarray, column: str, rule: str, remedy: str, shown: Any = None
) -> list[Breach]:
    """Return the breach of the marked rows, or nothing where none is marked.

    Args:
        frame: rows with their origin.
        rows: marks of the rows that break the rule (rows,).
        column: column that the rule is about.
        rule: what must hold.
        remedy: what the user can do.
        shown: values to show instead of ``frame[column]`` (rows,).
    """
    marked = np.flatnonzero(rows)
    if not len(marked):
        return []
    values = frame[column] if shown is None else pd.Series(shown, index=frame.index)
    cells = tuple(
        (f"{frame[FILE].iloc[i]}, row {frame[ROW].iloc[i]}", _text(values.iloc[i])) for i in marked[:EXAMPLES]
    )
    return [Breach(column, rule, remedy, cells, len(marked))]


def gate(
    lines: pd.DataFrame,
    limits: Limits,
    now: pd.Timestamp,
    *,
    keyed: bool = True,
    found: Iterable[Breach] = (),
) -> Gated:
    """Hold typed rows to every rule and set the unlikely ones aside.

    Args:
        lines: rows of the sales table with ``file`` and ``row``.
        limits: what is still believed.
        now: current time, without a zone.
        keyed: rows are one per product, store and date; false for transactions that are still to be summed.
        found: rules that reading already found broken.

    Raises:
        DataError: a rule is broken, or more than ``quarantine_share`` of the rows is set aside.
    """
    breaches = [*found]
    breaches += _missing(lines, {breach.column for breach in breaches}) + (
        _empty(lines) or _values(lines, limits, now)
    )
    kept, repeated = lines, 0
    if keyed and len(lines):
        repeats = lines.duplicated([name for name in lines.columns if name not in (FILE, ROW)])
        kept, repeated = lines[~repeats], int(repeats.sum())
        breaches += _conflicts(kept)
    if breaches:
        raise DataError(breaches)
    reasons = _reasons(kept, limits)
    aside = kept[reasons != ""].assign(**{REASON: reasons[reasons != ""]})
    check_share(aside[REASON], len(lines), limits.quarantine_share)
    return Gated(
        kept[reasons == ""].drop(columns=CURRENCY, errors="ignore"),
        aside.drop(columns=CURRENCY, errors="ignore"),
        repeated,
    )


def check_share(reasons: pd.Series, rows: int, largest: float) -> None:
    """Refuse the run when too much of it, or all of it, is set aside.

    Args:
        reasons: why each row is set aside (rows set aside,).
        rows: rows that were read.
        largest: share that may be set aside (share of rows).
    """
    share = len(reasons) / rows if rows else 0.0
    if len(reasons) and (share > largest or len(reasons) == rows):
        counted = "; ".join(f"{count:,} x {reason}" for reason, count in reasons.value_counts().items())
        raise refusal(
            "(all)",
            f"{len(reasons):,} of {rows:,} rows set aside",
            counted,
            f"at most {largest:.1%} of the rows are set aside",
            "mend the source, or allow more with --set prepare.quarantine_share=0.1",
        )


def _empty(lines: pd.DataFrame) -> list[Breach]:
    if len(lines):
        return []
    return [
        Breach("(all)", "the source has rows", "check the file or the query", (("the source", "no row"),), 0)
    ]


def _missing(lines: pd.DataFrame, told: set[str]) -> list[Breach]:
    """Return the required columns that are not there, but those that reading told of."""
    where = (("the table", f"not among {', '.join(map(str, lines.columns))}"),)
    return [
        Breach(name, f"the column {name} exists", f"map it with --set source.columns.{name}=NAME", where, 1)
        for name in REQUIRED
        if name not in lines and name not in told
    ]


def _values(lines: pd.DataFrame, limits: Limits, now: pd.Timestamp) -> list[Breach]:
    return [*_absent(lines), *_numbers(lines), *_dates(lines, limits, now), *_currency(lines)]


def _absent(lines: pd.DataFrame) -> list[Breach]:
    identity = [name for name in (PRODUCT, STORE) if name in lines]
    return [
        b
        for name in identity
        for b in broken(
            lines, lines[name].isna(), name, f"{name} is never empty", "complete or delete the row"
        )
    ]


def _numbers(lines: pd.DataFrame) -> list[Breach]:
    found: list[Breach] = []
    for name in [column for column in [*NUMERIC, *promotions(lines.columns)] if column in lines]:
        values = lines[name].to_numpy(dtype=float)
        wild = np.isinf(values) | (np.abs(values) > LARGEST) | ((values == 0) & np.signbit(values))
        remedy = "mend the value; leave it empty if unknown"
        found += broken(lines, wild, name, f"{NUMBER_RULE}, at most {LARGEST:g} in size and not -0", remedy)
        if name in MONEY:
            found += broken(lines, (values <= 0) & ~wild, name, f"{name} is above 0", remedy)
        if name == UNITS:
            remedy = "book returns in a column of their own and leave them out of the units"
            found += broken(lines, (values < 0) & ~wild, name, "units are not negative", remedy)
    return found


def _dates(lines: pd.DataFrame, limits: Limits, now: pd.Timestamp) -> list[Breach]:
    if DATE not in lines:
        return []
    dates = lines[DATE]
    shown = dates.dt.strftime("%Y-%m-%d")
    last = now + pd.Timedelta(hours=limits.future_hours)
    odd = (dates.dt.year < FIRST_YEAR) | (dates.dt.year > LAST_YEAR)
    found = broken(
        lines, odd, DATE, f"the year is between {FIRST_YEAR} and {LAST_YEAR}", "mend the date", shown
    )
    rule = f"no date is later than now ({now:%Y-%m-%d %H:%M}) by more than {limits.future_hours:g} hours"
    found += broken(
        lines, (dates > last) & ~odd, DATE, rule, "mend the date, or leave plans out of the sales", shown
    )
    if limits.period == "W" and dates.notna().any():
        days = dates.dt.day_name()
        usual = days.mode().iloc[0]
        rule = (
            f"weekly dates are the first day of the period and lie on one weekday (here most are a {usual})"
        )
        shown = shown + " (" + days + ")"
        found += broken(
            lines, days.notna() & (days != usual), DATE, rule, "mend the date, or set source.period=D", shown
        )
    return found


def _currency(lines: pd.DataFrame) -> list[Breach]:
    if CURRENCY not in lines or lines[CURRENCY].nunique(dropna=False) < 2:
        return []
    usual = lines[CURRENCY].mode().iloc[0]
    rule = f"all prices are in one currency (here most are in {usual})"
    return broken(
        lines, lines[CURRENCY] != usual, CURRENCY, rule, "convert the prices, or leave the other currency out"
    )


def _conflicts(rows: pd.DataFrame) -> list[Breach]:
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
    return [Breach("+".join(KEY), rule, remedy, cells, len(again))] if cells else []


def _pair(a: dict[Any, Any], b: dict[Any, Any], values: list[str]) -> tuple[str, str]:
    differing = [
        name for name in values if not (a[name] == b[name] or (pd.isna(a[name]) and pd.isna(b[name])))
    ]
    one, two = (", ".join(f"{name} {row[name]}" for name in differing) for row in (a, b))
    key = f"{a[DATE]:%Y-%m-%d} {a[PRODUCT]!r} {a[STORE]!r}"
    return f"{a[FILE]}, row {a[ROW]} and {b[FILE]}, row {b[ROW]}", f"{key} has {one} and {two}"


def _reasons(rows: pd.DataFrame, limits: Limits) -> pd.Series:
    """Return why each row is set aside, empty where it is kept."""
    price, units = rows[PRICE], rows[UNITS]
    usual = rows.groupby(PRODUCT)[PRICE].transform(lambda prices: prices.quantile(0.5, interpolation="lower"))
    shift = f"price differs from the product's median by more than x{limits.level_shift:g}: unit?"
    listed = f"price differs from the list price by more than x{limits.level_shift:g}: unit?"
    spike = f"units exceed the product's 99th percentile by more than x{limits.spike:g}"
    against_list = (
        _apart(price, rows[LIST_PRICE], limits.level_shift)
        if LIST_PRICE in rows
        else np.zeros(len(rows), dtype=bool)
    )
    told = pd.Series("", index=rows.index, dtype="str")
    for marked, reason in (
        (_spikes(rows, limits.spike), spike),
        (against_list, listed),
        (_apart(price, usual, limits.level_shift), shift),
        (units.isna(), MISSING_UNITS),
        (price.isna(), MISSING_PRICE),  # the last word is the plainest
    ):
        told[marked] = reason
    return told


def _apart(price: pd.Series, other: pd.Series, factor: float) -> np.ndarray:
    """Mark prices further than a factor from another, either way (rows,)."""
    return np.abs(np.log(price.to_numpy(dtype=float) / other.to_numpy(dtype=float))) > np.log(factor)


def _spikes(rows: pd.DataFrame, factor: float) -> pd.Series:
    """Mark units far beyond the 99th percentile of the product's other rows, its largest 1 % (at least one) left out."""
    rank = rows.groupby(PRODUCT)[UNITS].rank(method="first", ascending=False)
    size = rows.groupby(PRODUCT)[UNITS].transform("size")
    others = rows[rank > np.maximum(1, np.floor(TOP_SHARE * size))]
    usual = rows[PRODUCT].map(others.groupby(PRODUCT)[UNITS].quantile(0.99))
    return (rows[UNITS] > LEAST_SPIKE) & (rows[UNITS] > factor * usual)


def _text(value: Any) -> str:
    return "(empty)" if pd.isna(value) else repr(value) if isinstance(value, str) else f"{value}"
