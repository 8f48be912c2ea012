"""What keeps a list from being published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from expectations.columns import ACTION, PRODUCT, REASON, REFERENCE_PRICE, SERIES, STORE
from tasks.governance.approval import Refused
from tasks.governance.published_rows import micros
from tasks.operations.draft import Draft
from tasks.operations.running import CALLED_OFF
from tasks.pricing.guarded_plan import LEAVE_OUT
from tasks.pricing.recommend import ANNOUNCED, ANNOUNCED_PRICE


def require_publishable(
    draft: Draft, findings: Mapping[str, Any], others: str | None, *, override_breaker: bool
) -> None:
    """Accept a list that its guard lets leave.

    Args:
        draft: the list.
        findings: of its guard.
        others: that a person agreed to other margins; none: nobody did.
        override_breaker: whether the approver answers for what is beyond the limits of the breaker.

    Raises:
        Refused: it is a draft, or a breaker is overridden that holds nothing back.
    """
    tripped = findings["tripped"]
    if override_breaker and not tripped:
        raise Refused(
            "--override-breaker: the list is within all limits of `guard.breaker`, so there is nothing to "
            "override. Nothing was published; publish it without that option."
        )
    overridden = tripped if override_breaker else []
    hindrances = [sentence for sentence in findings["hindrances"] if sentence not in overridden]
    reasons = [*hindrances, *_unknown_after(draft), *_missing(draft), *_not_called_off(draft)]
    reasons += [others] if reasons and others else []
    if findings["left_out"] and len(findings["left_out"]) == len(draft.table):
        reasons.append("every product is left out")
    if reasons:
        raise Refused(
            f"the list is a draft, nothing was published: {'; '.join(reasons)}. "
            "See it with `repricer recommend --out list.xlsx`; --agree-margins agrees to assumed margins, "
            "--override-breaker publishes beyond the limits of the breaker."
        )


def _missing(draft: Draft) -> list[str]:
    """Return why a list is not of the whole catalogue: `--prices` names some of its products only."""
    catalogue, listed = (
        pd.MultiIndex.from_frame(rows[SERIES]) for rows in (draft.policy.market, draft.table)
    )
    missing = catalogue.difference(listed)
    if missing.empty:
        return []
    product, store = missing[0]
    where = f"first: {product} in {store}"
    lack = f"{len(missing)} of {len(catalogue)} products of the catalogue have no price in force ({where})"
    return [f"{lack}: give all of them with --prices, or leave it out"]


def _not_called_off(draft: Draft) -> list[str]:
    """Return the promotions that are called off and run on, because the list leaves their products out."""
    if CALLED_OFF not in draft.known.current:
        return []
    out = draft.table[ACTION].to_numpy() == LEAVE_OUT
    products = draft.table.loc[out & draft.known.current[CALLED_OFF].to_numpy(bool), PRODUCT]
    left_out = "the list leaves its product out, so its promotion ends as published; take back --call-off"
    return [f"{product}: {left_out}" for product in products]


def _unknown_after(draft: Draft) -> list[str]:
    """Return why a promotion could not end: the price before it is not known."""
    table = draft.table
    if ANNOUNCED_PRICE not in draft.known.current:
        return []
    announced = draft.known.current[ANNOUNCED_PRICE].to_numpy(float)
    same = micros(pd.Series(announced, table.index).fillna(0.0)) == micros(table[REFERENCE_PRICE])
    rows = table[(table[REASON] == ANNOUNCED) & same & (table[ACTION] != LEAVE_OUT)]
    if rows.empty:
        return []
    first = rows.iloc[0]
    where = f"first: {first[PRODUCT]} in {first[STORE]}"
    known = "so the price after them is not known: give the prices before them with --prices"
    return [f"{len(rows)} promotions ({where}) run at the price in force, {known}"]
