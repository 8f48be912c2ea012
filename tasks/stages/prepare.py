"""Task: from a source to the accepted sales table, its quarantine, its features and a report."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import (
    CATEGORY,
    DATE,
    KEY,
    NUMERIC,
    PERIOD_FREQUENCY,
    PRODUCT,
    REASON,
    ROW,
    TEXT,
    UNITS,
    promotions,
)
from expectations.pregate import FILE, Limits, check_share, gate, refusal
from tasks.runtime.artifacts import save_json, save_table, save_text
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Prepared
from tasks.runtime.seeds import seed_of

if TYPE_CHECKING:
    from expectations.suites import Outcome
    from tasks.demand.features import FeatureTable
    from tasks.demand.selection import Selection
    from tasks.runtime.track import StageRun
    from tasks.sources.mapping import Lines

log = logging.getLogger("repricer")

ONE_CATEGORY = "all"
UNKNOWN_CATEGORY = "unknown"


class Accepted(NamedTuple):
    """The sales table that is believed, what is not, and how the expectations came out."""

    sales: pd.DataFrame
    set_aside: pd.DataFrame
    outcomes: list[Outcome]
    repeated: int


def may_answer_later(_task: Any, _run: Any, state: Any) -> bool:
    """Tell Prefect to retry where a database did not answer, and nowhere else: bad data stays bad."""
    from tasks.sources.sql import UnreachableError

    return isinstance(state.data, UnreachableError)


@resumable(name="prepare", retries=2, retry_delay_seconds=[2, 10], retry_condition_fn=may_answer_later)
def prepare(attempt: Attempt, settings: Settings) -> Prepared:
    """Read the source, hold it to the contract, set aside what breaks it, build and select the features.

    Raises:
        DataError: the source breaks a rule; the message lists every one.
    """
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "prepare") as run:
        lines = read(settings)
        accepted = accept(lines, settings)
        sales = most_sold(accepted.sales, settings.source.products)
        table, selection = features_of(sales, settings)
        prepared = _saved(attempt, settings, lines, accepted, sales, table, selection)
        _track(run, settings, prepared, sales, selection)
    return prepared


def read(settings: Settings) -> Lines:
    """Return the rows of the source that the settings name."""
    from tasks.sources import completejourney, files, sql
    from tasks.sources.mapping import Lines

    source = settings.source
    if source.kind == "file":
        if not source.path:
            raise refusal(
                "(all)",
                "source.path",
                "none",
                "source.kind=file has a path",
                "name a file or folder with --data",
            )
        return files.read(Path(source.path), source.columns, source.time_zone)
    if source.kind == "sql":
        return sql.read(source.url_variable, source.query, source.columns, source.time_zone)
    sales = completejourney.read(source.period, source.by_store, source.products)
    sales[FILE], sales[ROW] = (
        pd.Series(source.kind, index=sales.index, dtype="str"),
        np.arange(1, len(sales) + 1),
    )
    return Lines(sales, (), stamped=False, rows=len(sales), repeated=0, ignored=())


def accept(lines: Lines, settings: Settings) -> Accepted:
    """Return the rows that hold to the contract, in canonical order, and those set aside with reason and origin.

    Raises:
        DataError: a rule is broken, or too many rows are set aside.
    """
    from expectations import suites
    from tasks.sources.mapping import summed

    limits = _limits(settings)
    now = pd.Timestamp.now("UTC").tz_localize(None)
    gated = gate(lines.frame, limits, now, keyed=not lines.stamped, found=lines.breaches)
    table = (summed(gated.kept) if lines.stamped else gated.kept).reset_index(drop=True)
    outcomes = suites.run("sales", table)
    reasons = suites.reasons(outcomes, table.index)
    failing = table[reasons != ""].assign(**{REASON: reasons[reasons != ""]})
    set_aside = pd.concat([gated.set_aside, failing], ignore_index=True)
    check_share(set_aside[REASON], lines.rows, limits.quarantine_share)
    return Accepted(canonical(table[reasons == ""]), set_aside, outcomes, gated.repeated + lines.repeated)


def canonical(table: pd.DataFrame) -> pd.DataFrame:
    """Return the sales table without origins, columns and rows in an order that no source decides.

    Where no category is told, every product is in one: each may replace the others.
    """
    if CATEGORY not in table:
        table = table.assign(**{CATEGORY: pd.Series(ONE_CATEGORY, index=table.index, dtype="str")})
    table = table.fillna({CATEGORY: UNKNOWN_CATEGORY})
    known = [name for name in (*KEY, *NUMERIC, *sorted(promotions(table.columns)), *TEXT) if name in table]
    columns = list(dict.fromkeys([*known, *sorted(set(table.columns) - {FILE, ROW})]))
    return table[columns].sort_values(KEY, ignore_index=True)


def table_hash(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a canonical table's content: names, times, numbers and texts, not their storage."""
    digest = hashlib.sha256()
    for name in table.columns:
        values = table[name]
        digest.update(f"{name}\0".encode())
        if name == DATE:
            digest.update(values.astype("datetime64[us]").to_numpy().astype("<i8").tobytes())
        elif pd.api.types.is_numeric_dtype(values):
            numbers = values.to_numpy(dtype="<f8")
            digest.update(
                np.where(np.isnan(numbers), np.nan, numbers).tobytes()
            )  # one of the many bit patterns of nan
        else:
            digest.update(json.dumps(values.astype(object).where(values.notna(), None).tolist()).encode())
    return digest.hexdigest()


