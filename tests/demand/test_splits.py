"""Rolling origins leave a gap and never overlap."""

from __future__ import annotations

import pytest

from tasks.demand.splits import TooShortError, before, rolling_origins


def test_folds_are_laid_from_the_end_of_the_data() -> None:
    folds = rolling_origins(periods=100, horizon=10, gap=2, folds=2, holdout_origins=1)
    assert [(f.origin, f.targets.start, f.targets.stop, f.held_out) for f in folds] == [
        (67, 70, 80, False),
        (77, 80, 90, False),
        (87, 90, 100, True),
    ]


def test_a_choice_is_made_on_periods_that_no_fold_reports() -> None:
    first = rolling_origins(periods=100, horizon=10, gap=2, folds=2, holdout_origins=1)[0]
    choice = before(first)
    assert (choice.origin, choice.targets.start, choice.targets.stop) == (55, 58, 68)
    assert choice.targets.stop == first.origin + 1


def test_a_history_that_is_too_short_is_refused_with_the_remedy() -> None:
    with pytest.raises(TooShortError, match=r"Received: 60 periods. Lower `forecast.folds`"):
        rolling_origins(periods=60, horizon=14, gap=1, folds=3, holdout_origins=2)
