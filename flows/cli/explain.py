"""The commands ``repricer explain ...``: why a model says what it says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conf import Settings
from flows.cli import report_explain
from flows.cli.hints import require_store
from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.recommend import Prices, Promotions, Sales

if TYPE_CHECKING:  # the operation imports the heavy libraries, which `--help` must not wait for
    from tasks.operations.explain_price import ExplainedPrice

Product = Annotated[str, typer.Option(help="Product, as the sales table calls it.")]
Store = Annotated[str, typer.Option(help="Store.")]
Figure = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it as PNG to this file.")]

Seed = Annotated[
    int | None, typer.Option(help="Seed of the list's variation, as it was said; none: nothing drawn.")
]

Published = Annotated[
    str | None,
    typer.Option(
        "--list", metavar="NAME", help="Explain a published price: name of its list, or `in_force`."
    ),
]

explain = typer.Typer(no_args_is_help=True, help="Say why a model says what it says.")


@explain.command("forecast")
def explain_forecast(
    product: Product,
    store: Store = "all",
    price: Annotated[
        float | None, typer.Option(help="Planned price of all periods ahead; none: the one in force.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="Version of `demand`; none: the champion, else the candidate.")
    ] = None,
    figure: Figure = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Show what level, season, price, promotion and rivals add to the forecasts of a product.

    The parts add up in logs of 1 + units; they are shown times 100, which is about percent.

    Example: `repricer explain forecast --product 1029743 --price 2.49 --figure why.png`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    from tasks.operations.explain import explain_forecast as operation

    explained = operation(settings, version, product=product, store=store, price=price, figure=figure)
    write_json(json_file, explained)
    report_explain.show_explained(explained)


@explain.command("price")
def explain_price(
    product: Product,
    store: Store = "all",
    price: Annotated[
        float | None, typer.Option(help="Price of this product in force; none: that of the tables.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="Version of `pricing_policy`; none: the champion, else the candidate.")
    ] = None,
    prices: Prices = None,
    sales: Sales = None,
    promotions: Promotions = None,
    seed: Seed = None,
    published: Published = None,
    figure: Figure = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Explain the next price of a product, to the cent as `repricer recommend` lists it from the same tables.

    It shows what every step of the ladder is expected to sell and earn, its gain over holding the price, the
    elasticity used, between which bounds the price may lie this week and of what they come, the rule that
    bound it or the test of identification that it failed, and what the sales since the training taught.
    With `--list` it is a published price, computed again from the inputs that are stored with its list.

    Example: `repricer explain price --product 1029743 --sales new.parquet --figure ladder.png`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    given = {"prices": prices, "sales": sales, "promotions": promotions}
    question = {"product": product, "store": store, "version": version, "price": price, "seed": seed}
    explained = (
        _explained(settings, question, given, figure)
        if published is None
        else _explained_published(settings, published, {**question, **given}, figure)
    )
    write_json(json_file, explained)
    report_explain.show_explained_price(explained)


def _explained(
    settings: Settings, question: Mapping[str, Any], files: Mapping[str, Any], figure: Path | None
) -> ExplainedPrice:
    """Return why the next price is what it is."""
    from tasks.operations.draft import ShopTables
    from tasks.operations.explain_price import Question, explain_price
    from tasks.stages.sales import sales_since

    sales = sales_since(settings, files["sales"])
    return explain_price(settings, Question(**question), ShopTables.of(**files), sales, figure)


def _explained_published(
    settings: Settings, name: str, options: Mapping[str, Any], figure: Path | None
) -> ExplainedPrice:
    """Return why a published price is what it is; its list has fixed all other options."""
    from tasks.operations.explain_price import Question
    from tasks.operations.explain_published import explain_published

    place = {option: options[option] for option in ("product", "store")}
    given = [f"--{option}" for option, value in options.items() if value is not None and option not in place]
    if given:
        raise typer.BadParameter(f"--list has its own inputs: leave out {', '.join(given)}")
    return explain_published(settings, name, Question(**place), figure)
