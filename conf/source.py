"""Settings of the source: where the sales table comes from."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from conf.paths import LocalPath
from conf.section import Section

SIGNS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "point": "."}
DATE_CODES = {"%d": "dd", "%m": "mm", "%Y": "yyyy", "%y": "yy"}


def _sign(value: Any) -> Any:
    """Return the sign of a name: a tab, say, is hard to write on a command line."""
    return SIGNS.get(value, value) if isinstance(value, str) else value


def _date_format(value: Any) -> Any:
    """Return a format in letters where it was written as in Python, ``%d.%m.%Y``."""
    if not isinstance(value, str):
        return value
    for code, letters in DATE_CODES.items():
        value = value.replace(code, letters)
    return value.lower()


class Csv(Section):
    """How text files are written. None: detected and logged, or refused where two readings are possible."""

    separator: Annotated[Literal[",", ";", "\t", "|"] | None, BeforeValidator(_sign)]
    """Sign between cells: `comma`, `semicolon`, `tab`, `pipe`, or the sign itself."""
    decimal: Annotated[Literal[".", ","] | None, BeforeValidator(_sign)]
    """Sign before the decimals: `point`, `comma`, or the sign itself. Nothing stands between thousands."""
    date_format: Annotated[
        Literal[
            "dd.mm.yyyy",
            "dd/mm/yyyy",
            "dd-mm-yyyy",
            "mm/dd/yyyy",
            "mm-dd-yyyy",
            "yyyy/mm/dd",
            "yyyy.mm.dd",
            "yyyymmdd",
            "dd.mm.yy",
            "dd/mm/yy",
            "mm/dd/yy",
        ]
        | None,
        BeforeValidator(_date_format),
    ]
    """Order of day, month and year; ISO dates are read under any. A time of day may follow."""
    encoding: str | None
    """Name of the encoding, such as `cp1252`."""


class Wide(Section):
    """What a table with a column for every day (`d_1`, `d_2`, ... or dates) holds."""

    values: Literal["units"] | None
    """What stands in the day columns: `units` (units/period); none: a wide table is refused."""
    first_date: date | None
    """Date of `d_1`, where the columns are numbered."""


def _rate(value: Any) -> Any:
    """Return the number of a rate that was written as text; other text is the name of a column."""
    if isinstance(value, bool) or value in ("true", "false"):
        raise ValueError("a rate such as 0.19, or the name of the column with the rates")
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def variable_name(name: str) -> str:
    """Return the name of an environment variable; the URL itself is refused."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(
            "the name of an environment variable, such as REPRICER_SOURCE_URL. Export the URL under that name"
        )
    return name


class Source(Section):
    """Where the sales table comes from, and how its columns are called there."""

    kind: Literal["completejourney", "file", "sql"]
    """`completejourney` (embedded), `file` (CSV, Parquet or .xlsx, one or a folder) or `sql` (a query)."""
    path: LocalPath | None
    """File or folder that `file` reads; none for the other kinds."""
    query: str | None
    """Query that `sql` sends, as it stands; none for the other kinds."""
    url_variable: Annotated[str, AfterValidator(variable_name)]
    """Name of the environment variable that holds the SQLAlchemy URL of `sql`, with its password."""
    columns: dict[str, str]
    """Name of a column in the sales table -> its name in the source, where they differ."""
    period: Literal["D", "W"]
    """Length of a period: `D`, one day; `W`, seven days."""
    by_store: bool
    """Keep stores apart (`completejourney` only); otherwise every store is summed into `all`."""
    products: int = Field(ge=1)
    """At most this many products, those sold in the most periods first (products)."""
    time_zone: str | None
    """IANA zone in which naive time stamps of the source are local; none: a time of day is refused."""
    price_includes_tax: Annotated[Annotated[float, Field(ge=0, le=1)] | str | None, BeforeValidator(_rate)]
    """Tax in the prices: its rate (share of the price without tax), or the name of the column with a rate
    per row; none: prices are without tax. The list stays in prices with tax, and profit is net."""
    currency: str | None = Field(pattern=r"^[A-Z]{3}$")
    """ISO 4217 code of the currency of all money, such as `EUR`; none: money stands without its name."""
    csv: Csv
    """How text files are written (`file` only)."""
    wide: Wide
    """Tables with a column for every day (`file` only)."""
    sheet: str | None
    """Sheet of an .xlsx file; none: the first."""
    skip_rows: int | None = Field(ge=0)
    """Rows above the header; none: the header is the first row with the required names (rows)."""
    missing: Literal["no_sale", "unknown"] | None
    """What a product's missing row means: `no_sale` (0 units were sold) or `unknown`. None: unknown, and a
    table that hardly ever writes 0 and has many gaps is refused. The embedded data is `no_sale` by itself."""
    sum_lines: bool
    """Rows without a time of day are order lines, summed per product, store and date; otherwise a product has
    one row per store and date. Lines with a time of day are always summed."""
    returns: Literal["refuse", "subtract"]
    """Negative units: `refuse` the table, or `subtract` them from the units of the period, never below 0."""
