"""MLflow, spoken by this folder alone: the store, its runs, the run of a stage, the registered models."""

from tasks.runtime.track.address import store_uri
from tasks.runtime.track.figures import figure_of
from tasks.runtime.track.labels import links_to
from tasks.runtime.track.patience import wait_for_locks
from tasks.runtime.track.registry import (
    ModelError,
    Registration,
    aliases,
    describe_version,
    drop_alias,
    set_alias,
    tag_version,
    version_tags,
)
from tasks.runtime.track.retrainings import headlines_of_version, log_file, trainer_of_version
from tasks.runtime.track.runs import (
    file_link,
    finish_run,
    is_active,
    link_versions,
    log_headlines,
    note,
    resume_run,
    run_link,
    stage_seconds,
    start_run,
    sweep,
    tag_run,
)
from tasks.runtime.track.stage import StageRun, stage_run
from tasks.runtime.track.store import StoreError, open_store
from tasks.runtime.track.version_pages import (
    file_of_version,
    json_of_version,
    log_file_of_version,
    run_of_version,
    version_description,
)
from tasks.runtime.track.view import runs_view_path

__all__ = [
    "ModelError",
    "Registration",
    "StageRun",
    "StoreError",
    "aliases",
    "describe_version",
    "drop_alias",
    "figure_of",
    "file_link",
    "file_of_version",
    "finish_run",
    "headlines_of_version",
    "is_active",
    "json_of_version",
    "link_versions",
    "links_to",
    "log_file",
    "log_file_of_version",
    "log_headlines",
    "note",
    "open_store",
    "resume_run",
    "run_link",
    "run_of_version",
    "runs_view_path",
    "set_alias",
    "stage_run",
    "stage_seconds",
    "start_run",
    "store_uri",
    "sweep",
    "tag_run",
    "tag_version",
    "trainer_of_version",
    "version_description",
    "version_tags",
    "wait_for_locks",
]
