"""The closed loop: retrain on a shop whose demand is known, price 13 weeks of it, value them by the truth.

Of each shop: history -> the whole retraining -> the list that it recommends -> 13 weeks of the shop, each
under the list that follows from the prices of the week before. What a retraining claims of its list and of
its season stands beside what they truly earn, and beside the best list on the same ladder.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import (
    PRICE,
    PRODUCT,
    PROPENSITY,
    RANDOMISED,
    REFERENCE_PRICE,
    SERIES,
    STORE,
    UNIT_COST,
)
from tasks.bench.cases.price_yardstick import Yardstick
from tasks.bench.cases.shop_history import SEASON_WEEKS
from tasks.bench.cases.shop_kinds import KINDS
from tasks.bench.cases.true_shops import TrueShop, true_shop
from tasks.bench.closed_loop_results import (
    NOTHING,
    ShopResult,
    Totals,
    arm_of,
    claims_of,
    covered_of,
    totals_of,
)

LOGGED = [REFERENCE_PRICE, RANDOMISED, PROPENSITY]  # columns of a list that are logged with the sales


class Closed(TypedDict):
    """What ``--json`` writes."""

    seed: int
    profile: str
    shops: list[ShopResult]
    totals: dict[str, Totals]
    seconds: float


class Retrain(Protocol):
    """The whole chain from a sales table to registered models."""

    def __call__(self, settings: Settings) -> Mapping[str, Any]:
        """Return the summary of a retraining."""
        ...


class Recommend(Protocol):
    """The price list of the next week."""

    def __call__(self, settings: Settings, version: int, prices: str, out: str, seed: int) -> Any:
        """Write the list of a version of `pricing_policy` for a table of prices in force."""
        ...


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The product under test, as a shop runs it."""

    retrain: Retrain
    recommend: Recommend


def bench_closed_loop(
    settings: Settings,
    chosen: Sequence[tuple[str, int]],
    chain: Chain,
    *,
    weeks: int,
    folder: Path,
    say: Callable[[str], None],
) -> Closed:
    """Run the loop of every shop, and sum up.

    Args:
        settings: of every retraining; source and data folder are those of the shop.
        chosen: kind and seed of every shop.
        chain: the product under test.
        weeks: that are priced, at most 13.
        folder: holds a folder per shop: its history, its state, its lists and the sales of its season.
        say: takes a line of progress.
    """
    begin, results = time.monotonic(), []
    for number, (kind, seed) in enumerate(chosen, start=1):
        start = time.monotonic()
        shop = true_shop(kind, seed)
        results.append(close_loop(shop, settings, chain, weeks, folder / shop.name))
        seconds = time.monotonic() - start
        say(f"shop {number} of {len(chosen)}: {line_of(results[-1])}, {seconds:.0f} s")
    return Closed(
        seed=min(seed for _, seed in chosen),
        profile=settings.profile,
        shops=results,
        totals=totals_of(results),
        seconds=time.monotonic() - begin,
    )


def shops_of(shops: int, seed: int, kinds: Sequence[str]) -> list[tuple[str, int]]:
    """Return kind and seed of every shop: the kinds in turn, with the next seed each time round.

    Raises:
        ValueError: there is no such kind.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"`--kind` must name a kind of shop: {', '.join(KINDS)}. Received: {unknown[0]}.")
    turn = list(kinds or KINDS)
    return [(turn[number % len(turn)], seed + number // len(turn)) for number in range(shops)]


def close_loop(shop: TrueShop, settings: Settings, chain: Chain, weeks: int, folder: Path) -> ShopResult:
    """Retrain on a shop's history, price the weeks after it, and value what was done by the true demand.

    Args:
        shop: whose demand is known.
        settings: of the retraining; source and data folder are those of the shop.
        chain: the product under test.
        weeks: that are priced, at most 13.
        folder: of the shop.
    """
    start = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    shop.history.to_parquet(folder / "history.parquet", index=False)
    here = _settings_at(settings, folder)
    summary = chain.retrain(here)
    retrained = time.monotonic()
    version = summary["versions"]["pricing_policy"]
    season = np.array(list(_season(shop, partial(chain.recommend, here, version), weeks, folder)))
    seconds = {"retrain": retrained - start, "season": time.monotonic() - retrained}
    result = _result(shop, here, summary, season, seconds)
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def line_of(result: ShopResult) -> str:
    """Return the result of a shop in a line: what its list claims, what it truly earns, what could be had."""
    listed, best = result["list"], result["best_possible"]
    claim = "no claim" if listed["lift"] is None else f"claims {listed['lift']:+.1%}"
    return f"{result['shop']} {result['verdict']}, {claim}, true {listed['true']:+.1%}, best {best:+.1%}"


def _settings_at(settings: Settings, folder: Path) -> Settings:
    """Return the settings with the shop's history as source and a data folder of its own."""
    tree = settings.model_dump()
    tree["source"] |= {"kind": "file", "path": str(folder / "history.parquet"), "columns": {}, "period": "D"}
    return Settings(**tree | {"data_folder": str(folder / "data")})


