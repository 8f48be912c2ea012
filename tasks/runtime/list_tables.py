"""The table of a published list: exact in Parquet, safe for spreadsheets in CSV.

Prices are decimals of six places in Parquet. In CSV they stand as short as they are, times stand as the
clocks of the shop show them, and text that a spreadsheet would run gets an apostrophe in front.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from expectations.columns import (
    ACTION,
    CATEGORY,
    CHANNEL,
    CURRENCY,
    EFFECTIVE_FROM,
    EFFECTIVE_UNTIL,
    NAME,
    PRICE,
    PRICE_AFTER,
    PRODUCT,
    PROPENSITY,
    RANDOMISED,
    REASON,
    REFERENCE_PRICE,
    RULE,
    STORE,
)
from expectations.spreadsheets import FORMULA_ARROW, MARKED_ARROW
from tasks.governance.published_rows import SCALE

EXPECTED = ("expected_units", "expected_units_low", "expected_units_high")
GAIN = ("expected_gain", "expected_gain_low", "expected_gain_high")
VERSIONS = ("pricing_policy", "price_response", "demand")
MONEY = pyarrow.decimal128(18, SCALE)
TEXTS = (NAME, CATEGORY, PRODUCT, STORE, CHANNEL, CURRENCY, ACTION, RULE, REASON)
PRICES = (REFERENCE_PRICE, PRICE, PRICE_AFTER)
NUMBERS = (*EXPECTED, *GAIN, PROPENSITY, RANDOMISED)
TIMES = (EFFECTIVE_FROM, EFFECTIVE_UNTIL)
COLUMNS = (
    *(NAME, CATEGORY, PRODUCT, STORE, CHANNEL, REFERENCE_PRICE, PRICE, CURRENCY, ACTION, RULE, REASON),
    *(*EXPECTED, *GAIN, EFFECTIVE_FROM, EFFECTIVE_UNTIL, PRICE_AFTER),
    *VERSIONS,
    *(PROPENSITY, RANDOMISED),
)
"""Of a published list, in their order."""
NEW = (*EXPECTED[1:], *GAIN[1:])
"""Columns that older lists do not have."""


def as_arrow(rows: pd.DataFrame, zone: ZoneInfo) -> pyarrow.Table:
    """Return the rows of a list with its columns and their exact types, times in the zone of the shop."""
    stamps = pyarrow.timestamp("us", tz=zone.key)
    types = {
        **dict.fromkeys(TEXTS, pyarrow.string()),
        **dict.fromkeys(PRICES, MONEY),
        **dict.fromkeys(NUMBERS, pyarrow.float64()),
        **dict.fromkeys(TIMES, stamps),
        **dict.fromkeys(VERSIONS, pyarrow.int64()),
    }
    columns = [_column(rows[name], types[name]) for name in COLUMNS]
    return pyarrow.Table.from_arrays(
        columns, schema=pyarrow.schema([(name, types[name]) for name in COLUMNS])
    )


def write_parquet(table: pyarrow.Table, path: Path) -> None:
    """Write a list as Parquet."""
    pyarrow.parquet.write_table(table, path, compression="zstd")


def write_csv(table: pyarrow.Table, path: Path) -> None:
    """Write a list as CSV of which a spreadsheet runs nothing."""
    columns = {name: table[name] for name in COLUMNS}
    columns |= {name: _harmless(table[name]) for name in TEXTS}
    columns |= {name: _numbers(table[name]) for name in PRICES}
    columns |= {name: _clock(table[name]) for name in TIMES}
    pyarrow.csv.write_csv(pyarrow.table(columns), path)


def read_parquet(path: Path) -> pd.DataFrame:
    """Return the rows of a list, prices as the nearest binary numbers, times in UTC.

    Raises:
        OSError: the file is missing.
        pyarrow.ArrowException: it is no list.
    """
    return _frame(_complete(pyarrow.parquet.read_table(path)))


def read_csv(path: Path) -> pd.DataFrame:
    """Return the rows of a list that was written as CSV, like ``read_parquet``."""
    types = {
        **dict.fromkeys(TEXTS, pyarrow.string()),
        **dict.fromkeys((*PRICES, *NUMBERS), pyarrow.float64()),
        **dict.fromkeys(TIMES, pyarrow.string()),
        **dict.fromkeys(VERSIONS, pyarrow.int64()),
    }
    table = pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=False
        ),
    )
    columns = dict(zip(COLUMNS, _complete(table).columns, strict=True))
    columns |= {name: _replaced(table[name], *MARKED_ARROW) for name in TEXTS}
    columns |= {name: _moments(table[name]) for name in TIMES}
    return _frame(pyarrow.table(columns))


def _complete(table: pyarrow.Table) -> pyarrow.Table:
    """Return a table with the columns of a list in their order, those empty that it is too old to have."""
    for name in set(NEW).difference(table.column_names):
        table = table.append_column(name, pyarrow.nulls(len(table), pyarrow.float64()))
    return table.select(list(COLUMNS))


def _column(values: pd.Series, kind: pyarrow.DataType) -> pyarrow.Array:
    if kind == MONEY:
        return pyarrow.array(values.to_numpy(float), from_pandas=True).cast(MONEY, safe=False)
    if pyarrow.types.is_timestamp(kind):
        return pyarrow.array(pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")).cast(kind)
    array = pyarrow.array(values, type=kind, from_pandas=True)
    return array.fill_null("") if kind == pyarrow.string() else array


def _frame(table: pyarrow.Table) -> pd.DataFrame:
    columns = {name: table[name] for name in table.column_names}
    columns |= {name: _numbers(columns[name]) for name in PRICES}
    columns |= {name: columns[name].cast(pyarrow.timestamp("us", tz="UTC")) for name in TIMES}
    frame: pd.DataFrame = pyarrow.table(columns).to_pandas()
    return frame.astype(dict.fromkeys(TEXTS, "str"))


def _numbers(prices: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Return the nearest binary numbers, by way of text: Arrow's own cast misses some by a bit."""
    return prices.cast(pyarrow.string()).cast(pyarrow.float64())


def _harmless(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    return _replaced(column, *FORMULA_ARROW)


def _replaced(column: pyarrow.ChunkedArray, pattern: str, replacement: str) -> pyarrow.ChunkedArray:
    """Return texts changed by a pattern, each different text once."""
    coded = column.combine_chunks().dictionary_encode()
    texts = pyarrow.compute.replace_substring_regex(coded.dictionary, pattern, replacement)
    return texts.take(coded.indices)


def _clock(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    """Return moments as the clocks of their zone show them, with the offset."""
    coded = column.combine_chunks().dictionary_encode()
    moments = coded.dictionary.to_pylist()
    texts = [at.isoformat(timespec="seconds" if at.second else "minutes") for at in moments]
    return pyarrow.array(texts, pyarrow.string()).take(coded.indices)


def _moments(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    """Return the moments of texts with an offset, missing where the text is empty."""
    coded = column.combine_chunks().dictionary_encode()
    moments = pd.to_datetime(coded.dictionary.to_pandas().replace("", None), utc=True, format="ISO8601")
    stamps = pyarrow.array(moments.astype("datetime64[us, UTC]"), from_pandas=True)
    return stamps.take(coded.indices)
