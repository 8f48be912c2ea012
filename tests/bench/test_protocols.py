"""The published protocol: which weeks a round knows, and which it forecasts."""

from __future__ import annotations

import pandas as pd
import pytest

from tasks.bench.protocols import PROTOCOLS, ProtocolError

WEEKS = pd.date_range("1990-06-14", "1992-07-09", freq="7D", unit="us")  # weeks 40 to 148


def test_orange_juice_knows_weeks_up_to_133_plus_2_i_and_forecasts_the_second_and_third_after() -> None:
    folds = PROTOCOLS["orange_juice"].folds(WEEKS, 1, 6)
    weeks = [(fold.origin + 40, fold.targets.start + 40, fold.targets.stop - 1 + 40) for fold in folds]
    assert weeks == [(133 + 2 * i, 135 + 2 * i, 136 + 2 * i) for i in range(1, 7)]
    assert all(fold.held_out for fold in folds)


def test_rounds_before_the_first_may_be_fitted_on() -> None:
    folds = PROTOCOLS["orange_juice"].folds(WEEKS, -2, 1)
    assert [fold.held_out for fold in folds] == [False, False, False, True]


def test_a_round_beyond_the_data_is_refused_with_its_weeks() -> None:
    with pytest.raises(ProtocolError, match=r"round 7 forecasts weeks 149 to 150.*bring later weeks"):
        PROTOCOLS["orange_juice"].folds(WEEKS, 1, 7)
