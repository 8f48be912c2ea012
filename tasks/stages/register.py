"""Registering what a retraining produced: three versions with their verdict; the alias only for PASS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from tasks.governance.approval import CANDIDATE, VERDICT
from tasks.runtime import track
from tasks.runtime.artifacts import load_table
from tasks.runtime.attempt import Attempt, code_version, resumable, settings_hash
from tasks.runtime.records import Versions

EXAMPLE_ROWS = 5
TAG_LENGTH = 5000  # characters that MLflow keeps of a tag


@resumable(name="register")
def register(
    attempt: Attempt,
    settings: Settings,
    prepared: dict[str, Any],
    forecasted: dict[str, Any],
    responded: dict[str, Any],
    priced: dict[str, Any],
    evaluated: dict[str, Any],
) -> Versions:
    """Register the three models, the policy pinned to the other two, and let ``candidate`` point to them if all gates passed."""
    tags = {
        VERDICT: evaluated["verdict"],
        "reasons": " · ".join(evaluated["reasons"])[:TAG_LENGTH],
        "data_hash": prepared["data_hash"],
        "settings_hash": settings_hash(settings),
        "code_version": code_version(),
        "profile": settings.profile,
        "gates_passed": ", ".join(gate["name"] for gate in evaluated["gates"] if gate["passed"]),
    }
    with track.stage_run(attempt, "register") as run:
        demand = run.model("demand", forecasted["model_files"], _demand_example(forecasted), tags)
        response = run.model("price_response", responded["model_files"], _response_example(responded), tags)
        pins = {"demand_version": str(demand), "price_response_version": str(response)}
        policy = run.model("pricing_policy", priced["model_files"], _policy_example(priced), {**tags, **pins})
    versions = Versions(demand=demand, price_response=response, pricing_policy=policy)
    if evaluated["verdict"] == "PASS":
        for name in track.MODELS:
            track.set_alias(name, CANDIDATE, versions[name])  # type: ignore[literal-required]
    return versions


def _demand_example(forecasted: dict[str, Any]) -> pd.DataFrame:
    return load_table(forecasted["outlook"])[["product_id", "store_id", "date", "price"]].head(EXAMPLE_ROWS)


def _response_example(responded: dict[str, Any]) -> pd.DataFrame:
    """Return a request of products, some with store and price: both are optional, and so is a price in a list."""
    rows = load_table(responded["group_products"])[["product_id", "store_id", "price"]].head(EXAMPLE_ROWS)
    return pd.concat([rows, rows.head(1).assign(store_id=None, price=np.nan, product_id="other")])


def _policy_example(priced: dict[str, Any]) -> pd.DataFrame:
    return load_table(priced["market"])[["product_id", "store_id", "price"]].head(EXAMPLE_ROWS)
