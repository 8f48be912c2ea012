"""How demand answers price: the own-price elasticity of every product, with its interval.

The best forecaster is often wrong about the sign of a price effect, so price response has a model of its own. Per product, over the
weeks t of its series s (one, or one per store):

    log E[units_st] = a_s + e * log price_st + b * promotions_st + c * rivals_st + d * traffic_st + f(t)

fitted by Poisson pseudo-maximum likelihood: consistent for any demand with this mean, weeks without a sale included (Santos Silva and
Tenreyro 2006, Rev. Econ. Stat. 88:641). What stands beside the price is there because it moves price and demand together:

- promotions: displays and mailers come with discounts; without them the elasticity counts the advertisement as price;
- rivals: mean log price of the other products of the category, cut in the same promotions;
- traffic: log of the sales of all *other* categories, each product weighing the same. Not the product's own category: its siblings lose
  what it wins by a price cut, so holding their sales constant would hide a part of the answer;
- f(t): slow cosines, no period below half a year. They take trend and season out together, whatever they are, and promise no return of
  either: one year cannot tell a season from a trend.

Products then learn from their category, and categories from the shop, by empirical Bayes (Efron and Morris 1975, JASA 70:311).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, stats
from typing_extensions import TypedDict

from expectations.columns import (
    CATEGORY,
    COMPETITOR_PRICE,
    DATE,
    ELASTICITY,
    PRICE,
    RANDOMISED,
    SERIES,
    STOCK,
    STORE,
    UNIT_COST,
    UNITS,
    promotions,
)

WEEK = "week"  # first day of the week
LOG_PRICE, RIVALS, TRAFFIC = "log_price", "rivals", "traffic"
REMEMBERED = "remembered"  # log(remembered price / price)
RAW, RAW_ERROR, ERROR = "raw_elasticity", "raw_error", "standard_error"
PRICES, VARIATION, WEEKS, DISPERSION = "prices", "price_variation", "weeks", "dispersion"
SHORTEST = 26  # weeks; shortest period of f(t)
SAME_PRICE = 2  # decimals of the log price to which two prices are the same: about 1 %
NEWTON_STEPS, LONGEST_STEP, CONVERGED = 100, 2.0, 1e-9  # steps; change of log units in one, and in the last
MOVES_ALONE = 1e-4  # least share of a column's variance that the other columns leave unexplained


@dataclass(frozen=True)
class Rules:
    """When an elasticity counts as identified.

    Attributes:
        confidence: probability of the interval.
        min_prices: least number of distinct prices.
        min_price_variation: least standard deviation of log prices within a series.
        min_periods: least number of weeks with sales.
        max_width: widest interval.
    """

    confidence: float
    min_prices: int
    min_price_variation: float
    min_periods: int
    max_width: float

    @property
    def z(self) -> float:
        """Return half the interval's width in standard errors."""
        return float(stats.norm.ppf(0.5 + self.confidence / 2))


class ReferenceEffect(TypedDict):
    """Change of log units per unit of log(remembered price / price), with its interval; never below 0."""

    estimate: float
    low: float
    high: float


class Slope(NamedTuple):
    """A coefficient, its standard error, and the variance of demand beyond Poisson's: Var[units] = mean + dispersion mean^2."""

    estimate: float
    error: float
    dispersion: float


UNKNOWN = Slope(np.nan, np.inf, np.nan)


class Pool(NamedTuple):
    """Uncertain values of one kind: their mean, its variance, and the variance of the true values around it."""

    mean: float
    variance: float
    between: float


def weekly(sales: pd.DataFrame, period: str) -> pd.DataFrame:
    """Sum the sales table to weeks: one row per product, store and week.

    The price is that of the units sold; in a week without a sale, the mean of the carried ones. Left out are a first and a last week
    that the series covers in part, and weeks with a period that began without stock: their sales are not the demand.

    Args:
        sales: sales table, with categories or without.
        period: ``D`` for days, summed to weeks from Monday; ``W`` for weeks, taken as they are.
    """
    table = sales if CATEGORY in sales else sales.assign(**{CATEGORY: ""})
    into_week = pd.to_timedelta(table[DATE].dt.dayofweek * (period == "D"), unit="D")
    dates = table.groupby(SERIES)[DATE]
    table = table.assign(
        week=table[DATE] - into_week,
        amount=table[PRICE] * table[UNITS],
        begin=dates.transform("min"),
        end=dates.transform("max"),
        empty=(table[STOCK] == 0) if STOCK in table else False,
    )
    how = {CATEGORY: "first", UNITS: "sum", "amount": "sum", PRICE: "mean", "begin": "first", "end": "first", "empty": "any"}
    kept = [*promotions(table.columns), *(name for name in (UNIT_COST, COMPETITOR_PRICE, RANDOMISED) if name in table)]
    weeks = table.groupby([*SERIES, WEEK], as_index=False).agg(how | dict.fromkeys(kept, "mean"))
    weeks[PRICE] = (weeks["amount"] / weeks[UNITS]).where(weeks[UNITS] > 0, weeks[PRICE])
    whole = (weeks["begin"] <= weeks[WEEK]) & (weeks[WEEK] + pd.Timedelta(days=6 * (period == "D")) <= weeks["end"])
    return weeks[whole & ~weeks["empty"]].drop(columns=["amount", "begin", "end", "empty"]).reset_index(drop=True)


