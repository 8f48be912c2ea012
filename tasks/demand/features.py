"""Features of the sales table; a feature of a date reads that date and what came before.

Two kinds: *past* features are made of sales, and are known only up to their date; *known* features are made
of prices, promotions and the calendar, which a shop plans ahead. The same function builds both, so that a
forecast of the future reads exactly what the models were trained on: append the planned periods with
``planned`` and build again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    COMPETITOR_PRICE,
    DATE,
    KEY,
    LIST_PRICE,
    NUMERIC,
    PERIOD_FREQUENCY,
    PRICE,
    PRODUCT,
    SERIES,
    STORE,
    UNITS,
    promotions,
)

LOG_UNITS = "log_units"
LOG_PRICE = "log_price"
RIVAL = "rival_"  # begins the name of a price or promotion of another product of the store
TIMES_PRICE = "_times_price"  # ends the name of a promotion times a price
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
WEEKS_OF_A_WEEKDAY = 4
YEAR = 365.25  # days
YEARS_FOR_A_SEASON = 2  # one year of data does not tell a season from a trend


@dataclass(frozen=True)
class FeatureTable:
    """Features on the full grid of periods.

    Attributes:
        frame: date, product, store and the features; a row per series and period, from the series' first to
            the data's last.
        past: names of the features known up to their date.
        known: names of those that are planned ahead.
        descriptions: of the features, by name.
    """

    frame: pd.DataFrame
    past: tuple[str, ...]
    known: tuple[str, ...]
    descriptions: dict[str, str]


class Wide:
    """Columns of the sales table as dates by series, all periods of the span present."""

    def __init__(self, sales: pd.DataFrame, period: str) -> None:
        """Lay the table out; series are sorted by product and store."""
        dates = pd.date_range(
            sales[DATE].min(), sales[DATE].max(), freq=PERIOD_FREQUENCY[period], unit="us", name=DATE
        )
        self.sales = sales
        self.series = pd.MultiIndex.from_frame(sales[SERIES].drop_duplicates().sort_values(SERIES))
        self.dates = dates
        first = sales.groupby(SERIES)[DATE].min().reindex(self.series)
        self.begun = dates.to_numpy()[:, None] >= first.to_numpy()[None, :]

    def column(self, name: str) -> pd.DataFrame:
        """Return a column (dates, series), nan where there is no row."""
        return self.sales.set_index(KEY)[name].unstack(SERIES).reindex(index=self.dates, columns=self.series)

    def price(self, name: str) -> pd.DataFrame:
        """Return the log of a price, carried forward over missing periods (dates, series)."""
        carried = self.column(name).ffill()
        return pd.DataFrame(np.log(carried.to_numpy()), carried.index, carried.columns)

    def groups(self) -> np.ndarray:
        """Return the number of each series' group of rivals: its category in its store (series,)."""
        kept = [*SERIES, CATEGORY] if CATEGORY in self.sales else SERIES
        statics = self.sales[kept].drop_duplicates(SERIES).set_index(SERIES).reindex(self.series)
        labels = pd.DataFrame({STORE: self.series.get_level_values(STORE)})
        labels[CATEGORY] = statics[CATEGORY].to_numpy() if CATEGORY in statics else ""
        return labels.groupby([STORE, CATEGORY]).ngroup().to_numpy()


def build_features(
    sales: pd.DataFrame, lags: tuple[int, ...], windows: tuple[int, ...], period: str, rivals: int = 0
) -> FeatureTable:
    """Build every feature of a sales table.

    Args:
        sales: sales table; rows of planned periods have no units.
        lags: lags of log units (periods).
        windows: lengths of rolling means (periods).
        period: ``D`` or ``W``.
        rivals: where the shop sells at most this many products, price and promotions of a product are
            features of all others in its store (products).
    """
    wide = Wide(sales, period)
    past, known = _past(wide, lags, windows, period), _known(wide, windows, period, rivals)
    names = tuple(past), tuple(known)
    descriptions = {name: text for name, (_, text) in {**past, **known}.items()}
    cells = wide.begun.T.ravel()
    columns: dict[str, Any] = {DATE: np.tile(wide.dates, len(wide.series))[cells]}
    for level in SERIES:
        labels = np.repeat(wide.series.get_level_values(level), len(wide.dates))[cells]
        columns[level] = pd.Series(labels, dtype="str")
    for kind, features in zip(names, (past, known), strict=True):
        for (
            name
        ) in kind:  # a matrix is let go once it is laid out: there is room for one copy of a large table
            values, _ = features.pop(name)
            columns[name] = np.asarray(values, float).T.ravel()[cells]
    return FeatureTable(pd.DataFrame(columns, copy=False), *names, descriptions)


