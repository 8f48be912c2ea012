"""A destination that is an SQL table: the rows of the list in force, replaced in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    delete,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from conf.publish import Destination
from expectations.columns import (
    CHANNEL,
    CURRENCY,
    EFFECTIVE_FROM,
    EFFECTIVE_UNTIL,
    PRICE,
    PRICE_AFTER,
    PRODUCT,
    STORE,
)
from tasks.governance.published_rows import SCALE
from tasks.runtime.delivery.shipment import COLUMNS, TIMES, DeliveryError, Shipment, url_of

AT_ONCE = 10_000  # rows sent together
LIST = "list"
MONEY = Numeric(18, SCALE, asdecimal=False)


def write(destination: Destination, shipment: Shipment) -> None:
    """Replace the rows of the table by those of the list; readers see the old rows or the new ones.

    Raises:
        DeliveryError: the database does not take them.
    """
    stamps = {name: shipment.rows[name].dt.tz_convert(None) for name in TIMES}
    plain = shipment.rows[list(COLUMNS)].assign(**stamps).astype(object)
    rows = plain.mask(plain.isna(), None).assign(**{LIST: shipment.name})
    prices = _table(destination)
    with _opened(destination) as engine, engine.begin() as connection:
        if not inspect(connection).has_table(prices.name):
            prices.create(connection)
        connection.execute(delete(prices))
        for start in range(0, len(rows), AT_ONCE):
            part: list[dict[str, Any]] = rows.iloc[start : start + AT_ONCE].to_dict("records")  # type: ignore[assignment]
            connection.execute(insert(prices), part)


def read(destination: Destination, shipment: Shipment) -> pd.DataFrame:
    """Return the rows of the table, times in UTC.

    Raises:
        DeliveryError: the database does not answer, or the table has rows of another list.
    """
    prices = _table(destination)
    with _opened(destination) as engine, engine.connect() as connection:
        rows = _rows(connection, prices)
    strange = set(rows[LIST]) - {shipment.name}
    if strange:
        raise DeliveryError(f"table {prices.name}: read back, it has rows of {', '.join(sorted(strange))}")
    times = {name: pd.to_datetime(rows[name]).dt.tz_localize("UTC") for name in TIMES}
    return rows.assign(**times, **{name: rows[name].astype(float) for name in (PRICE, PRICE_AFTER)})


def _rows(connection: Connection, prices: Table) -> pd.DataFrame:
    answer = connection.execution_options(stream_results=True).execute(select(prices))
    rows = [tuple(row) for part in answer.partitions(AT_ONCE) for row in part]
    return pd.DataFrame(rows, columns=list(answer.keys()), dtype=object)


def _table(destination: Destination) -> Table:
    """Return the table; times are in UTC, because not every database keeps an offset."""
    columns: list[Column[Any]] = [
        *(Column(name, String(255), primary_key=True) for name in (PRODUCT, STORE, CHANNEL)),
        Column(LIST, String(64), nullable=False),
        Column(PRICE, MONEY, nullable=False),
        Column(CURRENCY, String(3)),
        Column(EFFECTIVE_FROM, DateTime, nullable=False),
        Column(EFFECTIVE_UNTIL, DateTime),
        Column(PRICE_AFTER, MONEY),
    ]
    return Table(destination.table, MetaData(), *columns)


@contextmanager
def _opened(destination: Destination) -> Iterator[Engine]:
    """Open the database; what goes wrong is said without its URL, which errors of drivers may quote.

    Raises:
        DeliveryError: it does not answer, or refuses a statement.
    """
    url, engine, problem = url_of(destination), None, ""
    try:
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
        yield engine
    except (SQLAlchemyError, ImportError) as error:
        problem = type(getattr(error, "orig", None) or error).__name__
    finally:
        if engine is not None:
            engine.dispose()
    if problem:
        raise DeliveryError(
            f"table {destination.table} in the database of {destination.url_variable}: {problem}. Nothing "
            "was changed there; look at the database, then: repricer publish --due"
        )
