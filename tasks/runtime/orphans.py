"""Flow runs that a killed process left looking alive in Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.runtime import flow_run
from prefect.states import Crashed
from pydantic import ValidationError

from conf import Settings


def end_orphans(settings: Settings) -> int:
    """Show other running flow runs of this data folder as crashed and return how many there were.

    The caller holds the lock of the data folder, so that no other run on it is alive. Outside a flow
    nothing is done: without a run id, a process cannot tell which run is not an orphan.
    """
    if not flow_run.id:
        return 0
    running = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])))
    with get_client(sync_client=True) as client:
        left = [
            run
            for run in client.read_flow_runs(flow_run_filter=running)
            if str(run.id) != flow_run.id and _is_on(run, settings)
        ]
        for run in left:
            client.set_flow_run_state(run.id, Crashed(message="its process is dead"), force=True)
    return len(left)


def _is_on(run: Any, settings: Settings) -> bool:
    try:
        settings_of_run = Settings.model_validate((run.parameters or {}).get("settings"))
    except ValidationError:
        return False  # a flow of something else
    return Path(settings_of_run.data_folder).resolve() == Path(settings.data_folder).resolve()
