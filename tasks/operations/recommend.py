"""Operation: the price list of the next week by a registered policy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import DATE, PERIOD_DAYS, PRICE, PRODUCT, RANDOMISED, REASON, STORE, UNIT_COST
from tasks.governance.approval import CHAMPION as CHAMPION_ALIAS
from tasks.governance.approval import VERDICT, Refused
from tasks.governance.champion import HEAD
from tasks.operations.list_looks import LOOKS
from tasks.operations.price_rules import guard_of, with_announced, with_bounds
from tasks.pricing.list_sheet import CHAMPION, DRAFT, EXPECTED_GAIN, FAILED_DRAFT, Heading, price_sheet
from tasks.pricing.new_sales import Calendar
from tasks.pricing.price_list import in_force, price_list, unknown_products
from tasks.pricing.recommend import ANNOUNCED, STEP, PolicyError, PolicyModel
from tasks.pricing.shop_view import ShopNow, shop_now
from tasks.pricing.variation import Variation
from tasks.runtime import champion_aliases, track
from tasks.runtime.tables import require_ending, table_at, write_table

OUT = "--out"  # option of the command line that names the file of the list


class Recommended(TypedDict):
    """A price list, and how many of its prices do what."""

    file: str
    """Path of the list."""
    version: int
    """Version of `pricing_policy`."""
    status: str
    """`CHAMPION`, `DRAFT`, or `DRAFT OF A FAILED VERSION`."""
    week: str
    """First day for which the list is (ISO date)."""
    gain: float | None
    """What the list is expected to earn more in a week than the prices in force (currency)."""
    objective: str
    """What `gain` counts: revenue, or profit, perhaps at the assumed margin."""
    currency: str | None
    """ISO 4217 code of all money; none: it was not named."""
    products: int
    """Rows of the list."""
    up: int
    """Prices that the policy raises."""
    down: int
    """Prices that it lowers."""
    hold: int
    """Prices that hold."""
    promoted: int
    """Prices of an announced promotion."""
    varied: int
    """Prices that were moved at random."""
    seed: int
    """Seed of that."""
    weeks: int
    """Whole weeks of sales since the training that the list knows of."""
    unknown: list[str]
    """Products of `--prices`, and of `--sales`, that the policy does not know."""


@dataclass(frozen=True, kw_only=True)
class ShopTables:
    """Tables of what is known of the shop now; all of them are optional.

    Attributes:
        prices: file with product, store (else ``all``), price in force and, if known, ``unit_cost``; none:
            the prices in force after the sales, else those at the end of the training data.
        sales: file with the sales since the training, or ``source``, that of the settings.
        promotions: file with product, store (else all), first and last day, and the announced price.
    """

    prices: str | None = None
    sales: str | None = None
    promotions: str | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which list is wanted.

    Attributes:
        out: file of the list; its ending says how it is written (``tasks.runtime.tables.ENDINGS``).
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        seed: of the variation; none: a new one, so that no week repeats the draws of another.
        force: write the list of a version that failed its gates, too, marked as such.
    """

    out: str
    version: int | None = None
    seed: int | None = None
    force: bool = False


@task(name="recommend")
def recommend(
    settings: Settings, order: Order, tables: ShopTables, sales: pd.DataFrame | None
) -> Recommended:
    """Write the price list of the next week.

    Args:
        settings: whose store holds the policy; ``price.variation`` varies the list.
        order: which list is wanted.
        tables: what is known of the shop now.
        sales: the sales table of ``tables.sales``.

    Raises:
        ModelError: there is no such version.
        Refused: the version failed its gates, and nobody forces its list.
        TableError: a file cannot be read, or the ending of ``order.out`` is not known.
        PolicyError: the table of prices lacks a column, or a price is not finite and above 0.
        SalesSinceError: the sales tell nothing of the time since the training.
        DataError: an announcement breaks a rule.
    """
    require_ending(Path(order.out), OUT)
    number, model = champion_aliases.chosen(settings, HEAD, order.version)
    status = _status(settings, number, order.force)
    policy: PolicyModel = model.policy
    now = None if sales is None else now_of(settings, policy, sales)
    today, current = first_day(policy, now), _current(settings, policy, tables, sales, now)
    seed = secrets.randbits(32) if order.seed is None else order.seed
    table = price_list(policy, current, variation_of(settings), seed, now)
    sheet = price_sheet(policy, table, current, Heading(version=number, status=status, week=today), now)
    write_table(sheet, Path(order.out), LOOKS, option=OUT, title="Price list")
    return Recommended(
        file=order.out,
        version=number,
        status=status,
        week=f"{today:%Y-%m-%d}",
        seed=seed,
        weeks=now.state.weeks if now else 0,
        unknown=[*unknown_products(policy, current), *(now.state.unknown if now else ())],
        **_gain(sheet, policy),  # type: ignore[typeddict-item]
        **_counts(table),
    )


