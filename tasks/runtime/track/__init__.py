"""MLflow, spoken by this folder alone: the store, its runs, the run of a stage, the registered models."""

from tasks.runtime.track.registry import (
    ModelError,
    Registration,
    aliases,
    drop_alias,
    set_alias,
    tag_version,
    version_tags,
)
from tasks.runtime.track.runs import (
    finish_run,
    log_headlines,
    note,
    resume_run,
    stage_seconds,
    start_run,
    sweep,
)
from tasks.runtime.track.stage import StageRun, stage_run
from tasks.runtime.track.store import StoreError, open_store, store_uri

__all__ = [
    "ModelError",
    "Registration",
    "StageRun",
    "StoreError",
    "aliases",
    "drop_alias",
    "finish_run",
    "log_headlines",
    "note",
    "open_store",
    "resume_run",
    "set_alias",
    "stage_run",
    "stage_seconds",
    "start_run",
    "store_uri",
    "sweep",
    "tag_version",
    "version_tags",
]
