"""An attempt and a model to register, in a store of SQLite."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from conf import Settings
from tasks.governance.format import FORMAT, FORMAT_TAG
from tasks.runtime import track
from tasks.runtime.artifacts import save_arrays, save_json, save_table
from tasks.runtime.attempt import Attempt
from tasks.runtime.track import Registration


def attempt_in(settings: Settings, name: str = "a") -> Attempt:
    """Return an attempt with a parent run in the store of the settings."""
    run_id = track.start_run(settings, {"attempt": name})
    return Attempt(id=name, folder=str(Path(settings.data_folder) / "attempts" / name), run_id=run_id)


def registration(folder: Path) -> Registration:
    """Return the smallest model that is served: the elasticity of one product, and no list."""
    table = pd.DataFrame(
        {
            "product_id": "007",
            "elasticity": -1.5,
            "low": -2.0,
            "high": -1.0,
            "identified": True,
            "reason": "",
        },
        index=[0],
    )
    return Registration(
        name="price_response",
        files={
            "response_table": save_table(table, folder / "elasticities.parquet"),
            "response_products": save_table(table[["product_id"]], folder / "group_products.parquet"),
            "response_draws": save_arrays({}, folder / "group_draws.npz"),
            "response_spec": save_json({"confidence": 0.95}, folder / "response_spec.json"),
        },
        example=table[["product_id"]],
        tags={FORMAT_TAG: str(FORMAT), "verdict": "PASS"},
    )