def _current(
    settings: Settings,
    policy: PolicyModel,
    tables: ShopTables,
    sales: pd.DataFrame | None,
    now: ShopNow | None,
) -> pd.DataFrame:
    """Return prices in force with the bounds of this week and what is announced (currency/unit)."""
    prices, today = prices_in_force(policy, tables, now), first_day(policy, now)
    return bounded(settings, policy, prices, tables, sales=sales, as_of=today)


def prices_in_force(policy: PolicyModel, tables: ShopTables, now: ShopNow | None) -> pd.DataFrame:
    """Return product, store and price in force and, where it was given, ``unit_cost`` (currency/unit)."""
    return in_force(policy, now) if tables.prices is None else _prices_at(Path(tables.prices))


def bounded(
    settings: Settings,
    policy: PolicyModel,
    prices: pd.DataFrame,
    tables: ShopTables,
    *,
    sales: pd.DataFrame | None,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """Return given prices in force with the bounds of this week and what is announced (currency/unit)."""
    current = with_bounds(prices, policy, guard_of(settings), sales, as_of=as_of)
    return current if tables.promotions is None else with_announced(current, tables.promotions, as_of=as_of)


def _status(settings: Settings, number: int, force: bool) -> str:
    """Return what a list of a version is: of the champion, a draft, or a draft of a failed version.

    Raises:
        Refused: the version failed its gates, and nobody forces its list.
    """
    if champion_aliases.version_of(settings, HEAD, CHAMPION_ALIAS) == number:
        return CHAMPION
    tags = track.version_tags(HEAD, number) or {}
    verdict = tags.get(VERDICT, "missing")
    if verdict == "PASS":
        return DRAFT
    if not force:
        recorded = tags.get("reasons", "no reasons were recorded").split(" · ")
        reasons = "; ".join(reason.rstrip(".") for reason in recorded if not reason.startswith("note:"))
        raise Refused(
            f"{HEAD} version {number}: its verdict is {verdict}, so its prices are not recommended: "
            f"{reasons}. Take another version, or write its list anyway, marked on every row, with --force."
        )
    return FAILED_DRAFT


def _gain(sheet: pd.DataFrame, policy: PolicyModel) -> dict[str, Any]:
    """Return what the list is expected to earn more in a week, of which objective, and in which currency."""
    known = sheet[EXPECTED_GAIN].dropna()
    assumed = policy.rules.objective == "profit" and policy.products.cost_assumed.astype(bool).any()
    return {
        "gain": float(known.sum()) if len(known) else None,
        "objective": policy.rules.objective + (" at the assumed margin" if assumed else ""),
        "currency": policy.currency,
    }


def now_of(settings: Settings, policy: PolicyModel, sales: pd.DataFrame) -> ShopNow:
    """Return what the shop knows after its sales since the training."""
    calendar = Calendar(
        trained=policy.trained,
        as_of=sales[DATE].max() + pd.Timedelta(days=PERIOD_DAYS[settings.source.period] - 1),
        period=settings.source.period,
        decisions=policy.rules.decisions,
    )
    return shop_now(policy, sales, calendar)


def first_day(policy: PolicyModel, now: ShopNow | None) -> pd.Timestamp:
    """Return the first local day on which the list may hold."""
    return (policy.trained if now is None else now.as_of) + pd.Timedelta(days=1)


def variation_of(settings: Settings) -> Variation:
    """Return how a published list varies, by the section ``price`` of the settings."""
    section = settings.price
    return Variation(section.variation.share, section.variation.size, section.decimals)


def _counts(table: pd.DataFrame) -> dict[str, int]:
    """Count the prices of a list that rise, fall, hold, are announced and were varied."""
    promoted = table[REASON] == ANNOUNCED
    step = table.loc[~promoted, STEP]
    return {
        "products": len(table),
        "up": int((step > 1).sum()),
        "down": int((step < 1).sum()),
        "hold": int((step == 1).sum()),
        "promoted": int(promoted.sum()),
        "varied": int((table[RANDOMISED] != 0).sum()),
    }


def _prices_at(path: Path) -> pd.DataFrame:
    """Read product, store, price in force and, if given, unit cost (currency/unit)."""
    table = table_at(path, "--prices")
    missing = [name for name in (PRODUCT, PRICE) if name not in table]
    if missing:
        raise PolicyError(
            f"{path}: a row per product needs `{PRODUCT}` and `{PRICE}`. "
            f"Missing: {', '.join(missing)}. Rename the columns."
        )
    given = [name for name in (PRICE, UNIT_COST) if name in table]
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
