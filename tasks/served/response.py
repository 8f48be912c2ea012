"""The registered model ``price_response``: own-price elasticities with intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from expectations.columns import ELASTICITY, HIGH, IDENTIFIED, LOW, PRODUCT, REASON

ANSWER = [ELASTICITY, LOW, HIGH, IDENTIFIED, REASON]


class PriceResponse(PythonModel):
    """Answer a product with its elasticity, the interval, and whether it may move a price."""

    def load_context(self, context: Any) -> None:
        """Read the table."""
        self._table = pd.read_parquet(context.artifacts["response_table"]).set_index(PRODUCT)[ANSWER]

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the answer row by row; a product that was not trained on is not identified."""
        answer = self._table.reindex(model_input[PRODUCT].astype(str)).reset_index(drop=True)
        unknown = answer[IDENTIFIED].isna()
        answer[REASON] = answer[REASON].mask(unknown, "the product was not in the training")
        return answer.assign(**{IDENTIFIED: answer[IDENTIFIED].eq(True)}).set_axis(model_input.index)


set_model(PriceResponse())
