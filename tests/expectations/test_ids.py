"""Ids that look alike are named as pairs, and text that a spreadsheet would run is made harmless."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.ids import BLANKS, look_alikes, note_on_pairs, read_ids
from expectations.spreadsheets import neutral, restored

COMPOSED = "caf\u00e9"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.mark.parametrize(
    "pair",
    [("A 1", "A1"), ("A1", "a1"), ("007", "7"), ("0", "00"), (DECOMPOSED, COMPOSED), ("0A-\u00a01", "a-1")],
)
def test_ids_that_differ_in_their_spelling_only_are_a_pair(pair: tuple[str, str]) -> None:
    assert look_alikes([*pair, "another"]) == [tuple(sorted(pair))]


@pytest.mark.parametrize("pair", [("A1", "A2"), ("70", "7"), ("A-1", "A1"), ("NA", "null"), ("10", "1")])
def test_other_ids_are_no_pair(pair: tuple[str, str]) -> None:
    assert look_alikes(pair) == []


def test_the_note_names_five_pairs_and_counts_the_others() -> None:
    ids = pd.Series([f"{zeros}{number}" for number in range(1, 9) for zeros in ("", "0")], dtype="str")
    [note] = note_on_pairs("product_id", ids)
    assert note.startswith("product_id: 8 pairs of ids differ only by blanks, case, leading zeros or Unicode")
    assert "'01' and '1', '02' and '2'" in note
    assert "'05' and '5', and 3 more. They are kept apart" in note


def test_the_note_shows_letters_whose_form_differs() -> None:
    [note] = note_on_pairs("store_id", pd.Series([COMPOSED, DECOMPOSED], dtype="str"))
    assert "'cafe\\u0301' and 'caf\u00e9'" in note


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"])), max_size=8))
def test_reading_ids_twice_changes_nothing_more(texts: list[str]) -> None:
    values = pd.Series(texts, dtype="str")
    once = read_ids(values).text
    pd.testing.assert_series_equal(read_ids(once).text, once)
    assert once.dropna().tolist() == [text.strip(BLANKS) for text in texts if text.strip(BLANKS)]


@given(st.lists(st.text(st.sampled_from("'=+-@\t\ra1"), max_size=5), min_size=1, max_size=8))
def test_what_was_made_harmless_for_a_spreadsheet_is_restored(texts: list[str]) -> None:
    table = pd.DataFrame({"name": pd.Series(texts, dtype="str"), "price": np.arange(len(texts)) - 1.0})
    harmless = neutral(table)
    assert not harmless["name"].str.match(r"[=+\-@\t\r]").any()
    pd.testing.assert_series_equal(restored(harmless["name"]), table["name"])
    pd.testing.assert_series_equal(harmless["price"], table["price"])
