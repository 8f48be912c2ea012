"""The command ``repricer recommend``: the price list of the next week."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import report
from flows.cli.hints import require_store
from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.session import flow_session

Out = Annotated[
    Path,
    typer.Option(
        "--out", metavar="FILE", help="File of the price list; its ending: `.xlsx`, `.csv` or `.parquet`."
    ),
]
Prices = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Products, prices in force, costs if known; none: published ones, else those after `--sales`.",
    ),
]
Sales = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Sales since the training, or `source`: what they teach is in the list."
    ),
]
Promotions = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Announced promotions (product_id, start, end, price): they hold."),
]
CallOff = Annotated[
    list[str] | None,
    typer.Option(
        "--call-off",
        metavar="PRODUCT",
        help="End the published promotion of a product with this list; else it runs on. May be repeated.",
    ),
]
Rules = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Rules by category and product; none: the file of `guard.rules`."),
]
Version = Annotated[
    int | None, typer.Option(help="Version of `pricing_policy`; none: the champion, else the candidate.")
]
Seed = Annotated[int | None, typer.Option(help="Seed of the random variation; none: a new one.")]

Force = Annotated[
    bool, typer.Option("--force", help="Write the list of a version that failed its gates, marked as such.")
]


def recommend(
    out: Out,
    prices: Prices = None,
    sales: Sales = None,
    promotions: Promotions = None,
    rules: Rules = None,
    call_off: CallOff = None,
    version: Version = None,
    seed: Seed = None,
    force: Force = False,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Write the price list of the next week: every price with its reason, and its probability if varied.

    The list is the guarded one: a row says what was done, the rule that binds, and the reason.
    Only the champion's list is more than a draft; its rows and this command say which it is.

    Example: `repricer recommend --out list.xlsx --sales new.parquet --set price.variation.share=0.1`
    """
    from tasks.runtime.tables import require_ending

    require_ending(out, "--out")
    settings = settings_of(profile, sets)
    require_store(settings)
    with flow_session(settings):
        from flows.recommend import recommend as flow
        from tasks.operations.draft import ShopTables

        tables = ShopTables.of(call_off or (), prices=prices, sales=sales, promotions=promotions, rules=rules)
        recommended = flow(settings, version, str(out), seed, tables, force=force)
    write_json(json_file, recommended)
    report.show_recommended(recommended)
