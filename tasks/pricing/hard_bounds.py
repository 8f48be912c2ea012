"""The hard rules of the shop in the answers of a served policy: those of its registration, price by price.

A list leaves out a product whose price in force breaks a hard rule. An answer has a price in any case: it is
the nearest price inside where a step leads there; else the price in force, and the reason says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import PRICE, REASON, SERIES
from tasks.pricing.recommend import STEP, PolicyModel
from tasks.pricing.rules import NEAR
from tasks.pricing.single_price import Decision

HARD_LOW, HARD_HIGH = "hard_low", "hard_high"  # columns of the market, currency/unit
INSIDE = "set to the nearest price by the hard rules of the shop"
OUTSIDE = "the price in force breaks a hard rule of the shop, and no step leads inside: correct it"


class HardBounds:
    """Lets no answer lie outside of the hard bounds of its product."""

    def __init__(self, model: PolicyModel) -> None:
        """Keep the bounds of every product; a version of before has none."""
        market = model.market
        keys = market[SERIES].astype(str).itertuples(index=False, name=None)
        bounds = [market[name].tolist() if name in market else [] for name in (HARD_LOW, HARD_HIGH)]
        steps = model.rules.steps(model.products).tolist()
        self._bounds = dict(zip(keys, zip(*bounds, steps, strict=False), strict=False))

    def __call__(self, product: str, store: str, price: float, decision: Decision) -> Decision:
        """Return a decision inside the hard bounds.

        Args:
            product, store: as the market names them.
            price: in force, currency/unit.
            decision: of the policy, its price as it is charged.
        """
        known = self._bounds.get((product, store))
        if known is None:
            return decision
        low, high, step = known
        if low <= decision.price <= high:
            return decision
        nearest = low if decision.price < low else high
        if low <= high and abs(nearest / price - 1) <= step * (1 + NEAR):
            return Decision(nearest, nearest / price, INSIDE)
        return Decision(price, 1.0, OUTSIDE)

    def of_list(self, request: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
        """Return the answer to a list, every price inside the hard bounds of its product.

        Args:
            request: product, store and price in force (rows).
            answer: ``price``, ``step`` and ``reason`` (rows).
        """
        if not self._bounds:
            return answer
        rows = zip(*(request[name].astype(str) for name in SERIES), request[PRICE], strict=True)
        answers = zip(answer[PRICE], answer[STEP], answer[REASON], strict=True)
        inside = [
            self(product, store, price, Decision(*given))
            for (product, store, price), given in zip(rows, answers, strict=True)
        ]
        columns: dict[str, Any] = {
            PRICE: np.array([decision.price for decision in inside], float),
            STEP: np.array([decision.step for decision in inside], float),
            REASON: pd.Series([decision.reason for decision in inside], answer.index, dtype="str"),
        }
        return answer.assign(**columns)
