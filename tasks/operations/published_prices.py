"""One view of all published lists: which prices stand, which promotions run, and what was charged before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from conf import Settings
from expectations.columns import ACTION, DATE, EFFECTIVE_FROM, EFFECTIVE_UNTIL, PRICE, REFERENCE_PRICE, SERIES
from tasks.governance.local_time import first_moment, local_day
from tasks.governance.publication import Charge, charged_since, charges
from tasks.governance.published_rows import PROMOTE, RESTORE, price_at, regular_price
from tasks.governance.shelf_prices import RECENT_HIGH, RECENT_LOW, SEASON_PRICE, WEEK_PRICE
from tasks.runtime import published_tables, publishing
from tasks.runtime.publishing import Standing

RECENT = timedelta(days=6)  # before the day of the list: with it, the seven days of the guard's step
SEASON = timedelta(weeks=13)  # over which the price index of the list stays in its band
Charged = tuple[Charge, pd.DataFrame]  # a list, and what stands published while it is in force
PROMOTED_PRICE = "promoted_price"  # column: currency/unit, nan where no promotion runs
PROMOTED_UNTIL = "promoted_until"  # column: last local day of the promotion, missing where none runs
PROMOTED_END = "promoted_end"  # column: moment at which it ends, missing where none runs


@dataclass(frozen=True, kw_only=True)
class PublishedPrices:
    """What published lists say of prices when the next list takes effect.

    Attributes:
        list: name of the newest one, in force or waiting; none: nothing was published.
        today: local day on which the next list takes effect; none: the day after what is known of the shop.
        prices: product, store, regular ``price`` then, of a promotion that still runs its ``promoted_price``
            ``promoted_until`` and ``promoted_end``, ``recent_low`` and ``recent_high`` of the seven days, and
            ``week_price`` and ``season_price``, the regular price when these days and the season began
            (currency/unit); none: nothing was published.
        charged: returns product, store, date and price that lists charged on a local day and later, promoted
            or not, the price that held when the day began among them; none: nothing was published.
    """

    list: str | None = None
    today: pd.Timestamp | None = None
    prices: pd.DataFrame | None = None
    charged: Callable[[pd.Timestamp], pd.DataFrame] | None = None


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
    root, charged = publishing.folder_of(settings), charges(standing.entries)
    week = charged_since(charged, start := first_moment(day - RECENT, shop))
    recent = [(charge, published_tables.shelf_of(root, charge.published)) for charge in week]
    rows = published_tables.shelf_of(root, last)
    season = _season(charged[0].since, day, shop)
    prices = _regular(rows).assign(**_promoted(rows, effective, shop))
    for table in (
        _range(recent, start),
        _before(recent, start).rename(columns={PRICE: WEEK_PRICE}),
        _opening(root, charged, season).rename(columns={PRICE: SEASON_PRICE}),
    ):
        prices = prices.merge(table, on=SERIES, how="left")
    return PublishedPrices(
        list=last.name,
        today=pd.Timestamp(day),
        prices=prices,
        charged=partial(_charged_from, root, charged, shop),
    )


def _charged_from(root: Path, charged: Sequence[Charge], shop: ZoneInfo, day: pd.Timestamp) -> pd.DataFrame:
    """Return product, store, local date and price (currency/unit) that lists charged on a day and later.

    The price before the first list of all was charged until it, on its day as well.
    """
    counted = charged_since(charged, first_moment(day.date(), shop))
    tables = [(charge, published_tables.shelf_of(root, charge.published)) for charge in counted]
    first = [(counted[0], _references(tables[0][1]))] if counted[0] == charged[0] else []
    dated = [
        rows[[*SERIES, PRICE]].assign(**{DATE: pd.Timestamp(local_day(charge.since, shop))})
        for charge, rows in [*first, *tables]
    ]
    return pd.concat(dated, ignore_index=True)


def _promoted(rows: pd.DataFrame, effective: datetime, shop: ZoneInfo) -> dict[str, pd.Series]:
    """Return price, last local day and end of promotions that run, missing elsewhere (rows,).

    A row that waits for its channel to begin ends as well, and is no promotion.
    """
    runs = (rows[EFFECTIVE_UNTIL] > effective) & (rows[ACTION] == PROMOTE)
    ends = (rows[EFFECTIVE_UNTIL].dt.tz_convert(shop.key) - pd.Timedelta("1us")).dt.tz_localize(None)
    promoted = {
        PROMOTED_PRICE: price_at(rows, effective),
        PROMOTED_UNTIL: ends.dt.normalize(),
        PROMOTED_END: rows[EFFECTIVE_UNTIL],
    }
    return {name: values.where(runs) for name, values in promoted.items()}


def _season(first: datetime, day: date, shop: ZoneInfo) -> datetime:
    """Return the moment at which the season of a day began; the first one began with the first list."""
    opened = local_day(first, shop)
    seasons = max((day - opened) // SEASON, 0)
    return first_moment(opened + seasons * SEASON, shop)


def _opening(root: Path, charged: Sequence[Charge], start: datetime) -> pd.DataFrame:
    """Return product, store and the regular price at which a season began (currency/unit).

    A product that was published first in the season is not among them: it counts from the next one on.
    """
    charge = charged_since(charged, start)[0]
    return _before([(charge, published_tables.shelf_of(root, charge.published))], start)


def _before(lists: Sequence[Charged], start: datetime) -> pd.DataFrame:
    """Return product, store and regular price at a moment; of a later first list, the price before it."""
    (first, rows), *later = lists
    opening = _regular(rows) if first.since <= start else _references(rows)
    tables = [opening, *(_references(rows) for _, rows in later)]
    return pd.concat(tables).drop_duplicates(SERIES, ignore_index=True)


def _range(lists: Sequence[Charged], start: datetime) -> pd.DataFrame:
    """Return product, store and the lowest and highest regular price since a moment (currency/unit)."""
    taken = [_references(rows[rows[EFFECTIVE_FROM] > start]) for _, rows in lists]
    charged = pd.concat([*taken, *(_regular(rows) for _, rows in lists)]).groupby(SERIES)[PRICE]
    return charged.agg(["min", "max"]).set_axis([RECENT_LOW, RECENT_HIGH], axis=1).reset_index()


def _references(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the regular prices before a list; one that restores a price replaces a promoted one."""
    before = rows[rows[ACTION] != RESTORE]
    return before[SERIES].assign(**{PRICE: before[REFERENCE_PRICE].to_numpy(float)})


def _regular(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[SERIES].assign(**{PRICE: regular_price(rows).to_numpy(float)})
