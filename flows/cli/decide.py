"""The commands of decisions: who is champion, who was rejected, and what stands in the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli import report, report_ledger
from flows.cli.hints import require_store
from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.session import flow_session

By = Annotated[str, typer.Option("--by", help="Name of the person who decides.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


def promote(
    version: Annotated[
        int, typer.Option(help="Version of `pricing_policy`; the models it was trained on come with it.")
    ],
    by: By,
    reason: Reason,
    override: Annotated[
        list[str] | None,
        typer.Option(metavar="GATE", help="A gate that it failed and that you answer for; may be repeated."),
    ] = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Make a version that passed every gate the champion.

    Example: `repricer promote --version 3 --by "Ada Lovelace" --reason "lift 4 %, checked the list"`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    with flow_session(settings):
        from flows.promote import promote as flow

        promoted = flow(settings, version, by, reason, tuple(override or ()))
    write_json(json_file, promoted)
    report.show_promoted(promoted)


def rollback(
    by: By, reason: Reason, profile: Profile = "default", sets: Sets = None, json_file: Json = None
) -> None:
    """Make the previous champion the champion again.

    Example: `repricer rollback --by "Ada Lovelace" --reason "margin fell in dairy"`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    with flow_session(settings):
        from flows.rollback import rollback as flow

        promoted = flow(settings, by, reason)
    write_json(json_file, promoted)
    report.show_promoted(promoted)


def adopt(
    version: Annotated[
        int, typer.Option(help="Version of `pricing_policy` that its alias `champion` names.")
    ],
    by: By,
    reason: Reason,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Make champion what the alias of `pricing_policy` names: set by hand, or before there was a ledger.

    Example: `repricer adopt --version 3 --by "Ada Lovelace" --reason "moved in the MLflow UI on Sunday"`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    from tasks.operations.promote import adopt as operation

    promoted = operation(settings, version, by, reason)
    write_json(json_file, promoted)
    report.show_promoted(promoted)


def reject(
    version: Annotated[int, typer.Option(help="Version of `pricing_policy` that is no candidate any more.")],
    by: By,
    reason: Reason,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Reject a candidate: it loses its alias and is not promoted any more.

    Example: `repricer reject --version 3 --by "Ada Lovelace" --reason "milk at 9.99"`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    from tasks.operations.reject import reject as operation

    rejected = operation(settings, version, by, reason)
    write_json(json_file, rejected)
    report.say(
        f"pricing_policy version {version} is rejected by {rejected['by']} "
        f"(entry {rejected['number']} of the ledger)"
    )


def verify(profile: Profile = "default", sets: Sets = None, json_file: Json = None) -> None:
    """Check that the ledger is whole, the aliases follow it, and the champion's files are the approved ones.

    Nothing is changed. Exit status: 0 where all is as it was decided, 1 with a line for whatever is not.

    Example: `repricer verify`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    from tasks.operations.verify import verify as operation

    verified = operation(settings)
    write_json(json_file, verified)
    report_ledger.show_verified(verified)
    if verified["findings"]:
        raise typer.Exit(1)


def ledger(profile: Profile = "default", sets: Sets = None, json_file: Json = None) -> None:
    """Show who decided what, when and why: the entries of the ledger.

    Example: `repricer ledger --json ledger.json`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    from tasks.operations.ledger import listed

    entries = listed(settings)
    write_json(json_file, entries)
    report_ledger.show_ledger(entries)
