"""From the columns of a source to typed rows with their origin; no value is guessed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from expectations.columns import (
    ALL_STORES,
    DATE,
    KEY,
    NUMERIC,
    PRICE,
    REQUIRED,
    ROW,
    STORE,
    TEXT,
    UNITS,
    promotions,
)
from expectations.refusals import FILE, Breach, broken, refusal
from expectations.rules import CURRENCY, NUMBER_RULE
from tasks.sources.switches import shares

log = logging.getLogger("repricer")

VOCABULARY = {*KEY, *TEXT, *NUMERIC, CURRENCY}
COPY = "copy"  # equal in two rows where one is a copy of the other
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|Inf|INF|[Ii]nfinity)"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
STAMP = rf"{DAY}[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?"
ZONED = rf"{STAMP} ?(?:Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)"


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What a source holds, in the vocabulary of the sales table.

    Attributes:
        frame: typed rows with ``file`` and ``row``.
        breaches: rules that the rows break.
        stamped: rows are transactions with a time of day, to be summed with ``summed``.
        rows: rows in the source (rows).
        repeated: copies of a time-stamped row, kept once (rows).
        ignored: columns of the source that the sales table has no use for.
    """

    frame: pd.DataFrame
    breaches: tuple[Breach, ...]
    stamped: bool
    rows: int
    repeated: int
    ignored: tuple[str, ...]


def lines_of(raw: pd.DataFrame, file: str, columns: Mapping[str, str], time_zone: str | None) -> Lines:
    """Return the rows of one file or query, typed strictly.

    Args:
        raw: columns as the source calls them; text where the source has no types.
        file: name for messages.
        columns: name in the sales table -> name in the source, where they differ.
        time_zone: IANA zone in which time stamps become local dates; none: a time of day is refused.
    """
    named = _named(raw, columns)
    frame = pd.DataFrame(
        {FILE: pd.Series(file, index=raw.index, dtype="str"), ROW: np.arange(1, len(raw) + 1)},
        index=raw.index,
    )
    breaches = _missing(named, raw, file, columns)
    stamped = False
    for name, values in named.items():
        if name == DATE:
            frame[name], stamped, of_column = _dates(values, frame, time_zone)
        elif name in NUMERIC or name in promotions([name]):
            frame[name], of_column = _numbers(values, frame, name)
        else:
            frame[name], of_column = _words(values), []
        breaches += of_column
    if STORE not in frame:
        frame[STORE] = pd.Series(ALL_STORES, index=frame.index, dtype="str")
    if stamped:
        frame[COPY] = _fingerprint(raw, frame[DATE], named[DATE], time_zone)
    used = {columns.get(name, name) for name in named}
    return Lines(
        frame=frame,
        breaches=tuple(breaches),
        stamped=stamped,
        rows=len(raw),
        repeated=0,
        ignored=tuple(str(name) for name in raw.columns if name not in used),
    )


def joined(parts: Sequence[Lines]) -> Lines:
    """Put the rows of several files below each other; a time-stamped row that was copied is kept once."""
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    rows = len(frame)
    if COPY in frame:
        frame = frame[~(frame.duplicated(COPY) & frame[COPY].notna())].drop(columns=COPY)
    ignored = tuple(dict.fromkeys(name for part in parts for name in part.ignored))
    if ignored:
        log.info("columns of the source that are not used: %s", ", ".join(ignored))
    return Lines(
        frame=frame,
        breaches=tuple(breach for part in parts for breach in part.breaches),
        stamped=any(part.stamped for part in parts),
        rows=rows,
        repeated=rows - len(frame),
        ignored=ignored,
    )


def summed(lines: pd.DataFrame) -> pd.DataFrame:
    """Sum transactions to one row per product, store and local date.

    Units add up; numbers per unit are means weighted by units; stock and text are those of the first row.
    """
    rows = lines.sort_values([*KEY, UNITS, PRICE], ignore_index=True)  # sums of floats depend on the order
    weight = rows[UNITS].where(rows[UNITS] > 0, 0.0)
    groups = rows.groupby(KEY, sort=True)
    result = groups.first()
    result[UNITS] = groups[UNITS].sum()
    for name in [n for n in (*NUMERIC, *promotions(rows.columns)) if n in rows and n not in (UNITS, "stock")]:
        known = weight.where(rows[name].notna(), 0.0)
        amount = (rows[name] * known).groupby([rows[key] for key in KEY]).sum()
        total = known.groupby([rows[key] for key in KEY]).sum()
        result[name] = (amount / total).where(total > 0, groups[name].mean())
    return result.reset_index()[list(lines.columns)]


def _named(raw: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, pd.Series]:
    """Return the used columns of the source under our names; a mapping takes precedence over a name."""
    vocabulary = [name for name in raw.columns if name in VOCABULARY or promotions([str(name)])]
    sources = {**{name: name for name in vocabulary}, **columns}
    return {name: raw[source] for name, source in sources.items() if source in raw.columns}