def planned(sales: pd.DataFrame, periods: int, period: str) -> pd.DataFrame:
    """Return the sales table with planned periods: prices in force, no promotion, unknown units.

    Args:
        periods: periods after the last date of the data (periods).
        period: ``D`` or ``W``.
    """
    end = sales[DATE].max()
    dates = pd.date_range(end, periods=periods + 1, freq=PERIOD_FREQUENCY[period], unit="us")[1:]
    last = sales.sort_values(KEY).groupby(SERIES, as_index=False).last()
    unknown = [
        name
        for name in NUMERIC
        if name in last and name not in (PRICE, LIST_PRICE, COMPETITOR_PRICE, "unit_cost")
    ]
    last[unknown] = np.nan
    last[promotions(last.columns)] = 0.0
    future = last.drop(columns=DATE).merge(pd.DataFrame({DATE: dates}), how="cross")
    return pd.concat([sales, future[list(sales.columns)]], ignore_index=True)


Described = dict[str, tuple[pd.DataFrame, str]]


def _past(wide: Wide, lags: tuple[int, ...], windows: tuple[int, ...], period: str) -> Described:
    sold = wide.column(UNITS)
    units = pd.DataFrame(np.log1p(sold.to_numpy()), sold.index, sold.columns)
    features: Described = {LOG_UNITS: (units, "log(1 + units)")}
    for lag in lags:
        features[f"lag_{lag}"] = (units.shift(lag), f"log(1 + units) {lag} periods before")
    for window in windows:
        features[f"mean_{window}"] = (_rolling(units, window), f"mean log(1 + units) of {window} periods")
    longest = max(windows)
    features["quiet"] = (
        _rolling((units == 0).astype(float).where(units.notna()), longest),
        f"share of {longest} periods without a sale",
    )
    if period == "D":
        weeks = [units.shift(7 * week).to_numpy() for week in range(1, WEEKS_OF_A_WEEKDAY + 1)]
        seen = np.sum(np.isfinite(weeks), axis=0)
        mean = np.nansum(weeks, axis=0) / np.where(seen > 0, seen, np.nan)
        text = f"mean log(1 + units) of this weekday in the {WEEKS_OF_A_WEEKDAY} weeks before"
        features["same_weekday"] = (pd.DataFrame(mean, units.index, units.columns), text)
    features["category_units"] = (
        _group_mean(units, wide.groups()),
        "mean log(1 + units) of the category in the store",
    )
    return features


def _known(wide: Wide, windows: tuple[int, ...], period: str, rivals: int) -> Described:
    price = wide.price(PRICE)
    features: Described = {LOG_PRICE: (price, "log price")}
    for window in windows:
        usual = _rolling(price.shift(1), window)
        features[f"price_to_past_{window}"] = (
            (price - usual).fillna(0.0).where(price.notna()),
            f"log price over its mean of the {window} periods before",
        )
    others = _group_mean(price, wide.groups(), without_itself=True)
    features["price_to_rivals"] = (
        (price - others).where(others.notna(), 0.0),
        "log price over that of the category's other products",
    )
    cheapest = pd.DataFrame(price.T.to_numpy()).groupby(wide.groups()).transform("min").to_numpy().T
    features["price_to_cheapest"] = (
        (price - cheapest).fillna(0.0).where(price.notna()),
        "log price over the lowest of the category in the store",
    )
    sales = wide.sales
    if LIST_PRICE in sales:
        features["discount"] = ((wide.price(LIST_PRICE) - price).fillna(0.0), "log list price over price")
    if COMPETITOR_PRICE in sales:
        features["price_to_competitor"] = (
            (price - wide.price(COMPETITOR_PRICE)).fillna(0.0),
            "log price over the competitor's",
        )
    features |= _promotions(wide, features[f"price_to_past_{max(windows)}"][0])
    features |= _rivals(wide, price, rivals)
    for name, values, text in _calendar(wide.dates, period):
        features[name] = (
            pd.DataFrame(np.repeat(values[:, None], len(wide.series), axis=1), wide.dates, wide.series),
            text,
        )
    return features


