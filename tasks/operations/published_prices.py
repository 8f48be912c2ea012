"""One view of all published lists: which prices stand, which promotions run, and what was charged before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from conf import Settings
from expectations.columns import ACTION, EFFECTIVE_FROM, EFFECTIVE_UNTIL, PRICE, REFERENCE_PRICE, SERIES
from tasks.governance.local_time import first_moment, local_day
from tasks.governance.publication import in_force_since
from tasks.governance.published_rows import RESTORE, price_at, regular_price
from tasks.governance.shelf_prices import RECENT_HIGH, RECENT_LOW
from tasks.runtime import publishing
from tasks.runtime.publishing import Standing

RECENT = timedelta(days=6)  # before the day of the list: with it, the seven days of the guard's step
PROMOTED_PRICE = "promoted_price"  # column: currency/unit, nan where no promotion runs
PROMOTED_UNTIL = "promoted_until"  # column: last local day of the promotion, missing where none runs


@dataclass(frozen=True, kw_only=True)
class PublishedPrices:
    """What published lists say of prices when the next list takes effect.

    Attributes:
        list: name of the newest one, in force or waiting; none: nothing was published.
        today: local day on which the next list takes effect; none: the day after what is known of the shop.
        prices: product, store, regular ``price`` then, of a promotion that still runs its ``promoted_price``
            and ``promoted_until``, and ``recent_low`` and ``recent_high`` of the seven days (currency/unit);
            none: nothing was published.
    """

    list: str | None = None
    today: pd.Timestamp | None = None
    prices: pd.DataFrame | None = None


def published_now(settings: Settings) -> PublishedPrices:
    """Return what published lists say to a draft: to the list that would follow them next.

    A draft for a shop that never published is of the day after what is known of it.
    """
    standing = publishing.standing(settings)
    last = standing.lists.last
    if last is None:
        return PublishedPrices()
    return published_at(settings, standing, max(datetime.now(UTC), last.effective))


def published_at(settings: Settings, standing: Standing, effective: datetime) -> PublishedPrices:
    """Return what published lists say at the moment from which the next list holds.

    The price of a product is that of the newest list that has it, in force or waiting before the new one;
    what was charged in the seven days is in all lists that were in force in them.
    """
    shop = publishing.zone(settings)
    day, last = local_day(effective, shop), standing.lists.last
    if last is None:
        return PublishedPrices(today=pd.Timestamp(day))
    root = publishing.folder_of(settings)
    start = first_moment(day - RECENT, shop)
    charged = in_force_since(standing.entries, start)
    recent = pd.concat([_charged(publishing.shelf_of(root, published), start) for published in charged])
    span = recent.groupby(SERIES)[PRICE].agg(["min", "max"]).set_axis([RECENT_LOW, RECENT_HIGH], axis=1)
    rows = publishing.shelf_of(root, last)
    runs = rows[EFFECTIVE_UNTIL] > effective
    ends = (rows[EFFECTIVE_UNTIL].dt.tz_convert(shop.key) - pd.Timedelta("1us")).dt.tz_localize(None)
    promoted = {PROMOTED_PRICE: price_at(rows, effective), PROMOTED_UNTIL: ends.dt.normalize()}
    prices = _regular(rows).assign(**{name: values.where(runs) for name, values in promoted.items()})
    return PublishedPrices(
        list=last.name, today=pd.Timestamp(day), prices=prices.merge(span.reset_index(), on=SERIES)
    )


def _regular(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[SERIES].assign(**{PRICE: regular_price(rows).to_numpy(float)})


def _charged(rows: pd.DataFrame, start: datetime) -> pd.DataFrame:
    """Return the regular prices of a list, and those before it where it took effect since a moment."""
    before = rows[(rows[EFFECTIVE_FROM] > start) & (rows[ACTION] != RESTORE)]
    return pd.concat([_regular(rows), before[SERIES].assign(**{PRICE: before[REFERENCE_PRICE]})])