def _missing(
    named: Mapping[str, pd.Series], raw: pd.DataFrame, file: str, columns: Mapping[str, str]
) -> list[Breach]:
    """Return the required or mapped columns that the source lacks, with the most similar name it has."""
    names = [str(name) for name in raw.columns]
    breaches = []
    for name in [n for n in dict.fromkeys([*REQUIRED, *columns]) if n not in named]:
        sought = columns.get(name, name)
        close = _similar(sought, names)
        guess = f" (did you mean {close!r}?)" if close else ""
        problem = f"there is no {sought!r}; found: {', '.join(names) or 'none'}{guess}"
        breaches.append(
            Breach(
                column=name,
                rule=f"the column {name} exists",
                remedy=f"say its name in the source with --set source.columns.{name}={close or 'NAME'}",
                cells=((file, problem),),
                count=1,
            )
        )
    return breaches


def _similar(sought: str, names: list[str]) -> str | None:
    lower = {name.lower(): name for name in names}
    close = get_close_matches(sought.lower(), lower, n=1, cutoff=0.6)
    inside = [name for name in lower if sought.lower() in name or (len(name) > 2 and name in sought.lower())]
    return lower[[*close, *inside][0]] if close or inside else None


def _texts(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return values as text and marks of the empty ones."""
    empty = values.isna() | (values.astype(str) == "")
    return values.astype(str).mask(empty, ""), empty


def _words(values: pd.Series) -> pd.Series:
    """Return text, missing where empty; a whole number loses the ``.0`` that a missing neighbour gave it."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    text, empty = _texts(values)
    return text.mask(empty)


def _numbers(values: pd.Series, frame: pd.DataFrame, name: str) -> tuple[pd.Series, list[Breach]]:
    """Return numbers, missing where empty or refused; a truth value is a number in a promotion only."""
    if promotions([name]):
        values = shares(values, name)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.astype("float64"), []
    text, empty = _texts(values)
    refused = ~(empty | text.str.fullmatch(NUMBER))
    remedy = "write digits with a point for decimals, no sign of a currency and nothing between thousands"
    breaches = broken(frame, refused, name, NUMBER_RULE, remedy, shown=text)
    # as Python reads it, to the last bit
    plain = text.mask(refused | empty, "nan").to_numpy(dtype=object).astype(float)
    return pd.Series(plain, index=values.index), breaches


def _dates(
    values: pd.Series, frame: pd.DataFrame, time_zone: str | None
) -> tuple[pd.Series, bool, list[Breach]]:
    """Return local dates, whether the source has times of day, and what was refused."""
    text, _ = _texts(_isoformat(values))
    day, naive, zoned = (text.str.fullmatch(pattern) for pattern in (DAY, STAMP, ZONED))
    dates = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    dates[day | naive] = _parsed(text[day | naive])
    timed = zoned | (naive & (dates != dates.dt.normalize()) & dates.notna())
    zone = _zone(time_zone)
    local = _parsed(text[zoned], utc=True).dt.tz_convert(zone or "UTC").dt.tz_localize(None)
    dates[zoned] = local
    rule = "an ISO date such as 2026-03-29"
    remedy = "write year-month-day, or name the form in a CSV with --set source.csv.date_format=dd.mm.yyyy"
    breaches = broken(frame, dates.isna(), DATE, rule, remedy, shown=text)
    if zone is None:
        rule = "a time of day belongs to a declared zone, for its local date depends on it"
        remedy = "declare the zone of the shop with --set source.time_zone=Europe/Berlin"
        breaches += broken(frame, timed & dates.notna(), DATE, rule, remedy, shown=text)
    return dates.dt.normalize(), bool(timed.any()), breaches


def _isoformat(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return values


def _parsed(text: pd.Series, utc: bool = False) -> pd.Series:
    return pd.to_datetime(text, format="ISO8601", errors="coerce", utc=utc).dt.as_unit("us")


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        pass
    rule, remedy = "the zone is an IANA name", "write a name such as Europe/Berlin"
    raise refusal(DATE, "source.time_zone", repr(name), rule, remedy)


def _fingerprint(raw: pd.DataFrame, dates: pd.Series, stamps: pd.Series, time_zone: str | None) -> pd.Series:
    """Return a number that only copies of a row share, over all columns of the source.

    The hour that a clock set back shows twice may hold two equal sales: there the n-th of them equals the
    n-th of a copied file.
    """
    content = pd.util.hash_pandas_object(raw.astype(str), index=False)
    naive = ~_texts(_isoformat(stamps))[0].str.fullmatch(ZONED)
    local = _parsed(_texts(_isoformat(stamps))[0].where(naive))
    twice = (
        local.dt.tz_localize(_zone(time_zone) or "UTC", ambiguous="NaT", nonexistent="shift_forward").isna()
        & dates.notna()
        & naive
    )
    nth = content.groupby(content).cumcount().where(twice, 0)
    return pd.util.hash_pandas_object(pd.DataFrame({"content": content, "nth": nth}), index=False)
