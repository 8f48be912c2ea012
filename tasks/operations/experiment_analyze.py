"""Task: analyse a price experiment from its files, write the page and return the numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import yaml
from prefect import task

from conf import Settings
from expectations.columns import DATE, KEY, PRICE, PRODUCT, STORE, UNITS
from expectations.ids import as_pandas
from expectations.refusals import DataError
from expectations.spreadsheets import restored
from expectations.tax import with_tax
from tasks.runtime.artifacts import save_text
from tasks.runtime.channel_table import channels_of
from tasks.sources.closed import without_closed
from tasks.sources.files import read
from tasks.sources.forms import form_of
from tasks.sources.gaps import NO_SALE
from tasks.sources.meaning import Meaning, without_negative_periods
from tasks.sources.names import with_rates
from tasks.trial.analysis import analyse
from tasks.trial.assignment import joined
from tasks.trial.errors import TrialError
from tasks.trial.ids import id_columns, with_ids
from tasks.trial.moments import analyse_moments
from tasks.trial.page import render
from tasks.trial.periods import days_of_period
from tasks.trial.randomisation import CLUSTER
from tasks.trial.results import Analysis, as_json
from tasks.trial.spec import Spec, read_spec
from tasks.trial.spec_text import parsed
from tasks.trial.table import columns_of, read_rows


@task(name="analyze-experiment")
def analyze(data: str, spec: str, settings: Settings, page: str | None = None) -> dict[str, Any]:
    """Return the analysis of a table (CSV, Parquet) or of moments (JSON), and write its page.

    While the sample ratio alarms the numbers hold no result: ``srm.alarm`` is true and ``verdict`` is none.
    """
    analysis = analysis_of(Path(data), Path(spec), settings)
    if page is not None:
        save_text(render(analysis, settings.source.currency), Path(page))
    return as_json(analysis)


def analysis_of(data: Path, spec_file: Path, settings: Settings) -> Analysis:
    """Read and analyse the file of an experiment; sales of a designed trial are joined to its assignment."""
    spec = spec_at(spec_file)
    if not data.is_file():
        raise TrialError(
            f"{data}: there is no such file. Give the trial's table or its moments with `--data`."
        )
    if data.suffix == ".json":
        return analyse_moments(moments_at(data), spec)
    if spec.assignment is not None:
        assignment = assignment_at(spec_file.parent / spec.assignment)
        if settings.source.missing == NO_SALE:
            spec = replace(spec, events=True)  # an item without a row in the whole trial sold nothing either
        frame = joined(sales_at(data, settings, settled=spec.events is not None), assignment, spec)
        return analyse(read_rows(frame, spec), spec)
    return analyse(read_rows(table_at(data, spec), spec), spec)


def sales_at(path: Path, settings: Settings, *, settled: bool = False) -> pd.DataFrame:
    """Read a sales table, one row per product, store and period, in the project's column names.

    Args:
        path: file or folder of the sales.
        settings: names of the columns, and what a row means.
        settled: it is known by other means what a missing row means.

    Raises:
        TrialError: a row has no units or price, or there are two rows for one key.
        DataError: a rule of reading is broken, or it is not stated what a missing row means.
    """
    source = settings.source
    form = form_of(source.csv.model_dump(), source.wide.model_dump(), source.sheet, source.skip_rows)
    lines = read(path, with_rates(source.columns, source.price_includes_tax), source.time_zone, form)
    if lines.breaches:
        raise DataError(list(lines.breaches))
    meaning = Meaning(missing=source.missing, sum_lines=source.sum_lines)
    rows, closed = without_closed(lines.frame)
    frame = with_tax(meaning.one_row_per_key(rows, lines), source.price_includes_tax)
    if channels := channels_of(settings):
        frame = channels.charged(frame)
    bad = frame[[DATE, PRODUCT, UNITS, PRICE]].isna().any(axis=1) | ~(frame[PRICE] > 0)
    if bad.any():
        raise TrialError(
            f"{path.name}: a row needs date, product, units and a price above 0. "
            f"Received: {bad.sum():,} rows without. Mend them, or take them out."
        )
    twice = frame[frame.duplicated(KEY)]
    if len(twice):
        where = ", ".join(str(twice[name].iloc[0]) for name in (PRODUCT, STORE, DATE))
        raise TrialError(
            f"{path.name}: an item has one price at one time and place. Received: two rows for {where}. "
            "Keep one of them."
        )
    if source.returns == "subtract":
        frame, _ = without_negative_periods(frame)
    if settled and meaning.missing is None:
        return frame
    return meaning.completed(frame, closed, days_of_period(frame[DATE]))


def assignment_at(path: Path) -> pd.DataFrame:
    """Read the assignment of a designed trial; keys are text."""
    if not path.is_file():
        raise TrialError(
            f"{path}: the assignment that the spec names is not there. "
            "Keep it beside the spec, as the design wrote it."
        )
    table = pd.read_csv(path, dtype={PRODUCT: str, STORE: str, CLUSTER: str}, keep_default_na=False)
    ids = [name for name in (PRODUCT, STORE, CLUSTER) if name in table]
    table = with_ids(table.assign(**{name: restored(table[name]) for name in ids}), ids)
    table = table.astype(dict.fromkeys(ids, "str"))
    return table.assign(**{DATE: pd.to_datetime(table[DATE]).dt.as_unit("us")}) if DATE in table else table


def moments_at(path: Path) -> dict[str, Any]:
    """Read the moments of a trial per arm."""
    with _readable(path, "JSON with the moments of each arm"):
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError(f"a {type(document).__name__} instead of an object")
    return document.get("data", document)  # type: ignore[no-any-return]


def table_at(path: Path, spec: Spec) -> pd.DataFrame:
    """Return the columns of a table that the spec needs."""
    parquet = path.suffix in {".parquet", ".pq"}
    with _readable(path, "CSV or Parquet table"):
        available = (
            pyarrow.parquet.read_schema(path).names
            if parquet
            else pd.read_csv(path, nrows=0, encoding="utf-8").columns.tolist()
        )
    columns = columns_of(spec, available)
    ids = id_columns(spec, columns)
    with _readable(path, "CSV or Parquet table"):
        if parquet:
            table = as_pandas(pyarrow.parquet.read_table(path, columns=columns), ids)
        else:
            texts = dict.fromkeys(ids, pyarrow.dictionary(pyarrow.int32(), pyarrow.string()))
            options = pyarrow.csv.ConvertOptions(include_columns=columns, column_types=texts)
            table = pyarrow.csv.read_csv(path, convert_options=options).to_pandas()
    return with_ids(table, ids)


@contextmanager
def _readable(path: Path, what: str) -> Iterator[None]:
    """Turn errors of reading into one that names the file."""
    try:
        yield
    except (ValueError, pyarrow.ArrowException) as error:
        raise TrialError(
            f"{path}: this is no {what}. Received: {error}. Mend the file, or write it anew."
        ) from error


def spec_at(path: Path) -> Spec:
    """Read a specification in YAML."""
    if not path.is_file():
        raise TrialError(f"{path}: there is no such file. Give the specification with `--spec`.")
    try:
        return read_spec(parsed(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise TrialError(f"{path}: this is no YAML: {error}".replace("\n", " ")) from error
