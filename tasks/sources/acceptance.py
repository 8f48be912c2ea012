"""Accepting sales: what is believed of a source, in one canonical table with a hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    DATE,
    KEY,
    NUMERIC,
    PERIOD_DAYS,
    PRODUCT,
    REASON,
    ROW,
    TEXT,
    UNITS,
    promotions,
)
from expectations.pregate import check_share, gate
from expectations.refusals import FILE, refusal
from expectations.rules import Limits
from tasks.sources.closed import without_closed
from tasks.sources.mapping import Lines
from tasks.sources.meaning import Meaning, check_complete, without_negative_periods
from tasks.sources.order_lines import INSTANT

if TYPE_CHECKING:
    from expectations.suites import Outcome

SINGLE_CATEGORY = "all"  # of every product, where the source has no categories
UNKNOWN_CATEGORY = "unknown"  # of a product without one, where others have one
LITERAL = Meaning()  # a row is a product, store and date; nothing is said of the rows that are not there


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What was accepted of a source.

    Attributes:
        sales: canonical sales table of the rows that hold to the contract.
        set_aside: the other rows, with ``file``, ``row`` and ``reason``.
        outcomes: how the expectations came out.
        repeated: exact copies, kept once (rows).
        rows: rows in the source (rows).
        notes: what people should know of the ids, in sentences.
        others: further counts of rows, by name.
    """

    sales: pd.DataFrame
    set_aside: pd.DataFrame
    outcomes: list[Outcome]
    repeated: int
    rows: int
    notes: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Return the rows at every step, by name."""
        return {
            "rows read": self.rows,
            "copies left out": self.repeated,
            "rows set aside": len(self.set_aside),
            "rows accepted": len(self.sales),
            **{name: count for name, count in self.others.items() if count},
        }


def accept(lines: Lines, limits: Limits, now: pd.Timestamp, meaning: Meaning = LITERAL) -> Accepted:
    """Return the rows that hold to the contract, and those that are set aside with reason and origin.

    Args:
        lines: rows as they were read.
        limits: what is still believed.
        now: current time, without a zone.
        meaning: what a row means, and a row that is not there.

    Raises:
        DataError: a rule is broken, or too many rows are set aside.
    """
    from expectations import suites

    rows, closed = without_closed(lines.frame)
    gated = gate(rows, limits, now, keyed=not meaning.sums(lines), reported=lines.breaches)
    table = meaning.one_row_per_key(gated.kept, lines).reset_index(drop=True)
    table, negative = without_negative_periods(table)
    outcomes = suites.run("sales", table)
    reasons = suites.reasons(outcomes, table.index)
    failing = table[reasons != ""].assign(**{REASON: reasons[reasons != ""]})
    set_aside = pd.concat([gated.set_aside, failing], ignore_index=True)
    set_aside = set_aside.drop(columns=INSTANT, errors="ignore")
    check_share(set_aside[REASON], lines.rows, limits.quarantine_share)
    accepted = canonical(table[reasons == ""])
    sales = _completed(accepted, pd.concat([closed[KEY], set_aside[KEY]]), lines, limits, meaning)
    return Accepted(
        sales=sales,
        set_aside=set_aside,
        outcomes=outcomes,
        repeated=gated.repeated + lines.repeated,
        rows=lines.rows,
        notes=lines.notes,
        others={
            "rows of closed shops left out": len(closed),
            "rows of returns, taken off the units": int((rows[UNITS] < 0).sum()),
            "periods with more returns than sales, set to 0": negative,
            "periods without a sale, added with 0 units": len(sales) - len(accepted),
        },
    )


def _completed(
    sales: pd.DataFrame, unknown: pd.DataFrame, lines: Lines, limits: Limits, meaning: Meaning
) -> pd.DataFrame:
    """Return the sales with the rows that the source leaves out because nothing was sold."""
    if lines.complete:
        check_complete(meaning)
        return sales
    completed = meaning.completed(sales, unknown, PERIOD_DAYS[limits.period])
    return completed if completed is sales else canonical(completed)


def canonical(table: pd.DataFrame) -> pd.DataFrame:
    """Return the sales table without origins, columns and rows in an order that no source decides.

    Where the source has no categories, all products are in one: each may replace the others.
    """
    if CATEGORY not in table:
        table = table.assign(**{CATEGORY: pd.Series(SINGLE_CATEGORY, index=table.index, dtype="str")})
    table = table.fillna({CATEGORY: UNKNOWN_CATEGORY})
    known = [name for name in (*KEY, *NUMERIC, *sorted(promotions(table.columns)), *TEXT) if name in table]
    columns = list(dict.fromkeys([*known, *sorted(set(table.columns) - {FILE, ROW})]))
    return table[columns].sort_values(KEY, ignore_index=True)


def table_hash(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a canonical table's names, times, numbers and texts, however they are stored."""
    digest = hashlib.sha256()
    for name in table.columns:
        digest.update(f"{name}\0".encode())
        digest.update(_content(table[name]))
    return digest.hexdigest()


def _content(values: pd.Series) -> bytes:
    """Return the values of a column as bytes; of the many bit patterns of nan, always the same."""
    if values.name == DATE:
        return values.astype("datetime64[us]").to_numpy().astype("<i8").tobytes()
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype="<f8")
        return np.where(np.isnan(numbers), np.nan, numbers).tobytes()
    return json.dumps(values.astype(object).where(values.notna(), None).tolist()).encode()


def most_sold(sales: pd.DataFrame, products: int) -> pd.DataFrame:
    """Return the rows of the products sold in the most periods, the smaller id first among equals.

    Args:
        sales: sales table.
        products: at most this many products.

    Raises:
        DataError: no product was ever sold.
    """
    periods = sales[sales[UNITS] > 0].groupby(PRODUCT)[DATE].nunique().rename("periods").reset_index()
    kept = periods.sort_values(["periods", PRODUCT], ascending=[False, True])[PRODUCT].head(products)
    if kept.empty:
        rule, remedy = "some product is sold in some period", "check which column is mapped to units"
        raise refusal(UNITS, "the accepted rows", "no unit sold", rule, remedy)
    return sales[sales[PRODUCT].isin(kept)].reset_index(drop=True)
