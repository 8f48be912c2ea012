"""Rows of a published list: a promotion carries its end, and the price after it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.governance.published_rows import (
    actions,
    differences,
    ends_of,
    named,
    price_at,
    regular_price,
    restored,
)
from tests.runtime.lists import EFFECTIVE, published_rows

END = EFFECTIVE + pd.Timedelta(days=7)
MINUTE = pd.Timedelta(minutes=1)


def test_the_price_after_a_promotion_holds_from_the_minute_of_its_end() -> None:
    rows = published_rows(3)
    assert price_at(rows, END - MINUTE).tolist() == [1.5, 2.05, 2.05]
    assert price_at(rows, END).tolist() == [2.0, 2.05, 2.05]
    assert regular_price(rows).tolist() == [2.0, 2.05, 2.05]


def test_an_end_restores_its_own_rows_and_leaves_all_others() -> None:
    rows = published_rows(4, promoted=2)
    rows.loc[1, "effective_until"] = END + MINUTE
    version = restored(rows, END)
    pd.testing.assert_frame_equal(version[1:], rows[1:])
    row = version.iloc[0]
    assert (row["price"], row["reference_price"], row["action"]) == (2.0, 1.5, "restore")
    assert (row["effective_from"], ends_of(version)) == (END, (END + MINUTE,))
    assert row[["effective_until", "price_after"]].isna().all()
    assert "promotion ended" in row["reason"]
    assert ends_of(restored(version, END + MINUTE)) == ()
    assert rows["price"][0] == 1.5, "the rows that were given stay as they are"


def test_actions_say_what_a_list_does_to_a_price_to_the_last_decimal() -> None:
    rows = pd.DataFrame(
        {"price": [2.0, 1.000001, 0.999999, 1.0, 0.1 + 0.2], "reference_price": [1, 1, 1, 1, 0.3]}
    )
    announced = np.array([True, False, False, False, False])
    assert actions(rows, announced).tolist() == ["promote", "raise", "lower", "hold", "hold"]


def test_two_lists_differ_where_a_price_its_end_or_a_row_differs() -> None:
    a, b = published_rows(6), published_rows(6)
    b.loc[1, "price"] += 1e-9  # less than a list holds
    b.loc[2, "price"] = 2.1
    b.loc[0, "effective_until"] += MINUTE
    b = b.drop(index=3)
    table = differences(a, b)
    assert table["product_id"].tolist() == ["000", "002", "003"]
    words = "3 rows differ: 000 in all (default): 1.5 against 1.5; 002 in all (default): 2.05 against 2.1; "
    assert named(table) == words + "003 in all (default): 2.05 against not listed"
    assert differences(a, a).empty
    assert named(differences(a, a.iloc[:0])).endswith("; ...")
