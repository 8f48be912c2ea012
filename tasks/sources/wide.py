"""Wide tables: a column for every day, as in the M5 data; read when the settings say what they hold."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations.columns import DATE, PRICE, PRODUCT, UNITS
from expectations.refusals import Breach, DataError, refusal
from tasks.sources.forms import WideForm
from tasks.sources.notation import ISO, iso_dates

log = logging.getLogger("repricer")

FEWEST_DAYS = 7  # columns named like days, from which a table is wide
NUMBERED = re.compile(r"(?:d|day)_?([0-9]+)", re.IGNORECASE)
DATED = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[T ]00:00.*)?|[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{4}")
LONG = "a sales table has one row per product and day, with the columns date, product_id, units and price"


def day_columns(names: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """Return the columns of a wide table that are days, or nothing where the table is long."""
    if columns.get(DATE, DATE) in names and columns.get(UNITS, UNITS) in names:
        return []
    days = [name for name in names if NUMBERED.fullmatch(name) or DATED.fullmatch(name)]
    return days if len(days) >= FEWEST_DAYS else []


def check(
    days: Sequence[str], names: Sequence[str], file: str, columns: Mapping[str, str], form: WideForm
) -> None:
    """Refuse a wide table that cannot be read.

    Args:
        days: columns that are days.
        names: every column.
        file: name for messages.
        columns: name in the sales table -> name in the source, where they differ.
        form: what the settings say.

    Raises:
        DataError: it has no product or no price, or the settings do not say what its days hold.
    """
    problem = f"a wide table: {len(days):,} columns from {days[0]} to {days[-1]} are days"
    missing = [name for name in (PRODUCT, PRICE) if columns.get(name, name) not in names]
    if missing:
        others = ", ".join(column for column in names if column not in set(days))
        raise DataError(
            [_lacking(name, f"{problem}; other columns: {others}", file, columns) for name in missing]
        )
    numbered = NUMBERED.fullmatch(days[0])
    settings = "source.wide.values=units"
    if numbered and form.first_date is None:
        settings += " and source.wide.first_date=2011-01-29 (the date of number 1)"
    if form.values is None or (numbered and form.first_date is None):
        raise refusal(DATE, file, problem, LONG, f"if they hold units, set {settings}")


def _lacking(name: str, problem: str, file: str, columns: Mapping[str, str]) -> Breach:
    """Return the breach of a wide table that has no product or no price."""
    remedy = f"say its name with --set source.columns.{name}=NAME"
    if name == PRICE:
        remedy += ", or join the prices in a long table: a wide table of units alone cannot be priced"
    cells = ((file, f"there is no {columns.get(name, name)!r}; {problem}"),)
    return Breach(column=name, rule=LONG, remedy=remedy, cells=cells, count=1)


def long(
    table: pa.Table, days: Sequence[str], file: str, columns: Mapping[str, str], form: WideForm
) -> pa.Table:
    """Return one row per product and day; an empty cell is no row.

    Args:
        table: wide table of text.
        days: columns that are days.
        file: name for messages.
        columns: name in the sales table -> name in the source, where they differ.
        form: what the settings say.
    """
    dates = _dates(days, file, form)
    rows, periods = table.num_rows, len(days)
    units = pa.concat_arrays([table[day].combine_chunks().cast(pa.string()) for day in days])
    # day by day in the source; row by row here
    order = np.arange(rows * periods).reshape(periods, rows).T.ravel()
    units = units.take(pa.array(order))
    others = table.drop_columns(list(days)).take(pa.array(np.repeat(np.arange(rows), periods)))
    date_cells = pa.DictionaryArray.from_arrays(pa.array(np.tile(np.arange(periods), rows)), dates)
    result = others.append_column(columns.get(DATE, DATE), date_cells.dictionary_decode())
    result = result.append_column(columns.get(UNITS, UNITS), units)
    filled = pc.fill_null(pc.not_equal(units, ""), False)
    empty = rows * periods - (pc.sum(filled).as_py() or 0)
    log.info("read %s as a wide table: %d days of %d rows, %d cells empty", file, periods, rows, empty)
    return result.filter(filled)


def _dates(days: Sequence[str], file: str, form: WideForm) -> pa.Array:
    """Return the dates of day columns in ISO.

    Raises:
        DataError: numbered and dated columns are mixed, or day and month may be exchanged.
    """
    numbers = [NUMBERED.fullmatch(day) for day in days]
    if all(numbers) and form.first_date is not None:
        return pa.array([_day(form.first_date, int(match[1])) for match in numbers if match], pa.string())
    dates, _ = iso_dates(pa.chunked_array([pa.array(days, pa.string())]), file, None)
    texts = list(days) if dates is None else dates.to_pylist()
    unread = [day for day, text in zip(days, texts, strict=True) if not re.match(ISO, text)]
    if unread:
        raise _unread(unread[0], file)
    return pa.array([text[:10] for text in texts], pa.string())


def _day(first: date, number: int) -> str:
    return (first + timedelta(days=number - 1)).isoformat()


def _unread(day: str, file: str) -> DataError:
    rule = "the day columns are numbered alike, or are dates alike"
    return refusal(DATE, file, f"column {day!r} is neither", rule, "rename it, or drop it")
