"""Flow and task runs that a killed process left looking alive in Prefect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from conf import Settings, SettingsError, stored
from tasks.runtime.owners import dead, forget, living

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, TaskRun

Run = TypeVar("Run")

TAKEN_UP = FlowRunFilterState(
    type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
)
BEGUN = FlowRunFilter(state=TAKEN_UP)
"""Flow runs that a process took up; those that wait for their time on a schedule have none yet."""
OPEN = TaskRunFilter(
    state=TaskRunFilterState(
        type=TaskRunFilterStateType(any_=[kind for kind in StateType if kind not in TERMINAL_STATES])
    )
)
"""Tasks that run, wait for their start, or wait for another try."""
START_UP = timedelta(minutes=2)
"""Time that the process of a scheduled run may take until it asks for the lock of the data folder."""


def end_orphans(settings: Settings) -> int:
    """Show as crashed the other flow runs on this data folder that only look alive, and their tasks.

    Commands that run beside this one, such as a recommendation, are left alone: their runs name an owner
    that lives. A run that names none belongs to a schedule or to an older release. The caller holds the lock
    of the data folder, so that such a run is alive only while its process starts. Nothing is done outside a
    flow: a process without a flow run cannot tell which of them is its own.

    Returns:
        Number of flow runs.
    """
    if not flow_run.id:
        return 0
    with get_client(sync_client=True) as client:
        left = _dead_runs(_pages(client.read_flow_runs, flow_run_filter=BEGUN), settings)
        _crash(client, _open_tasks(client, settings), left)
    return len(left)


def end_killed(data_folder: Path) -> None:
    """Show as crashed the flow runs, and their tasks, of commands that were killed on a data folder.

    Their runs name an owner that is dead, so that nothing need be held. A run that names none is left to the
    next retraining.
    """
    marks = dead(data_folder)
    if not marks:
        return
    owned = FlowRunFilterTags(any_=sorted(marks))
    with get_client(sync_client=True) as client:
        runs = FlowRunFilter(tags=owned)
        tasks = _pages(client.read_task_runs, flow_run_filter=runs, task_run_filter=OPEN)
        flows = _pages(client.read_flow_runs, flow_run_filter=FlowRunFilter(tags=owned, state=TAKEN_UP))
        _crash(client, list(tasks), list(flows))
    forget(data_folder, marks)


def _crash(client: SyncPrefectClient, tasks: Iterable[TaskRun], flows: Iterable[FlowRun]) -> None:
    """Show runs as crashed, the tasks first: killed between the two, the next run finds the flow open."""
    for task_run in tasks:
        client.set_task_run_state(task_run.id, _crashed(), force=True)
    for run in flows:
        client.set_flow_run_state(run.id, _crashed(), force=True)


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
    """Return the open tasks of dead runs on the folder, of those too that Prefect itself has ended."""
    runs = _dead_runs(_pages(client.read_flow_runs, task_run_filter=OPEN), settings)
    if not runs:
        return []
    of_runs = FlowRunFilter(id=FlowRunFilterId(any_=[run.id for run in runs]))
    return list(_pages(client.read_task_runs, flow_run_filter=of_runs, task_run_filter=OPEN))


def _dead_runs(runs: Iterable[FlowRun], settings: Settings) -> list[FlowRun]:
    """Return the runs on the folder whose process is gone."""
    owners = living(Path(settings.data_folder))
    others = [run for run in runs if str(run.id) != flow_run.id and _is_on(run, settings)]
    return [run for run in others if not owners & set(run.tags or ()) and not _may_be_starting(run)]


def _may_be_starting(run: FlowRun) -> bool:
    """Return whether a run of a schedule has only just begun; a command's run names its owner at once."""
    begun = run.state.timestamp if run.state else None
    return bool(run.deployment_id and begun and datetime.now(UTC) - begun < START_UP)


def _pages(read: Callable[..., list[Run]], **filters: Any) -> Iterator[Run]:
    """Yield what Prefect answers, page by page."""
    offset = 0
    while page := read(**filters, offset=offset):
        yield from page
        offset += len(page)


def _crashed() -> Any:
    return Crashed(message="its process is dead")


def _interrupted() -> Any:
    return Crashed(message="it was interrupted")


def _is_on(run: Any, settings: Settings) -> bool:
    try:
        of_run = stored((run.parameters or {}).get("settings"))
    except SettingsError:
        return False  # a flow of something else
    return Path(of_run.data_folder).resolve() == Path(settings.data_folder).resolve()
