"""The registered model ``price_response``: what a price list sells, and own-price elasticities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from expectations.columns import ELASTICITY, HIGH, IDENTIFIED, LOW, PRICE, PRODUCT, REASON
from tasks.response.list_answer import ListError, list_answer
from tasks.served.answers import request_errors, require_fields, with_ids
from tasks.served.arrays import finite_arrays
from tasks.served.golden import GoldenModel

ANSWER = [ELASTICITY, LOW, HIGH, IDENTIFIED, REASON]


class PriceResponse(GoldenModel):
    """Answer a price list with the units that it sells, or a product with its elasticity.

    With prices, all rows of a request are one list: substitutes share what their group sells, and products
    that are not in it stay at the price in force. Without prices the answer is the own-price elasticity, its
    interval, and whether it may move a price.
    """

    def load(self, artifacts: Mapping[str, str]) -> None:
        """Read the tables, the draws and their confidence."""
        spec = json.loads(Path(artifacts["response_spec"]).read_text(encoding="utf-8"))
        self._confidence = spec["confidence"]
        self._products = pd.read_parquet(artifacts["response_products"])
        self._draws = finite_arrays(artifacts["response_draws"])
        self._table = pd.read_parquet(artifacts["response_table"]).set_index(PRODUCT)[ANSWER]

    def spec(self) -> dict[str, Any]:
        """Return the columns of an answer, in order, and the probability of its intervals."""
        return {"answer": ANSWER, "confidence": self._confidence}

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the answer row by row; a product that was not trained on is not identified.

        Columns: the ids of the request, and ``units``, ``low``, ``high`` (units/week) of a request with
        ``price``; else ``elasticity``, ``low``, ``high``, ``identified`` and ``reason``.
        """
        require_fields(model_input, empty_price=True)
        if PRICE in model_input:
            with request_errors(ListError):
                answer = list_answer(model_input, self._products, self._draws, self._confidence)
            return with_ids(model_input, answer)
        answer = self._table.reindex(model_input[PRODUCT].astype(str)).reset_index(drop=True)
        unknown = answer[IDENTIFIED].isna()
        answer[REASON] = answer[REASON].mask(unknown, "the product was not in the training")
        answer = answer.assign(**{IDENTIFIED: answer[IDENTIFIED].eq(True)}).set_axis(model_input.index)
        return with_ids(model_input, answer)