def with_controls(weeks: pd.DataFrame, memory: float) -> pd.DataFrame:
    """Add what the regressions read: log price, remembered price, rivals' price and traffic.

    Args:
        weeks: as ``weekly`` returns them.
        memory: weight of the past in the remembered price, r_t = memory * r_(t-1) + (1 - memory) * price_(t-1) (1/week).
    """
    told = weeks.copy()
    keys = [told[name] for name in SERIES]
    shop = [told[STORE], told[WEEK]]
    shelf = [*shop, told[CATEGORY]]

    def total(values: pd.Series, by: list[pd.Series]) -> pd.Series:
        return values.groupby(by).transform("sum")

    log_price = np.log(told[PRICE])
    told[LOG_PRICE] = log_price - log_price.groupby(keys).transform("mean")
    last = told[PRICE].groupby(keys).shift(1).fillna(told[PRICE])
    told[REMEMBERED] = np.log(last.groupby(keys).transform(lambda price: price.ewm(alpha=1 - memory, adjust=False).mean()) / told[PRICE])
    one = pd.Series(1.0, told.index)
    siblings = total(one, shelf) - 1
    told[RIVALS] = ((total(told[LOG_PRICE], shelf) - told[LOG_PRICE]) / siblings).where(siblings > 0, 0.0)
    share = told[UNITS] / told[UNITS].groupby(keys).transform("mean")
    elsewhere = (total(share, shop) - total(share, shelf)) / (total(one, shop) - total(one, shelf))
    told[TRAFFIC] = np.log(elsewhere.where(elsewhere > 0, 1.0))
    return told


def slow_cosines(weeks: pd.Series) -> np.ndarray:
    """Return the terms of f(t) over the span of the weeks (rows, terms)."""
    time = (weeks - weeks.min()).dt.days.to_numpy() / 7
    span = time.max() + 1
    return np.cos(np.pi * (time[:, None] + 0.5) / span * np.arange(1, int(2 * span / SHORTEST) + 1))


def poisson_slope(x: np.ndarray, units: np.ndarray, groups: np.ndarray, clusters: np.ndarray, offset: np.ndarray | float = 0.0) -> Slope:
    """Return the first coefficient of log E[units] = a_group + x b + offset, with a robust standard error.

    The effects a are concentrated out (Hausman, Hall and Griliches 1984, Econometrica 52:909). The error is the sandwich of what the other
    columns leave of the first one, scores added up within a cluster. It is unknown where they leave nothing, or the fit has no maximum.

    Args:
        x: regressors (rows, columns).
        units: demand, >= 0 (rows,).
        groups: number of the row's effect, from 0 (rows,).
        clusters: number of the row's cluster, from 0: rows of one may depend on each other (rows,).
        offset: known part of log E[units] (rows,).
    """
    freedom = len(units) - x.shape[1] - len(np.unique(groups))
    if freedom < 1:
        return UNKNOWN
    x = x - x.mean(axis=0)
    beta = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        mean = _concentrated_mean(x @ beta + offset, units, groups)
        within = x - _group_means(x, mean, groups)
        step = np.linalg.pinv(within.T @ (mean[:, None] * within), rcond=1e-10, hermitian=True) @ (x.T @ (units - mean))
        change = float(np.abs(x @ step).max())
        beta = beta + step * min(1.0, LONGEST_STEP / max(change, CONVERGED))
        if change < CONVERGED:
            break
    else:
        return UNKNOWN
    root = np.sqrt(mean)[:, None]
    alone = within[:, 0] - within[:, 1:] @ np.linalg.lstsq(root * within[:, 1:], root[:, 0] * within[:, 0], rcond=None)[0]
    information = float(mean @ alone**2)
    if information <= MOVES_ALONE * float(mean @ within[:, 0] ** 2):
        return UNKNOWN
    scores = np.bincount(clusters, alone * (units - mean))
    spare = len(units) / freedom
    dispersion = max(0.0, float(((units - mean) ** 2 * spare - mean).sum() / (mean**2).sum()))
    return Slope(float(beta[0]), float(np.sqrt(scores @ scores * spare) / information), dispersion)


