"""Flow runs that a killed process left looking alive in Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from conf import Settings, SettingsError, stored


def end_orphans(settings: Settings) -> int:
    """Show as crashed the other runs on this data folder that still look alive, and return their number.

    The caller holds the lock of the data folder, so no other run on it is alive. Nothing is done outside a
    flow: a process without a flow run cannot tell which of them is its own.
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
        of_run = stored((run.parameters or {}).get("settings"))
    except SettingsError:
        return False  # a flow of something else
    return Path(of_run.data_folder).resolve() == Path(settings.data_folder).resolve()
