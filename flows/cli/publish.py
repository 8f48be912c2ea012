"""The commands of published lists: publish, what is due, the switch, taking back, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from conf import Settings
from flows.cli import report_publish
from flows.cli.hints import require_store
from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.recommend import CallOff, Prices, Promotions, Rules, Sales, Seed
from flows.cli.session import flow_session

By = Annotated[str | None, typer.Option("--by", help="Name of the person who decides.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why.")]
Effective = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="When the list takes effect, in the zone of the shop (of every channel) or with an offset; "
        "none: now.",
    ),
]
Agree = Annotated[
    bool,
    typer.Option(
        "--agree-margins",
        help="Agree to the margins that the champion carries in place of costs that are not known.",
    ),
]
Override = Annotated[
    bool,
    typer.Option(
        "--override-breaker", help="Publish a list beyond the limits of the breaker; the ledger says so."
    ),
]
IsDue = Annotated[bool, typer.Option("--due", help="Only do what has come due; for a schedule, or by hand.")]
Stop = Annotated[bool, typer.Option("--stop", help="Stop all publishing, with every service down as well.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume publishing.")]


def publish(
    by: By = None,
    reason: Reason = None,
    effective: Effective = None,
    prices: Prices = None,
    sales: Sales = None,
    promotions: Promotions = None,
    rules: Rules = None,
    call_off: CallOff = None,
    agree_margins: Agree = False,
    override_breaker: Override = False,
    seed: Seed = None,
    due: IsDue = False,
    stop: Stop = False,
    resume: Resume = False,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Publish the champion's price list of the whole catalogue, or do what has come due.

    Promotions end by themselves at `--due`, also while publishing is stopped.

    Example: `repricer publish --by "Ada Lovelace" --reason "weekly list" --effective 2026-12-01T00:00`
    """
    settings, decision = settings_of(profile, sets), _decision(by, reason, due, stop, resume)
    if due:
        _due(settings, json_file)
    elif stop or resume:
        _switch(settings, decision, json_file, stop=stop)
    else:
        agreed = {"agree_margins": agree_margins, "override_breaker": override_breaker}
        options = {"effective": effective, "seed": seed, **agreed}
        files = {"prices": prices, "sales": sales, "promotions": promotions, "rules": rules}
        _publish(settings, {**decision, **options}, {"called_off": call_off or (), **files}, json_file)


def _decision(by: str | None, reason: str | None, due: bool, stop: bool, resume: bool) -> dict[str, str]:
    """Return who decides and why; a command that does one thing needs both, but for `--due`."""
    if due + stop + resume > 1:
        raise typer.BadParameter("--due, --stop and --resume exclude each other")
    if due:
        return {}
    if by is None or reason is None:
        raise typer.BadParameter("--by and --reason say who decides, and why")
    return {"by": by, "reason": reason}


def withdraw(
    by: Annotated[str, typer.Option("--by", help="Name of the person who decides.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="A list that waits; none: the one in force.")
    ] = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Take a published list back: the list before it is in force again, byte for byte.

    It needs neither Prefect nor MLflow, and works while publishing is stopped.

    Example: `repricer withdraw --by "Ada Lovelace" --reason "prices of tea are wrong"`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    from tasks.operations.publications import withdraw as operation

    withdrawn = operation(settings, by, reason, name)
    write_json(json_file, withdrawn)
    report_publish.show_withdrawn(withdrawn)


def diff(
    a: Annotated[str, typer.Argument(help="Name of a published list, file of a list, or `in_force`.")],
    b: Annotated[str, typer.Argument(help="The other one.")] = "in_force",
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Show the rows in which two lists differ, and by how much.

    Example: `repricer diff in_force draft.parquet`
    """
    settings = settings_of(profile, sets)
    if not (Path(a).is_file() and Path(b).is_file()):
        require_store(settings)
    from tasks.operations.publications import diff as operation

    compared = operation(settings, a, b)
    write_json(json_file, compared)
    report_publish.show_compared(compared)


def _publish(
    settings: Settings,
    release: Mapping[str, Any],
    tables: Mapping[str, Any],
    json_file: Path | None,
) -> None:
    require_store(settings)
    with flow_session(settings):
        from flows.publish import publish as flow
        from tasks.operations.draft import ShopTables
        from tasks.operations.publish import Release

        published = flow(settings, Release(**release), ShopTables.of(**tables))
    write_json(json_file, published)
    report_publish.show_published(published)


def _due(settings: Settings, json_file: Path | None) -> None:
    require_store(settings)
    from tasks.operations.publications import due as operation

    done = operation(settings)
    write_json(json_file, done)
    report_publish.show_due(done)


def _switch(settings: Settings, decision: Mapping[str, str], json_file: Path | None, *, stop: bool) -> None:
    from tasks.operations.publications import switch

    switched = switch(settings, decision["by"], decision["reason"], stop=stop)
    write_json(json_file, switched)
    report_publish.show_switched(switched)
