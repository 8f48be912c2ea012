"""The rows of a list as it is published: what changes, why, from when to when, and by which versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import (
    ACTION,
    CATEGORY,
    CHANNEL,
    CURRENCY,
    EFFECTIVE_FROM,
    EFFECTIVE_UNTIL,
    NAME,
    PRICE,
    PRICE_AFTER,
    REASON,
    REFERENCE_PRICE,
    RULE,
)
from tasks.governance.local_time import first_moment
from tasks.governance.published_rows import DEFAULT_CHANNEL, SCALE, actions
from tasks.operations.channel_schedule import Schedule, in_channels
from tasks.operations.draft import Draft, sheet_of
from tasks.operations.price_rules import ANNOUNCED_END
from tasks.operations.published_prices import PROMOTED_END, PROMOTED_PRICE
from tasks.operations.running import RUNS_ON
from tasks.pricing.guarded_plan import LEAVE_OUT
from tasks.pricing.list_sheet import CHAMPION
from tasks.pricing.recommend import ANNOUNCED, AT_INDEX, HIGHEST, HOLD_BEST, LOWEST, MOVED, STEP

DAY, MOMENTS = pd.Timedelta(days=1), "datetime64[us, UTC]"
NEAR = 1e-6  # share of a bound at which a price lies at it
INDEX_RULE, BOUNDS_RULE = "price index of the list", "bounds of the week"


def published_rows(draft: Draft, versions: Mapping[str, int], schedule: Schedule) -> pd.DataFrame:
    """Return the rows of a list that holds from a moment, or from a moment of every channel.

    A promotion's row ends with its last local day, and the price after it is the price before it. The row of
    a channel that begins later has the price in force until then, and the new price after it.

    Args:
        draft: the list.
        versions: of the models, by name.
        schedule: from when it holds.
    """
    listed = (draft.table[ACTION] != LEAVE_OUT).to_numpy()
    current, table = (frame[listed].reset_index(drop=True) for frame in (draft.known.current, draft.table))
    announced = (table[REASON] == ANNOUNCED).to_numpy() & (table[PRICE] != table[REFERENCE_PRICE]).to_numpy()
    sheet = sheet_of(draft, versions["pricing_policy"], CHAMPION)
    prices = {name: sheet[name].to_numpy(float).round(SCALE) for name in (PRICE, REFERENCE_PRICE)}
    added: dict[str, Any] = {CHANNEL: DEFAULT_CHANNEL, **prices, **versions}
    rows = in_channels(sheet.assign(**added), schedule.channels)
    until = _ends(current, announced, rows[CHANNEL], schedule)
    columns: dict[str, Any] = {
        NAME: rows.get(NAME, ""),
        CATEGORY: rows.get(CATEGORY, ""),
        CURRENCY: rows.get(CURRENCY, ""),
        ACTION: actions(rows, announced),
        RULE: rows[RULE].where(rows[RULE] != "", _rules(table, current)),
        EFFECTIVE_FROM: pd.Timestamp(schedule.first),
        EFFECTIVE_UNTIL: until,
        PRICE_AFTER: rows[REFERENCE_PRICE].where(until.notna().to_numpy()),
    }
    return _beginning(rows.assign(**columns), announced, current, schedule)


def _beginning(
    rows: pd.DataFrame, announced: np.ndarray, current: pd.DataFrame, schedule: Schedule
) -> pd.DataFrame:
    """Return the rows in which channels that begin later wait, at the price that is charged until then.

    A new announced price says so in its begin; a promotion that runs on has begun.
    """
    begins = pd.to_datetime(rows[CHANNEL].map(dict(schedule.moments)), utc=True)
    later = (begins > pd.Timestamp(schedule.first)).to_numpy()
    charged = current.get(PROMOTED_PRICE, rows[REFERENCE_PRICE]).fillna(rows[REFERENCE_PRICE])
    waits = later & ~announced & (rows[PRICE] != charged).to_numpy()
    new = announced & ~current.get(RUNS_ON, pd.Series(False, rows.index)).to_numpy(bool)
    changes: dict[str, Any] = {
        EFFECTIVE_FROM: rows[EFFECTIVE_FROM].mask(later & new, begins),
        EFFECTIVE_UNTIL: rows[EFFECTIVE_UNTIL].mask(waits, begins),
        PRICE_AFTER: rows[PRICE_AFTER].mask(waits, rows[PRICE]),
        PRICE: rows[PRICE].mask(waits, charged),
    }
    return rows.assign(**changes)


def _ends(current: pd.DataFrame, announced: np.ndarray, channel: pd.Series, schedule: Schedule) -> pd.Series:
    """Return the moments at which announced prices end, missing for all others (rows,)."""
    days = current[ANNOUNCED_END] if ANNOUNCED_END in current else pd.Series(pd.NaT, current.index)
    ends = pd.Series(pd.NaT, current.index, dtype=MOMENTS)
    for name in channel[announced].unique():
        rows = announced & (channel == name).to_numpy()
        zone = schedule.zone(name)
        midnights = {day: first_moment((day + DAY).date(), zone) for day in days[rows].dropna().unique()}
        ends = ends.mask(rows, pd.to_datetime(days.map(midnights), utc=True))
    if PROMOTED_END in current:  # as it was published, whatever the zone of its channel
        running = pd.Series(pd.to_datetime(current[PROMOTED_END], utc=True), dtype=MOMENTS)
        ends = ends.mask(announced & running.notna().to_numpy(), running)
    return ends


def _rules(table: pd.DataFrame, current: pd.DataFrame) -> np.ndarray:
    """Return what bound the policy where the guard changed nothing, empty where it was free (rows,)."""
    price, code = table[PRICE].to_numpy(float), table[REASON]
    low = np.abs(price / current[LOWEST].to_numpy(float) - 1) <= NEAR
    high = np.abs(price / current[HIGHEST].to_numpy(float) - 1) <= NEAR
    index = code.str.endswith(AT_INDEX).to_numpy(bool)
    held = (table[STEP] == 1).to_numpy() & ~code.str.startswith((HOLD_BEST, MOVED)).to_numpy(bool)
    named = held | (code == ANNOUNCED).to_numpy()
    return np.select([named, index, low | high], [code.to_numpy(object), INDEX_RULE, BOUNDS_RULE], "")
