"""The closed loop: retrain on a shop whose demand is known, price 13 weeks of it, value them by the truth.

Of each shop: history -> the whole retraining -> the list that it recommends -> 13 weeks of the shop, each
under the list that follows from the prices and sales of the weeks before. What a retraining claims of its
list and of its season stands beside what they truly earn, and beside the best that the rules leave within
reach.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import ELASTICITY, IDENTIFIED, PRICE, SERIES, UNITS
from tasks.bench.cases.independent_market import IndependentMarket
from tasks.bench.cases.price_rules import PriceRules
from tasks.bench.cases.price_yardstick import Yardstick
from tasks.bench.cases.shop_kinds import KINDS
from tasks.bench.cases.true_shops import TrueShop, true_shop
from tasks.bench.closed_loop_chain import Chain
from tasks.bench.closed_loop_results import (
    NOTHING,
    Arms,
    ShopResult,
    arm_of,
    changes_of,
    claims_of,
    covered_of,
    moves_of,
)
from tasks.bench.closed_loop_season import Season
from tasks.bench.closed_loop_totals import Totals, totals_of
from tasks.runtime.artifacts import save_table, save_text


class Closed(TypedDict):
    """What ``--json`` writes."""

    seed: int
    profile: str
    shops: list[ShopResult]
    totals: dict[str, Totals]
    seconds: float


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
    return closed_of(results, settings.profile, time.monotonic() - begin)


def closed_of(results: Sequence[ShopResult], profile: str, seconds: float) -> Closed:
    """Return the results of shops with their totals."""
    return Closed(
        seed=min(result["seed"] for result in results),
        profile=profile,
        shops=list(results),
        totals=totals_of(results),
        seconds=seconds,
    )


def shops_of(shops: int, seed: int, kinds: Sequence[str], seeds: int = 1) -> list[tuple[str, int]]:
    """Return kind and seed of every shop: the kinds in turn, with the next seed each time round.

    Args:
        shops: of a round.
        seed: of the first shops.
        kinds: names of kinds; none: all.
        seeds: rounds, in which every shop has another seed.

    Raises:
        ValueError: there is no such kind.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"`--kind` must name a kind of shop: {', '.join(KINDS)}. Received: {unknown[0]}.")
    turn = list(kinds or KINDS)
    times = -(-shops // len(turn))  # seeds that a kind takes in a round
    return [
        (turn[number % len(turn)], seed + again * times + number // len(turn))
        for again in range(seeds)
        for number in range(shops)
    ]


def close_loop(shop: TrueShop, settings: Settings, chain: Chain, weeks: int, folder: Path) -> ShopResult:
    """Retrain on a shop's history, price the weeks after it, and value what was done by the true demand.

    Args:
        shop: whose demand is known.
        settings: of the retraining; source and data folder are those of the shop, its seed is added.
        chain: the product under test.
        weeks: that are priced, at most 13.
        folder: of the shop.
    """
    start = time.monotonic()
    here = settings_at(settings, shop, folder)
    summary = chain.retrain(here)
    retrained, versions = time.monotonic(), summary["versions"]
    season = Season(shop=shop, chain=chain, settings=here, version=versions["pricing_policy"], folder=folder)
    weekly = season.lists(weeks, feedback=True)
    followed = time.monotonic()
    frozen = replace(season, folder=folder / "frozen").lists(weeks, feedback=False)
    ended = time.monotonic()
    yardstick = Yardstick(shop=shop, objective=summary["objective"], rules=rules_of(settings))
    market = market_of(yardstick, partial(chain.respond, here, versions["price_response"]))
    arms = _arms(yardstick, summary, weekly, frozen, market=market)
    seconds = {"retrain": retrained - start, "season": followed - retrained, "frozen": ended - followed}
    result = _result(yardstick, summary, weekly, arms, seconds)
    save_text(json.dumps(result, indent=2) + "\n", folder / "result.json")
    return result


def line_of(result: ShopResult) -> str:
    """Return the result of a shop in a line: what its list claims, what it truly earns, what could be had."""
    listed, season = result["list"], result["season"]
    claim = "no claim" if listed["lift"] is None else f"claims {listed['lift']:+.1%}"
    best, of_season = result["best_possible"], result["best_possible_season"]
    return (
        f"{result['shop']} {result['verdict']}, {claim}, true {listed['true']:+.1%}, best {best:+.1%}; "
        f"season {season['true']:+.1%}, best {of_season:+.1%}"
    )


def rules_of(settings: Settings) -> PriceRules:
    """Return the rules that lists are held to."""
    guard = settings.price.guard.model_dump(exclude={"reference_year"})
    return PriceRules(**guard, decimals=settings.price.decimals)


def settings_at(settings: Settings, shop: TrueShop, folder: Path) -> Settings:
    """Write a shop's history, and return the settings with it as source and a data folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    save_table(shop.history, folder / "history.parquet")
    tree = settings.model_dump()
    tree["source"] |= {"kind": "file", "path": str(folder / "history.parquet"), "columns": {}, "period": "D"}
    return Settings(**tree | {"data_folder": str(folder / "data"), "seed": settings.seed + shop.seed})


def market_of(yardstick: Yardstick, respond: Callable[[pd.DataFrame], pd.DataFrame]) -> IndependentMarket:
    """Return the market without substitutes that follows from a registered response to prices."""
    shop = yardstick.shop
    estimates = respond(shop.rows[SERIES])
    sold = respond(shop.rows[SERIES].assign(**{PRICE: shop.price}))
    identified = estimates[IDENTIFIED].to_numpy(bool) & sold[UNITS].notna().to_numpy()
    return IndependentMarket(
        price=shop.price,
        units=sold[UNITS].fillna(0.0).to_numpy(float),
        elasticity=np.where(identified, estimates[ELASTICITY].to_numpy(float), 0.0),
        identified=identified,
        cost=shop.unit_cost if yardstick.objective == "profit" else np.zeros(len(shop.price)),
    )


def _result(
    yardstick: Yardstick,
    summary: Mapping[str, Any],
    weekly: np.ndarray,
    arms: Arms,
    seconds: dict[str, float],
) -> ShopResult:
    """Return claims and truth of a shop whose weeks were priced (weeks, rows)."""
    shop, reach = yardstick.shop, yardstick.reach
    speaker, of_list, of_season = claims_of(summary)
    arm, best = arm_of(yardstick, weekly, of_list, of_season), yardstick.best_lifts[: len(weekly)]
    return ShopResult(
        **arm,
        **arms,
        shop=shop.name,
        kind=shop.kind,
        seed=shop.seed,
        objective=yardstick.objective,
        verdict=summary["verdict"],
        reasons=summary["reasons"],
        claimed_by=speaker,
        best_possible=float(best[0]),
        best_possible_season=float(best.mean()),
        covered=covered_of(arm),
        moves=moves_of(weekly[0], reach),
        changes=changes_of(weekly, reach),
        seconds=seconds,
    )


def _arms(
    yardstick: Yardstick,
    summary: Mapping[str, Any],
    weekly: np.ndarray,
    frozen: np.ndarray,
    *,
    market: IndependentMarket,
) -> Arms:
    """Return the other ways to price the season, beside the weekly lists (weeks, rows).

    The market without substitutes claims what it computes of its lists; it has no interval.
    """
    _, of_list, of_season = claims_of(summary)
    weeks = len(weekly)
    held, kept = (np.tile(prices, (weeks, 1)) for prices in (yardstick.shop.price, weekly[0]))
    alone = market.lists(yardstick.reach, weeks)
    fiction = market.lifts(alone)
    claims = [{"lift": float(lift), "low": None, "high": None} for lift in (fiction[0], fiction.mean())]
    return Arms(
        hold=arm_of(yardstick, held, NOTHING, NOTHING),
        one_list=arm_of(yardstick, kept, of_list, of_list),
        frozen=arm_of(yardstick, frozen, of_list, of_season),
        independent=arm_of(yardstick, alone, *claims),
    )
