"""Task: the price list of the next week by a registered policy."""

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
    """A price list: its file, its version, and how many prices rise, fall and hold or were varied.

    ``seed`` is that of the variation; ``unknown`` are the products of ``--prices`` that the policy does not know.
    """

    file: str
    version: int
    products: int
    up: int
    down: int
    hold: int
    varied: int
    seed: int
    unknown: list[str]


@task(name="recommend")
def recommend(
    settings: Settings, version: int | None, prices: str | None, out: str, seed: int | None = None
) -> Recommended:
    """Write the price list as Parquet where the file is called so, else as CSV.

    Args:
        settings: whose store holds the policy; ``price.variation`` varies the list.
        version: of `pricing_policy`; none: the champion, or the candidate where nobody was promoted.
        prices: table of product, store (else ``all``), price in force and, if known, ``unit_cost``; none: those at the end of the
            training data.
        out: file of the list; in CSV, text that a spreadsheet would run gets an apostrophe in front.
        seed: of the variation; none: a new one, so that no week repeats the draws of another.

    Raises:
        ModelError: there is no such version.
        TableError, PolicyError: the table of prices is none.
    """
    number, model = champion_aliases.chosen(settings, "pricing_policy", version)
    policy: PolicyModel = model.policy
    told = settings.price.variation
    seed = secrets.randbits(32) if seed is None else seed
    variation = Variation(told.share, told.size, settings.price.decimals)
    in_use = in_force(policy) if prices is None else _prices_at(Path(prices))
    table = price_list(policy, in_use, variation, seed)
    path = Path(out)
    _write(table, path)
    step = table[STEP]
    return Recommended(
        file=str(path),
        version=number,
        products=len(table),
        up=int((step > 1).sum()),
        down=int((step < 1).sum()),
        hold=int((step == 1).sum()),
        varied=int((table[RANDOMISED] != 0).sum()),
        seed=seed,
        unknown=unknown_products(policy, in_use),
    )


def _write(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in PARQUET:
        table.to_parquet(path, index=False)
    else:
        neutral(table).to_csv(path, index=False)


def _prices_at(path: Path) -> pd.DataFrame:
    table = table_at(path, "--prices")
    missing = [name for name in (PRODUCT, PRICE) if name not in table]
    if missing:
        raise PolicyError(
            f"{path}: a row per product needs `{PRODUCT}` and `{PRICE}`. Missing: {', '.join(missing)}. Rename the columns."
        )
    given = [name for name in (PRICE, UNIT_COST) if name in table]
    for name in given:
        if not pd.api.types.is_numeric_dtype(table[name]):
            first = repr(table[name].iloc[0])
            raise PolicyError(
                f"{path}: `{name}` must be numbers. Received: {first} in row 1 or later. Write 12.5, not 12,5."
            )
    if STORE not in table:
        table = table.assign(**{STORE: "all"})
    return table[[PRODUCT, STORE, *given]].reset_index(drop=True)