def _promotions(wide: Wide, reduction: pd.DataFrame) -> Described:
    """Return the promotions, then the promotions times the log price over its past (dates, series)."""
    names = promotions(wide.sales.columns)
    plain: Described = {name: (wide.column(name).fillna(0.0), "promotion, 0..1") for name in names}
    text = "promotion times log price over its past"
    return plain | {f"{name}{TIMES_PRICE}": (plain[name][0] * reduction, text) for name in names}


def _rivals(wide: Wide, price: pd.DataFrame, most: int) -> Described:
    """Return price and promotions of all products as the series of the same store meet them.

    A price is in logs, less its mean so far.
    """
    products, stores = wide.series.get_level_values(PRODUCT), wide.series.get_level_values(STORE)
    features: Described = {}
    if products.nunique() > most:
        return features
    given = {"price": (price - price.expanding().mean()).fillna(0.0)}
    given |= {name: wide.column(name).fillna(0.0) for name in promotions(wide.sales.columns)}
    for product in products.unique():
        for name, values in given.items():
            by_store = values.loc[:, products == product].droplevel(PRODUCT, axis=1)
            # A store that does not sell the product meets nothing of it.
            spread = by_store.reindex(columns=stores).fillna(0.0).to_numpy()
            features[f"{RIVAL}{product}_{name}"] = (
                pd.DataFrame(spread, wide.dates, wide.series),
                f"{name} of product {product} in the store",
            )
    return features


def _calendar(dates: pd.DatetimeIndex, period: str) -> list[tuple[str, np.ndarray, str]]:
    features = []
    if period == "D":
        features += [
            (name, (dates.dayofweek == day).astype(float), f"1 on {name.title()}")
            for day, name in enumerate(WEEKDAYS)
        ]
        turn = 2 * np.pi * (dates.day.to_numpy() - 1) / dates.days_in_month.to_numpy()
        features += [
            ("month_sin", np.sin(turn), "day of the month, as a sine"),
            ("month_cos", np.cos(turn), "day of the month, as a cosine"),
        ]
    if (dates[-1] - dates[0]).days >= YEARS_FOR_A_SEASON * YEAR:
        turn = 2 * np.pi * dates.dayofyear.to_numpy() / YEAR
        features += [
            ("year_sin", np.sin(turn), "day of the year, as a sine"),
            ("year_cos", np.cos(turn), "day of the year, as a cosine"),
        ]
    return features


def _rolling(values: pd.DataFrame, window: int) -> pd.DataFrame:
    """Return means over the windows that end at the dates; half of a window must be there."""
    return values.rolling(window, min_periods=max(1, window // 2)).mean()


def _group_mean(values: pd.DataFrame, groups: np.ndarray, without_itself: bool = False) -> pd.DataFrame:
    """Return the mean over the group of a series at a date, nan where no series is left (dates, series)."""
    there = values.notna().to_numpy(float)
    filled = values.fillna(0.0).to_numpy()
    # Summed row by row: a matrix product could round a date differently once other dates are appended.
    total, count = (
        pd.DataFrame(cells.T).groupby(groups).transform("sum").to_numpy().T for cells in (filled, there)
    )
    if without_itself:
        total, count = total - filled, count - there
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return pd.DataFrame(mean, values.index, values.columns)
