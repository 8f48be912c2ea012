"""What `repricer recommend` prints of the guard, and how `repricer bench guard` ends."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from flows.cli import report
from flows.cli.app import app
from tasks.bench import guard
from tasks.operations.recommend import Recommended

LIST = Recommended(
    file="list.csv",
    version=3,
    status="CHAMPION",
    warnings=["the champion is old"],
    week="2026-12-01",
    gain=None,
    objective="profit",
    currency="EUR",
    products=40,
    up=1,
    down=2,
    hold=37,
    promoted=0,
    varied=0,
    seed=1,
    weeks=0,
    prices_in_force="published list 2026-11-24T0000-1f3a9c2e",
    run_on=[],
    ended_early=[],
    unknown=[],
    guarded=5,
    left_out=[f"p{i} in all: Left out" for i in range(9)],
    publishable=False,
    hindrances=["breaker: too far"],
    strangers=["category 'drnks'"],
)


def test_what_the_guard_did_and_what_hinders_publishing_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report.show_recommended(LIST)
    printed = capsys.readouterr().out
    assert "set or held by a rule: 5 prices" in printed
    assert "left out: p0 in all: Left out" in printed
    assert f"left out: {9 - report.UNKNOWN_SHOWN} more" in printed
    assert "rules that meet no product: category 'drnks'" in printed
    assert "warning: the champion is old" in printed
    assert "not publishable: breaker: too far" in printed


def test_a_violation_of_the_guard_ends_the_benchmark_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    clean = runner.invoke(app, ["bench", "guard", "--rows", "2000"])
    assert clean.exit_code == 0, clean.output
    assert "violations: 0; rows that a second pass changes: 0" in clean.output
    monkeypatch.setattr(guard, "violations", lambda *_: {"a claim": 2})
    broken = runner.invoke(app, ["bench", "guard", "--rows", "2000"])
    assert broken.exit_code == 1
    assert "violated 2 times: a claim" in broken.output
