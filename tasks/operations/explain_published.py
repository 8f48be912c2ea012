"""Operation: why a published price is what it is, replayed from the stored inputs of its list to the cent."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from conf import Settings
from expectations.columns import ACTION, EFFECTIVE_UNTIL, PRICE, PRICE_AFTER, PRODUCT, STORE
from tasks.governance.approval import Refused
from tasks.governance.champion import HEAD
from tasks.governance.publication import Publications, PublishedList
from tasks.governance.published_rows import PROMOTE, differences, named
from tasks.operations.explain_price import ExplainedPrice, Question, explained
from tasks.operations.replay import replayed
from tasks.runtime import published_tables, publishing, track
from tasks.runtime.published_lists import ListError, folder_of

IN_FORCE = "in_force"


def explain_published(
    settings: Settings, name: str, question: Question, figure: Path | None = None
) -> ExplainedPrice:
    """Explain the price of a product in a published list.

    A list whose promotions have ended is explained as it was published.

    Args:
        settings: of the data folder.
        name: of the list, or ``in_force``.
        question: whose price; version, price and seed are those of the list.
        figure: PNG to draw.

    Raises:
        ListError: there is no such list, its bytes are not those that were published, or its prices do not
            come out again.
        Refused: the list does not have the product.
        PolicyError: the policy does not know the product.
    """
    track.open_store(settings)
    root, lists = folder_of(settings), publishing.standing(settings).lists
    published = _published(lists, name)
    rows, replay = published_tables.rows_of(root, published), replayed(settings, root, published)
    ours = [
        table[(table[PRODUCT] == question.product) & (table[STORE] == question.store)]
        for table in (rows, replay.rows)
    ]
    if ours[0].empty:
        raise Refused(
            f"list {published.name} has no price of {question.product!r} in {question.store!r}: it was left "
            "out. Name a product of the list."
        )
    differing = differences(*ours)
    if len(differing):
        raise ListError(
            f"list {published.name}: {named(differing)} (published against computed again). "
            "See what changed: repricer verify"
        )
    why = explained(replay.draft, replay.versions[HEAD], question, replay.decimals, figure)
    return {**why, "list": published.name, "recommended": float(_listed(ours[0]).iloc[0])}


def _listed(rows: pd.DataFrame) -> pd.Series:
    """Return the prices of a list; of a channel that begins later, from then on, currency/unit (rows,)."""
    waits = rows[EFFECTIVE_UNTIL].notna() & (rows[ACTION] != PROMOTE)
    return rows[PRICE].mask(waits, rows[PRICE_AFTER])


def _published(lists: Publications, name: str) -> PublishedList:
    """Return a list as it was published, by its name or that of a version of it.

    Raises:
        ListError: there is none.
    """
    chosen = lists.in_force if name == IN_FORCE else lists.lists.get(name)
    if chosen is None:
        known = ", ".join(lists.lists) or "none"
        raise ListError(f"{name}: there is no such list. Published: {known}, or {IN_FORCE}")
    return lists.lists[chosen.root]
