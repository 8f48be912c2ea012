"""Operation: the price list of the next week by a registered policy."""

from __future__ import annotations

import secrets
from pathlib import Path

import pandas as pd
from prefect import task
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import PRICE, PRODUCT, RANDOMISED, STORE, UNIT_COST
from expectations.spreadsheets import neutral
from tasks.pricing.price_list import in_force, price_list, unknown_products
from tasks.pricing.recommend import STEP, PolicyError, PolicyModel
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
    varied: int
    """Prices that were moved at random."""
    seed: int
    """Seed of that."""
    unknown: list[str]
    """Products of `--prices` that the policy does not know."""


@task(name="recommend")
def recommend(
    settings: Settings, version: int | None, prices: str | None, out: str, seed: int | None = None
) -> Recommended:
    """Write the price list as Parquet where the file is called so, else as CSV.

    Args:
        settings: whose store holds the policy; ``price.variation`` varies the list.
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        prices: table of product, store (else ``all``), price in force and, if known, ``unit_cost``; none: the
            prices at the end of the training data.
        out: file of the list; in CSV, text that a spreadsheet would run gets an apostrophe in front.
        seed: of the variation; none: a new one, so that no week repeats the draws of another.

    Raises:
        ModelError: there is no such version.
        TableError: the file of prices cannot be read.
        PolicyError: the table of prices lacks a column, or a price is not finite and above 0.
    """
    number, model = champion_aliases.chosen(settings, "pricing_policy", version)
    policy: PolicyModel = model.policy
    seed = secrets.randbits(32) if seed is None else seed
    current = in_force(policy) if prices is None else _prices_at(Path(prices))
    table = price_list(policy, current, variation_of(settings), seed)
    _write(table, Path(out))
    unknown = unknown_products(policy, current)
    return _counted(table, file=str(Path(out)), version=number, seed=seed, unknown=unknown)


def variation_of(settings: Settings) -> Variation:
    """Return how a published list varies, by the section ``price`` of the settings."""
    section = settings.price
    return Variation(section.variation.share, section.variation.size, section.decimals)


def _counted(table: pd.DataFrame, *, file: str, version: int, seed: int, unknown: list[str]) -> Recommended:
    """Count the prices of a list that rise, fall, hold and were varied."""
    step = table[STEP]
    return Recommended(
        file=file,
        version=version,
        products=len(table),
        up=int((step > 1).sum()),
        down=int((step < 1).sum()),
        hold=int((step == 1).sum()),
        varied=int((table[RANDOMISED] != 0).sum()),
        seed=seed,
        unknown=unknown,
    )


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
