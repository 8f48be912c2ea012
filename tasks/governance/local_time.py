"""Moments in the shop's zone, exact over changes of the clock, where a local time exists never or twice.

A moment is a time with its offset, kept in UTC. A local time without an offset means one moment, or it is
refused with both of its readings.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class LocalTimeError(ValueError):
    """A text that names no moment, or two, or a zone that does not exist."""


def zone_of(name: str) -> ZoneInfo:
    """Return an IANA zone by its name.

    Raises:
        LocalTimeError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise LocalTimeError(
            f"time zone: there is no IANA zone {name!r}. Write a name such as Europe/Berlin."
        ) from None


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Return the moment that a text names, in UTC.

    Args:
        text: ISO 8601, such as ``2026-12-01T00:00`` in the shop's zone, or ``2026-12-01T00:00+01:00``.
        zone: of the shop.

    Raises:
        LocalTimeError: the text is no such time, or a clock of the zone shows it never or twice; the message
            has both readings, each with its offset.
    """
    try:
        written = datetime.fromisoformat(text.strip())
    except ValueError:
        raise LocalTimeError(
            f"{text!r} is no date and time. Write it as 2026-12-01T00:00, or with its offset as "
            "2026-12-01T00:00+01:00."
        ) from None
    if written.tzinfo is not None:
        return written.astimezone(UTC)
    first, second = (written.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    how = "never" if _skipped(first) else "twice"
    readings = " or ".join(_reading(written, reading, zone) for reading in (first, second))
    raise LocalTimeError(
        f"{written:%Y-%m-%d %H:%M} in {zone.key}: the clock shows this time {how} on that day. "
        f"Write the one that is meant with its offset: {readings}."
    )


def first_moment(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which a local day begins; at its first midnight where there are two."""
    midnight = datetime.combine(day, time(), zone)
    if _skipped(midnight):  # read with the offset after the change, it lies before the change
        at = midnight.replace(fold=1).astimezone(UTC)
        while local_day(at, zone) < day:
            at += timedelta(minutes=1)
        return at
    return midnight.astimezone(UTC)


def shown(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment as the clocks of a zone show it, with its offset."""
    return at.astimezone(zone).isoformat(timespec="minutes")


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the local date of a moment."""
    return at.astimezone(zone).date()


def _skipped(local: datetime) -> bool:
    """Return whether clocks jump over a local time."""
    back = local.astimezone(UTC).astimezone(local.tzinfo)
    return back.replace(tzinfo=None) != local.replace(tzinfo=None)


def _reading(written: datetime, reading: datetime, zone: ZoneInfo) -> str:
    """Return a local time with the offset of a reading, and what clocks show then if they skip it."""
    offset = reading.strftime("%z")
    text = f"{written.isoformat(timespec='minutes')}{offset[:3]}:{offset[3:5]}"
    there = reading.astimezone(UTC).astimezone(zone)
    return f"{text} (there {there:%H:%M})" if _skipped(reading) else text
