"""Long work is never silent, and work that speaks is not talked over."""

from __future__ import annotations

import logging
from threading import Semaphore

import pytest

from tasks.runtime import heartbeat as module
from tasks.runtime.heartbeat import clock, heartbeat

log = logging.getLogger("repricer")

LOOK = module.SECONDS_BETWEEN_LOOKS
PATIENCE = 30.0


class Looker:
    """What one heartbeat waits for: the next turn of the clock, or the end of its work."""

    def __init__(self, hours: Hours) -> None:
        self.hours, self.ended = hours, False
        self.turn, self.looked = Semaphore(0), Semaphore(0)
        hours.lookers.append(self)

    def wait(self, _: float) -> bool:
        self.looked.release()
        assert self.turn.acquire(timeout=PATIENCE)
        return self.ended

    def set(self) -> None:
        self.ended = True
        self.hours.lookers.remove(self)
        self.turn.release()


class Hours:
    """A clock that only the test moves; every heartbeat looks at each of its turns."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.lookers: list[Looker] = []

    def monotonic(self) -> float:
        return self.now

    def event(self) -> Looker:
        return Looker(self)

    def pass_by(self, seconds: float, turns: int = 1) -> None:
        for _ in range(turns):
            self.now += seconds / turns
            for looker in reversed(self.lookers):
                assert looker.looked.acquire(timeout=PATIENCE)
                looker.turn.release()
        for looker in self.lookers:
            assert looker.looked.acquire(timeout=PATIENCE)
            looker.looked.release()


@pytest.fixture(autouse=True)
def hours(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Hours:
    hours = Hours()
    monkeypatch.setattr(module, "time", hours)
    monkeypatch.setattr(module, "Event", hours.event)
    monkeypatch.setattr(log, "propagate", True)
    monkeypatch.setattr(log, "handlers", [])
    caplog.set_level(logging.INFO, logger="repricer")
    return hours


def test_silent_work_says_that_it_goes_on_and_how_long_it_took_the_last_time(
    hours: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    with heartbeat("price", expected=75.0, quiet=8.0):
        hours.pass_by(20.0, turns=40)
    assert caplog.messages == [
        "price: at work for 0:08 of about 1:15",
        "price: at work for 0:16 of about 1:15",
    ], "one line for each silence, not one for each look"


def test_no_time_is_promised_where_none_is_known(hours: Hours, caplog: pytest.LogCaptureFixture) -> None:
    with heartbeat("price", quiet=8.0):
        hours.pass_by(9.0)
    assert caplog.messages == ["price: at work for 0:09"]


def test_work_that_speaks_is_not_talked_over(hours: Hours, caplog: pytest.LogCaptureFixture) -> None:
    with heartbeat("price", quiet=8.0):
        for step in range(8):
            log.info("step %d", step)
            hours.pass_by(7.0, turns=7)
    assert caplog.messages == [f"step {step}" for step in range(8)]


def test_nothing_is_said_after_the_work_not_even_after_an_error(
    hours: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match="bad"), heartbeat("price", quiet=8.0):
        raise ValueError("bad")
    hours.now += 60.0
    assert not hours.lookers, "nobody looks any more"
    assert not caplog.messages


def test_a_work_that_begins_in_a_silence_does_not_prolong_it(
    hours: Hours, caplog: pytest.LogCaptureFixture
) -> None:
    with heartbeat("start", quiet=9.0):
        log.info("a line")
    hours.now += 6.0
    with heartbeat("price", quiet=8.0):
        hours.pass_by(4.0, turns=4)
    assert caplog.messages == ["a line", "price: at work for 0:02"]


def test_work_within_work_is_said_once(hours: Hours, caplog: pytest.LogCaptureFixture) -> None:
    with heartbeat("retraining", quiet=9.0), heartbeat("price", quiet=8.0):
        hours.pass_by(30.0, turns=60)
    assert caplog.messages == [f"price: at work for {at}" for at in ("0:08", "0:16", "0:24")]


def test_the_heartbeat_of_a_reader_beats_by_the_real_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.01)
    said = Semaphore(0)
    monkeypatch.setattr(module.log, "info", lambda *_: said.release())
    with heartbeat("price", quiet=0.05):
        assert said.acquire(timeout=PATIENCE), "it speaks within the silence that it was asked to break"


def test_a_reader_is_never_without_a_line_for_ten_seconds() -> None:
    assert module.QUIET_SECONDS + 2 * LOOK < 10


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (75, "1:15"), (3600, "1:00:00"), (3725, "1:02:05")]
)
def test_a_time_reads_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