def _season(
    shop: TrueShop, recommend: Callable[[str, str, int], Any], weeks: int, folder: Path
) -> Iterator[np.ndarray]:
    """Yield the prices of each week (rows,): the list recommended for the prices of the week before.

    The sales of the weeks are kept in ``sales.parquet`` of the folder, with the lists' logged columns.
    """
    prices, sales = shop.price, []
    for week in range(weeks):
        in_force, written = folder / "in_force.csv", folder / f"list_{week:02d}.csv"
        _in_force(shop, prices).to_csv(in_force, index=False)
        recommend(str(in_force), str(written), shop.seed * SEASON_WEEKS + week)
        listed = _list_at(written, shop.rows)
        prices = listed[PRICE].to_numpy(float)
        sales.append(shop.week(week, prices).merge(listed[[*SERIES, *LOGGED]], on=SERIES))
        pd.concat(sales).to_parquet(folder / "sales.parquet", index=False)
        yield prices


def _in_force(shop: TrueShop, prices: np.ndarray) -> pd.DataFrame:
    """Return product, store, price in force and, where the shop knows it, unit cost."""
    cost = {UNIT_COST: shop.unit_cost} if shop.traits.costs else {}
    return shop.rows[SERIES].assign(**{PRICE: prices}, **cost)


def _list_at(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a list in the order of the shop's rows.

    Raises:
        ValueError: the list lacks a product.
    """
    listed = rows[SERIES].merge(pd.read_csv(path, dtype=dict.fromkeys(SERIES, "str")), on=SERIES, how="left")
    if listed[PRICE].isna().any():
        first = listed[listed[PRICE].isna()].iloc[0]
        raise ValueError(
            f"{path.name}: no price for {first[PRODUCT]} in {first[STORE]}. A list holds all products."
        )
    return listed


def _result(
    shop: TrueShop,
    settings: Settings,
    summary: Mapping[str, Any],
    season: np.ndarray,
    seconds: dict[str, float],
) -> ShopResult:
    """Return claims and truth of a shop whose weeks were priced (weeks, rows)."""
    section = settings.price
    steps = np.linspace(section.ladder_low, section.ladder_high, section.ladder_steps).round(6)
    ladder = np.union1d(steps, [1.0])
    yardstick = Yardstick(shop=shop, objective=summary["objective"], ladder=ladder, decimals=section.decimals)
    speaker, of_list, of_season = claims_of(summary)
    arm = arm_of(yardstick, season, of_list, of_season)
    held, kept = (np.tile(prices, (len(season), 1)) for prices in (shop.price, season[0]))
    return ShopResult(
        **arm,
        shop=shop.name,
        kind=shop.kind,
        seed=shop.seed,
        objective=yardstick.objective,
        verdict=summary["verdict"],
        reasons=summary["reasons"],
        claimed_by=speaker,
        best_possible=yardstick.best_lift,
        covered=covered_of(arm),
        moves=_moves(season[0], shop.price, ladder),
        hold=arm_of(yardstick, held, NOTHING, NOTHING),
        one_list=arm_of(yardstick, kept, of_list, of_list),
        seconds=seconds,
    )


def _moves(prices: np.ndarray, in_force: np.ndarray, ladder: np.ndarray) -> dict[str, int]:
    """Return how many prices of a list rise, fall, hold, and stand at an end of the ladder."""
    step = prices / in_force
    ends = np.abs(step[:, None] - ladder[[0, -1]]).min(axis=1) < (ladder[1] - ladder[0]) / 2
    counts = {"up": prices > in_force, "down": prices < in_force, "held": prices == in_force, "at_ends": ends}
    return {name: int(marked.sum()) for name, marked in counts.items()}
