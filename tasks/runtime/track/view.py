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
COLUMNS = (
    "tags.`verdict`",
    "metrics.`list.lift`",
    "metrics.`trial.lift`",
    "metrics.`gain.over_hold`",
    "metrics.`forecast.blend.wape`",
    "tags.`champion`",
    "metrics.`champion.list.lift`",
    "metrics.`champion.trial.lift`",
    "tags.`versions`",
    "tags.`profile`",
    "tags.`headline`",
    "attributes.`User`",
)
"""Of the runs table, in this order; name, start and duration stand before them."""
CHARTS = {
    "List: change of a week, beside the champion's": ("list.lift", "champion.list.lift"),
    "Season: change, beside the champion's": ("trial.lift", "champion.trial.lift"),
    "Policy: gain over holding prices": ("gain.over_hold",),
    "Forecast: error (WAPE), beside the champion's": ("forecast.blend.wape", "champion.forecast.blend.wape"),
}
"""Bars over all retrainings: metrics by title."""
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
    state = json.dumps(_state(), separators=(",", ":"))
    if json.loads(experiment.tags.get(TAG, "{}")).get("state") != state:
        now = int(1000 * time.time())
        view = {"name": NAME, "createdAt": now, "updatedAt": now, "state": state}
        store.set_experiment_tag(experiment.experiment_id, TAG, json.dumps(view))


def _state() -> dict[str, Any]:
    """Return the search and the appearance of the runs table, as MLflow's pages keep them."""
    charts = [
        {
            "type": "BAR",
            "uuid": f"{KEY}-{number}",
            "metricSectionId": KEY,
            "metricKey": metrics[0],
            "selectedMetricKeys": list(metrics),
            "displayName": title,
            "runsCountToCompare": 20,
            "deleted": False,
            "isGenerated": False,
        }
        for number, (title, metrics) in enumerate(CHARTS.items())
    ]
    sections = [
        {"uuid": KEY, "name": NAME, "display": True, "isReordered": True},
        {"uuid": "metrics", "name": MODEL_METRICS, "display": False, "isReordered": True},
    ]
    return {
        "searchFilter": RETRAININGS,
        "selectedColumns": list(COLUMNS),
        "columnOrder": list(COLUMNS),
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "isAccordionReordered": True,
    }
