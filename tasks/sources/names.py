"""Names of columns: what the settings may call a column, and what a table may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import pandas as pd

from expectations.columns import (
    CURRENCY,
    KEY,
    LINE,
    NUMERIC,
    OPEN,
    ORDER,
    PRICE,
    PROMOTION_PREFIX,
    REQUIRED,
    TAX_RATE,
    TEXT,
    promotions,
)
from expectations.refusals import EXAMPLES, Breach, DataError, refusal

VOCABULARY = {*KEY, *TEXT, *NUMERIC, CURRENCY, OPEN, ORDER, LINE} - {TAX_RATE}
TAX_SETTING = "source.price_includes_tax"  # names the column of rates: no table says by itself what it is for
MOST_COLUMNS = 10_000  # of a table; a wide table of ten years of days has a third of it
SHOWN = 20  # names of columns in a message
SIMILAR = 0.6  # least similarity of a name that is suggested (share of letters)


def check_mapping(columns: Mapping[str, str]) -> None:
    """Refuse a mapping with a name that the sales table lacks, or with one column under two names.

    Args:
        columns: name in the sales table -> name in the source, where they differ.

    Raises:
        DataError: with a line for every such name.
    """
    breaches = [
        _unknown(name, source)
        for name, source in columns.items()
        if name not in VOCABULARY | {TAX_RATE} and not promotions([name])
    ]
    names_of: dict[str, list[str]] = {}
    for name, source in columns.items():
        names_of.setdefault(source, []).append(name)
    breaches += [_shared(source, names) for source, names in names_of.items() if len(names) > 1]
    if breaches:
        raise DataError(breaches)


def with_rates(columns: Mapping[str, str], price_includes_tax: float | str | None) -> dict[str, str]:
    """Return the names of the columns in the source, with that of the rates of tax if a setting names one.

    Args:
        columns: name in the sales table -> name in the source, where they differ.
        price_includes_tax: name of the column with a rate per row; a rate of all rows, or none, adds nothing.

    Raises:
        DataError: rates are mapped without a word that they are in the prices.
    """
    if TAX_RATE in columns:
        name = columns[TAX_RATE]
        rule, remedy = "rates of tax are those of prices that include it", f"set {TAX_SETTING}={name} instead"
        raise refusal(TAX_RATE, f"source.columns.{TAX_RATE}", repr(name), rule, remedy)
    return {**columns, TAX_RATE: price_includes_tax} if isinstance(price_includes_tax, str) else {**columns}


def check_header(names: Sequence[str], file: str) -> None:
    """Refuse a table with too many columns, or with two of one name, before any of its rows is read.

    Args:
        names: of its columns, in their order.
        file: name for messages.
    """
    if len(names) > MOST_COLUMNS:
        rule = f"a sales table has at most {MOST_COLUMNS:,} columns, one row per product and period"
        remedy = "check the separator and the header, and write periods as rows"
        raise refusal("(all)", file, f"{len(names):,} columns, from {listed(names[:EXAMPLES])}", rule, remedy)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        rule = "every column has a name of its own"
        raise refusal(listed(twice), file, "named twice", rule, "rename one of them")


def named_columns(raw: pd.DataFrame, file: str, columns: Mapping[str, str]) -> dict[str, pd.Series]:
    """Return the used columns of the source under our names; a mapping takes precedence over a name."""
    check_mapping(columns)
    check_header([str(name) for name in raw.columns], file)
    vocabulary = [name for name in raw.columns if name in VOCABULARY or promotions([str(name)])]
    sources = {**{name: name for name in vocabulary}, **columns}
    return {name: raw[source] for name, source in sources.items() if source in raw.columns}


def missing_columns(
    named: Mapping[str, pd.Series], raw: pd.DataFrame, file: str, columns: Mapping[str, str]
) -> list[Breach]:
    """Return the required or mapped columns that the source lacks, with the most similar name it has."""
    names = [str(name) for name in raw.columns]
    breaches = []
    for name in [n for n in dict.fromkeys([*REQUIRED, *columns]) if n not in named]:
        sought = columns.get(name, name)
        close = similar(sought, names)
        guess = f" (did you mean {close!r}?)" if close else ""
        problem = f"there is no {sought!r}; found: {listed(names)}{guess}"
        breaches.append(
            Breach(
                column=name,
                rule=f"the column {name} exists",
                remedy=_remedy(name, close),
                cells=((file, problem),),
                count=1,
            )
        )
    return breaches


def _remedy(name: str, close: str | None) -> str:
    """Return how a missing column is named, and what else helps where the source has no price at all."""
    setting = TAX_SETTING if name == TAX_RATE else f"source.columns.{name}"
    remedy = f"say its name in the source with --set {setting}={close or 'NAME'}"
    joined = name == PRICE and close is None
    return f"{remedy}, or join the prices: units alone cannot be priced" if joined else remedy


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more or "none"


def similar(sought: str, names: Sequence[str]) -> str | None:
    """Return the most similar of some names, if one is similar."""
    lower = {name.lower(): name for name in names}
    close = get_close_matches(sought.lower(), lower, n=1, cutoff=SIMILAR)
    inside = [name for name in lower if sought.lower() in name or (len(name) > 2 and name in sought.lower())]
    return lower[[*close, *inside][0]] if close or inside else None


def _unknown(name: str, source: str) -> Breach:
    close = similar(name, sorted(VOCABULARY))
    if name.lower().startswith("promo"):
        close = PROMOTION_PREFIX + (name.partition("_")[2] or "deal")
    guess = f" (did you mean {close}?)" if close else ""
    instead = f"--set source.columns.{close or 'NAME'}={source}"
    return Breach(
        column=name,
        rule=f"a column of the sales table is one of {', '.join(sorted(VOCABULARY))}, {PROMOTION_PREFIX}*",
        remedy=f"write {instead} in place of source.columns.{name}",
        cells=((f"source.columns.{name}", f"there is no such column of the sales table{guess}"),),
        count=1,
    )


def _shared(source: str, names: list[str]) -> Breach:
    return Breach(
        column=", ".join(names),
        rule="a column of the source has one meaning",
        remedy=f"map {source!r} once, and take the other name out of source.columns",
        cells=(("source.columns", f"{' and '.join(names)} are both {source!r}"),),
        count=1,
    )
