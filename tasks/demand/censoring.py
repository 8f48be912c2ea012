"""Sold-out periods: what sold is a lower bound of demand, not demand.

    log(1 + demand_st) = x_st b_s + l_st + e_st,   e_st ~ N(0, sigma_s^2),   l_st = l_s,t-1 + alpha e_st

(Tobin 1958, Econometrica 26:24; fitted by expectation and maximisation, Dempster, Laird and Rubin 1977.) A
sold-out period stands for the mean of log(1 + demand) given that it is at least the stock:

    E[y | y > c] = mu + sigma phi(a) / (1 - Phi(a)),   a = (c - mu) / sigma

Sold-out periods are not left out: they are those of high demand, and what is left would be too low. The
regression reads price, promotions and weekday. Slopes and sigma are fitted on what is known at one origin;
the value of a period needs them, its row and the rows before. Forecasts learn from these values as if they
had been observed, which understates their spread where much is sold out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import special, stats

from expectations.columns import DATE, DAYS_A_WEEK, PRICE, SERIES, STOCK, UNITS, promotions
from tasks.demand import regression
from tasks.demand.features import Wide
from tasks.demand.panel import Panel

ROUNDS = 8  # of expectation and maximisation
LEVEL_WEIGHT = 0.1  # alpha
ORDER = regression.Order(0, 0, 0, shrinkage=50.0, product_shrinkage=3000.0)
NARROWEST = 0.05  # least sigma
MONDAY = "1970-01-05"  # weeks begin on Mondays


def sold_out(sales: pd.DataFrame) -> pd.Series:
    """Return which rows sold all there was; none where no stock is known."""
    if STOCK not in sales:
        return pd.Series(False, index=sales.index)
    return (sales[STOCK].notna() & (sales[UNITS] >= sales[STOCK])).rename("sold_out")


def expected_demand(sales: pd.DataFrame, period: str, until: pd.Timestamp) -> pd.DataFrame:
    """Return the sales table with the expected demand in place of the units of sold-out periods.

    Args:
        sales: sales table; without ``stock``, or where nothing is sold out, it is returned as it is.
        period: ``D`` or ``W``.
        until: last date from which slopes and deviations are learnt.
    """
    full = sold_out(sales)
    if not full.any():
        return sales
    wide = Wide(sales.assign(sold_out=full.astype(float)), period)
    panel = _panel(wide, sales, period)
    censored = wide.column("sold_out").to_numpy().T == 1.0
    origin = int(wide.dates.get_indexer(pd.DatetimeIndex([until]))[0])
    rows = wide.series.get_indexer(pd.MultiIndex.from_frame(sales[SERIES]))
    expected = _filled(panel, censored, origin)[rows, wide.dates.get_indexer(pd.DatetimeIndex(sales[DATE]))]
    return sales.assign(**{UNITS: np.where(full, np.maximum(expected, sales[UNITS]), sales[UNITS])})


def uncensored(sales: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return the sales table as if there had always been enough stock, to learn how demand answers prices.

    Weeks in which something sold out are weeks of high demand, often by a low price: without them, or with
    what they sold, demand would hardly seem to answer. Weeks in which nothing was there from beginning to end
    show nothing and are left out.

    Args:
        sales: sales table; without ``stock`` it is returned as it is.
        period: ``D`` or ``W``.
    """
    if STOCK not in sales:
        return sales
    week = (sales[DATE] - pd.Timestamp(MONDAY)).dt.days // DAYS_A_WEEK
    nothing = (sales[STOCK] == 0).groupby([*(sales[name] for name in SERIES), week]).transform("all")
    demand = expected_demand(sales, period, sales[DATE].max())
    return demand[~nothing].drop(columns=STOCK).reset_index(drop=True)


def _panel(wide: Wide, sales: pd.DataFrame, period: str) -> Panel:
    """Return units beside log price, promotions and, in daily data, the weekday."""
    known = {"log_price": wide.price(PRICE).to_numpy()}
    known |= {name: wide.column(name).fillna(0.0).to_numpy() for name in promotions(sales.columns)}
    if period == "D":
        shape = (1, len(wide.series))
        known |= {
            f"day_{day}": np.tile((wide.dates.dayofweek == day).astype(float)[:, None], shape)
            for day in range(6)
        }
    units = wide.column(UNITS).to_numpy().T
    x = np.stack(list(known.values()), axis=-1).transpose(1, 0, 2)  # (series, periods, features)
    empty = np.empty((*units.shape, 0))
    return Panel(
        series=wide.series.to_frame(index=False),
        dates=wide.dates,
        units=units,
        price=units,
        past=empty,
        known=x,
        past_names=(),
        known_names=tuple(known),
    )


def _filled(panel: Panel, censored: np.ndarray, origin: int) -> np.ndarray:
    """Return units with the expected ones where they are censored (series, periods)."""
    y = np.log1p(panel.units)
    bound, deviation = y.copy(), np.full(len(y), 0.5)
    for _ in range(ROUNDS):
        learnt = replace(panel, units=np.expm1(y))
        explained = regression.explained(regression.regress(learnt, origin, ORDER), panel.known)
        y, squares = _expected(bound, censored, explained, deviation, origin)
        deviation = np.maximum(np.sqrt(_means(squares[:, : origin + 1])), NARROWEST)
    return np.expm1(y)


def _expected(
    bound: np.ndarray, censored: np.ndarray, explained: np.ndarray, deviation: np.ndarray, origin: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected logs and the expected squares of the errors, period by period (series, periods).

    Args:
        bound: log(1 + units), nan where missing (series, periods).
        censored: where it is a lower bound (series, periods).
        explained: x b (series, periods).
        deviation: sigma (series,).
        origin: last period from which the first level is taken.
    """
    logs, squares = bound.copy(), np.full(bound.shape, np.nan)
    level = _means((bound - explained)[:, : origin + 1])
    for t in range(bound.shape[1]):
        mean, full = explained[:, t] + level, censored[:, t]
        a = (bound[:, t] - mean) / deviation
        mills = above(a)
        logs[:, t] = np.where(full, mean + deviation * mills, bound[:, t])
        error = logs[:, t] - mean
        squares[:, t] = np.where(full, deviation**2 * (1 + a * mills), error**2)
        level = level + LEVEL_WEIGHT * np.nan_to_num(error)
    return logs, squares


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each series, that of all where nothing of it is known yet (series,)."""
    there = np.isfinite(values)
    total, count = np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), total.sum() / max(count.sum(), 1))


def above(a: np.ndarray) -> np.ndarray:
    """Return the mean of a standard normal number given that it is above ``a`` (the inverse Mills ratio)."""
    return np.asarray(np.exp(stats.norm.logpdf(a) - special.log_ndtr(-a)))
