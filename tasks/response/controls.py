"""The controls beside the own price in the panel regressions of a product.

They are promotions, the rivals' prices, and a yearly season with a trend. Where many products share a
store, the week is controlled for by what all other products charge and sell (common correlated effects,
Pesaran 2006, Econometrica 74:967).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    COMPETITOR_PRICE,
    PRICE,
    PRODUCT,
    RANDOMISED,
    SERIES,
    STORE,
    UNIT_COST,
    UNITS,
    promotions,
)
from tasks.response.panel import Panel
from tasks.response.weeks import WEEK

NAMED_RIVALS = 12  # with fewer rivals in its store and category, a product has a coefficient for each of them
MANY = 20  # products of a store from which the other products control for the week
YEAR = 364.0 / 7  # weeks
WAVES = 2  # sine and cosine pairs of a year
LONG = 3  # years from which a trend can be separated from a season
RIVAL_WEEKS = 0.5  # a rival is a control where it has a price in more than this share of the weeks
COMPETITOR = "competitor"  # log competitor price
LAST = "last"  # log price of last week
REMEMBERED = "remembered"  # log(remembered price / price)
NUMBER = "number"  # week number from 0
LOGS = ("log_price", "log_units")


def panels(weeks: pd.DataFrame, memory: float | None) -> list[tuple[pd.DataFrame, list[str]]]:
    """Return the rows of every product with their controls, and the names of the controls.

    Weeks without a sale are left out: they have no log.

    Args:
        weeks: as ``weekly`` returns them.
        memory: weight of the past in the remembered price,
            r_t = memory * r_(t-1) + (1 - memory) * price_(t-1). None: without a remembered price.
    """
    table = _with_past_prices(weeks, memory)
    table = table[table[UNITS] > 0].reset_index(drop=True)
    table["log_units"] = np.log(table[UNITS])
    waves = _season(table[NUMBER].to_numpy())
    seasons = [f"season_{i}" for i in range(waves.shape[1])]
    table[seasons] = waves
    controls = [*promotions(weeks.columns), *seasons]
    if COMPETITOR_PRICE in table:
        log_price = np.log(table[COMPETITOR_PRICE])
        mean = log_price.groupby([table[name] for name in SERIES]).transform("mean")
        table[COMPETITOR] = log_price.fillna(mean).fillna(0.0)
        controls.append(COMPETITOR)
    for name in LOGS:
        table[f"relative_{name}"] = table[name] - table.groupby(SERIES)[name].transform("mean")
    if table.groupby([STORE, WEEK]).size().median() >= MANY:
        for name in LOGS:
            table[f"others_{name}"] = _mean_of_others(table, f"relative_{name}", [STORE, WEEK])
            controls.append(f"others_{name}")
    return [_with_rivals(rows, table, controls) for _, rows in table.groupby(PRODUCT, sort=True)]


def panel_of(rows: pd.DataFrame, controls: list[str]) -> Panel:
    """Return the rows of a product as arrays; the instrument is the randomised price, else the cost.

    Args:
        rows: rows of a product, as ``panels`` returns them.
        controls: names of their controls.
    """
    instrument = np.full(len(rows), np.nan)
    if RANDOMISED in rows:
        instrument = rows[RANDOMISED].to_numpy(float)
    elif UNIT_COST in rows:
        cost = rows[UNIT_COST].to_numpy(float)
        instrument = np.log(cost, out=instrument, where=cost > 0)
    return Panel(
        units=rows["log_units"].to_numpy(),
        price=rows["log_price"].to_numpy(),
        controls=rows[controls].to_numpy(float),
        series=pd.factorize(rows[STORE])[0],
        week=rows[NUMBER].to_numpy(),
        instrument=instrument,
    )


def _with_past_prices(weeks: pd.DataFrame, memory: float | None) -> pd.DataFrame:
    """Add week numbers and the log prices of this week, of last week and as remembered."""
    number = (weeks[WEEK] - weeks[WEEK].min()).dt.days // 7
    table = weeks.assign(**{"log_price": np.log(weeks[PRICE]), NUMBER: number})
    keys = [table[name] for name in SERIES]
    last = table[PRICE].groupby(keys).shift(1).fillna(table[PRICE])
    table[LAST] = np.log(last)
    if memory is not None:
        remembered = last.groupby(keys).transform(
            lambda price: price.ewm(alpha=1 - memory, adjust=False).mean()
        )
        table[REMEMBERED] = np.log(remembered / table[PRICE])
    return table


def _season(number: np.ndarray) -> np.ndarray:
    """Return yearly waves and the trend of week numbers (rows, terms).

    Two years cannot separate a trend from a season, and their halves even less. A history of less than a year
    has only a trend, one of less than three years only one yearly wave, and a longer one has both.
    """
    span = int(number.max()) + 1
    trend = (number / max(1, span - 1) - 0.5)[:, None]
    if span < YEAR:
        return np.asarray(trend)
    angle = 2 * np.pi * number[:, None] * np.arange(1, WAVES + 1) / YEAR
    if span < LONG * YEAR:
        return np.column_stack([np.sin(angle[:, :1]), np.cos(angle[:, :1])])
    return np.column_stack([trend, np.sin(angle), np.cos(angle)])


def _mean_of_others(table: pd.DataFrame, name: str, by: list[str]) -> pd.Series:
    """Return the mean of a column over the other rows of the group; 0 for a row that is alone."""
    groups = table.groupby(by)[name]
    count = groups.transform("size") - 1
    return ((groups.transform("sum") - table[name]) / count).where(count > 0, 0.0)


def _with_rivals(
    rows: pd.DataFrame, table: pd.DataFrame, controls: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Add the rivals' log prices: a column for each where they are few, their mean where they are many."""
    siblings = (table[CATEGORY] == rows[CATEGORY].iloc[0]) & (table[PRODUCT] != rows[PRODUCT].iloc[0])
    names = sorted(table.loc[siblings, PRODUCT].unique())
    if not names or (len(names) >= NAMED_RIVALS and "others_log_price" in controls):
        return rows, controls
    shelf = table[siblings]
    if len(names) >= NAMED_RIVALS:
        mean = shelf.groupby([STORE, WEEK])["relative_log_price"].mean().rename("rivals")
        joined = rows.merge(mean, left_on=[STORE, WEEK], right_index=True, how="left")
        return joined.fillna({"rivals": 0.0}), [*controls, "rivals"]
    wide = shelf.pivot_table(index=[STORE, WEEK], columns=PRODUCT, values="relative_log_price").reindex(
        columns=names
    )
    wide.columns = pd.Index([f"rival {name}" for name in names])
    joined = rows.merge(wide, left_on=[STORE, WEEK], right_index=True, how="left")
    priced = [name for name in wide.columns if joined[name].notna().mean() > RIVAL_WEEKS]
    return joined.fillna(dict.fromkeys(priced, 0.0)), [*controls, *priced]
