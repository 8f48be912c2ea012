"""Task: measure how demand answers price."""

from __future__ import annotations

import logging

import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import ELASTICITY, HIGH, IDENTIFIED, LOW
from tasks.artifacts import Artifact, load_table, save_json, save_table
from tasks.attempt import Attempt, resumable
from tasks.demand.response import ReferenceEffect, Rules
from tasks.track import StageRun

log = logging.getLogger("repricer")


class Responded(TypedDict):
    """Elasticity table, the effect of the remembered price, how many products are identified, and what serves them."""

    elasticities: Artifact
    reference_effect: ReferenceEffect
    identified: int
    not_identified: int
    median_elasticity: float | None
    median_width: float | None
    model_files: dict[str, Artifact]


@resumable(name="respond")
def respond(attempt: Attempt, settings: Settings, sales: Artifact) -> Responded:
    """Estimate the own-price elasticity of every product, with its interval."""
    from tasks.demand.elasticities import price_response
    from tasks.track import stage_run

    told = settings.respond
    rules = Rules(told.confidence, told.min_prices, told.min_price_variation, told.min_periods, told.max_width)
    with stage_run(attempt, "respond") as run:
        table, effect = price_response(load_table(sales), settings.source.period, rules, settings.price.reference_memory)
        own = table[table[IDENTIFIED]]
        artifact = save_table(table, attempt.path("respond", "elasticities.parquet"))
        spec = {"reference_effect": effect, "confidence": told.confidence}
        responded = Responded(
            elasticities=artifact,
            reference_effect=effect,
            identified=len(own),
            not_identified=len(table) - len(own),
            median_elasticity=float(own[ELASTICITY].median()) if len(own) else None,
            median_width=float((own[HIGH] - own[LOW]).median()) if len(own) else None,
            model_files={
                "response_table": artifact,
                "response_spec": save_json(spec, attempt.path("respond", "response_spec.json")),
            },
        )
        _track(run, table, responded)
    return responded


def _track(run: StageRun, table: pd.DataFrame, responded: Responded) -> None:
    from tasks.demand import response_figures

    told = {name: responded[name] for name in ("identified", "not_identified", "median_elasticity", "median_width")}  # type: ignore[literal-required]
    run.metrics(
        {
            **{name: value for name, value in told.items() if value is not None},
            "reference_effect": responded["reference_effect"]["estimate"],
        }
    )
    run.file(responded["elasticities"])
    run.figure(response_figures.elasticities(table), "elasticities.png")
    run.figure(response_figures.by_category(table), "elasticities_by_category.png")
    log.info("price response: %d products identified, %d not", responded["identified"], responded["not_identified"])
