"""Times of a source: local dates of a declared zone, and the instant of an order line."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from expectations.columns import DATE
from expectations.refusals import Breach, broken, refusal

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
STAMP = rf"{DAY}[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?"
ZONED = rf"{STAMP} ?(?:Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)"


@dataclass(frozen=True)
class Times:
    """When the rows were sold.

    Attributes:
        date: local dates (rows,).
        instant: times in UTC; of the hour that a clock set back shows twice, the first (rows,).
        stamped: some row has a time of day.
    """

    date: pd.Series
    instant: pd.Series
    stamped: bool


def times_of(values: pd.Series, frame: pd.DataFrame, time_zone: str | None) -> tuple[Times, list[Breach]]:
    """Return local dates and times, and what was refused."""
    text, _ = texts(_isoformat(values))
    day, naive, zoned = (text.str.fullmatch(pattern) for pattern in (DAY, STAMP, ZONED))
    local = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    local[day | naive] = _parsed(text[day | naive])
    timed = zoned | (naive & (local != local.dt.normalize()) & local.notna())
    zone = _zone(time_zone)
    utc = _parsed(text[zoned], utc=True)
    instant = _in_utc(local, zone) if timed.any() else local.copy()
    local[zoned] = utc.dt.tz_convert(zone or "UTC").dt.tz_localize(None)
    instant[zoned] = utc.dt.tz_localize(None)
    rule = "an ISO date such as 2026-03-29"
    remedy = "write year-month-day, or name the form in a CSV with --set source.csv.date_format=dd.mm.yyyy"
    breaches = broken(frame, local.isna(), DATE, rule, remedy, shown=text)
    if zone is None:
        rule = "a time of day belongs to a declared zone, for its local date depends on it"
        remedy = "declare the zone of the shop with --set source.time_zone=Europe/Berlin"
        breaches += broken(frame, timed & local.notna(), DATE, rule, remedy, shown=text)
    return Times(local.dt.normalize(), instant, bool(timed.any())), breaches


def _in_utc(local: pd.Series, zone: ZoneInfo | None) -> pd.Series:
    """Return naive local times in UTC."""
    first = np.ones(len(local), dtype=bool)  # daylight-saving time, where the clock shows an hour twice
    placed = local.dt.tz_localize(zone or "UTC", ambiguous=first, nonexistent="shift_forward")
    return placed.dt.tz_convert("UTC").dt.tz_localize(None)


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


def texts(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return values as text and marks of the empty ones."""
    empty = values.isna() | (values.astype(str) == "")
    return values.astype(str).mask(empty, ""), empty
