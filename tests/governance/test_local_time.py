"""Moments in the shop's zone: to the minute over changes of the clock, never a guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tasks.governance.local_time import LocalTimeError, first_moment, local_day, moment, shown, zone_of

BERLIN, NEW_YORK = zone_of("Europe/Berlin"), zone_of("America/New_York")
HOUR = timedelta(hours=1)
CHANGES = [
    # zone, first and last minute of the local hour, its two offsets in hours, whether clocks skip it
    (BERLIN, "2026-03-29T02:00", (1, 2), True),
    (BERLIN, "2026-10-25T02:00", (2, 1), False),
    (NEW_YORK, "2026-03-08T02:00", (-5, -4), True),
    (NEW_YORK, "2026-11-01T01:00", (-4, -5), False),
]


def minute(text: str, minutes: int) -> str:
    return (datetime.fromisoformat(text) + timedelta(minutes=minutes)).isoformat(timespec="minutes")


def offset(hours: int) -> str:
    return f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"


@pytest.mark.parametrize(("zone", "begin", "hours", "skipped"), CHANGES)
def test_every_minute_of_the_hour_of_a_change_is_refused_with_both_readings(
    zone: object, begin: str, hours: tuple[int, int], skipped: bool
) -> None:
    for minutes in range(60):
        text = minute(begin, minutes)
        with pytest.raises(LocalTimeError) as error:
            moment(text, zone)
        assert f"shows this time {'never' if skipped else 'twice'}" in str(error.value)
        for hour in hours:
            assert text + offset(hour) in str(error.value)


@pytest.mark.parametrize(("zone", "begin", "hours", "skipped"), CHANGES)
def test_the_minutes_around_the_hour_of_a_change_are_exact(
    zone: object, begin: str, hours: tuple[int, int], skipped: bool
) -> None:
    for minutes, hour in ((-1, hours[0]), (60, hours[1])):
        local = datetime.fromisoformat(minute(begin, minutes))
        assert moment(minute(begin, minutes), zone) == local.replace(tzinfo=timezone(hour * HOUR))
    apart = moment(minute(begin, 60), zone) - moment(minute(begin, -1), zone)
    assert apart == timedelta(minutes=1 if skipped else 121), "what lies between by the clock of the world"


@pytest.mark.parametrize(("zone", "begin", "hours", "skipped"), CHANGES)
def test_with_an_offset_every_minute_is_accepted(
    zone: object, begin: str, hours: tuple[int, int], skipped: bool
) -> None:
    for hour in hours:
        expected = datetime.fromisoformat(begin + offset(hour)).astimezone(UTC)
        assert moment(begin + offset(hour), zone) == expected


def test_a_skipped_time_says_what_the_clock_shows_at_each_reading() -> None:
    words = r"02:30\+01:00 \(there 03:30\) or 2026-03-29T02:30\+02:00 \(there 01:30\)"
    with pytest.raises(LocalTimeError, match=words):
        moment("2026-03-29T02:30", BERLIN)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
def test_days_of_23_and_25_hours_begin_and_end_at_midnight(zone: object) -> None:
    lengths = {
        first_moment(day + timedelta(days=1), zone) - first_moment(day, zone)
        for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    }
    assert lengths == {23 * HOUR, 24 * HOUR, 25 * HOUR}


def test_a_day_without_a_midnight_begins_when_its_clock_does() -> None:
    cairo = zone_of("Africa/Cairo")
    assert shown(first_moment(date(2026, 4, 24), cairo), cairo) == "2026-04-24T01:00+03:00"
    with pytest.raises(LocalTimeError, match="never"):
        moment("2026-04-24T00:00", cairo)


def test_a_day_with_two_midnights_begins_at_the_first() -> None:
    azores = zone_of("Atlantic/Azores")  # back from 01:00 to 00:00
    assert shown(first_moment(date(2026, 10, 25), azores), azores) == "2026-10-25T00:00+00:00"
    with pytest.raises(LocalTimeError, match="twice"):
        moment("2026-10-25T00:00", azores)


def test_a_date_alone_is_its_midnight_and_the_local_day_is_the_shops() -> None:
    at = moment("2026-12-01", BERLIN)
    assert at == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert (local_day(at, BERLIN), local_day(at, NEW_YORK)) == (date(2026, 12, 1), date(2026, 11, 30))


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01T00:00", "01.12.2026"])
def test_what_is_no_time_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(LocalTimeError, match=r"is no date and time\. Write it as 2026-12-01T00:00"):
        moment(text, BERLIN)


@pytest.mark.parametrize("name", ["Berlin/Europe", "", "../etc/passwd"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(LocalTimeError, match="no IANA zone"):
        zone_of(name)
