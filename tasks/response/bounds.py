"""The rows of a sales table with bounded influence: what is false in a few of them moves no estimate.

Every row is held against what its series sells at its price, by a robust regression of log units on price,
promotions, days of the week, a slow course and what moves the whole store. With r the surprise in standard
deviations of an overdispersed count, a row up to ``CLIP`` counts as it is, one beyond it with the weight
``CLIP / r`` (Huber 1964, Ann. Math. Stat. 35:73), and one beyond ``FALSE`` not at all. Rows far out in the
price reach both sooner. Days are bounded before they are summed to weeks, and weeks again, because a week may
be false though none of its days is by itself.

Announced promotions and shocks of the whole store are in the regression, and so are no surprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import DATE, PRICE, PRODUCT, SERIES, STORE, UNITS, promotions
from tasks.response.group_shares import slow_waves
from tasks.response.robust_regression import robust_fit
from tasks.response.weeks import WEEK, weekly

CLIP, FALSE = 5.0, 8.0  # standard deviations up to which a row counts, and from which it counts for nothing
LITTLE = 0.2  # weight below which the report names a row
MOST = 0.25  # share of false rows past which not the rows are wrong but the regression is
CONFIRMED = 0.1  # share of a product's stores with false rows on a date past which they confirm each other
LEAST_ROWS = 10  # rows beyond its columns that a regression needs
CHUNK = 128  # series that are fitted at once
COURSE, MOST_WAVES = 26, 12  # weeks for each cosine of the slow course, and most cosines
MANY = 8  # series of a store from which they tell what moves the store
SHARED = 1.5  # most that a series tells of it, in logs
USUAL, REACH = 0.8, 2.0  # quantile of a series' price changes, and how many of it are in reach of the others
LEAST_SPREAD = 0.1  # least such quantile, in logs
FARTHEST = float(
    np.log(1.75)
)  # price change out of reach that no promotion announces: taken for false, in logs
ZERO = 0.5  # added to units, so that no sale has a log
WEEK_DAYS = 7
LEAST_DISPERSION = 0.05**2  # least variance of log units beside that of a Poisson count
WEIGHT, EXPECTED, USUAL_UNITS = "weight", "expected", "usual"


class BoundedWeeks(NamedTuple):
    """Weeks of bounded influence, and the rows that count for less than they say.

    Attributes:
        table: as ``weekly`` returns it.
        rows: product_id, store_id, date, units, expected (units) and weight (0 to 1) of every such row: days,
            and weeks by their first day.
        silent: share of the weeks without a sale by product, as the table has them.
    """

    table: pd.DataFrame
    rows: pd.DataFrame
    silent: pd.Series


def bounded_weeks(sales: pd.DataFrame, period: str) -> BoundedWeeks:
    """Return the weeks of a sales table with bounded influence of every day and week.

    Args:
        sales: sales table.
        period: ``D`` for days, summed to weeks; ``W`` for weeks.
    """
    ordered = sales.sort_values([*SERIES, DATE], ignore_index=True)
    bounded = []
    if period == "D":
        surprise = surprises(ordered, DATE, daily=True)
        bounded.append(_report(ordered, DATE, surprise))
        ordered = _bounded_days(ordered, surprise)
    weeks = weekly(ordered, period)
    surprise = surprises(weeks, WEEK, daily=False)
    bounded.append(_report(weeks, WEEK, surprise))
    rest = weeks.assign(**{UNITS: surprise[UNITS].to_numpy()})[surprise[WEIGHT].to_numpy() > 0]
    silent = (weeks[UNITS] == 0).groupby(weeks[PRODUCT]).mean()
    return BoundedWeeks(rest.reset_index(drop=True), pd.concat(bounded, ignore_index=True), silent)


def surprises(table: pd.DataFrame, date: str, *, daily: bool) -> pd.DataFrame:
    """Return weight, expected units, those at the usual price, and bounded units of every row.

    Args:
        table: rows sorted by series and date.
        date: name of the date column.
        daily: whether the rows are days, which differ by day of the week.
    """
    units, frame = table[UNITS].to_numpy(float), table.groupby(SERIES, sort=False)
    expected, usual, weight = units.copy(), units.copy(), np.ones(len(table))
    shared = _shared(table, date)
    deals = table[promotions(table.columns)].fillna(0.0).to_numpy(float)
    announced: np.ndarray = np.any(deals > 0, axis=1)
    number = (table[date] - table[date].min()).dt.days.to_numpy()
    course = _course(number)
    for rows, there in _stacks(frame.ngroup().to_numpy()):
        columns = _columns(deals[rows], number[rows], course, daily) * there[..., None]
        if there.shape[1] < columns.shape[2] + LEAST_ROWS:
            continue
        price, far = _price(table, rows, there)
        fit = robust_fit(np.log(units + ZERO)[rows] - shared[rows], price, columns, there & (far <= 1))
        mean, calm = (np.exp(np.clip(log + shared[rows], -10, 20)) for log in (fit.fitted, fit.usual))
        surprise = _surprise(units[rows], mean, fit.scale, there) * np.maximum(far, 1.0)
        absurd = (np.abs(price) > FARTHEST) & (far > 1) & ~announced[rows]
        size = _weights(np.where(absurd, np.inf, surprise), there)
        enough = there.sum(axis=1) >= columns.shape[2] + LEAST_ROWS
        known = there & enough[:, None]
        expected[rows[known]], usual[rows[known]], weight[rows[known]] = mean[known], calm[known], size[known]
    weight[_confirmed(table, date, weight)] = 1.0
    bounded = np.where((weight > 0) & (weight < 1), expected + weight * (units - expected), units)
    measured = {WEIGHT: weight, EXPECTED: expected, USUAL_UNITS: usual, UNITS: np.maximum(bounded, 0.0)}
    return pd.DataFrame(measured, index=table.index)


def _confirmed(table: pd.DataFrame, date: str, weight: np.ndarray) -> np.ndarray:
    """Return the rows whose product is as surprising in many other stores on that date (rows,), bool.

    What a chain does in all its stores is no false row.
    """
    false = pd.Series(weight == 0, table.index)
    stores = false.groupby([table[PRODUCT], table[date]])
    share, count = stores.transform("mean"), stores.transform("size")
    return np.asarray((count >= MANY) & (share > CONFIRMED))


def _surprise(units: np.ndarray, mean: np.ndarray, scale: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return how far every row is from what was expected, in standard deviations (series, T).

    Upwards it is Pearson's residual, downwards that of the log: a count cannot be far below a small mean, and
    its log can be far above one.

    Args:
        units: sold (series, T).
        mean: expected units (series, T).
        scale: of the residuals of every series, in logs (series,).
        there: which rows exist (series, T), bool.
    """
    counted = 1 / (mean + ZERO)  # variance of the log of a Poisson count
    usual = np.array([np.median(row[here]) for row, here in zip(counted, there, strict=True)])
    dispersion = np.maximum(scale**2 - usual, LEAST_DISPERSION)[:, None]
    above = (units - mean) / np.sqrt(mean + ZERO + dispersion * mean**2)
    below = np.log((units + ZERO) / (mean + ZERO)) / np.sqrt(dispersion + counted)
    return np.where(units > mean, above, -below)


