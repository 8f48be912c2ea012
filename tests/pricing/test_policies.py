"""The baselines decide as a person with their rule would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing import policies
from tasks.pricing.rules import Rules
from tasks.pricing.state import opening
from tests.pricing.test_market import market_rules, products


@pytest.fixture
def rules() -> Rules:
    return market_rules()


def test_the_myopic_price_is_the_best_of_the_ladder_by_hand(rules: Rules) -> None:
    shop = replace(products(3, error=1e-6), elasticity=np.array([-3.0, -1.0, -0.2]))
    chosen = policies.myopic(opening(shop), rules)
    for row, elasticity in enumerate(shop.elasticity):
        revenue = [ratio * np.exp(elasticity * (ratio - 1)) for ratio in rules.ladder]
        assert chosen[row] == int(np.argmax(revenue))
    assert chosen.tolist() == [0, 2, 4]


def test_cost_plus_takes_the_step_nearest_to_its_markup(rules: Rules) -> None:
    shop = replace(products(2), unit_cost=np.array([1.4, np.nan]))
    target = [1.35 * 1.4 / 2.0, 1.35 * 0.7 * 2.5 / 2.0]
    assert policies.cost_plus(opening(shop), rules).tolist() == [
        int(np.argmin(np.abs(rules.ladder - w))) for w in target
    ]


def test_random_takes_every_step(rules: Rules) -> None:
    many = products().take(np.zeros(500, int))
    assert set(policies.Random(np.random.default_rng(0))(opening(many), rules)) == set(range(5))
