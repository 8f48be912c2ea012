"""Text tables: a file of cells between separators, as text, as it stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc

from expectations.refusals import EXAMPLES, Breach, DataError, refusal
from tasks.sources.encodings import UTF8, encoding_of, opened, unreadable
from tasks.sources.forms import Form
from tasks.sources.header import LOOKED_AT, first_row, header_row
from tasks.sources.names import check_header

_Top = tuple[list[list[str]], list[int]]
"""The first rows of a file, and the line on which each of them ends."""

SEPARATORS = (",", ";", "\t", "|")  # the first of equals
RULE = "a text table has one separator between cells"
FIRST_BYTES = 1 << 24  # of a file whose encoding is only looked at


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a text table is laid out.

    Attributes:
        encoding: as Python knows it.
        separator: sign between cells.
        skipped: lines above the header (lines).
        header: names of the columns.
    """

    encoding: str
    separator: str
    skipped: int
    header: list[str]


def layout_of(file: Path, name: str, columns: Mapping[str, str], form: Form, *, head: bool) -> Layout:
    """Return how a text table is laid out.

    Args:
        file: text file, plain or packed.
        name: name for messages.
        columns: name in the sales table -> name in the source, where they differ.
        form: what the settings say.
        head: look only at the first bytes for the encoding.

    Raises:
        DataError: encoding, separator or header cannot be told.
    """
    try:
        encoding = encoding_of(file, name, form.csv.encoding, FIRST_BYTES if head else None)
        signs = [form.csv.separator] if form.csv.separator else SEPARATORS
        tops = {sign: _top(file, encoding, sign) for sign in signs}
    except UnicodeError as error:
        raise unreadable(name, str(error)) from None
    except (EOFError, OSError) as error:
        rule = "a .gz file is packed by gzip"
        raise refusal("(all)", name, str(error).rstrip("."), rule, "export it again") from None
    sign, position = _header_at(tops, name, columns, form.skip_rows)
    rows, ends = tops[sign]
    skipped = ends[position - 1] if position else 0
    check_header(rows[position], name)
    return Layout(encoding=encoding, separator=sign, skipped=skipped, header=rows[position])


def _header_at(
    tops: Mapping[str, _Top], name: str, columns: Mapping[str, str], skip_rows: int | None
) -> tuple[str, int]:
    """Return the separator of a table and the position of its header."""
    positions = {sign: header_row(rows, columns, skip_rows) for sign, (rows, _) in tops.items()}
    whole = {sign: position for sign, position in positions.items() if position is not None}
    if whole:
        sign = min(whole, key=lambda separator: whole[separator])
        return sign, whole[sign]
    # where names differ, the header is the row with the most cells
    sign = max(tops, key=lambda separator: _cells_of_first(tops[separator][0][skip_rows or 0 :]))
    return sign, first_row(tops[sign][0], name, skip_rows)


def _cells_of_first(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return the cells of the first row that is not empty, and those of the longest row."""
    return len(next((row for row in rows if any(row)), [])), max(map(len, rows), default=0)


def read(file: Path, name: str, layout: Layout, *, most: int | None) -> pa.Table:
    """Return the cells as text, as they stand: ``NA`` is a name and ``007`` keeps its zeros.

    Args:
        file: text file, plain or packed.
        name: name for messages.
        layout: how it is laid out.
        most: return at most so many rows of its beginning; none: all (rows).

    Raises:
        DataError: rows have more or fewer cells than the header, or the text is not in its encoding.
    """
    ragged: list[pc.InvalidRow] = []

    def note(row: pc.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        with opened(file) as stream:
            table = _cells(pa.PythonFile(stream, mode="r"), layout, note, most)
    except (pa.ArrowInvalid, UnicodeError) as error:
        if "Empty CSV" not in str(error):
            raise unreadable(name, str(error).splitlines()[0].rstrip(".")) from None
        table = pa.table({column: pa.array([], pa.string()) for column in layout.header})
    if ragged:
        raise DataError([_ragged(ragged, name, layout)])
    return table if most is None else table.slice(0, most)


def _cells(stream: pa.NativeFile, layout: Layout, note: object, most: int | None) -> pa.Table:
    options = {
        "read_options": pc.ReadOptions(
            use_threads=False,  # threads lose the row numbers
            skip_rows=layout.skipped,
            encoding="utf8" if layout.encoding == UTF8 else layout.encoding,
        ),
        "parse_options": pc.ParseOptions(
            delimiter=layout.separator, newlines_in_values=True, invalid_row_handler=note
        ),
        "convert_options": pc.ConvertOptions(
            column_types=dict.fromkeys(layout.header, pa.string()), strings_can_be_null=False
        ),
    }
    if most is None:
        return pc.read_csv(stream, **options)
    with pc.open_csv(stream, **options) as batches:
        return pa.Table.from_batches(islice(batches, 1), batches.schema)


def _top(file: Path, encoding: str, separator: str) -> _Top:
    """Return the first rows of a file under a separator, and the line on which each of them ends."""
    rows: list[list[str]] = []
    ends: list[int] = []
    with opened(file) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig" if encoding == UTF8 else encoding, newline="")
        reader = csv.reader(text, delimiter=separator)
        try:
            for row in reader:
                rows.append(row)
                ends.append(reader.line_num)
                if len(rows) == LOOKED_AT:
                    break
        except csv.Error:  # a cell of 100,000 signs: another separator was meant
            rows.append([])
            ends.append(reader.line_num)
    return rows, ends


def _ragged(rows: Sequence[pc.InvalidRow], name: str, layout: Layout) -> Breach:
    """Return the breach of rows with more or fewer cells than the header."""
    cells = tuple(
        (f"{name}, row {row.number - 1 - layout.skipped}", f"{row.actual_columns} cells: {row.text!r}")
        for row in rows[:EXAMPLES]
    )
    rule = f"every row has as many cells as the header: {rows[0].expected_columns}"
    remedy = "put cells that hold a comma in quotes, and write decimals with a point"
    if layout.separator != ",":
        remedy = f"put cells that hold {layout.separator!r} in quotes"
    return Breach(column="(all)", rule=rule, remedy=remedy, cells=cells, count=len(rows))
