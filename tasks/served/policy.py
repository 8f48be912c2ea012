"""The registered model ``pricing_policy``: from the state of a product to its price."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from expectations.columns import PRICE, PRODUCT, REASON, STORE
from tasks.pricing.hard_bounds import HardBounds
from tasks.pricing.recommend import STEP, PolicyError, PolicyModel
from tasks.pricing.rounding import charged
from tasks.pricing.single_price import Decision, SinglePrice
from tasks.pricing.state import SCALES, features_of
from tasks.served.answers import request_errors, require_fields, with_ids
from tasks.served.arrays import finite_arrays
from tasks.served.golden import GoldenModel


class PricingPolicy(GoldenModel):
    """Answer product, store and price in force with the price of the next week.

    ``policy`` can also explain a price.
    """

    policy: PolicyModel
    decimals: int | None = None  # of a price; none: prices are not rounded

    def load(self, artifacts: Mapping[str, str]) -> None:
        """Read market, slopes, rules, weights and the decimals of a price."""
        rules = json.loads(Path(artifacts["policy_rules"]).read_text(encoding="utf-8"))
        weights, slopes = (finite_arrays(artifacts[name]) for name in ("policy_weights", "policy_draws"))
        market = pd.read_parquet(artifacts["policy_market"])
        prices = json.loads(Path(artifacts["policy_prices"]).read_text(encoding="utf-8"))
        self.use(PolicyModel.from_stored(market, slopes, rules, weights), prices["decimals"])

    def use(self, policy: PolicyModel, decimals: int | None) -> None:
        """Answer by a policy, with prices of so many decimals."""
        self.policy, self.decimals = policy, decimals
        self._single, self._hard = SinglePrice(policy, decimals), HardBounds(policy)

    def spec(self) -> dict[str, Any]:
        """Return the numbers of a state, in order, and the scales in which they are read."""
        return {"features": features_of(self.policy.rules), "scales": SCALES}

    def requests(self, example: pd.DataFrame) -> list[pd.DataFrame]:
        """Return a list and its first row alone, which is answered without a list."""
        return [example, example.head(1)]

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return ids, the recommended price, its step of the ladder and the reason, row by row."""
        if (row := _single_row(model_input)) is not None:
            fields = np.array([(*row[:2], *self.price(*row))], object)
            return pd.DataFrame(fields, model_input.index, ANSWER, dtype=object)  # no column is converted
        require_fields(model_input)
        with request_errors(PolicyError):
            answer = self.policy.recommend(model_input, decimals=self.decimals)
        price = charged(answer[PRICE].to_numpy(), answer[STEP].to_numpy(), self.decimals)
        return with_ids(model_input, self._hard.of_list(model_input, answer.assign(**{PRICE: price})))

    def price(self, product: str, store: str, price: float) -> Decision:
        """Return the next price of one product, all others as at the end of the training.

        Args:
            product, store: as the market names them.
            price: in force now, finite and above 0 (currency/unit).
        """
        decision = self._single(product, store, price)
        price_charged = float(charged(decision.price, decision.step, self.decimals))
        return self._hard(product, store, price, decision._replace(price=price_charged))


ANSWER = pd.Index([PRODUCT, STORE, PRICE, STEP, REASON])


def _single_row(request: pd.DataFrame) -> tuple[str, str, float] | None:
    """Return product, store and price of a request of one sound row; none: the request is to be checked."""
    if len(request) != 1 or set(request.columns) != {PRODUCT, STORE, PRICE}:
        return None
    places = (cast("int", request.columns.get_loc(name)) for name in (PRODUCT, STORE, PRICE))
    values: list[Any] = [request.iat[0, place] for place in places]  # noqa: PD009 - a third of the time
    product, store, price = values
    texts = isinstance(product, str) and isinstance(store, str) and bool(product.strip())
    if not texts or not isinstance(price, float) or not 0 < price < np.inf:
        return None
    return product, store, float(price)
