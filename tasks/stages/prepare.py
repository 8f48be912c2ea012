"""Stage: from a source to the accepted sales table, its quarantine, its features and a report."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pandas as pd

from conf import Settings
from expectations.columns import DATE, PRODUCT
from tasks.demand.censoring import sold_out
from tasks.demand.chosen_features import ChosenFeatures, chosen_features
from tasks.runtime.artifacts import save_json, save_table, save_text
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Prepared
from tasks.sources.acceptance import Accepted, most_sold, table_hash
from tasks.sources.sql import UnreachableError
from tasks.stages.sales import accepted_sales, feature_choice_of, seen_until
from tasks.stages.source import source_of

if TYPE_CHECKING:
    from prefect import Task
    from prefect.client.schemas.objects import State, TaskRun

    from tasks.runtime.track import StageRun

log = logging.getLogger("repricer")


@dataclass(frozen=True, kw_only=True)
class PreparedSales:
    """The name of the source, what was accepted of it, the rows that are modelled, and their features."""

    source: str
    accepted: Accepted
    modelled: pd.DataFrame
    features: ChosenFeatures

    @property
    def counts(self) -> dict[str, int]:
        """Return the rows at every step, by name."""
        return {**self.accepted.counts, "rows modelled": len(self.modelled)}


def may_answer_later(_task: Task, _run: TaskRun, state: State) -> bool:
    """Tell Prefect to retry where a database did not answer, and nowhere else: bad data stays bad."""
    return isinstance(state.data, UnreachableError)


@resumable(name="prepare", retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=may_answer_later)
def prepare(attempt: Attempt, settings: Settings) -> Prepared:
    """Read the source, hold it to the contract, set aside what breaks it, build and select the features.

    Raises:
        DataError: the source breaks a rule; the message lists them all.
    """
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "prepare") as run:
        accepted = accepted_sales(settings)
        modelled = most_sold(accepted.sales, settings.source.products)
        features = chosen_features(modelled, feature_choice_of(settings), seen_until(settings, modelled))
        source = source_of(settings.source).name
        result = PreparedSales(source=source, accepted=accepted, modelled=modelled, features=features)
        prepared = _keep(attempt, result)
        _show(run, result, prepared)
    return prepared


def _keep(attempt: Attempt, result: PreparedSales) -> Prepared:
    """Save the tables, the selection and the report."""
    from expectations.report import Overview, render

    accepted, selection = result.accepted, result.features.selection
    overview = Overview(
        source=result.source,
        data_hash=table_hash(accepted.sales),
        rows=result.counts,
        sales=result.modelled,
        set_aside=accepted.set_aside,
        outcomes=accepted.outcomes,
        kept=result.features.used,
        dropped=selection.dropped,
        notes=accepted.notes,
    )
    return Prepared(
        sales=save_table(result.modelled, attempt.path("prepare", "sales.parquet")),
        quarantine=save_table(accepted.set_aside, attempt.path("prepare", "quarantine.parquet")),
        features=save_table(result.features.table.frame, attempt.path("prepare", "features.parquet")),
        selection=save_json(asdict(selection), attempt.path("prepare", "selection.json")),
        report=save_text(render(overview), attempt.path("prepare", "data_report.html")),
        data_hash=overview.data_hash,
        rows_in=accepted.rows,
        rows_accepted=len(accepted.sales),
        rows_quarantined=len(accepted.set_aside),
        notes=list(accepted.notes),
    )


def _show(run: StageRun, result: PreparedSales, prepared: Prepared) -> None:
    """Log the counts and show source, tables and features in the tracked run."""
    log.info(", ".join(f"{name} {count}" for name, count in result.counts.items()))
    run.params({"source": result.source, "features": ", ".join(result.features.used)})
    metrics = {
        "data.rows_in": prepared["rows_in"],
        "data.rows_accepted": prepared["rows_accepted"],
        "data.rows_quarantined": prepared["rows_quarantined"],
        "data.products": result.modelled[PRODUCT].nunique(),
        "data.periods": result.modelled[DATE].nunique(),
        "data.sold_out_share": float(sold_out(result.modelled).mean()),
        "features.kept": len(result.features.used),
        "features.dropped": len(result.features.selection.dropped),
    }
    run.metrics(metrics, headline=True)
    run.preview(result.accepted.set_aside, "quarantine")
    run.table(result.modelled, name="sales", artifact=prepared["sales"])
    for artifact in (prepared["report"], prepared["quarantine"], prepared["selection"]):
        run.file(artifact)
