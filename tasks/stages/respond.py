"""Stage: measure how demand answers price."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from conf import Settings
from tasks.runtime.artifacts import Artifact, load_table, save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Responded
from tasks.runtime.track import StageRun

if TYPE_CHECKING:
    from tasks.response.elasticities import PanelResponse

log = logging.getLogger("repricer")

NESTED = ["rivals", "stores"]  # columns of dictionaries, which the benchmark alone reports


@resumable(name="respond")
def respond(attempt: Attempt, settings: Settings, sales: Artifact) -> Responded:
    """Estimate the own-price elasticity of every product, with its interval."""
    from tasks.response.elasticities import panel_response
    from tasks.response.identification import Identification
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "respond") as run:
        identification = Identification(**settings.respond.model_dump())
        response = panel_response(load_table(sales), settings.source.period, identification)
        responded = _keep(attempt, response, settings.respond.reference_memory)
        _show(run, response, responded)
    return responded


def _keep(attempt: Attempt, response: PanelResponse, reference_memory: float) -> Responded:
    """Save the table and what all products share."""
    table = save_table(response.table.drop(columns=NESTED), attempt.path("respond", "elasticities.parquet"))
    spec = {
        "reference_effect": response.remembered,
        "rival_cross": response.cross,
        "rival_reaction": response.reaction,
        "confidence": response.confidence,
        "flags": response.flags,
    }
    identified = len(response.identified)
    return Responded(
        elasticities=table,
        reference_memory=reference_memory,
        reference_effect=response.remembered,
        rival_cross=response.cross,
        rival_reaction=response.reaction,
        identified=identified,
        not_identified=len(response.table) - identified,
        median_elasticity=response.median_elasticity,
        median_width=response.median_width,
        model_files={
            "response_table": table,
            "response_spec": save_json(spec, attempt.path("respond", "response_spec.json")),
        },
    )


def _show(run: StageRun, response: PanelResponse, responded: Responded) -> None:
    """Log metrics, table and figures, and warn of what is wrong with the whole panel."""
    from tasks.response import figures

    identified, not_identified = responded["identified"], responded["not_identified"]
    metrics = {
        "identified": identified,
        "not_identified": not_identified,
        "median_elasticity": response.median_elasticity,
        "median_width": response.median_width,
        "reference_effect": response.remembered["estimate"],
        "rival_cross": response.cross["estimate"],
        "rival_reaction": response.reaction["estimate"],
    }
    run.metrics({name: value for name, value in metrics.items() if value is not None})
    run.file(responded["elasticities"])
    run.figure(figures.elasticities(response.table), "elasticities.png")
    run.figure(figures.by_category(response.table), "elasticities_by_category.png")
    log.info("price response: %d products identified, %d not", identified, not_identified)
    for flag in response.flags:
        log.warning("price response: %s", flag)
