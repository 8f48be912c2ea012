"""Settings of the source: where the sales table comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conf.section import Section


class Source(Section):
    """Where the sales table comes from, and how its columns are called there."""

    kind: Literal["completejourney", "file", "sql"]
    """`completejourney` (embedded), `file` (CSV or Parquet, one or a folder) or `sql` (a query)."""
    path: str | None
    """File or folder that `file` reads; none for the other kinds."""
    query: str | None
    """Query that `sql` sends, as it stands; none for the other kinds."""
    url_variable: str
    """Name of the environment variable that holds the SQLAlchemy URL of `sql`."""
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
    missing: Literal["no_sale", "unknown"] | None
    """What a product's missing row means: `no_sale` (0 units were sold) or `unknown`. None: unknown, and a
    table that hardly ever writes 0 and has many gaps is refused. The embedded data is `no_sale` by itself."""
    sum_lines: bool
    """Rows without a time of day are order lines, summed per product, store and date; otherwise a product has
    one row per store and date. Lines with a time of day are always summed."""
    returns: Literal["refuse", "subtract"]
    """Negative units: `refuse` the table, or `subtract` them from the units of the period, never below 0."""
