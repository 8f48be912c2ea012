"""A model that answers otherwise than when it was registered is not loaded; what differs is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.pricing import state
from tasks.pricing.price_list import in_force
from tasks.served import response
from tasks.served.demand import Demand
from tasks.served.golden import GoldenError, GoldenModel, recorded, require
from tasks.served.policy import PricingPolicy
from tasks.served.response import PriceResponse
from tests.stages.test_market import grouped_policy, stored

REQUEST = in_force(grouped_policy())


def served(change: Callable[[Any], Any] = lambda policy: policy) -> PricingPolicy:
    """Return a served policy, perhaps changed."""
    model = PricingPolicy()
    model.use(change(grouped_policy()), decimals=2)
    return model


def golden() -> dict[str, Any]:
    """Return the golden vectors of the policy as a file has them."""
    vectors = recorded(served(), REQUEST)
    return json.loads(json.dumps(vectors))  # type: ignore[no-any-return]


def dearer(policy: Any) -> Any:
    return replace(policy, rules=replace(policy.rules, reference_effect=3.0))


def finer(policy: Any) -> Any:
    weights = {**policy.policy.weights, "advantage.bias": np.array([0.0, 0.0, 0.0, 0.0, 1e-9])}
    return replace(policy, policy=replace(policy.policy, weights=weights))


def test_the_same_model_is_accepted_and_one_that_rounds_otherwise_too() -> None:
    require(served(), golden())
    require(served(finer), golden())


def test_a_price_that_differs_is_named_with_its_request_and_row() -> None:
    vectors = golden()
    prices = [row[2] for row in vectors["vectors"][0]["answer"]["data"]]
    vectors["vectors"][0]["answer"]["data"][3][2] += 0.01
    with pytest.raises(GoldenError, match=rf"golden request 1, row 4, `price`: .* {prices[3]} \(1 diff"):
        require(served(), vectors)


def test_a_reason_that_differs_is_named() -> None:
    vectors = golden()
    vectors["vectors"][1]["answer"]["data"][0][4] = "because"
    with pytest.raises(GoldenError, match="golden request 2, row 1, `reason`: expected because, received"):
        require(served(), vectors)


def test_a_model_that_decides_otherwise_is_refused() -> None:
    with pytest.raises(GoldenError, match=r"PricingPolicy does not answer as .* Install the versions of"):
        require(served(dearer), golden())


def test_another_order_of_the_features_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = golden()
    monkeypatch.setattr(state, "FEATURES", (*state.FEATURES[1:], state.FEATURES[0]))
    with pytest.raises(GoldenError, match=r"`features` of its specification has SHA-256 \w+, was \w+ at"):
        require(served(), vectors)


def test_other_features_of_the_forecast_are_refused() -> None:
    trained, changed = Demand(), Demand()
    features = ["log_price", "promotion_deal", "saturday"]
    for model, known in ((trained, features), (changed, features[::-1])):
        model._model = SimpleNamespace(spec={"known": known})  # type: ignore[assignment]
    vectors = {"spec": hashes(trained), "vectors": []}
    require(trained, vectors)
    with pytest.raises(GoldenError, match=r"Demand does not answer .* `features` of its specification has"):
        require(changed, vectors)


def test_another_order_of_the_response_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = PriceResponse()
    model._confidence = 0.95
    vectors = {"spec": hashes(model), "vectors": []}
    require(model, vectors)
    monkeypatch.setattr(response, "ANSWER", response.ANSWER[::-1])
    with pytest.raises(GoldenError, match=r"PriceResponse does not answer .* `answer` of its specification"):
        require(model, vectors)


def hashes(model: GoldenModel) -> Any:
    """Return the hashes of a model's specification as they are registered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model), "requests", lambda *_: [])
        return recorded(model, pd.DataFrame())["spec"]


def test_it_is_checked_when_the_version_is_loaded(tmp_path: Path) -> None:
    model = grouped_policy()
    files = {name: file["path"] for name, file in stored(model, tmp_path)["model_files"].items()}
    (tmp_path / "policy_prices.json").write_text('{"decimals": 2}', encoding="utf-8")
    (tmp_path / "golden.json").write_text(json.dumps(golden()), encoding="utf-8")
    files["golden"] = str(tmp_path / "golden.json")
    PricingPolicy().load_context(SimpleNamespace(artifacts=files))
    market = pd.read_parquet(files["policy_market"])
    market.assign(units=market["units"].to_numpy()[::-1]).to_parquet(files["policy_market"])
    PricingPolicy().load({**files})
    with pytest.raises(GoldenError, match="golden request"):
        PricingPolicy().load_context(SimpleNamespace(artifacts=files))
