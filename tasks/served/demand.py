"""The registered model ``demand``: quantiles of units/period, given the prices of the horizon."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from expectations.columns import QUANTILES
from expectations.product_names import product_names
from tasks.demand.model import DemandError, DemandModel
from tasks.served.answers import request_errors, require_fields, with_ids
from tasks.served.arrays import finite_arrays
from tasks.served.golden import GoldenModel


class Demand(GoldenModel):
    """Answer product, store, date and price with mean and quantiles of units/period."""

    def load(self, artifacts: Mapping[str, str]) -> None:
        """Read the arrays, the specification and the history of the model."""
        arrays = finite_arrays(artifacts["demand_arrays"])
        spec = json.loads(Path(artifacts["demand_spec"]).read_text(encoding="utf-8"))
        self._model = DemandModel(spec, arrays, pd.read_parquet(artifacts["demand_history"]))

    def spec(self) -> dict[str, Any]:
        """Return the known features of a forecast and the quantiles of an answer, in order."""
        return {"features": list(self._model.spec["known"]), "quantiles": list(QUANTILES)}

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
