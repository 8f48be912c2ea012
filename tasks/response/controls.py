"""What stands beside the own price in the panel regressions of a product.

Promotions, the rivals' prices, a yearly season with a trend, and where many products share a store, the week: what all the others charge
and sell (common correlated effects, Pesaran 2006, Econometrica 74:967).
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
from tasks.response.slopes import Panel
from tasks.response.weeks import WEEK

NAMED_RIVALS = 12  # products of a store and category up to which every rival has a coefficient of its own
MANY = 20  # products of a store from which the week is told by all the others
YEAR, PAIRS = 364.0 / 7, 2  # weeks of a year, and its waves
LONG = 3  # years from which a trend can be told from a season
COMPETITOR = "competitor"  # log competitor price
LAST = "last"  # log price of last week
REMEMBERED = "remembered"  # log(remembered price / price)


def panels(weeks: pd.DataFrame, memory: float | None) -> list[tuple[pd.DataFrame, list[str]]]:
    """Return the rows of every product with their controls, and the names of the controls; weeks without a sale have no log.

    Args:
        weeks: as ``weekly`` returns them.
        memory: weight of the past in the remembered price, r_t = memory * r_(t-1) + (1 - memory) * price_(t-1) ; none: none is told.
    """
    told = weeks.assign(log_price=np.log(weeks[PRICE]), number=(weeks[WEEK] - weeks[WEEK].min()).dt.days // 7)
    keys = [told[name] for name in SERIES]
    last = told[PRICE].groupby(keys).shift(1).fillna(told[PRICE])
    told[LAST] = np.log(last)
    if memory is not None:
        remembered = last.groupby(keys).transform(
            lambda price: price.ewm(alpha=1 - memory, adjust=False).mean()
        )
        told[REMEMBERED] = np.log(remembered / told[PRICE])
    told = told[told[UNITS] > 0].reset_index(drop=True)
    told["log_units"] = np.log(told[UNITS])
    waves = _season(told["number"].to_numpy())
    seasons = [f"season_{i}" for i in range(waves.shape[1])]
    told[seasons] = waves
    controls = [*promotions(weeks.columns), *seasons]
    if COMPETITOR_PRICE in told:
        rival = np.log(told[COMPETITOR_PRICE])
        told[COMPETITOR] = rival.fillna(
            rival.groupby([told[name] for name in SERIES]).transform("mean")
        ).fillna(0.0)
        controls.append(COMPETITOR)
    for name in ("log_price", "log_units"):
        told[f"own_{name}"] = told[name] - told.groupby(SERIES)[name].transform("mean")
    if told.groupby([STORE, WEEK]).size().median() >= MANY:
        for name in ("log_price", "log_units"):
            told[f"others_{name}"] = _others(told, f"own_{name}", [STORE, WEEK])
            controls.append(f"others_{name}")
    return [_with_rivals(own, told, controls) for _, own in told.groupby(PRODUCT, sort=True)]


def panel_of(own: pd.DataFrame, controls: list[str]) -> Panel:
    """Return the rows of a product as arrays; a price that was drawn at random is the instrument, else the cost."""
    instrument = np.full(len(own), np.nan)
    if RANDOMISED in own:
        instrument = own[RANDOMISED].to_numpy(float)
    elif UNIT_COST in own:
        cost = own[UNIT_COST].to_numpy(float)
        instrument = np.log(cost, out=instrument, where=cost > 0)
    series, week = pd.factorize(own[STORE])[0], own["number"].to_numpy()
    return Panel(
        own["log_units"].to_numpy(),
        own["log_price"].to_numpy(),
        own[controls].to_numpy(float),
        series,
        week,
        instrument,
    )


def _season(number: np.ndarray) -> np.ndarray:
    """Return yearly waves and the trend of week numbers (rows, terms).

    Two years cannot tell a trend from a season, and their halves still less: a history of less than a year has only a trend, one of less
    than three only one yearly wave, a longer one has both.
    """
    span = int(number.max()) + 1
    trend = (number / max(1, span - 1) - 0.5)[:, None]
    if span < YEAR:
        return np.asarray(trend)
    angle = 2 * np.pi * number[:, None] * np.arange(1, PAIRS + 1) / YEAR
    if span < LONG * YEAR:
        return np.column_stack([np.sin(angle[:, :1]), np.cos(angle[:, :1])])
    return np.column_stack([trend, np.sin(angle), np.cos(angle)])


def _others(told: pd.DataFrame, name: str, by: list[str]) -> pd.Series:
    groups = told.groupby(by)[name]
    count = groups.transform("size") - 1
    return ((groups.transform("sum") - told[name]) / count).where(count > 0, 0.0)


def _with_rivals(
    own: pd.DataFrame, told: pd.DataFrame, controls: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Add the rivals' log prices: each by its name where they are few, their mean where they are many."""
    siblings = (told[CATEGORY] == own[CATEGORY].iloc[0]) & (told[PRODUCT] != own[PRODUCT].iloc[0])
    names = sorted(told.loc[siblings, PRODUCT].unique())
    if not names or (len(names) >= NAMED_RIVALS and "others_log_price" in controls):
        return own, controls
    shelf = told[siblings]
    if len(names) >= NAMED_RIVALS:
        mean = shelf.groupby([STORE, WEEK])["own_log_price"].mean().rename("rivals")
        joined = own.merge(mean, left_on=[STORE, WEEK], right_index=True, how="left")
        return joined.fillna({"rivals": 0.0}), [*controls, "rivals"]
    wide = shelf.pivot_table(index=[STORE, WEEK], columns=PRODUCT, values="own_log_price").reindex(
        columns=names
    )
    wide.columns = pd.Index([f"rival {name}" for name in names])
    joined = own.merge(wide, left_on=[STORE, WEEK], right_index=True, how="left")
    kept = [name for name in wide.columns if joined[name].notna().mean() > 0.5]
    return joined.fillna(dict.fromkeys(kept, 0.0)), [*controls, *kept]
