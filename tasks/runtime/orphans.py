"""Flow and task runs that a killed process left looking alive in Prefect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from conf import Settings, SettingsError, stored

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, TaskRun

Run = TypeVar("Run")

RUNNING = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])))
OPEN = TaskRunFilter(
    state=TaskRunFilterState(
        type=TaskRunFilterStateType(any_=[kind for kind in StateType if kind not in TERMINAL_STATES])
    )
)
"""Tasks that run, wait for their start, or wait for another try."""


def end_orphans(settings: Settings) -> int:
    """Show as crashed the other flow runs on this data folder that still look alive, and their tasks.

    The caller holds the lock of the data folder, so no other run on it is alive. Nothing is done outside a
    flow: a process without a flow run cannot tell which of them is its own.

    Returns:
        Number of flow runs.
    """
    if not flow_run.id:
        return 0
    with get_client(sync_client=True) as client:
        left = _others(_pages(client.read_flow_runs, flow_run_filter=RUNNING), settings)
        # The tasks come first: killed between the two, the next run finds the flow still running.
        for task_run in _open_tasks(client, settings):
            client.set_task_run_state(task_run.id, _dead(), force=True)
        for run in left:
            client.set_flow_run_state(run.id, _dead(), force=True)
    return len(left)


def end_this() -> Callable[[], None]:
    """Return what shows the caller's flow run as crashed, with those below it; nothing outside a flow."""
    this = flow_run.id

    def end() -> None:
        if not this:
            return
        of_run = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[this]))
        with get_client(sync_client=True) as client:
            below = [run.id for run in client.read_flow_runs(flow_run_filter=of_run)]
            runs = FlowRunFilter(id=FlowRunFilterId(any_=[this, *below]))
            for task_run in _pages(client.read_task_runs, flow_run_filter=runs, task_run_filter=OPEN):
                client.set_task_run_state(task_run.id, _interrupted(), force=True)
            for run in client.read_flow_runs(flow_run_filter=runs):
                if run.state_type not in TERMINAL_STATES:
                    client.set_flow_run_state(run.id, _interrupted(), force=True)

    return end


def _open_tasks(client: SyncPrefectClient, settings: Settings) -> list[TaskRun]:
    """Return the open tasks of other runs on the folder, of those too that Prefect itself has ended."""
    runs = _others(_pages(client.read_flow_runs, task_run_filter=OPEN), settings)
    if not runs:
        return []
    of_runs = FlowRunFilter(id=FlowRunFilterId(any_=[run.id for run in runs]))
    return list(_pages(client.read_task_runs, flow_run_filter=of_runs, task_run_filter=OPEN))


def _others(runs: Iterable[FlowRun], settings: Settings) -> list[FlowRun]:
    return [run for run in runs if str(run.id) != flow_run.id and _is_on(run, settings)]


def _pages(read: Callable[..., list[Run]], **filters: Any) -> Iterator[Run]:
    """Yield what Prefect answers, page by page."""
    offset = 0
    while page := read(**filters, offset=offset):
        yield from page
        offset += len(page)


def _dead() -> Any:
    return Crashed(message="its process is dead")


def _interrupted() -> Any:
    return Crashed(message="it was interrupted")


def _is_on(run: Any, settings: Settings) -> bool:
    try:
        of_run = stored((run.parameters or {}).get("settings"))
    except SettingsError:
        return False  # a flow of something else
    return Path(of_run.data_folder).resolve() == Path(settings.data_folder).resolve()
