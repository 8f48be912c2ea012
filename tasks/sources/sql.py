"""Sales from a query against any database that SQLAlchemy knows; its URL is a secret and never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

import pandas as pd

from expectations.refusals import refusal
from tasks.sources.mapping import Lines, joined, lines_of
from tasks.sources.names import check_header

AT_ONCE = 50_000  # rows fetched together
NAME = "query"  # what messages call the source
# Elsewhere a rollback must do.
READ_ONLY = {"sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY"}
SHORTEST_SECRET = (
    4  # characters; an option such as `ssl=1` hides nothing and would blank its digit everywhere
)
LOST = re.compile(
    r"connect|time.?out|refused|unavailable|locked|unable to open|closed|too many", re.IGNORECASE
)


class UnreachableError(ConnectionError):
    """A database that does not answer; trying again may help."""


def read(url_variable: str, query: str | None, columns: Mapping[str, str], time_zone: str | None) -> Lines:
    """Return the rows of a query, in a transaction that may only read and is rolled back.

    Args:
        url_variable: name of the environment variable that holds the SQLAlchemy URL.
        query: one SELECT, sent as it stands.
        columns: name in the sales table -> name in the query, where they differ.
        time_zone: IANA zone in which time stamps become local dates.

    Raises:
        DataError: the variable is unset, the query is no SELECT, or the database refuses it.
        UnreachableError: the database does not answer.
    """
    url = os.environ.get(url_variable)
    if not url:
        rule = f"the environment variable {url_variable} holds the SQLAlchemy URL of the source"
        remedy = "export it, or name another"
        raise refusal("(all)", "source.url_variable", f"{url_variable} is not set", rule, remedy)
    if not query or not re.match(r"\s*(SELECT|WITH)\b", query, re.IGNORECASE):
        rule, remedy = "the query is one SELECT", "write SELECT ... FROM ..."
        raise refusal("(all)", "source.query", repr(query), rule, remedy)
    return joined([lines_of(_rows(url, url_variable, query), NAME, columns, time_zone)])


def _rows(url: str, url_variable: str, query: str) -> pd.DataFrame:
    """Return the answer with the values as the driver gives them.

    The errors of SQLAlchemy and of drivers may quote the URL: new ones are raised, outside their reach.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    try:
        engine = create_engine(url, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        engine = None
    if engine is None:
        rule = "the variable holds a SQLAlchemy URL of an installed driver"
        remedy = "dialect+driver://user:password@host/database"
        raise refusal("(all)", "source.url_variable", f"{url_variable} cannot be used", rule, remedy)
    try:
        with engine.connect() as connection:
            if engine.dialect.name in READ_ONLY:
                connection.exec_driver_sql(READ_ONLY[engine.dialect.name])
            answer = connection.execution_options(stream_results=True).exec_driver_sql(query)
            names = list(answer.keys())
            check_header(names, NAME)
            return pd.DataFrame(
                [tuple(row) for part in answer.partitions(AT_ONCE) for row in part],
                columns=names,
                dtype=object,
            )
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)  # what the driver said, if it was the driver
        lost = LOST.search(str(cause or ""))
        problem = _without(_secrets(url), str(cause or type(error).__name__))
    finally:
        engine.dispose()
    if lost:
        raise UnreachableError(f"the database of {url_variable} does not answer: {problem}")
    rule, remedy = "the database runs the query", "try it in the database's own shell"
    raise refusal("(all)", "source.query", problem, rule, remedy)


def _secrets(url: str) -> list[str]:
    """Return the texts that no message may hold, the longest first.

    These are the URL, its login, its password as written and as meant, and its options.
    """
    login = url.partition("://")[2].rpartition("@")[0]
    password = login.partition(":")[2]
    options = [value for _, value in parse_qsl(urlsplit(url).query) if len(value) >= SHORTEST_SECRET]
    texts = {text for text in (url, login, password, unquote(password), *options) if text}
    return sorted(texts, key=len, reverse=True)


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())
