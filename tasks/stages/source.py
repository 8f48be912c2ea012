"""The source as the settings describe it, and a look at its files before anything slow is imported."""

from __future__ import annotations

import os
from dataclasses import fields

import pandas as pd

from conf import Settings
from conf.settings import Source as SourceSettings
from conf.urls import url_fault
from expectations.refusals import refusal
from expectations.rules import Limits
from tasks.sources.meaning import Meaning
from tasks.sources.names import check_mapping, with_rates
from tasks.sources.precheck import check
from tasks.sources.reading import Source


def source_of(settings: SourceSettings) -> Source:
    """Return the source that the settings describe.

    Raises:
        DataError: the URL of its database is a file's, or leads to a link-local address.
    """
    if settings.kind == "sql":
        _require_database(settings.url_variable)
    stated = settings.model_dump(include={field.name for field in fields(Source)})
    return Source(**stated | {"columns": with_rates(settings.columns, settings.price_includes_tax)})


def _require_database(variable: str) -> None:
    """Refuse the URL that an environment variable holds, without repeating it."""
    url = os.environ.get(variable)
    fault = url_fault(url, resolve=True) if url else ""  # reading refuses a variable that is not set
    if fault:
        rule, remedy = f"the variable holds the URL of a database; {fault}", f"export another as {variable}"
        raise refusal("(all)", "source.url_variable", f"{variable} cannot be used", rule, remedy)


def meaning_of(settings: SourceSettings) -> Meaning:
    """Return what the settings say that a row means."""
    return Meaning(missing=settings.missing, sum_lines=settings.sum_lines)


def limits_of(settings: Settings) -> Limits:
    """Return what is still believed of a sales table."""
    return Limits(
        period=settings.source.period,
        returns=settings.source.returns == "subtract",
        currency=settings.source.currency,
        **settings.prepare.model_dump(exclude={"features"}),
    )


def now() -> pd.Timestamp:
    """Return the current time, without a zone."""
    return pd.Timestamp.now("UTC").tz_localize(None)


def check_columns(settings: SourceSettings) -> None:
    """Refuse a mapping of columns that no source can have, before anything is started for it.

    Raises:
        DataError: a name is unknown, or one column has two names.
    """
    check_mapping(with_rates(settings.columns, settings.price_includes_tax))


def check_files(settings: Settings) -> None:
    """Refuse files that cannot be read, before servers and frameworks start; other sources are not touched.

    Raises:
        DataError: the beginning of a file, or all of a small one, breaks a rule.
    """
    check(source_of(settings.source), limits_of(settings), now(), meaning_of(settings.source))
