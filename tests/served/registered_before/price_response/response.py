"""The registered model ``price_response``: what a price list sells, and own-price elasticities."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from expectations.columns import ELASTICITY, HIGH, IDENTIFIED, LOW, PRICE, PRODUCT, REASON
from tasks.response.list_answer import ListError, list_answer
from tasks.served.answers import request_errors, require_fields, with_ids

ANSWER = [ELASTICITY, LOW, HIGH, IDENTIFIED, REASON]


class PriceResponse(PythonModel):
    """Answer a price list with the units that it sells, or a product with its elasticity.

    With prices, all rows of a request are one list: substitutes share what their group sells, and products
    that are not in it stay at the price in force. Without prices the answer is the own-price elasticity, its
    interval, and whether it may move a price.
    """

    def load_context(self, context: Any) -> None:
        """Read the tables, the draws and their confidence."""
        import json
        from pathlib import Path

        import numpy as np

        spec = json.loads(Path(context.artifacts["response_spec"]).read_text(encoding="utf-8"))
        self._confidence = spec["confidence"]
        self._products = pd.read_parquet(context.artifacts["response_products"])
        with np.load(context.artifacts["response_draws"], allow_pickle=False) as file:
            self._draws = {name: file[name] for name in file.files}
        self._table = pd.read_parquet(context.artifacts["response_table"]).set_index(PRODUCT)[ANSWER]

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


set_model(PriceResponse())
