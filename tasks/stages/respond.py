"""Stage: measure how demand answers price."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from conf import Settings
from tasks.runtime.artifacts import Artifact, load_table, save_arrays, save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import PredictiveCheck, Responded
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun

if TYPE_CHECKING:
    from tasks.response.elasticities import PanelResponse
    from tasks.response.group_response import GroupResponse

log = logging.getLogger("repricer")

NESTED = ["rivals", "stores"]  # columns of dictionaries, which the benchmark alone reports


@resumable(name="respond")
def respond(attempt: Attempt, settings: Settings, sales: Artifact) -> Responded:
    """Estimate how demand answers the price of every product, and how substitute groups answer theirs."""
    from tasks.demand.censoring import uncensored
    from tasks.response.elasticities import panel_response
    from tasks.response.group_response import group_response
    from tasks.response.identification import Identification
    from tasks.response.predictive_check import predictive_check
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "respond") as run:
        identification = Identification(**settings.respond.model_dump())
        period = settings.source.period
        demand = uncensored(load_table(sales), period)
        response = panel_response(demand, period, identification)
        seed = seed_of(settings.seed, "respond.groups")
        groups = group_response(demand, period, identification, response, seed=seed, bounded=response.weeks)
        check = predictive_check(
            response.weeks.table, response.instrumented, identification.confidence, response.flags
        )
        responded = _keep(attempt, response, groups, check, settings.respond.reference_memory)
        _show(run, response, groups, responded)
    return responded


def _keep(
    attempt: Attempt,
    response: PanelResponse,
    groups: GroupResponse,
    check: PredictiveCheck,
    reference_memory: float,
) -> Responded:
    """Save the tables, the draws and what all products share."""
    table = save_table(response.table.drop(columns=NESTED), attempt.path("respond", "elasticities.parquet"))
    draws = save_arrays(groups.draws, attempt.path("respond", "group_draws.npz"))
    products = save_table(groups.products, attempt.path("respond", "group_products.parquet"))
    influence = save_table(response.influence, attempt.path("respond", "influence.parquet"))
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
        groups=save_table(groups.table, attempt.path("respond", "groups.parquet")),
        group_links=save_table(groups.links, attempt.path("respond", "group_links.parquet")),
        group_products=products,
        group_draws=draws,
        groups_refused=groups.refusal,
        influence=influence,
        predictive_check=check,
        model_files={
            "response_table": table,
            "response_products": products,
            "response_draws": draws,
            "response_spec": save_json(response.spec, attempt.path("respond", "response_spec.json")),
        },
    )


def _show(run: StageRun, response: PanelResponse, groups: GroupResponse, responded: Responded) -> None:
    """Log metrics, table and figures, and warn of what is wrong with the whole panel."""
    from tasks.response import figures
    from tasks.response.influence import warnings_of

    identified, not_identified = responded["identified"], responded["not_identified"]
    check = responded["predictive_check"]
    metrics = {
        "identified": identified,
        "not_identified": not_identified,
        "median_elasticity": response.median_elasticity,
        "median_width": response.median_width,
        "reference_effect": response.remembered["estimate"],
        "rival_cross": response.cross["estimate"],
        "rival_reaction": response.reaction["estimate"],
        "bounded_rows": len(response.weeks.rows),
        **{f"predictive_{name}": check[name] for name in ("slope", "low", "high")},
        **groups.figures,
    }
    run.metrics({f"response.{name}": value for name, value in metrics.items()}, headline=True)
    for table in ("elasticities", "groups", "group_links", "influence"):
        run.file(responded[table])  # type: ignore[literal-required]
    run.preview(response.table.drop(columns=NESTED).sort_values("standard_error"), "elasticities")
    run.preview(groups.table.sort_values("members", ascending=False), "groups")
    run.preview(groups.links, "group_links")
    run.figure(figures.elasticities(response.table), "elasticities.png")
    run.figure(figures.by_category(response.table), "elasticities_by_category.png")
    run.figure(figures.predictive_check(check), "predictive_check.png")
    log.info("price response: %d products identified, %d not", identified, not_identified)
    log.info(groups.headline)
    log.info(check["sentence"])
    for flag in [*response.flags, *warnings_of(response.influence)]:
        log.warning("price response: %s", flag)
