"""Off-policy values: right where the log covers the policy, refused where it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.trial import episodes
from tasks.trial.decision_log import DecisionLog, chances, read_log
from tasks.trial.episodes import evaluate_episodes
from tasks.trial.errors import OutsideSupport, TrialError
from tasks.trial.off_policy import LoggedChoices, Support, Value, evaluate

PRICES = ["16", "18", "20"]


def log(seed: int, rows: int = 2000) -> LoggedChoices:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 1))
    scores = np.exp(0.5 * x * np.array([-1, 0, 1]))
    chances = scores / scores.sum(axis=1, keepdims=True)
    action = (rng.random(rows)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    reward = 2.0 + x[:, 0] + 0.5 * action + rng.normal(size=rows)  # price 20 is worth 3 in the mean
    propensity = chances[np.arange(rows), action]
    return LoggedChoices(context=x, action=action, propensity=propensity, reward=reward, prices=PRICES)


def test_every_estimator_covers_the_known_value() -> None:
    target = np.tile([0.0, 0.0, 1.0], (2000, 1))
    estimates = [evaluate(log(seed), target)[0] for seed in range(200)]
    for name in ("ips", "snips", "dr"):
        values = np.array([by_name[name].value for by_name in estimates])
        assert abs(values.mean() - 3.0) < 3 * values.std() / np.sqrt(len(values))
        assert (
            0.90 <= np.mean([by_name[name].low <= 3.0 <= by_name[name].high for by_name in estimates]) <= 0.98
        )


def test_a_price_that_the_log_lacks_is_refused_by_name() -> None:
    target = np.tile([0.0, 0.0, 0.0, 1.0], (2000, 1))
    with pytest.raises(OutsideSupport, match="prices that the log lacks: 24"):
        evaluate(replace(log(1), prices=[*PRICES, "24"]), target)


def test_a_policy_that_wants_prices_where_they_were_never_taken_is_refused() -> None:
    choices = log(2)
    kept = ~((choices.context[:, 0] > 0) & (choices.action == 2))
    kept_choices = LoggedChoices(
        context=choices.context[kept],
        action=choices.action[kept],
        propensity=choices.propensity[kept],
        reward=choices.reward[kept],
        prices=PRICES,
    )
    target = np.tile([0.0, 0.0, 1.0], (int(kept.sum()), 1))
    with pytest.raises(OutsideSupport, match="lack data where the policy wants them: 20"):
        evaluate(kept_choices, target)


STEPS, STOCK, LADDER = 12, 15, np.array([4.0, 5.0, 6.0, 7.0])


def season(rng: np.random.Generator, count: int, choose: Any) -> pd.DataFrame:
    """Return seasons of a finite stock with mean demand 3 (price / 5)^-2 a step.

    ``choose(step)`` gives the probabilities of the ladder.
    """
    stock = np.full(count, float(STOCK))
    rows = []
    for t in range(STEPS):
        chance = np.asarray(choose(t), float)
        action = rng.choice(len(LADDER), size=count, p=chance)
        price = LADDER[action]
        units = np.minimum(rng.poisson(3 * (price / 5) ** -2.0), stock)
        rows_of_step = {
            "episode": np.arange(count),
            "step": t,
            "stock": stock,
            "price": price,
            "propensity": chance[action],
            "units": units,
        }
        rows.append(pd.DataFrame(rows_of_step))
        stock = stock - units
    return pd.concat(rows, ignore_index=True)


def mixed(_step: int) -> list[float]:
    return [0.25, 0.25, 0.25, 0.25]


WANTED = pd.DataFrame({"step": np.arange(STEPS), "price": np.where(np.arange(STEPS) < 8, 7.0, 5.0)})


def episodic(log: pd.DataFrame, policy: pd.DataFrame) -> tuple[dict[str, Value], Support, list[str]]:
    decided = read_log(log, policy)
    return evaluate_episodes(
        decided, lambda rows: chances(policy, rows, decided.levels, decided.what), seed=1
    )


@pytest.fixture
def few_bootstraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "BOOTSTRAPS", 20)


def test_whole_episodes_are_valued_as_they_would_be_played(few_bootstraps: None) -> None:
    rng = np.random.default_rng(1)
    played = season(rng, 20_000, lambda t: (WANTED["price"].iloc[t] == LADDER).astype(float))
    truth = (played["units"] * played["price"]).sum() / 20_000
    values, support, notes = episodic(season(rng, 1500, mixed), WANTED)
    assert notes == []
    assert values["fqe"].value == pytest.approx(truth, rel=0.025)
    assert values["fitted_demand"].value == pytest.approx(truth, rel=0.02)
    assert values["fqe"].low < truth < values["fqe"].high
    assert support.mean_weight == pytest.approx(1.0, abs=0.1)


def test_a_step_in_which_a_wanted_price_was_never_taken_is_named(few_bootstraps: None) -> None:
    log = season(np.random.default_rng(2), 300, lambda t: [0.4, 0.3, 0.3, 0.0] if t == 3 else mixed(t))
    with pytest.raises(OutsideSupport, match="7 in steps 3; 10 rows"):
        episodic(log, WANTED)


def test_a_demand_model_that_cannot_be_played_is_left_out_with_the_reason(few_bootstraps: None) -> None:
    log = season(np.random.default_rng(3), 300, mixed)
    log["weather"] = np.random.default_rng(4).normal(size=len(log))
    values, _, notes = episodic(log, WANTED)
    assert set(values) == {"fqe"}
    assert notes == ["fitted_demand: `weather` changes within an episode by no known rule"]


def decisions(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    price = rng.choice([9.0, 10.0, 11.0], size=rows)
    columns = {
        "product_id": rng.choice(["a", "b"], size=rows),
        "price": price,
        "propensity": 1 / 3,
        "units": rng.poisson(3, rows),
    }
    return pd.DataFrame(columns)


def targeted(log: pd.DataFrame, policy: pd.DataFrame) -> tuple[DecisionLog, np.ndarray]:
    decided = read_log(log, policy)
    return decided, chances(policy, decided.frame, decided.levels, decided.what)


def test_a_price_list_is_a_policy_and_steps_are_compared_where_the_price_before_is_known() -> None:
    policy = pd.DataFrame({"product_id": ["a", "b"], "price": [9.0, 11.0]})
    decided, target = targeted(decisions(), policy)
    assert decided.prices == ["9", "10", "11"]
    assert (
        decided.levels[target.argmax(axis=1)] == np.where(decided.frame["product_id"] == "a", 9.0, 11.0)
    ).all()
    steps = read_log(decisions().assign(reference_price=10.0), pd.DataFrame({"ratio": [1.1]}))
    assert steps.prices == ["x0.9", "x1", "x1.1"]


@pytest.mark.parametrize(
    ("log", "policy", "message"),
    [
        (decisions().drop(columns="propensity"), {"price": [10.0]}, "propensity is missing"),
        (decisions().assign(units=np.nan), {"price": [10.0]}, "must be finite"),
        (decisions().assign(price=-1.0), {"price": [10.0]}, "must be above 0"),
        (decisions().assign(episode=1, step=1), {"price": [10.0]}, "one row per `step`"),
        (decisions(), {"ratio": [1.0]}, "it must have `price`"),
        (decisions(), {"price": [9.0, 10.0], "probability": [0.5, 0.4]}, "add up to 1. Received: 0.9"),
        (decisions(), {"product_id": ["a"], "price": [9.0]}, "Received: 0 for product_id b"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(log: pd.DataFrame, policy: dict[str, Any], message: str) -> None:
    with pytest.raises(TrialError, match=message):
        targeted(log, pd.DataFrame(policy))
