"""Requests to the served models: what is wrong with one is said with its field, and answers carry its ids.

MLflow answers an ``MlflowException`` of the code below with status 400 and its message; any other exception
would be a 400 with a stack trace of the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from expectations.columns import DATE, PRICE, PRODUCT, STORE

IDS = (PRODUCT, STORE, DATE)  # of a row, as far as the request has them


@contextmanager
def request_errors(*refusals: type[ValueError]) -> Iterator[None]:
    """Answer a request that a model refuses as a bad request.

    Args:
        refusals: the errors by which the model refuses a request.

    Raises:
        MlflowException: the request was refused; the message is that of the refusal.
    """
    try:
        yield
    except refusals as error:
        raise MlflowException.invalid_parameter_value(str(error)) from error


def require_fields(request: pd.DataFrame, *, empty_price: bool = False) -> None:
    """Accept rows that name their product, and whose dates and prices are such.

    Args:
        request: rows of a request.
        empty_price: whether a row may leave its price out.

    Raises:
        MlflowException: a field is wrong; the message names it, its row, the rule and what was received.
    """
    product = request[PRODUCT].astype("object")
    blank = product.isna() | (product.astype(str).str.strip() == "")
    _require(request, PRODUCT, ~blank, "must name a product")
    if DATE in request:
        known = pd.to_datetime(request[DATE], errors="coerce").notna()
        _require(request, DATE, known, "must be a date, such as 2026-01-31")
    if PRICE not in request:
        return
    price = pd.to_numeric(request[PRICE], errors="coerce").to_numpy(float)
    valid = np.isfinite(price) & (price > 0)
    if empty_price:
        valid |= request[PRICE].isna().to_numpy()
    _require(request, PRICE, valid, "must be a finite number above 0 (currency/unit)")


def with_ids(request: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """Return an answer with the ids of its rows in front, as the request has them."""
    ids = request[[name for name in IDS if name in request]]
    return pd.concat([ids, answer.drop(columns=list(ids.columns), errors="ignore")], axis=1)


def _require(request: pd.DataFrame, name: str, valid: np.ndarray | pd.Series, rule: str) -> None:
    wrong = np.flatnonzero(~np.asarray(valid, bool))
    if wrong.size:
        received = request[name].iloc[wrong[0]]
        shown = repr(received) if isinstance(received, str) else str(received)
        raise MlflowException.invalid_parameter_value(
            f"`{name}` {rule}. Received: {shown} in row {wrong[0] + 1} ({wrong.size} of {len(request)} rows)."
        )
