"""The pre-gate: checks before Great Expectations, which lets inf, an empty frame and an empty suite pass.

A row that cannot be true *breaks* a rule (``rules``) and the run is refused, with every broken rule in one
error (``refusals``). A row that is only unlikely, or belongs to no product or time, is *set aside* with its
reason; the run goes on without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import CURRENCY, LIST_PRICE, PRICE, PRODUCT, REASON, UNITS
from expectations.refusals import Breach, DataError, refusal
from expectations.repeats import conflicting_rows, equal_rows, too_many_equal
from expectations.rules import Limits, impossible_values, missing_columns, unplaced

LEAST_SPIKE = 1000.0  # units/period; a burst below it is a burst, whatever the product sold before
TOP_SHARE = 0.01  # of a product's rows that do not count for its usual units
MISSING_PRICE, MISSING_UNITS = "price missing", "units missing"


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


def gate(
    lines: pd.DataFrame,
    limits: Limits,
    now: pd.Timestamp,
    *,
    keyed: bool = True,
    reported: Iterable[Breach] = (),
) -> Gated:
    """Hold typed rows to every rule and set the unlikely ones aside.

    Args:
        lines: rows of the sales table with ``file`` and ``row``.
        limits: what is still believed.
        now: current time, without a zone.
        keyed: rows are one per product, store and date; false for transactions that are still to be summed.
        reported: rules that are broken already, as reading the source reported.

    Raises:
        DataError: a rule is broken, or more than ``quarantine_share`` of the rows is set aside.
    """
    breaches = [*reported]
    breaches += missing_columns(lines, {breach.column for breach in breaches})
    kept, nowhere = _placed(lines)
    repeated = 0
    breaches += impossible_values(kept, limits, now) if len(kept) or not len(lines) else []
    if keyed and len(kept):
        repeats = equal_rows(kept)
        breaches += too_many_equal(kept, repeats)
        kept, repeated = kept[~repeats], int(repeats.sum())
        breaches += conflicting_rows(kept)
    if breaches:
        raise DataError(breaches)
    reasons = _reasons(kept, limits) if len(kept) else pd.Series("", index=kept.index, dtype="str")
    aside = pd.concat([*nowhere, _aside(kept, reasons)])
    check_share(aside[REASON], len(lines), limits.quarantine_share)
    kept, aside = (rows.drop(columns=CURRENCY, errors="ignore") for rows in (kept[reasons == ""], aside))
    return Gated(kept, aside, repeated)


def _placed(lines: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Return the rows that belong to a product, store and time, and the others as a table, if any."""
    reasons = unplaced(lines)
    stray = reasons != ""
    return (lines[~stray], [_aside(lines, reasons)]) if stray.any() else (lines, [])


def _aside(rows: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    """Return the rows with a reason, and it."""
    return rows[reasons != ""].assign(**{REASON: reasons[reasons != ""]})


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
    reasons = pd.Series("", index=rows.index, dtype="str")
    for marked, reason in (
        (_spikes(rows, limits.spike), spike),
        (against_list, listed),
        (_apart(price, usual, limits.level_shift), shift),
        (units.isna(), MISSING_UNITS),
        (price.isna(), MISSING_PRICE),  # the last word is the plainest
    ):
        reasons[marked] = reason
    return reasons


def _apart(price: pd.Series, other: pd.Series, factor: float) -> np.ndarray:
    """Mark prices further than a factor from another, either way (rows,)."""
    return np.abs(np.log(price.to_numpy(dtype=float) / other.to_numpy(dtype=float))) > np.log(factor)


def _spikes(rows: pd.DataFrame, factor: float) -> pd.Series:
    """Mark units far beyond the 99th percentile of the product's other rows (rows,).

    The others are those without the product's largest 1 %, at least one row.
    """
    rank = rows.groupby(PRODUCT)[UNITS].rank(method="first", ascending=False)
    size = rows.groupby(PRODUCT)[UNITS].transform("size")
    others = rows[rank > np.maximum(1, np.floor(TOP_SHARE * size))]
    usual = rows[PRODUCT].map(others.groupby(PRODUCT)[UNITS].quantile(0.99))
    return (rows[UNITS] > LEAST_SPIKE) & (rows[UNITS] > factor * usual)
