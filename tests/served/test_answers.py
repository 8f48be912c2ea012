"""The served models: answers carry the ids of the request, and a bad value is a bad request that names it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from tasks.served.policy import PricingPolicy
from tasks.served.response import ANSWER, PriceResponse
from tests.pricing.small_market import model_of, products

ROWS = pd.DataFrame({"product_id": ["p1", "p0"], "store_id": "all", "price": [2.0, 2.1]}, index=[5, 6])


@pytest.fixture
def policy() -> PricingPolicy:
    served = PricingPolicy()
    served.use(model_of(products(3)), decimals=None)
    return served


@pytest.fixture
def response() -> PriceResponse:
    served = PriceResponse()
    served._table = pd.DataFrame([[-1.5, -2.0, -1.0, True, ""]], index=["p0"], columns=ANSWER)
    return served


def refused(predict: Any, rows: pd.DataFrame) -> str:
    """Return what the server answers, after checking that it is a bad request without a stack trace."""
    with pytest.raises(MlflowException) as caught:
        predict(None, rows)
    assert caught.value.get_http_status_code() == 400
    answer = json.loads(caught.value.serialize_as_json())
    assert "stack_trace" not in answer
    assert "Traceback" not in answer["message"]
    return str(answer["message"])


def test_answers_carry_the_ids_of_the_request_in_its_order(
    policy: PricingPolicy, response: PriceResponse
) -> None:
    answer = policy.predict(None, ROWS)
    assert answer.columns.tolist() == ["product_id", "store_id", "price", "step", "reason"]
    assert answer["product_id"].tolist() == ["p1", "p0"]
    assert answer.index.tolist() == [5, 6]
    elasticity = response.predict(None, ROWS[["product_id"]])
    assert elasticity.columns.tolist() == ["product_id", *ANSWER], "only the ids that were given"
    assert elasticity["identified"].tolist() == [False, True]


def test_a_cost_that_is_known_now_counts_in_a_request_of_one_row_too(policy: PricingPolicy) -> None:
    answer = policy.predict(None, ROWS.head(1).assign(unit_cost=9.0)).iloc[0]
    assert (answer["price"], answer["reason"]) == (2.0, "the cost is not below the price in force")


@pytest.mark.parametrize("price", [-1.0, 0.0, np.nan, np.inf])
def test_a_price_that_is_none_is_a_bad_request_that_names_the_field_and_the_row(
    policy: PricingPolicy, price: float
) -> None:
    message = refused(policy.predict, ROWS.assign(price=[2.0, price]))
    assert "`price` must be a finite number above 0" in message
    assert f"Received: {price} in row 2 (1 of 2 rows)" in message


def test_a_product_without_an_id_is_a_bad_request(policy: PricingPolicy, response: PriceResponse) -> None:
    for predict in (policy.predict, response.predict):
        for blank in (None, "", " "):
            message = refused(predict, ROWS.assign(product_id=["p0", blank]))
            assert "`product_id` must name a product" in message
            assert "in row 2" in message


def test_what_the_model_itself_refuses_is_a_bad_request_too(response: PriceResponse) -> None:
    response._products, response._draws, response._confidence = pd.DataFrame(), {}, 0.95
    message = refused(response.predict, pd.concat([ROWS.head(1)] * 2))
    assert "p1 in all twice" in message
