"""Off-policy values: right where the log covers the policy, refused where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.trial.errors import OutsideSupport
from tasks.trial.off_policy import evaluate

PRICES = ["16", "18", "20"]


def log(seed: int, rows: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 1))
    scores = np.exp(0.5 * x * np.array([-1, 0, 1]))
    chances = scores / scores.sum(axis=1, keepdims=True)
    action = (rng.random(rows)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    reward = 2.0 + x[:, 0] + 0.5 * action + rng.normal(size=rows)  # price 20 is worth 3 in the mean
    return x, action, chances[np.arange(rows), action], reward


def test_every_estimator_covers_the_known_value() -> None:
    target = np.tile([0.0, 0.0, 1.0], (2000, 1))
    told = [evaluate(*log(seed), target, PRICES)[0] for seed in range(200)]
    for name in ("ips", "snips", "dr"):
        values = np.array([one[name].value for one in told])
        assert abs(values.mean() - 3.0) < 3 * values.std() / np.sqrt(len(values))
        assert 0.90 <= np.mean([one[name].low <= 3.0 <= one[name].high for one in told]) <= 0.98


def test_a_price_that_the_log_lacks_is_refused_by_name() -> None:
    x, action, propensity, reward = log(1)
    target = np.tile([0.0, 0.0, 0.0, 1.0], (2000, 1))
    with pytest.raises(OutsideSupport, match="prices that the log lacks: 24"):
        evaluate(x, action, propensity, reward, target, [*PRICES, "24"])


def test_a_policy_that_wants_prices_where_they_were_never_tried_is_refused() -> None:
    x, action, propensity, reward = log(2)
    kept = ~((x[:, 0] > 0) & (action == 2))
    target = np.tile([0.0, 0.0, 1.0], (int(kept.sum()), 1))
    with pytest.raises(OutsideSupport, match="lack data where the policy wants them: 20"):
        evaluate(x[kept], action[kept], propensity[kept], reward[kept], target, PRICES)
