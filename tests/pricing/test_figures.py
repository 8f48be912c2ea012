"""The figures of a policy say what was kept and why, what it earns, and in which direction prices move."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from expectations.palette import MODELS
from tasks.pricing import policies
from tasks.pricing.comparison import Interval
from tasks.pricing.figures import learning, policy_map, prices, values
from tasks.pricing.seasons import movable, play
from tasks.pricing.training import evaluated_rules
from tests.pricing.small_market import market_rules, products

RECORDS = pd.DataFrame({"step": [0, 100, 200], "loss": [0.0, 0.1, 0.3], "value": [10.0, 11.0, 10.5]})


@pytest.mark.parametrize(
    ("best", "words"),
    [
        ([True, False, False], "Kept: the policy as it began"),
        ([True, True, False], "Kept: the policy after 100 steps (+10.0 % against holding)"),
    ],
)
def test_the_learning_curve_says_which_policy_was_kept_and_that_a_rising_loss_is_no_fault(
    best: list[bool], words: str
) -> None:
    bars = {"hold": 10.0, "myopic": 10.2}
    top, bottom = learning(RECORDS.assign(best=best), bars, "profit").axes
    assert top.get_title().startswith(words)
    assert "so that it may rise" in bottom.get_title()
    assert bottom.lines[0].get_xdata().tolist() == [100, 200], "there is no loss before the training"
    assert top.lines[0].get_ydata() == pytest.approx([0.0, 10.0, 5.0])
    assert top.lines[0].get_color() == MODELS["dqn"]


def test_the_bars_of_the_learning_curve_are_played_on_the_draws_of_its_evaluations() -> None:
    shop, rules = products(3), market_rules()
    bars = evaluated_rules(shop, rules, 5, 7)
    assert set(bars) == {"hold", "myopic"}
    held = play(movable(shop, rules), rules, policies.hold, 5, 7).rewards.mean()
    assert bars["hold"] == float(held)
    assert bars["myopic"] > bars["hold"], "an elastic product at a bad price earns more at a better one"


def test_the_values_say_the_gain_over_holding() -> None:
    flat = Interval(value=1.0, low=0.9, high=1.1)
    axis = values({"dqn": flat, "hold": flat}, Interval(value=0.05, low=0.01, high=0.09), "profit", "n").axes[
        0
    ]
    assert "+5.0 % against holding all prices (+1.0 to +9.0 %)" in axis.get_title()
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "prices in force held",
        "this policy (DQN)",
    ]


def test_the_map_counts_prices_by_direction_and_marks_them_apart_in_grey() -> None:
    axis = policy_map(policies.hold, products(3), market_rules()).axes[0]
    assert "prices 0 up, 3 held, 0 down" in axis.get_title()


def test_the_steps_say_in_how_many_weeks_prices_are_held() -> None:
    rules = market_rules()
    axis = prices(np.array([[[1.0, 1.0, 1.0, 1.1]]]), rules).axes[0]
    assert "hold their price in 75 % of the weeks" in axis.get_title()
    assert axis.get_xticklabels()[rules.hold].get_text() == "held"
