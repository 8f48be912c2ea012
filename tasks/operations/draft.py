"""A price list that was computed and not written yet: what `recommend` shows and `publish` stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pandas as pd

from conf import Settings
from expectations.columns import COMPETITOR_PRICE, DATE, PERIOD_DAYS, PRICE, PRODUCT, SERIES, STORE, UNIT_COST
from tasks.governance.price_guard import PriceGuard
from tasks.governance.shelf_prices import RECENT_HIGH, RECENT_LOW, SEASON_PRICE, WEEK_PRICE
from tasks.operations.guard_witness import WitnessedGuard
from tasks.operations.price_history import PriceHistory
from tasks.operations.price_rules import guard_of, with_announced, with_bounds, with_row_rules
from tasks.operations.published_prices import PROMOTED_PRICE, PublishedPrices
from tasks.operations.running import with_running
from tasks.pricing.list_sheet import Heading, price_sheet
from tasks.pricing.new_sales import Calendar
from tasks.pricing.newest_cost import with_newest_costs
from tasks.pricing.price_list import in_force, price_list, unknown_products
from tasks.pricing.recommend import PolicyError, PolicyModel
from tasks.pricing.shop_view import ShopNow, shop_now
from tasks.pricing.variation import Variation
from tasks.runtime.guard_rules import price_guard_of
from tasks.runtime.tables import table_at


@dataclass(frozen=True, kw_only=True)
class ShopTables:
    """Tables of what is known of the shop now; all of them are optional.

    Attributes:
        prices: file with product, store (else ``all``), price in force and, if known, ``unit_cost``; none:
            the published prices, else those in force after the sales, or at the end of the training data.
        sales: file with the sales since the training, or ``source``, that of the settings.
        promotions: file with product, store (else all), first and last day, and the announced price.
        rules: file with rules by category and product; none: that of the settings.
        stated: product, store and supposed price in force of some products (currency/unit).
        called_off: products whose published promotions end with the list, before their day.
    """

    prices: str | None = None
    sales: str | None = None
    promotions: str | None = None
    rules: str | None = None
    stated: pd.DataFrame | None = None
    called_off: tuple[str, ...] = ()

    @classmethod
    def of(cls, called_off: Sequence[str] = (), **files: Path | str | None) -> Self:
        """Return the tables of files by their names here; those that are none are left out."""
        named = {name: str(file) for name, file in files.items() if file}
        return cls(called_off=tuple(called_off), **named)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a list is computed from, besides the policy and a seed.

    Attributes:
        current: product, store and price in force with costs, bounds of this week and what is announced.
        now: what the shop knows after its sales since the training; none: nothing newer.
        today: first local day on which the list may hold.
        prices_in_force: where the prices in force are from, in a few words.
    """

    current: pd.DataFrame
    now: ShopNow | None
    today: pd.Timestamp
    prices_in_force: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A list as ``price_list`` returns it, from what it was computed, and the guard that saw it.

    Attributes:
        policy: that planned it.
        known: from what it was computed.
        table: the list.
        guard: that saw it.
        confidence: probability of the intervals of what is expected of it.
    """

    policy: PolicyModel
    known: Known
    table: pd.DataFrame
    guard: WitnessedGuard
    confidence: float


def known_of(
    settings: Settings,
    policy: PolicyModel,
    tables: ShopTables,
    sales: pd.DataFrame | None,
    *,
    guard: PriceGuard,
    published: PublishedPrices,
) -> Known:
    """Return what is known of the shop when its next list takes effect.

    Published prices are in force where there are any; prices that somebody states come before them, but for
    those of promotions that run. A published promotion runs to its end, unless the table of promotions
    announces another one of the day, or somebody calls it off.

    Args:
        settings: with the rules of the shop.
        policy: for whose list it is.
        tables: what is known of the shop now.
        sales: the sales table of ``tables.sales``.
        guard: rules of the rows.
        published: what published lists say.

    Raises:
        TableError, PolicyError: a file cannot be read, or a column of prices is missing or text.
        SalesSinceError: the sales tell nothing of the time since the training.
        DataError: an announcement breaks a rule.
        Refused: a promotion that is called off does not run.
    """
    now = None if sales is None else now_of(settings, policy, sales)
    today, shelf = published.today or _today(policy, now), published.prices
    prices = _prices(policy, tables, now, shelf)
    prices = with_newest_costs(prices, policy, sales, today, settings.guard.cost_days)
    bounds = with_bounds(prices, policy, guard_of(settings), sales, as_of=today, published=_recent(shelf))
    current = with_row_rules(bounds, policy, guard, now)
    if tables.promotions is not None:
        history = PriceHistory(settings.source.period, policy.market, sales, published.charged)
        current = with_announced(current, tables.promotions, today, history)
    current = with_running(_with_openings(current, shelf), shelf, tables.called_off)
    return Known(current=current, now=now, today=today, prices_in_force=_origin(tables, published, now))


def _prices(
    policy: PolicyModel, tables: ShopTables, now: ShopNow | None, published: pd.DataFrame | None
) -> pd.DataFrame:
    """Return product, store and price in force, outside of promotions (currency/unit)."""
    prices = in_force(policy, now) if tables.prices is None else prices_at(Path(tables.prices))
    if published is not None:
        prices = _regular(prices, published, stated=tables.prices is not None)
    return prices if tables.stated is None else _with_stated(prices, tables.stated)


def _regular(prices: pd.DataFrame, published: pd.DataFrame, *, stated: bool) -> pd.DataFrame:
    """Return prices in force as the published list has them, those of running promotions before them.

    Args:
        prices: product, store and price in force (currency/unit).
        published: of ``PublishedPrices``.
        stated: whether somebody stated the prices; they hold then, but for those of running promotions.
    """
    shelf = prices[SERIES].merge(published, on=SERIES, how="left").set_index(prices.index)
    known = shelf[PRICE].notna() & ((not stated) | (prices[PRICE] == shelf[PROMOTED_PRICE]))
    return prices.assign(**{PRICE: prices[PRICE].mask(known, shelf[PRICE])})


def _with_stated(prices: pd.DataFrame, stated: pd.DataFrame) -> pd.DataFrame:
    """Return prices in force with the stated ones in their place (currency/unit)."""
    there = prices[SERIES].merge(stated, on=SERIES, how="left")[PRICE].set_axis(prices.index)
    return prices.assign(**{PRICE: there.fillna(prices[PRICE])})


def _with_openings(prices: pd.DataFrame, published: pd.DataFrame | None) -> pd.DataFrame:
    """Return prices in force with the published ones from which the price index of the list counts."""
    if published is None:
        return prices
    openings = prices[SERIES].merge(published[[*SERIES, WEEK_PRICE, SEASON_PRICE]], on=SERIES, how="left")
    columns = {name: openings[name].to_numpy(float) for name in (WEEK_PRICE, SEASON_PRICE)}
    return prices.assign(**columns)


def _recent(published: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if published is None else published[[*SERIES, RECENT_LOW, RECENT_HIGH]]


def _origin(tables: ShopTables, published: PublishedPrices, now: ShopNow | None) -> str:
    """Return in a few words where the prices in force of a list are from."""
    if tables.prices is not None:
        return tables.prices
    if published.list is not None:
        return f"published list {published.list}"
    return "the end of the training data" if now is None else "the sales since the training"


def next_list(
    settings: Settings,
    policy: PolicyModel,
    tables: ShopTables,
    sales: pd.DataFrame | None,
    *,
    published: PublishedPrices,
    seed: int,
) -> Draft:
    """Return the list that would follow the published ones: what is drafted, published and explained.

    Raises:
        TableError, PolicyError, SalesSinceError, DataError, Refused: as ``known_of`` raises them.
    """
    guard = WitnessedGuard(price_guard_of(settings, policy.currency, tables.rules))
    known = known_of(settings, policy, tables, sales, guard=guard.guard, published=published)
    return drafted(settings, policy, known, seed, guard)


def drafted(settings: Settings, policy: PolicyModel, known: Known, seed: int, guard: WitnessedGuard) -> Draft:
    """Return the guarded list of a policy; the same inputs and seed give the same list.

    Raises:
        PolicyError: a price is not finite and above 0.
    """
    variation = variation_of(settings)
    variation = replace(variation, decimals=min(variation.decimals, guard.guard.decimals))
    table = price_list(policy, known.current, variation, seed, known.now, guard=guard)
    return Draft(policy=policy, known=known, table=table, guard=guard, confidence=settings.price.confidence)


def sheet_of(draft: Draft, version: int, status: str) -> pd.DataFrame:
    """Return a list as a manager reads it."""
    heading = Heading(version=version, status=status, week=draft.known.today, confidence=draft.confidence)
    return price_sheet(draft.policy, draft.table, draft.known.current, heading, draft.known.now)


def unknown_of(draft: Draft) -> list[str]:
    """Return the products of the prices, and of the sales, that the policy does not know."""
    now = draft.known.now
    return [*unknown_products(draft.policy, draft.known.current), *(now.state.unknown if now else ())]


def now_of(settings: Settings, policy: PolicyModel, sales: pd.DataFrame) -> ShopNow:
    """Return what the shop knows after its sales since the training."""
    calendar = Calendar(
        trained=policy.trained,
        as_of=sales[DATE].max() + pd.Timedelta(days=PERIOD_DAYS[settings.source.period] - 1),
        period=settings.source.period,
        decisions=policy.rules.decisions,
    )
    return shop_now(policy, sales, calendar)


def _today(policy: PolicyModel, now: ShopNow | None) -> pd.Timestamp:
    """Return the first local day on which the list may hold."""
    return (policy.trained if now is None else now.as_of) + pd.Timedelta(days=1)


def variation_of(settings: Settings) -> Variation:
    """Return how a published list varies, by the section ``price`` of the settings."""
    section = settings.price
    return Variation(section.variation.share, section.variation.size, section.decimals)


def prices_at(path: Path) -> pd.DataFrame:
    """Read product, store, price in force and, if given, unit cost (currency/unit)."""
    table = table_at(path, "--prices")
    missing = [name for name in (PRODUCT, PRICE) if name not in table]
    if missing:
        raise PolicyError(
            f"{path}: a row per product needs `{PRODUCT}` and `{PRICE}`. "
            f"Missing: {', '.join(missing)}. Rename the columns."
        )
    given = [name for name in (PRICE, UNIT_COST, COMPETITOR_PRICE) if name in table]
    for name in given:
        if not pd.api.types.is_numeric_dtype(table[name]):
            first = repr(table[name].iloc[0])
            raise PolicyError(
                f"{path}: `{name}` must be numbers. Received: {first} in row 1 or later. "
                "Write 12.5, not 12,5."
            )
    if STORE not in table:
        table = table.assign(**{STORE: "all"})
    return table[[PRODUCT, STORE, *given]].reset_index(drop=True)
