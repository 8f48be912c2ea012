"""The tables of a published list: of all channels, of each, and of the products that it leaves out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from tasks.governance.publication import PublishedList
from tasks.governance.published_rows import channels_in
from tasks.runtime.list_tables import as_arrow, read_parquet, write_csv, write_parquet
from tasks.runtime.published_lists import CHANNELS, CSV, PARQUET, UNLISTED, Pointer, Write, manifest_of


def rows_of(root: Path, published: PublishedList) -> pd.DataFrame:
    """Return the rows of a list after checking its bytes.

    Raises:
        ListError: it is not what was published.
    """
    manifest_of(root, Pointer(published.name, published.manifest))
    return read_parquet(root / published.name / PARQUET)


def rows_and_unlisted(root: Path, published: PublishedList) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a list, and the newest published ones of products that it does not have.

    Raises:
        ListError: it is not what was published.
    """
    rows = rows_of(root, published)
    kept = root / published.name / UNLISTED
    return rows, read_parquet(kept) if kept.is_file() else rows.iloc[:0]


def shelf_of(root: Path, published: PublishedList) -> pd.DataFrame:
    """Return what stands published while a list is in force: its rows, and those that it leaves out.

    A list that leaves a product out says nothing of it: what was published last of it stands.

    Raises:
        ListError: it is not what was published.
    """
    return pd.concat([*rows_and_unlisted(root, published)], ignore_index=True)


def tables_of(rows: pd.DataFrame, unlisted: pd.DataFrame, shop: ZoneInfo) -> dict[str, Write]:
    """Return what writes the tables of a list by file: of all channels, of each, of what is left out."""
    tables = _both(rows, shop, "")
    for name, part in channels_in(rows):
        tables |= _both(part, shop, f"{CHANNELS}/{name}/")
    if len(unlisted):
        tables[UNLISTED] = partial(write_parquet, as_arrow(unlisted, shop))
    return tables


def _both(rows: pd.DataFrame, shop: ZoneInfo, folder: str) -> dict[str, Write]:
    table = as_arrow(rows, shop)
    return {folder + PARQUET: partial(write_parquet, table), folder + CSV: partial(write_csv, table)}
