"""Task: design a price experiment from the sales history and write its assignment and specification."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from prefect import task

from conf import Settings
from expectations.columns import DATE, UNIT_COST
from expectations.spreadsheets import neutral
from tasks.operations.experiment_analyze import sales_at
from tasks.runtime.artifacts import save_text
from tasks.sources.gaps import NO_SALE
from tasks.trial.assignment import REVENUE
from tasks.trial.design import design_trial
from tasks.trial.design_request import DesignRequest

log = logging.getLogger("repricer")


@task(name="design-experiment")
def design(data: str, request: DesignRequest, folder: str, settings: Settings) -> dict[str, Any]:
    """Write ``assignment.csv`` and ``trial.yaml`` into a folder and return the design in numbers.

    Raises:
        TrialError: the design could not be read later, or cannot detect the effect.
    """
    sales = sales_at(Path(data), settings)
    trial = design_trial(sales, request, no_sale=settings.source.missing == NO_SALE)
    if not request.metric and trial.figures["metric"] == REVENUE and UNIT_COST in sales:
        log.warning(
            "design: the metric is revenue; %d of %d rows have no cost for a profit",
            sales[UNIT_COST].isna().sum(),
            len(sales),
        )
    return {**trial.figures, "files": _written(trial.assignment, trial.spec, Path(folder))}


def _written(assignment: pd.DataFrame, spec: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Write both files and return their paths."""
    if DATE in assignment:
        assignment = assignment.assign(**{DATE: assignment[DATE].dt.strftime("%Y-%m-%d")})
    save_text(neutral(assignment).to_csv(index=False), folder / "assignment.csv")
    save_text(yaml.safe_dump(dict(spec), sort_keys=False), folder / "trial.yaml")
    log.info("wrote assignment.csv and trial.yaml to %s", folder)
    return {"assignment": str(folder / "assignment.csv"), "spec": str(folder / "trial.yaml")}