def most_sold(sales: pd.DataFrame, products: int) -> pd.DataFrame:
    """Return the rows of the products sold in the most periods, the smaller id first among equals."""
    periods = sales[sales[UNITS] > 0].groupby(PRODUCT)[DATE].nunique().rename("periods").reset_index()
    kept = periods.sort_values(["periods", PRODUCT], ascending=[False, True])[PRODUCT].head(products)
    if kept.empty:
        rule = "some product is sold in some period"
        raise refusal(
            UNITS, "the accepted rows", "no unit sold", rule, "check which column is mapped to units"
        )
    return sales[sales[PRODUCT].isin(kept)].reset_index(drop=True)


def features_of(sales: pd.DataFrame, settings: Settings) -> tuple[FeatureTable, Selection]:
    """Build the features and select among them on what was known at the first fold's origin."""
    from expectations import suites
    from tasks.demand.censoring import expected_demand
    from tasks.demand.features import build_features
    from tasks.demand.selection import select

    chosen, until = settings.prepare.features, first_origin(sales, settings)
    demand = expected_demand(sales, settings.source.period, until)
    table = build_features(demand, chosen.lags, chosen.windows, settings.source.period, chosen.rivals)
    suites.run("features", table.frame)
    seed = seed_of(settings.seed, "prepare")
    return table, select(table, sales, until, chosen.redundant_above, chosen.noise_columns, seed=seed)


def first_origin(sales: pd.DataFrame, settings: Settings) -> pd.Timestamp:
    """Return the last date that is known at the first fold: nothing later may be looked at for a choice."""
    from tasks.demand.splits import rolling_origins

    told = settings.forecast
    dates = pd.date_range(
        sales[DATE].min(), sales[DATE].max(), freq=PERIOD_FREQUENCY[settings.source.period], unit="us"
    )
    folds = rolling_origins(len(dates), told.horizon, told.gap, told.folds, told.holdout_origins)
    return pd.Timestamp(dates[folds[0].origin])


def _limits(settings: Settings) -> Limits:
    told = settings.prepare
    return Limits(
        settings.source.period, told.future_hours, told.level_shift, told.spike, told.quarantine_share
    )


def _saved(
    attempt: Attempt,
    settings: Settings,
    lines: Lines,
    accepted: Accepted,
    sales: pd.DataFrame,
    table: FeatureTable,
    selection: Selection,
) -> Prepared:
    from expectations.report import Overview, render

    digest = table_hash(accepted.sales)
    rows = {
        "rows read": lines.rows,
        "copies left out": accepted.repeated,
        "rows set aside": len(accepted.set_aside),
        "rows accepted": len(accepted.sales),
        "rows modelled": len(sales),
    }
    log.info(", ".join(f"{name} {count}" for name, count in rows.items()))
    used = [*selection.past, *selection.known]
    overview = Overview(
        source=_source_name(settings),
        data_hash=digest,
        rows=rows,
        sales=sales,
        set_aside=accepted.set_aside,
        outcomes=accepted.outcomes,
        kept={name: table.descriptions[name] for name in used},
        dropped=selection.dropped,
    )
    chosen = {
        "past": list(selection.past),
        "known": list(selection.known),
        "dropped": dict(selection.dropped),
    }
    return Prepared(
        sales=save_table(sales, attempt.path("prepare", "sales.parquet")),
        quarantine=save_table(accepted.set_aside, attempt.path("prepare", "quarantine.parquet")),
        features=save_table(table.frame, attempt.path("prepare", "features.parquet")),
        selection=save_json(chosen, attempt.path("prepare", "selection.json")),
        report=save_text(render(overview), attempt.path("prepare", "data_report.html")),
        data_hash=digest,
        rows_in=lines.rows,
        rows_accepted=len(accepted.sales),
        rows_quarantined=len(accepted.set_aside),
    )


def _source_name(settings: Settings) -> str:
    source = settings.source
    return Path(source.path).name if source.kind == "file" and source.path else source.kind


def _track(
    run: StageRun, settings: Settings, prepared: Prepared, sales: pd.DataFrame, selection: Selection
) -> None:
    from tasks.demand.censoring import sold_out

    run.params({"source": _source_name(settings), "features": ", ".join([*selection.past, *selection.known])})
    run.metrics(
        {
            "data.rows_in": prepared["rows_in"],
            "data.rows_accepted": prepared["rows_accepted"],
            "data.rows_quarantined": prepared["rows_quarantined"],
            "data.products": sales[PRODUCT].nunique(),
            "data.periods": sales[DATE].nunique(),
            "data.sold_out_share": float(sold_out(sales).mean()),
            "features.kept": len(selection.past) + len(selection.known),
            "features.dropped": len(selection.dropped),
        }
    )
    run.table(sales, name="sales", artifact=prepared["sales"])
    for artifact in (prepared["report"], prepared["quarantine"], prepared["selection"]):
        run.file(artifact)
