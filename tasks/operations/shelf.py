"""What published lists say of the shelf at the moment from which the next list holds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from conf import Settings
from expectations.columns import ACTION, EFFECTIVE_FROM, EFFECTIVE_UNTIL, PRICE, REFERENCE_PRICE, SERIES
from tasks.governance.local_time import first_moment, local_day
from tasks.governance.publication import in_force_since
from tasks.governance.published_rows import RESTORE, price_at, regular_price
from tasks.governance.shelf_prices import RECENT_HIGH, RECENT_LOW
from tasks.operations.draft import PROMOTED_PRICE, Shelf
from tasks.runtime import publishing
from tasks.runtime.publishing import Standing

RECENT = timedelta(days=6)  # before the day of the list: with it, the seven days of the guard's step


def shelf_at(settings: Settings, standing: Standing, effective: datetime) -> Shelf:
    """Return what published lists say of the shelf at the moment from which the next list holds."""
    shop = publishing.zone(settings)
    day, last = local_day(effective, shop), standing.lists.last
    if last is None:
        return Shelf(today=pd.Timestamp(day), prices=None)
    root = publishing.folder_of(settings)
    start = first_moment(day - RECENT, shop)
    charged = in_force_since(standing.entries, start)
    recent = pd.concat([_charged(publishing.shelf_of(root, published), start) for published in charged])
    span = recent.groupby(SERIES)[PRICE].agg(["min", "max"]).set_axis([RECENT_LOW, RECENT_HIGH], axis=1)
    rows = publishing.shelf_of(root, last)
    promoted = price_at(rows, effective).where(rows[EFFECTIVE_UNTIL] > effective)
    prices = _regular(rows).assign(**{PROMOTED_PRICE: promoted.to_numpy()})
    return Shelf(today=pd.Timestamp(day), prices=prices.merge(span.reset_index(), on=SERIES))


def _regular(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[SERIES].assign(**{PRICE: regular_price(rows).to_numpy(float)})


def _charged(rows: pd.DataFrame, start: datetime) -> pd.DataFrame:
    """Return the regular prices of a list, and those before it where it took effect since a moment."""
    before = rows[(rows[EFFECTIVE_FROM] > start) & (rows[ACTION] != RESTORE)]
    return pd.concat([_regular(rows), before[SERIES].assign(**{PRICE: before[REFERENCE_PRICE]})])
