"""The rows of a list as it is published: what changes, why, from when to when, and by which versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

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
from tasks.operations.draft import Draft, sheet_of
from tasks.operations.price_rules import ANNOUNCED_END
from tasks.pricing.guarded_plan import LEAVE_OUT
from tasks.pricing.list_sheet import CHAMPION
from tasks.pricing.recommend import ANNOUNCED, AT_INDEX, HIGHEST, HOLD_BEST, LOWEST, MOVED, STEP

NEAR = 1e-6  # share of a bound at which a price lies at it
INDEX_RULE, BOUNDS_RULE = "price index of the list", "bounds of the week"


def published_rows(
    draft: Draft, versions: Mapping[str, int], effective: datetime, shop: ZoneInfo
) -> pd.DataFrame:
    """Return the rows of a list that holds from a moment.

    A promotion's row ends with its last local day, and the price after it is the price before it.

    Args:
        draft: the list.
        versions: of the models, by name.
        effective: moment from which it holds.
        shop: zone of the days of promotions.
    """
    listed = (draft.table[ACTION] != LEAVE_OUT).to_numpy()
    current, table = (frame[listed].reset_index(drop=True) for frame in (draft.known.current, draft.table))
    announced = (table[REASON] == ANNOUNCED).to_numpy() & (table[PRICE] != table[REFERENCE_PRICE]).to_numpy()
    sheet = sheet_of(draft, versions["pricing_policy"], CHAMPION)
    prices = {name: sheet[name].to_numpy(float).round(SCALE) for name in (PRICE, REFERENCE_PRICE)}
    added: dict[str, Any] = {CHANNEL: DEFAULT_CHANNEL, **prices, **versions}
    rows = sheet.assign(**added)
    until = _ends(current, announced, shop)
    columns: dict[str, Any] = {
        NAME: rows.get(NAME, ""),
        CATEGORY: rows.get(CATEGORY, ""),
        CURRENCY: rows.get(CURRENCY, ""),
        ACTION: actions(rows, announced),
        RULE: rows[RULE].where(rows[RULE] != "", _rules(table, current)),
        EFFECTIVE_FROM: pd.Timestamp(effective),
        EFFECTIVE_UNTIL: until,
        PRICE_AFTER: rows[REFERENCE_PRICE].where(until.notna().to_numpy()),
    }
    return rows.assign(**columns)


def _ends(current: pd.DataFrame, announced: np.ndarray, shop: ZoneInfo) -> pd.Series:
    """Return the moments at which announced prices end, missing for all others (rows,)."""
    days = current[ANNOUNCED_END] if ANNOUNCED_END in current else pd.Series(pd.NaT, current.index)
    moments = {day: first_moment((day + pd.Timedelta(days=1)).date(), shop) for day in days.dropna().unique()}
    ends = pd.to_datetime(days.map(moments), utc=True).reset_index(drop=True)
    return ends.where(announced)


def _rules(table: pd.DataFrame, current: pd.DataFrame) -> np.ndarray:
    """Return what bound the policy where the guard changed nothing, empty where it was free (rows,)."""
    price, code = table[PRICE].to_numpy(float), table[REASON]
    low = np.abs(price / current[LOWEST].to_numpy(float) - 1) <= NEAR
    high = np.abs(price / current[HIGHEST].to_numpy(float) - 1) <= NEAR
    index = code.str.endswith(AT_INDEX).to_numpy(bool)
    held = (table[STEP] == 1).to_numpy() & ~code.str.startswith((HOLD_BEST, MOVED)).to_numpy(bool)
    named = held | (code == ANNOUNCED).to_numpy()
    return np.select([named, index, low | high], [code.to_numpy(object), INDEX_RULE, BOUNDS_RULE], "")
