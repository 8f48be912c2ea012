"""What `repricer explain` prints is whole on a screen of 80 columns, and says why a price is held."""

from __future__ import annotations

from typing import Any

import pytest

from flows.cli import report
from flows.cli.report_explain import show_explained, show_explained_price

TRAIL = {"lowest": 1172.775, "highest": 1296.225, "recent_low": 1234.5, "recent_high": 1234.5}
TRAIL |= {"slow_reference": 1200.0, "covering_price": None, "guard": "", "guard_reason": ""}


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print to a screen of 80 columns."""
    monkeypatch.setattr(report.console, "_width", 80)


def step(change: float, **more: Any) -> dict[str, Any]:
    """Return a step of a ladder around 1,234.50."""
    row: dict[str, Any] = {
        "step": change,
        "price": 1234.5 * change,
        "allowed": change == 1,
        "chosen": change == 1,
    }
    worths = {
        f"{name}{end}": 1234.5 for name in ("units", "revenue", "profit") for end in ("", "_low", "_high")
    }
    return {**row, **worths, "q_value": None, "gain": None, **more}


@pytest.mark.usefixtures("screen")
def test_the_parts_of_a_forecast_are_not_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    row = dict.fromkeys(("season", "price", "promotion", "rivals"), -0.123)
    row |= {"model": "blend", "date": "2018-01-02", "level": 7.1, "units": 1211.0}  # type: ignore[dict-item]
    show_explained({"version": 1, "name": "Whole Milk", "rows": [row]})  # type: ignore[list-item]
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert "Whole Milk" in printed
    for cell in ("2018-01-02", "1211.0", "-12.3", "promotion"):
        assert cell in printed, f"{cell} stands whole"


@pytest.mark.usefixtures("screen")
def test_a_held_price_says_which_test_failed_and_gains_nothing_over_holding(
    capsys: pytest.CaptureFixture[str],
) -> None:
    because = "elasticity not identified: the price holds, because it had 3 different prices, 8 needed"
    ladder = [step(0.95), step(1.0, gain=0.0), step(1.05)]
    show_explained_price(
        {
            "version": 1,
            "name": "Whole Milk",
            "weeks": 13,
            "objective": "profit",
            "price": 1234.5,
            "recommended": 1234.5,
            "elasticity": -1.2,
            "elasticity_low": -3.0,
            "elasticity_high": 0.5,
            "drawn": 0.0,
            "reason": "",
            "week": "2018-01-01",
            "prices_in_force": "the end of the training data",
            "trail": {**TRAIL, "rule": because},
            "lesson": {"weeks": 0, "slope_trained": None, "slope_now": None},
            "ladder": ladder,
        }  # type: ignore[typeddict-item]
    )
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert f"why: {because}" in printed
    assert "price: held at 1234.50" in printed
    assert "learned since the training: nothing" in printed
    assert "bounds of this week: 1172.78 to 1296.22" in printed
    assert "they come of: prices of the last seven days 1234.50, slow reference price 1200.00" in printed
    assert "cost" not in printed, "a cost that is not known bounds nothing"
    (chosen,) = [line for line in printed.splitlines() if "chosen" in line]
    assert [cell.strip() for cell in chosen.strip("│").split("│")][1::5] == ["hold", "0.00"]
