"""What a row of a source means, and a row that is not there, as the settings state it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from expectations.columns import UNITS
from expectations.refusals import refusal
from tasks.sources.gaps import NO_SALE, UNKNOWN, check_stated, series_of, with_quiet_periods
from tasks.sources.mapping import Lines
from tasks.sources.order_lines import LINE_COLUMNS, summed


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What rows mean.

    Attributes:
        missing: a missing row is ``no_sale`` or ``unknown``; none: unknown, where little depends on it.
        sum_lines: rows without a time of day are order lines too.
    """

    missing: str | None = None
    sum_lines: bool = False

    def sums(self, lines: Lines) -> bool:
        """Return whether the rows are order lines, to be summed by product, store and date."""
        return lines.stamped or self.sum_lines

    def one_row_per_key(self, rows: pd.DataFrame, lines: Lines) -> pd.DataFrame:
        """Return one row per product, store and date, without the columns that only order lines have."""
        return summed(rows) if self.sums(lines) else rows.drop(columns=LINE_COLUMNS, errors="ignore")

    def completed(self, sales: pd.DataFrame, unknown: pd.DataFrame, days: int) -> pd.DataFrame:
        """Return the sales with the rows of periods without a sale, where a missing row means that.

        Args:
            sales: sales table, one row per key.
            unknown: keys of which it is known that nothing is known: closed shops, rows set aside.
            days: length of a period (days).

        Raises:
            DataError: it is not stated what a missing row means, and much depends on it.
        """
        if sales.empty or self.missing == UNKNOWN:
            return sales
        if self.missing == NO_SALE:
            return with_quiet_periods(sales, series_of(sales, unknown, days))
        check_stated(sales, unknown, days)
        return sales


def without_negative_periods(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the table with 0 units where more came back than was sold, and how many periods that are."""
    below = table[UNITS] < 0
    if not below.any():
        return table, 0
    return table.assign(**{UNITS: table[UNITS].mask(below, 0.0)}), int(below.sum())


def check_complete(meaning: Meaning) -> None:
    """Refuse to read a source that writes its periods without a sale as if it left them out.

    Raises:
        DataError: ``source.missing`` is ``unknown``.
    """
    if meaning.missing == UNKNOWN:
        rule = "this source writes a row of 0 units for every period without a sale"
        remedy = f"leave source.missing out, or --set source.missing={NO_SALE}"
        raise refusal(UNITS, "source.missing", UNKNOWN, rule, remedy)
