"""The registered model ``pricing_policy``: from the state of a product to its price."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from tasks.pricing.recommend import PolicyError, PolicyModel
from tasks.served.answers import request_errors, require_fields, with_ids


class PricingPolicy(PythonModel):
    """Answer product, store and price in force with the price of the next week.

    ``policy`` can also explain a price.
    """

    policy: PolicyModel

    def load_context(self, context: Any) -> None:
        """Read market, slopes, rules and weights."""
        import json
        from pathlib import Path

        import numpy as np

        rules = json.loads(Path(context.artifacts["policy_rules"]).read_text(encoding="utf-8"))
        with np.load(context.artifacts["policy_weights"], allow_pickle=False) as file:
            weights = {name: file[name] for name in file.files}
        with np.load(context.artifacts["policy_draws"], allow_pickle=False) as file:
            slopes = {name: file[name] for name in file.files}
        market = pd.read_parquet(context.artifacts["policy_market"])
        self.policy = PolicyModel.from_stored(market, slopes, rules, weights)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return ids, the recommended price, its step of the ladder and the reason, row by row."""
        require_fields(model_input)
        with request_errors(PolicyError):
            return with_ids(model_input, self.policy.recommend(model_input))


set_model(PricingPolicy())
