"""Decimal signs and dates of text cells: told by the cells themselves, or refused where two readings fit.

Cells that fit the notation of their column are rewritten to a decimal point and to ISO dates. All others stay
as they stand, for the strict reader to refuse with row and value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from expectations.columns import DATE, NUMERIC, TAX_RATE, promotions
from expectations.refusals import EXAMPLES, Breach, DataError, refusal
from tasks.sources.forms import CsvForm

COMMA = r"^[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?$"
# One to three digits before three others may be thousands as well as decimals.
EITHER = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"
POINT = r"^[+-]?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?$"
EITHER_POINT = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"

ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?$"
TIME = r"(?:[T ](?P<hour>[0-9]{1,2}):(?P<rest>[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?))?"
PIECES = {"yyyy": "[0-9]{4}", "yy": "[0-9]{2}", "dd": "[0-9]{1,2}", "mm": "[0-9]{1,2}"}
CODES = {"yyyy": "%Y", "yy": "%y", "dd": "%d", "mm": "%m"}
# No country writes the month first with points; with strokes the cells must tell.
ALONE = ("dd.mm.yyyy", "yyyy.mm.dd", "yyyy/mm/dd", "yyyymmdd")
PAIRS = (("dd/mm/yyyy", "mm/dd/yyyy"), ("dd-mm-yyyy", "mm-dd-yyyy"))
USUAL = 0.9  # share of the dates that have the form of the column; the others are refused, row by row


class AmbiguousError(DataError):
    """A notation that can be read in two ways by the rows at hand; more rows may tell."""


@dataclass(frozen=True, kw_only=True)
class Notation:
    """How numbers and dates are written.

    Attributes:
        decimal: sign before the decimals.
        date_format: order of day, month and year; none: ISO.
    """

    decimal: str = "."
    date_format: str | None = None


def rewritten(
    table: pa.Table, name: str, columns: Mapping[str, str], form: CsvForm, separator: str
) -> tuple[pa.Table, Notation, list[Breach]]:
    """Return a table of text with decimal points and ISO dates, how they were written, and what was mixed.

    Args:
        table: columns of text, as they stand.
        name: name of the file for messages.
        columns: name in the sales table -> name in the source, where they differ.
        form: what the settings say.
        separator: sign between cells; a comma there is no decimal sign without quotes.

    Raises:
        AmbiguousError: the decimal sign, or the order of day and month, can be read in two ways.
    """
    numeric = _numeric(table.column_names, columns)
    decimal = form.decimal or _decimal(table, numeric, name, separator)
    breaches: list[Breach] = []
    if decimal == ",":
        for column, source in numeric.items():
            breaches += _with_point(table[source], column, name)
            table = _replaced(table, source, _pointed(table[source]))
    date = columns.get(DATE, DATE)
    date_format = None
    if date in table.column_names and table.num_rows:
        dates, date_format = iso_dates(table[date], name, form.date_format)
        table = table if dates is None else _replaced(table, date, dates)
    return table, Notation(decimal=decimal, date_format=date_format), breaches


def iso_dates(
    cells: pa.ChunkedArray, name: str, given: str | None
) -> tuple[pa.ChunkedArray | None, str | None]:
    """Return cells with ISO dates and the format that they had; none where they are ISO already.

    Raises:
        AmbiguousError: every date is one with the day first as well as one with the month first.
    """
    encoded = cells.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    texts = pd.Series(encoded.dictionary.to_pylist(), dtype="str")
    foreign = texts[~texts.str.match(ISO) & (texts != "")]
    if foreign.empty:
        return None, None
    date_format = given or _date_format(foreign, name)
    if date_format is None:
        return None, None
    parsed = _parsed(foreign, date_format).dropna()
    texts[parsed.index] = parsed
    return pa.DictionaryArray.from_arrays(
        encoded.indices, pa.array(texts.tolist(), pa.string())
    ).dictionary_decode(), date_format


def _numeric(names: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the numeric columns of the sales table and what they are called in the source."""
    wanted = [*NUMERIC, *promotions(columns), *promotions(names)]
    sources = {column: columns.get(column, column) for column in wanted}
    if TAX_RATE not in columns:
        sources.pop(TAX_RATE)
    return {column: source for column, source in sources.items() if source in names}