def _weights(surprise: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the weight of every row (series, T): 1 in a series with so many false rows that the fit is."""
    weight = np.minimum(1.0, CLIP / np.maximum(surprise, CLIP))
    weight = np.where(surprise > FALSE, 0.0, weight)
    share = ((weight == 0) & there).sum(axis=1) / there.sum(axis=1)
    return np.where((share <= MOST)[:, None], weight, 1.0)


def _bounded_days(days: pd.DataFrame, surprise: pd.DataFrame) -> pd.DataFrame:
    """Return the days with bounded units.

    A false day sells what is usual by the other days of its week, at their price. A week without another day
    loses all its rows.
    """
    false = surprise[WEIGHT].to_numpy() == 0
    bounded = days.assign(**{UNITS: surprise[UNITS]})
    if not false.any():
        return bounded
    week = days[DATE] - pd.to_timedelta(days[DATE].dt.dayofweek, unit="D")
    keys = [*(days[name] for name in SERIES), week]
    sums = pd.DataFrame(
        {
            "sold": bounded[UNITS].mask(false, 0.0),
            "usual": surprise[USUAL_UNITS].mask(false, 0.0),
            "price": days[PRICE].mask(false),
        }
    ).groupby(keys)
    level = sums["sold"].transform("sum") / sums["usual"].transform("sum")
    filled = bounded.assign(
        **{
            UNITS: bounded[UNITS].mask(false, level * surprise[USUAL_UNITS]),
            PRICE: days[PRICE].mask(false, sums["price"].transform("mean")),
        }
    )
    return filled[filled[PRICE].notna() & filled[UNITS].notna()].reset_index(drop=True)


def _report(table: pd.DataFrame, date: str, surprise: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that count for less than they say."""
    rows = (surprise[WEIGHT] < 1).to_numpy()
    named = table.loc[rows, [*SERIES, date, UNITS]].rename(columns={date: DATE})
    return named.assign(**{EXPECTED: surprise.loc[rows, EXPECTED], WEIGHT: surprise.loc[rows, WEIGHT]})


def _stacks(series: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield places of the rows of some series at a time (series, T), and which of them exist.

    Args:
        series: number of each row's series, in order (rows,).
    """
    count = np.bincount(series)
    start = np.cumsum(count) - count
    for first in range(0, len(count), CHUNK):
        size, begin = count[first : first + CHUNK, None], start[first : first + CHUNK, None]
        step = np.arange(size.max())
        there = step < size
        yield np.where(there, begin + step, begin), there


def _price(table: pd.DataFrame, rows: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log prices against the median of their series, and how far out they are (series, T).

    How far is 1 at the end of what the other prices of the series reach.
    """
    price = np.log(table[PRICE].to_numpy(float))[rows]
    middle = np.array([np.median(row[here]) for row, here in zip(price, there, strict=True)])
    apart = (price - middle[:, None]) * there
    usual = [np.quantile(np.abs(row[here]), USUAL) for row, here in zip(apart, there, strict=True)]
    return apart, np.abs(apart) / (REACH * np.maximum(usual, LEAST_SPREAD))[:, None]


def _course(number: np.ndarray) -> np.ndarray:
    """Return the slow course of every day from the first to the last (days, waves)."""
    days = np.arange(int(number.max()) + 1)
    return slow_waves(days, min(MOST_WAVES, len(days) // (COURSE * WEEK_DAYS)))


def _columns(deals: np.ndarray, number: np.ndarray, course: np.ndarray, daily: bool) -> np.ndarray:
    """Return the columns beside the price (series, T, columns): a constant, course, promotions and days.

    Args:
        deals: promotions (series, T, kinds).
        number: of the day, from 0 (series, T).
        course: slow course of every day (days, waves).
        daily: whether the rows are days.
    """
    columns = [np.ones((*number.shape, 1)), course[number], deals]
    if daily:
        columns.append(np.eye(WEEK_DAYS)[number % WEEK_DAYS][..., 1:])
    return np.concatenate(columns, axis=2)


def _shared(table: pd.DataFrame, date: str) -> np.ndarray:
    """Return what moves all series of a store on a date, in logs (rows,); 0 where its series are few."""
    log = np.log(table[UNITS] + ZERO)
    keys = [table[name] for name in SERIES]
    rest = (log - log.groupby(keys).transform("median")).clip(-SHARED, SHARED)
    groups = rest.groupby([table[STORE], table[date]])
    many = groups.transform("size") >= MANY
    return groups.transform("mean").where(many, 0.0).to_numpy()
