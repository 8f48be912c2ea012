"""The form of an approval in the Prefect UI: what a person reads before the decision, and what they hand in.

The flow run is suspended while it waits: no process is held, a restart loses nothing, and the server checks
the form before it lets the run go on.
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn, cast

from prefect import suspend_flow_run
from prefect.input import RunInput, keyset_from_base_key
from prefect.input.actions import read_flow_run_input
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field, create_model

from tasks.operations.approve import LEAVE, PROMOTE, Answer, Decided
from tasks.operations.comparison.records import Compared
from tasks.operations.comparison.words import summary

KEY = "decision"
RESPONSE = keyset_from_base_key(f"suspended-{KEY}")["response"]  # under which Prefect keeps the form
WRITTEN = r"\S"  # pattern of a text that is not blank


class Approval(RunInput):
    """The fields of the form; the server refuses blank ones."""

    decision: Literal["promote", "do not promote"] = Field(
        title="Decision", description=f"{PROMOTE}: it becomes champion; {LEAVE}: it is rejected."
    )
    by: str = Field(pattern=WRITTEN, title="Your name", description="Kept in the ledger with the decision.")
    reason: str = Field(
        pattern=WRITTEN, title="Reason", description="Why; kept in the ledger with the decision."
    )


def run_name() -> str:
    """Return the name of an approval's flow run."""
    version = flow_run.parameters.get("version")
    return f"approve {f'version {version}' if version else 'the candidate'}"


def answer() -> Answer | None:
    """Return what was handed in on the form of this run, none where it is still to be shown."""
    given: Any = read_flow_run_input(RESPONSE)
    return None if given is None else cast("Answer", given)


def wait_for_answer(compared: Compared) -> NoReturn:
    """Show the form below a comparison, and suspend the run until somebody hands it in."""
    suspend_flow_run(wait_for_input=form_of(compared), key=KEY)
    raise AssertionError("a suspended run ends here")


def form_of(compared: Compared) -> type[Approval]:
    """Return the form that decides on a comparison, and on no other one."""
    version = compared["candidate"]["version"]
    champion = compared["champion"]["version"] if compared["champion"] else 0
    fields: dict[str, Any] = {
        "version": _only(version, title="Version", description="As compared above."),
        "replaces": _only(champion, title="Champion that it replaces", description="0: there is none."),
    }
    form = create_model("Approval", __base__=Approval, **fields)
    form._description = _description(compared)
    return form


def _only(value: int, **words: str) -> tuple[Any, Any]:
    """Return a field that is filled in and takes no other value."""
    return Literal[value], Field(json_schema_extra={"default": value}, **words)  # type: ignore[call-overload]


def _description(compared: Compared) -> str:
    """Return what a person reads above the form, as Markdown."""
    return f"{summary(compared)}\n\nEvery gate, figure and move: artifact `comparison` of this run."


def conclusion(decided: Decided) -> Any:
    """Return the final state of an approval, which says what came of it and who decided why."""
    given = decided["answer"]
    if decided["refused"]:
        return Failed(name="Refused", message=decided["refused"])
    signed = f"by {given['by'].strip()}: {given['reason'].strip()}"
    if decided["promoted"] is None:
        return Completed(
            name="Rejected", message=f"version {given['version']} is rejected, {signed}", data=decided
        )
    return Completed(
        name="Promoted", message=f"version {given['version']} is champion, {signed}", data=decided
    )
