"""Published promotions that run: to their announced end, unless a named person calls them off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from expectations.columns import ACTION, PRICE, PRODUCT, SERIES, STORE
from tasks.governance.approval import Refused
from tasks.governance.shelf_prices import PRIOR_PRICE, PRIOR_UNKNOWN
from tasks.operations.price_rules import ANNOUNCED_END
from tasks.operations.published_prices import PROMOTED_END, PROMOTED_PRICE, PROMOTED_UNTIL
from tasks.pricing.guarded_plan import GUARD_REASON, LEAVE_OUT
from tasks.pricing.recommend import ANNOUNCED_PRICE

RUNS_ON = "runs_on"  # column: whether the announced price is that of a promotion that was published before
CALLED_OFF = "called_off"  # column: whether the list ends a promotion that runs, because a person says so


class RunningPromotions(TypedDict):
    """What a list does to the promotions that run when it takes effect, a sentence for each."""

    run_on: list[str]
    """Those that stay in the list until their announced end."""
    ended_early: list[str]
    """Those that the list ends: somebody called them off, or a hard rule forbids their price now."""


def with_running(
    prices: pd.DataFrame, published: pd.DataFrame | None, called_off: Sequence[str]
) -> pd.DataFrame:
    """Return prices in force with the published promotions that run on, and what they charge.

    Args:
        prices: product and store of every price, with what the table of promotions announces of them.
        published: of ``PublishedPrices``; none: nothing was published.
        called_off: products whose promotions end with the list.

    Raises:
        Refused: no promotion runs of a product that is called off, or the table announces one of it.
    """
    columns = [*SERIES, PROMOTED_PRICE, PROMOTED_UNTIL, PROMOTED_END]
    none = pd.DataFrame(columns=columns)
    running = none if published is None else published[published[PROMOTED_PRICE].notna()][columns]
    running = running.merge(prices[SERIES], on=SERIES)
    _require_running(running, called_off)
    if running.empty:
        return prices
    there = prices[SERIES].merge(running, on=SERIES, how="left").set_index(prices.index)
    never = pd.Series(pd.NaT, prices.index)
    announced, until = prices.get(ANNOUNCED_PRICE, np.nan * prices[PRICE]), prices.get(ANNOUNCED_END, never)
    _require_not_announced(prices[PRODUCT][announced.notna()], called_off)
    over = prices[PRODUCT].isin(called_off) & there[PROMOTED_PRICE].notna()
    runs = there[PROMOTED_PRICE].notna() & announced.isna() & ~over
    reductions = _new_reductions(prices, announced != there[PROMOTED_PRICE])
    return prices.assign(
        **{
            ANNOUNCED_PRICE: announced.mask(runs, there[PROMOTED_PRICE]),
            ANNOUNCED_END: pd.to_datetime(until).mask(runs, there[PROMOTED_UNTIL]),
            PROMOTED_PRICE: there[PROMOTED_PRICE],
            PROMOTED_END: there[PROMOTED_END].where(runs),
            RUNS_ON: runs,
            CALLED_OFF: over,
            **reductions,
        }
    )


def _new_reductions(prices: pd.DataFrame, new: pd.Series) -> dict[str, pd.Series]:
    """Return the prior prices of new announcements alone: one of a promotion that runs repeats it."""
    if PRIOR_UNKNOWN not in prices:
        return {}
    return {PRIOR_PRICE: prices[PRIOR_PRICE].where(new), PRIOR_UNKNOWN: prices[PRIOR_UNKNOWN] & new}


def running_promotions(current: pd.DataFrame, table: pd.DataFrame) -> RunningPromotions:
    """Return what a list does to the promotions that run when it takes effect.

    Args:
        current: of ``with_running``.
        table: the list as ``price_list`` returns it, row by row beside it.
    """
    if RUNS_ON not in current:
        return RunningPromotions(run_on=[], ended_early=[])
    current, table = current.reset_index(drop=True), table.reset_index(drop=True)
    runs, out = current[RUNS_ON], table[ACTION] == LEAVE_OUT
    kept = (table[PRICE] == current[ANNOUNCED_PRICE]) | out
    until = current[ANNOUNCED_END].dt.strftime("%Y-%m-%d")
    there = table[PRODUCT] + " in " + table[STORE]
    at = there + " at " + current[ANNOUNCED_PRICE].map("{:g}".format) + " until " + until
    at = at.where(~out, there + " is left out of the list; its promotion ends as published, after " + until)
    reasons = table[GUARD_REASON].mask(current[CALLED_OFF], "called off")
    ended = (there + ": " + reasons)[current[CALLED_OFF] | (runs & ~kept)]
    return RunningPromotions(run_on=at[runs & kept].tolist(), ended_early=ended.tolist())


def charged(current: pd.DataFrame) -> pd.Series:
    """Return the prices that are charged while promotions of ``with_running`` run, currency/unit (rows,)."""
    if RUNS_ON not in current:
        return current[PRICE]
    return current[PRICE].mask(current[RUNS_ON], current[ANNOUNCED_PRICE])


def _require_running(running: pd.DataFrame, called_off: Sequence[str]) -> None:
    """Accept promotions that are called off, if they run.

    Raises:
        Refused: one does not.
    """
    there = running[PRODUCT].unique().tolist()
    unknown = [product for product in called_off if product not in there]
    if unknown:
        raise Refused(
            f"--call-off {unknown[0]}: no published promotion of it runs then. "
            f"Running: {', '.join(there) or 'none'}. Name one of these, or leave it out."
        )


def _require_not_announced(announced: pd.Series, called_off: Sequence[str]) -> None:
    """Accept promotions that are called off, if the table of promotions announces none of their products.

    Raises:
        Refused: it announces one.
    """
    both = announced[announced.isin(called_off)]
    if len(both):
        raise Refused(
            f"--call-off {both.iloc[0]}: --promotions announces a price of it for that day. Take it out of "
            "the table, or take back --call-off."
        )