def _decimal(table: pa.Table, numeric: Mapping[str, str], name: str, separator: str) -> str:
    """Return the decimal sign of a file."""
    texts = {column: _distinct(table[source], ",") for column, source in numeric.items()}
    commas = any(map(_sure_comma, texts.values()))
    unclear = {column: cells for column, cells in texts.items() if cells.str.match(EITHER).any()}
    if not (commas or unclear or separator != ","):
        return "."
    points = {column: _distinct(table[source], ".") for column, source in numeric.items()}
    sure_points = any(
        (cells.str.match(POINT) & ~cells.str.match(EITHER_POINT)).any() for cells in points.values()
    )
    if commas:
        return "." if sure_points else ","  # where both are sure, the strict reader shows the commas
    if sure_points:
        return "."
    if separator != ",":
        unclear |= {column: cells for column, cells in points.items() if cells.str.match(EITHER_POINT).any()}
    if unclear:
        column, cells = next(iter(unclear.items()))
        value = cells[cells.str.match(EITHER) | cells.str.match(EITHER_POINT)].iloc[0]
        rule = "a number has one reading; here thousands and decimals are possible in every row"
        remedy = "name the decimal sign with --set source.csv.decimal=comma or =point"
        raise AmbiguousError(refusal(column, name, repr(value), rule, remedy).breaches)
    return "."


def _distinct(cells: pa.ChunkedArray, sign: str) -> pd.Series:
    """Return the distinct cells with a sign in them."""
    marked = cells.filter(pc.match_substring(cells, sign))
    return pd.Series(pc.unique(marked).to_pylist(), dtype="str")


def _sure_comma(cells: pd.Series) -> bool:
    return bool((cells.str.match(COMMA) & ~cells.str.match(EITHER)).any())


def _pointed(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write decimal commas as points where a cell is a number with one."""
    fits = pc.match_substring_regex(cells, COMMA)
    return pc.if_else(fits, pc.replace_substring(cells, ",", "."), cells)


def _with_point(cells: pa.ChunkedArray, column: str, name: str) -> list[Breach]:
    """Return the breach of numbers with a point in a file of decimal commas."""
    marked = pc.indices_nonzero(pc.match_substring_regex(cells, POINT)).to_pylist()
    if not marked:
        return []
    shown = tuple((f"{name}, row {row + 1}", repr(cells[row].as_py())) for row in marked[:EXAMPLES])
    rule = "decimals follow a comma in the whole file"
    remedy = "write all numbers alike, without a sign between thousands"
    return [Breach(column=column, rule=rule, remedy=remedy, cells=shown, count=len(marked))]


def _replaced(table: pa.Table, column: str, cells: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, cells)


def _date_format(texts: pd.Series, name: str) -> str | None:
    """Return the format of distinct dates, or none where they have none of those known."""
    for date_format in ALONE:
        if texts.str.match(_pattern(date_format)).mean() >= USUAL:
            return date_format
    for pair in PAIRS:
        if not texts.str.match(_pattern(pair[0])).all():
            continue
        fitting = [date_format for date_format in pair if _parsed(texts, date_format).notna().all()]
        if len(fitting) > 1:
            raise _two_orders(texts, name, pair)
        return fitting[0] if fitting else None
    return None


def _two_orders(texts: pd.Series, name: str, pair: tuple[str, str]) -> AmbiguousError:
    rule = "a date has one reading; here day and month may be exchanged in every row"
    remedy = f"name the order with --set source.csv.date_format={pair[0]} or ={pair[1]}"
    return AmbiguousError(refusal(DATE, name, repr(texts.iloc[0]), rule, remedy).breaches)


def _pattern(date_format: str) -> str:
    day = date_format.replace(".", r"\.")
    for piece, digits in PIECES.items():
        day = day.replace(piece, digits)
    if date_format == "yyyymmdd":
        day = "[0-9]{8}"
    return rf"^{day}{TIME}$"


def _parsed(texts: pd.Series, date_format: str) -> pd.Series:
    """Return dates in ISO, missing where they do not have the format."""
    parts = texts.str.extract(_pattern(date_format))
    code = date_format
    for piece, directive in CODES.items():
        code = code.replace(piece, directive)
    fits = texts.str.match(_pattern(date_format))
    days = pd.to_datetime(texts.str.split(r"[T ]", regex=True).str[0], format=code, errors="coerce")
    iso = days.dt.strftime("%Y-%m-%d").where(fits)
    timed = "T" + parts["hour"].str.zfill(2) + ":" + parts["rest"]
    return iso + timed.fillna("")
