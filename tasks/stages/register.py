"""Stage: register what a retraining produced as three versions with their verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import DATE, PRICE, PRODUCT, STORE
from tasks.governance.approval import VERDICT
from tasks.governance.format import FORMAT, FORMAT_TAG
from tasks.runtime import track
from tasks.runtime.artifacts import Artifact, load_table, save_json
from tasks.runtime.attempt import Attempt, code_version, resumable, settings_hash
from tasks.runtime.candidate_aliases import nominate
from tasks.runtime.records import Responded, Stages, Versions
from tasks.runtime.track import Registration, StageRun
from tasks.runtime.verified_models import seal

EXAMPLE_ROWS = 5
TAG_LENGTH = 5000  # characters that MLflow keeps of a tag


@resumable(name="register")
def register(attempt: Attempt, settings: Settings, stages: Stages) -> Versions:
    """Register the three models, the policy pinned to the other two; for PASS they become ``candidate``."""
    with track.stage_run(attempt, "register") as run:
        versions = _registered(run, stages, _tags(settings, stages), _prices(attempt, settings))
        seal(settings, cast("Mapping[str, int]", versions))
    if stages["evaluate"]["verdict"] == "PASS":
        nominate(cast("Mapping[str, int]", versions))
    return versions


def _tags(settings: Settings, stages: Stages) -> dict[str, str]:
    """Return what every version carries: its format, its verdict and where it came from."""
    evaluated = stages["evaluate"]
    return {
        FORMAT_TAG: str(FORMAT),
        VERDICT: evaluated["verdict"],
        "reasons": " · ".join(evaluated["reasons"])[:TAG_LENGTH],
        "data_hash": stages["prepare"]["data_hash"],
        "settings_hash": settings_hash(settings),
        "code_version": code_version(),
        "profile": settings.profile,
        "gates_passed": ", ".join(gate["name"] for gate in evaluated["gates"] if gate["passed"]),
    }


def _prices(attempt: Attempt, settings: Settings) -> Artifact:
    """Save how the served policy writes a price."""
    return save_json({"decimals": settings.price.decimals}, attempt.path("register", "policy_prices.json"))


def _registered(run: StageRun, stages: Stages, tags: Mapping[str, str], prices: Artifact) -> Versions:
    forecasted, responded, priced = stages["forecast"], stages["respond"], stages["price"]
    demand = run.model(
        Registration(
            name="demand",
            files=forecasted["model_files"],
            example=_example(forecasted["outlook"], PRODUCT, STORE, DATE, PRICE),
            tags=tags,
        )
    )
    response = run.model(
        Registration(
            name="price_response",
            files=responded["model_files"],
            example=_response_example(responded),
            tags=tags,
        )
    )
    policy = run.model(
        Registration(
            name="pricing_policy",
            files={**priced["model_files"], "policy_prices": prices},
            example=_example(priced["market"], PRODUCT, STORE, PRICE),
            tags={**tags, "demand_version": str(demand), "price_response_version": str(response)},
        )
    )
    return Versions(demand=demand, price_response=response, pricing_policy=policy)


def _response_example(responded: Responded) -> pd.DataFrame:
    """Return a list with and without store and price: both are optional."""
    rows = _example(responded["group_products"], PRODUCT, STORE, PRICE)
    return pd.concat([rows, rows.head(1).assign(**{STORE: None, PRICE: np.nan, PRODUCT: "other"})])


def _example(table: Artifact, *columns: str) -> pd.DataFrame:
    return load_table(table)[list(columns)].head(EXAMPLE_ROWS)
