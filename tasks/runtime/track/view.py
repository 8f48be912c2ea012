"""The page on which retrainings are compared: columns and charts of the runs table, prepared.

MLflow keeps a view that is shared as a tag of the experiment, as JSON, and the address names it by its key.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from conf import Settings
from tasks.runtime.track.store import open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

KEY = "retrainings"
TAG = f"mlflow.sharedViewState.{KEY}"
NAME = "Retrainings"
COLUMNS = {
    "tags.`verdict`": 70,
    "tags.`headline`": 460,
    "metrics.`list.lift`": 90,
    "metrics.`trial.lift`": 90,
    "metrics.`gain.over_hold`": 120,
    "metrics.`forecast.blend.wape`": 150,
    "tags.`champion`": 150,
    "metrics.`champion.list.lift`": 140,
    "metrics.`champion.trial.lift`": 140,
    "tags.`versions`": 290,
    "tags.`profile`": 90,
    "attributes.`User`": 90,
    "attributes.`Version`": 90,
}
"""Columns of the runs table in their order, with their widths (pixels)."""
ALWAYS = {"attributes.`Run Name`": 270, "duration": 80}
"""Columns that MLflow always shows; the first is at the left in any case."""
CHARTS = (
    ("list.lift", "champion.list.lift"),
    ("trial.lift", "champion.trial.lift"),
    ("gain.over_hold",),
    ("forecast.blend.wape", "champion.forecast.blend.wape"),
)
"""Bars over all retrainings; MLflow gives them the names of their metrics as title."""
RETRAININGS = "tags.attempt LIKE '%'"  # stages and trials carry no attempt
MODEL_METRICS = "Model metrics"  # MLflow's name of the section into which it puts a chart of every metric


def runs_view_path(settings: Settings) -> str:
    """Prepare the view and return its address in the MLflow UI: path and query, from the slash on."""
    store = open_store(settings)
    experiment = store.get_experiment_by_name(settings.track.experiment)
    assert experiment is not None
    prepare_view(store, experiment)
    query = f"workflowType=machine_learning&viewStateShareKey={KEY}"
    return f"/#/experiments/{experiment.experiment_id}/runs?{query}"


def prepare_view(store: MlflowClient, experiment: Experiment) -> None:
    """Give an experiment the view, unless it has it."""
    prepared = json.dumps(state(), separators=(",", ":"))
    if json.loads(experiment.tags.get(TAG, "{}")).get("state") != prepared:
        now = int(1000 * time.time())
        view = {"name": NAME, "createdAt": now, "updatedAt": now, "state": prepared}
        store.set_experiment_tag(experiment.experiment_id, TAG, json.dumps(view))


def state() -> dict[str, Any]:
    """Return the search and the appearance of the runs table, as MLflow's pages keep them."""
    charts = [
        {
            "type": "BAR",
            "uuid": f"{KEY}-{number}",
            "metricSectionId": KEY,
            "metricKey": metrics[0],
            "selectedMetricKeys": list(metrics),
            "runsCountToCompare": 20,
            "deleted": False,
            "isGenerated": False,
        }
        for number, metrics in enumerate(CHARTS)
    ]
    sections = [
        {"uuid": KEY, "name": NAME, "display": True, "isReordered": True},
        {"uuid": "metrics", "name": MODEL_METRICS, "display": False, "isReordered": True},
    ]
    return {
        "searchFilter": RETRAININGS,
        "selectedColumns": list(COLUMNS),
        "columnOrder": [*COLUMNS, *ALWAYS],
        "columnWidths": COLUMNS | ALWAYS,
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "isAccordionReordered": True,
    }
