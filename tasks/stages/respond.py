"""Task: measure how demand answers price."""

from __future__ import annotations

import logging

import pandas as pd

from conf import Settings
from expectations.columns import ELASTICITY, HIGH, IDENTIFIED, LOW
from tasks.response.weeks import Rules
from tasks.runtime.artifacts import Artifact, load_table, save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Responded
from tasks.runtime.track import StageRun

log = logging.getLogger("repricer")


@resumable(name="respond")
def respond(attempt: Attempt, settings: Settings, sales: Artifact) -> Responded:
    """Estimate the own-price elasticity of every product, with its interval."""
    from tasks.response.panel import panel_response
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "respond") as run:
        rules = Rules(**settings.respond.model_dump(exclude={"reference_memory"}))
        response = panel_response(
            load_table(sales), settings.source.period, rules, settings.respond.reference_memory
        )
        table = response.table
        own = table[table[IDENTIFIED]]
        artifact = save_table(
            table.drop(columns=["rivals", "stores"]), attempt.path("respond", "elasticities.parquet")
        )
        shared = {
            "reference_effect": response.remembered,
            "rival_cross": response.cross,
            "rival_reaction": response.reaction,
        }
        spec = {**shared, "confidence": settings.respond.confidence, "flags": response.flags}
        responded = Responded(
            elasticities=artifact,
            reference_memory=settings.respond.reference_memory,
            reference_effect=response.remembered,
            rival_cross=response.cross,
            rival_reaction=response.reaction,
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
        for flag in response.flags:
            log.warning("price response: %s", flag)
    return responded


def _track(run: StageRun, table: pd.DataFrame, responded: Responded) -> None:
    from tasks.response import figures as response_figures

    told = {
        name: responded[name]
        for name in ("identified", "not_identified", "median_elasticity", "median_width")
    }  # type: ignore[literal-required]
    run.metrics(
        {
            **{name: value for name, value in told.items() if value is not None},
            **{
                name: responded[name]["estimate"]
                for name in ("reference_effect", "rival_cross", "rival_reaction")
            },  # type: ignore[literal-required]
        }
    )
    run.file(responded["elasticities"])
    run.figure(response_figures.elasticities(table), "elasticities.png")
    run.figure(response_figures.by_category(table), "elasticities_by_category.png")
    log.info(
        "price response: %d products identified, %d not", responded["identified"], responded["not_identified"]
    )
