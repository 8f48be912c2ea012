"""Task: analyse a price experiment from its files, write the page and hand back the numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.csv
import pyarrow.parquet
import yaml
from prefect import task

from tasks.artifacts import save_text
from tasks.trial.analysis import Analysis, analyse, as_json
from tasks.trial.errors import TrialError
from tasks.trial.moments import analyse_moments
from tasks.trial.page import render
from tasks.trial.spec import Spec, read_spec
from tasks.trial.table import columns_of, read_rows


@task(name="analyze-experiment")
def analyze(data: str, spec: str, page: str | None = None) -> dict[str, Any]:
    """Return the analysis of a table (CSV, Parquet) or of moments (JSON), and write its page.

    While the sample ratio alarms the numbers hold no result: ``srm.alarm`` is true and ``verdict`` is none.
    """
    analysis = analysis_of(Path(data), spec_at(Path(spec)))
    if page is not None:
        save_text(render(analysis), Path(page))
    return as_json(analysis)


def analysis_of(data: Path, spec: Spec) -> Analysis:
    """Read the file of an experiment and analyse it."""
    if not data.is_file():
        raise TrialError(f"{data}: there is no such file. Give the trial's table or its moments with `--data`.")
    if data.suffix == ".json":
        told = json.loads(data.read_text(encoding="utf-8"))
        return analyse_moments(told.get("data", told), spec)
    return analyse(read_rows(table_at(data, spec), spec), spec)


def table_at(path: Path, spec: Spec) -> pd.DataFrame:
    """Return the columns of a table that the spec needs."""
    if path.suffix in {".parquet", ".pq"}:
        columns = columns_of(spec, pyarrow.parquet.read_schema(path).names)
        return pyarrow.parquet.read_table(path, columns=columns).to_pandas()
    with path.open(encoding="utf-8") as file:
        there = pd.read_csv(file, nrows=0).columns.tolist()
    convert = pyarrow.csv.ConvertOptions(include_columns=columns_of(spec, there))
    return pyarrow.csv.read_csv(path, convert_options=convert).to_pandas()


def spec_at(path: Path) -> Spec:
    """Read a specification in YAML."""
    if not path.is_file():
        raise TrialError(f"{path}: there is no such file. Give the specification with `--spec`.")
    try:
        return read_spec(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise TrialError(f"{path}: this is no YAML: {error}".replace("\n", " ")) from error
