"""Registrations, promotions and rollbacks that are killed before one of their writes to the database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from conf import Settings
from tasks.runtime import track
from tasks.runtime.attempt import Attempt
from tasks.runtime.champion_aliases import champion
from tests.faults.case import Case, Plan, draw
from tests.faults.checked_registry import ledger, versions_of
from tests.faults.comparison import attempt_of
from tests.faults.shop import Shop
from tests.operations.kills import COMMANDS, killed_at
from tests.operations.promotions import KILLED, close_connections, forked, restored, settings_of
from tests.operations.template import made_registry

FAULT = "kill-registry"
STAGES = {
    "prepare": "prepare",
    "forecast": "blend",
    "respond": "respond",
    "price": "price",
    "evaluate": "evaluate",
}
"""Parts of what a registration registers, and the stages whose stored results they are."""


class Killable(NamedTuple):
    """A command that can be killed at a write.

    Attributes:
        name: of the command.
        begin: makes the data folder before the command.
        work: the command.
        check: returns what the command lost or did twice, once it was killed and run again.
        writes: how many it makes when nothing kills it.
    """

    name: str
    begin: Callable[[Settings], object]
    work: Callable[[Settings], object]
    check: Callable[[Path], list[str]]
    writes: int


def cases(plan: Plan, shop: Shop) -> Iterator[Case]:
    """Yield the kills of registrations, promotions and rollbacks."""
    folder = plan.work / "registry"
    shutil.rmtree(folder, ignore_errors=True)
    yield from kills(plan, killable(made_registry(folder), folder / "count", shop))


def kills(plan: Plan, commands: list[Killable]) -> Iterator[Case]:
    """Yield the kills of commands in turn, spread over the writes of each and drawn within their part."""
    turns = -(-plan.registry_kills // len(commands))
    for number in range(plan.registry_kills):
        command, turn = commands[number % len(commands)], number // len(commands)
        first, behind = (position * command.writes // turns for position in (turn, turn + 1))
        write = draw(plan, FAULT, number).randrange(first, max(first + 1, behind))
        name = f"{command.name}, before write {write + 1} of {command.writes}"
        yield Case(FAULT, name, partial(killed, command, write))


def killed(command: Killable, write: int, folder: Path) -> list[str]:
    """Kill a command before a write, and run it again as the next command."""
    settings = settings_of(folder)
    command.begin(settings)
    close_connections()
    status = killed_at(write, lambda: command.work(settings))
    if status != KILLED:
        return [f"the command was not killed: it ended with {status}"]
    again = forked(lambda: command.work(settings))
    # Who was killed behind its decision is refused the second time: it stands already.
    if again and command.name == "register":
        return [f"the command after the kill ended with {again}"]
    forked(lambda: champion(settings))  # the next command puts the aliases right
    return command.check(folder)


def killable(registry: tuple[Path, Path], folder: Path, shop: Shop | None) -> list[Killable]:
    """Return the commands, with the number of their writes.

    Args:
        registry: the folders that promotions and rollbacks begin from.
        folder: to run every command in, once and undisturbed.
        shop: whose retraining is registered; without one, registrations are left out.
    """
    begin = partial(begin_from, *registry)
    commands = [
        Killable("promote", begin, COMMANDS["promote"], decided, 0),
        Killable("rollback", begin, COMMANDS["rollback"], decided, 0),
    ]
    if shop:
        work = partial(register, shop)
        commands.insert(0, Killable("register", partial(begin_registration, shop), work, registered_once, 0))
    folder.mkdir()
    return [command._replace(writes=writes_of(command, folder)) for command in commands]


def writes_of(command: Killable, folder: Path) -> int:
    settings = settings_of(folder / command.name)
    command.begin(settings)
    close_connections()
    status = killed_at(None, lambda: command.work(settings), folder / f"{command.name}.txt")
    if status:
        raise RuntimeError(f"{command.name} ended with {status} where nothing killed it")
    return int((folder / f"{command.name}.txt").read_text())


# --- promotions and rollbacks ---


def begin_from(template: Path, promoted: Path, settings: Settings) -> None:
    """Put a registry of three retrainings in place, of which two were promoted."""
    Path(settings.data_folder).mkdir(parents=True, exist_ok=True)
    restored(settings, template)
    restored(settings, promoted)


def decided(folder: Path) -> list[str]:
    """Return whether the two decisions before the kill are gone, or the killed one was taken too often."""
    entries = ledger(folder)
    before = [entry["pricing_policy"] for entry in entries[:2]]
    if before != [1, 2] or not 3 <= len(entries) <= 4:
        return [f"the ledger has lost decisions or took them too often: {entries}"]
    return []


# --- registrations ---


def begin_registration(shop: Shop, settings: Settings) -> None:
    """Begin a retraining in a data folder of migrated, empty databases."""
    folder = Path(settings.data_folder)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(shop.empty / "mlflow.db", folder / "mlflow.db")

    def begin() -> None:
        track.open_store(settings)
        run_id = track.start_run(settings, {"attempt": "killed"})
        (folder / "run").write_text(run_id)

    if forked(begin):
        raise RuntimeError("the retraining could not be begun")


def register(shop: Shop, settings: Settings) -> None:
    """Register what the undisturbed retraining made, as its stage does, and end the retraining."""
    from tasks.stages.register import register as stage

    folder = Path(settings.data_folder)
    track.open_store(settings)
    track.sweep(settings)
    attempt = Attempt(
        id="killed", folder=str(folder / "attempts" / "killed"), run_id=(folder / "run").read_text()
    )
    track.resume_run(attempt.run_id)
    stage.fn(attempt, settings, results(shop))
    track.finish_run(attempt.run_id, "FINISHED")


def results(shop: Shop) -> Any:
    """Return the results of the stages that the undisturbed retraining stored."""
    storage, attempt = shop.reference / "prefect" / "storage", attempt_of(shop.reference).name
    return {
        part: json.loads(json.loads((storage / f"{attempt}-{stage}").read_text())["result"])
        for part, stage in STAGES.items()
    }


def registered_once(folder: Path) -> list[str]:
    numbers = sorted((version.model, version.number) for version in versions_of(folder))
    expected = [("demand", 1), ("price_response", 1), ("pricing_policy", 1)]
    return [] if numbers == expected else [f"one retraining registered {numbers}"]