def _concentrated_mean(eta: np.ndarray, units: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return E[units] with the effects at their best: every group's mean adds up to its units (rows,)."""
    rate = np.exp(eta - eta.max())
    return np.asarray(rate * (np.bincount(groups, units) / np.bincount(groups, rate))[groups])


def _group_means(x: np.ndarray, weight: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the weighted means of the columns within the row's group (rows, columns)."""
    total = np.maximum(np.bincount(groups, weight), np.finfo(float).tiny)
    return np.stack([np.bincount(groups, weight * column) / total for column in x.T], axis=1)[groups]


def pool(estimates: np.ndarray, errors: np.ndarray) -> Pool:
    """Return the mean of uncertain values that differ truly, by Paule and Mandel (1982, J. Res. NBS 87:377).

    The variance of the mean is that of Hartung and Knapp (2001, Stat. Med. 20:3875): it trusts the scatter rather than the errors.

    Args:
        estimates: uncertain values, finite (values,).
        errors: their standard errors, finite (values,).
    """
    between = between_variance(estimates, errors, np.zeros(len(estimates), int))
    weight = 1 / (errors**2 + between)
    mean = float(weight @ estimates / weight.sum())
    if len(estimates) == 1:
        return Pool(mean, float(errors[0] ** 2), 0.0)
    scatter = float(weight @ (estimates - mean) ** 2) / (len(estimates) - 1)
    return Pool(mean, max(scatter, 1.0) / float(weight.sum()), between)


def between_variance(estimates: np.ndarray, errors: np.ndarray, groups: np.ndarray) -> float:
    """Return the variance of the true values around their group's mean: where the scatter equals what it should be (Paule and Mandel)."""
    freedom = len(estimates) - len(np.unique(groups))

    def excess(between: float) -> float:
        weight = 1 / (errors**2 + between)
        centre = _group_means(estimates[:, None], weight, groups)[:, 0]
        return float(weight @ (estimates - centre) ** 2) - freedom

    if freedom == 0 or excess(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, float(np.sum((estimates - estimates.mean()) ** 2)) + 1.0))


def shrunk(raw: pd.DataFrame) -> pd.DataFrame:
    """Return every product's posterior mean and standard deviation: product in category, category in shop.

        e_i ~ N(m_category, between products),  m_category ~ N(m, between categories),  raw_i ~ N(e_i, raw error_i^2)

    A product without an estimate of its own has its category's, a category without one the shop's, with the wider interval that is due.

    Args:
        raw: columns ``category``, ``raw_elasticity`` and ``raw_error``; nan and infinity where unknown, not all of them.
    """
    known = np.isfinite(raw[RAW_ERROR].to_numpy())
    category, names = pd.factorize(raw[CATEGORY])
    estimate, error = raw[RAW].to_numpy()[known], raw[RAW_ERROR].to_numpy()[known]
    between = between_variance(estimate, error, category[known])
    weight = 1 / (error**2 + between)
    precision = np.bincount(category[known], weight, len(names))
    there = precision > 0
    mean = np.bincount(category[known], weight * estimate, len(names))[there] / precision[there]
    shop = pool(mean, 1 / np.sqrt(precision[there]))

    trust = np.zeros(len(names))
    trust[there] = shop.between / (shop.between + 1 / precision[there])
    centre = np.full(len(names), shop.mean)
    centre[there] += trust[there] * (mean - shop.mean)
    centre_variance = (1 - trust) * shop.between + (1 - trust) ** 2 * shop.variance

    own = np.zeros(len(raw))
    own[known] = between / (between + error**2)
    gap = np.where(known, raw[RAW] - centre[category], 0.0)
    variance = (1 - own) * between + (1 - own) ** 2 * centre_variance[category]
    return pd.DataFrame({ELASTICITY: centre[category] + own * gap, ERROR: np.sqrt(variance)}, index=raw.index)
