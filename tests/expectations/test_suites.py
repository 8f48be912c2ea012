"""The suites of Great Expectations: what they hold, and that an empty or misspelt one never passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations import suites
from expectations.refusals import DataError

FOLDER = Path(suites.__file__).parent
IDENTITY_MONEY_TIME = {
    "date",
    "product_id",
    "store_id",
    "units",
    "price",
    "list_price",
    "unit_cost",
    "competitor_price",
}


def sales(**columns: list[Any]) -> pd.DataFrame:
    base = {
        "date": pd.to_datetime(["2025-05-01", "2025-05-02", "2025-05-03"]),
        "product_id": ["tea", "tea", "NA"],
        "store_id": ["all"] * 3,
        "units": [1.0, 0.0, 3.0],
        "price": [2.0, 2.0, 5.0],
    }
    return pd.DataFrame({**base, **columns}, index=[10, 20, 30])


def suite(*expectations: dict[str, Any]) -> dict[str, Any]:
    return {"name": "trial", "meta": {"version": 1}, "notes": "", "expectations": list(expectations)}


def expectation(kind: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "severity": severity, "description": "a claim", "kwargs": kwargs}


@pytest.mark.parametrize("name", ["sales", "features"])
def test_a_suite_is_versioned_described_and_never_holds_mostly(name: str) -> None:
    written = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert written["name"] == name
    assert written["meta"]["version"] >= 1
    for rule in written["expectations"]:
        assert rule["severity"] in {"critical", "warning"}
        assert rule["description"]
        assert "mostly" not in rule["kwargs"], "a share of wrong prices is not a rule"


def test_clean_sales_hold_and_optional_columns_are_only_held_to_what_exists() -> None:
    outcomes = suites.run("sales", sales())
    assert all(outcome.passed for outcome in outcomes)
    assert not any(
        "list_price" in outcome.sentence or "promotion" in outcome.sentence for outcome in outcomes
    )
    optional = suites.run(
        "sales", sales(list_price=[3.0] * 3, promotion_deal=[0.0, 1.0, 0.5], promotion_ad=[0.0] * 3)
    )
    sentences = {outcome.sentence for outcome in optional}
    assert {
        "list_price is above 0",
        "promotion_deal is between 0 and 1",
        "promotion_ad is between 0 and 1",
    } <= sentences


def test_rows_that_break_a_critical_expectation_are_named_with_it() -> None:
    outcomes = suites.run("sales", sales(promotion_deal=[0.0, 1.5, 0.5], stock=[1.0, -1.0, -2.0]))
    reasons = suites.reasons(outcomes, pd.Index([10, 20, 30]))
    assert reasons.loc[10] == ""
    assert reasons.loc[20].startswith("expectation failed: ")
    assert reasons.loc[30] == "expectation failed: stock is at least 0"


def test_a_warning_is_reported_and_sets_nothing_aside() -> None:
    outcomes = suites.run("sales", sales(unit_cost=[9.0, np.nan, 1.0], list_price=[1.0, 2.0, np.nan]))
    warned = {outcome.sentence: outcome.failing for outcome in outcomes if not outcome.passed}
    assert warned == {"price is at least unit_cost": (10,), "list_price is at least price": (10,)}
    assert (suites.reasons(outcomes, pd.Index([10, 20, 30])) == "").all()


def test_a_table_that_breaks_a_critical_expectation_is_refused() -> None:
    with pytest.raises(DataError, match=r"int64\. Rule: product_id is text"):
        suites.run("sales", sales(product_id=[1, 2, 3]))


def test_a_missing_column_is_refused_and_not_passed_over() -> None:
    with pytest.raises(DataError, match=r"\"price\" in BatchData does not exist"):
        suites.run("sales", sales().drop(columns="price"))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            expectation("expect_colum_values_to_not_be_null", column="price"),
            "expect_colum_values_to_not_be_null not found",
        ),
        (expectation("expect_column_values_to_not_be_null", colum="price"), "extra fields not permitted"),
        (
            expectation("expect_column_values_to_not_be_null", column="stock", most=1),
            "extra fields not permitted",
        ),
        (
            expectation("expect_column_values_to_not_be_null", "critcal", column="price"),
            "Invalid severity 'critcal'",
        ),
    ],
)
def test_a_misspelt_expectation_fails_at_load_although_its_column_may_be_absent(
    wrong: dict[str, Any], problem: str
) -> None:
    right = expectation("expect_column_values_to_not_be_null", column="price")
    with pytest.raises(suites.SuiteError, match=r"suite trial, expect_\w+: .*" + problem):
        suites.load(suite(right, wrong), ["price"])


def test_an_empty_suite_is_refused() -> None:
    with pytest.raises(suites.SuiteError, match="an empty suite passes everything"):
        suites.load(suite(), ["price"])
    with pytest.raises(suites.SuiteError, match="an empty suite passes everything"):
        suites.load(suite(expectation("expect_column_values_to_not_be_null", column="stock")), ["price"])
