"""Long work is never silent, and work that speaks is not talked over."""

from __future__ import annotations

import logging
import time

import pytest

from tasks.runtime import heartbeat as module
from tasks.runtime.heartbeat import clock, heartbeat

log = logging.getLogger("repricer")

LOOK = module.SECONDS_BETWEEN_LOOKS


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(log, "propagate", True)
    caplog.set_level(logging.INFO, logger="repricer")


def test_silent_work_says_that_it_goes_on_and_how_long_it_took_the_last_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with heartbeat("price", expected=75.0, quiet=0.1):
        time.sleep(0.35)
    assert 1 <= len(caplog.messages) <= 3, "one line for each silence, not one for each look"
    assert set(caplog.messages) == {"price: at work for 0:00 of about 1:15"}


def test_no_time_is_promised_where_none_is_known(caplog: pytest.LogCaptureFixture) -> None:
    with heartbeat("price", quiet=0.1):
        time.sleep(0.2)
    assert set(caplog.messages) == {"price: at work for 0:00"}


def test_work_that_speaks_is_not_talked_over(caplog: pytest.LogCaptureFixture) -> None:
    with heartbeat("price", quiet=0.4):
        for step in range(8):
            log.info("step %d", step)
            time.sleep(0.1)
    assert caplog.messages == [f"step {step}" for step in range(8)]


def test_nothing_is_said_after_the_work_not_even_after_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="bad"), heartbeat("price", quiet=0.05):
        raise ValueError("bad")
    time.sleep(0.2)
    assert not caplog.messages


def test_a_work_that_begins_in_a_silence_does_not_prolong_it(caplog: pytest.LogCaptureFixture) -> None:
    with heartbeat("start", quiet=9.0):
        log.info("a line")
    time.sleep(0.3)
    with heartbeat("price", quiet=0.4):
        time.sleep(0.25)
    assert caplog.messages == ["a line", "price: at work for 0:00"]


def test_work_within_work_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with heartbeat("retraining", quiet=0.3), heartbeat("price", quiet=0.15):
        time.sleep(0.7)
    assert set(caplog.messages) == {"price: at work for 0:00", "price: at work for 0:01"}


def test_a_reader_is_never_without_a_line_for_ten_seconds() -> None:
    assert module.QUIET_SECONDS + 2 * LOOK < 10


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (75, "1:15"), (3600, "1:00:00"), (3725, "1:02:05")]
)
def test_a_time_reads_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
