"""The registered model ``demand``: quantiles of units/period, given the prices of the horizon."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from expectations.product_names import product_names
from tasks.demand.model import DemandError, DemandModel
from tasks.served.answers import request_errors, require_fields, with_ids


class Demand(PythonModel):
    """Answer product, store, date and price with mean and quantiles of units/period."""

    def load_context(self, context: Any) -> None:
        """Read the arrays, the specification and the history of the model."""
        import json
        from pathlib import Path

        import numpy as np

        with np.load(context.artifacts["demand_arrays"], allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        spec = json.loads(Path(context.artifacts["demand_spec"]).read_text(encoding="utf-8"))
        self._model = DemandModel(spec, arrays, pd.read_parquet(context.artifacts["demand_history"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return ids, mean and quantiles, row by row."""
        require_fields(model_input)
        with request_errors(DemandError):
            return with_ids(model_input, self._model.predict(model_input))

    def explain(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return what makes the forecast of every row, as ``DemandModel.explain`` does.

        Example: `load_model(...).unwrap_python_model().explain(rows)`
        """
        return self._model.explain(rows)

    def outlook(self) -> pd.DataFrame:
        """Return the forecast of every series and period ahead, at the price in force."""
        return self._model.outlook()

    def names(self) -> dict[str, str]:
        """Return the name of every product by its id, shortened; the id where it has no name."""
        return product_names(self._model.history)


set_model(Demand())
