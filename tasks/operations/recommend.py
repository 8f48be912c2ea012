"""Operation: the price list of the next week by a registered policy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from prefect import task
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import DATE, PERIOD_DAYS, PRICE, PRODUCT, RANDOMISED, REASON, STORE, UNIT_COST
from expectations.spreadsheets import neutral
from tasks.operations.price_rules import guard_of, with_announced, with_bounds
from tasks.pricing.new_sales import Calendar
from tasks.pricing.price_list import in_force, price_list, unknown_products
from tasks.pricing.recommend import ANNOUNCED, STEP, PolicyError, PolicyModel
from tasks.pricing.shop_view import ShopNow, shop_now
from tasks.pricing.variation import Variation
from tasks.runtime import champion_aliases
from tasks.runtime.tables import PARQUET, table_at


class Recommended(TypedDict):
    """A price list, and how many of its prices do what."""

    file: str
    """Path of the list."""
    version: int
    """Version of `pricing_policy`."""
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


@task(name="recommend")
def recommend(
    settings: Settings,
    version: int | None,
    tables: ShopTables,
    sales: pd.DataFrame | None,
    *,
    out: str,
    seed: int | None = None,
) -> Recommended:
    """Write the price list as Parquet where the file is called so, else as CSV.

    Args:
        settings: whose store holds the policy; ``price.variation`` varies the list.
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        tables: what is known of the shop now.
        sales: the sales table of ``tables.sales``.
        out: file of the list; in CSV, text that a spreadsheet would run gets an apostrophe in front.
        seed: of the variation; none: a new one, so that no week repeats the draws of another.

    Raises:
        ModelError: there is no such version.
        TableError: a file cannot be read.
        PolicyError: the table of prices lacks a column, or a price is not finite and above 0.
        SalesSinceError: the sales tell nothing of the time since the training.
        DataError: an announcement breaks a rule.
    """
    number, model = champion_aliases.chosen(settings, "pricing_policy", version)
    policy: PolicyModel = model.policy
    seed = secrets.randbits(32) if seed is None else seed
    now = None if sales is None else _now(settings, policy, sales)
    current = in_force(policy, now) if tables.prices is None else _prices_at(Path(tables.prices))
    unknown = [*unknown_products(policy, current), *(now.state.unknown if now else ())]
    current = with_bounds(current, policy, guard_of(settings), sales, as_of=_today(policy, now))
    if tables.promotions is not None:
        current = with_announced(current, tables.promotions, as_of=_today(policy, now))
    table = price_list(policy, current, variation_of(settings), seed, now)
    _write(table, Path(out))
    counts = _counts(table) | {"weeks": now.state.weeks if now else 0}
    return Recommended(file=out, version=number, seed=seed, unknown=unknown, **counts)  # type: ignore[typeddict-item]


def _now(settings: Settings, policy: PolicyModel, sales: pd.DataFrame) -> ShopNow:
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


def _write(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in PARQUET:
        table.to_parquet(path, index=False)
    else:
        neutral(table).to_csv(path, index=False)


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
