"""A destination that is an HTTP endpoint: POST of the list, then GET of the same URL.

    POST URL    {"list": NAME, "rows": [{"product_id": ..., "store_id": ..., "channel": ..., "price": ...}]}
    GET URL     the same, of the list that the shop has now

A list that is posted twice has the same name, also in the header `Idempotency-Key`. A login in the URL
becomes a header; nothing follows a redirection, which could carry it elsewhere.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

import pandas as pd

from conf.publish import Destination
from expectations.columns import PRICE, PRICE_AFTER
from tasks.runtime.delivery.shipment import COLUMNS, TIMES, DeliveryError, Shipment, url_of

SCHEMES = frozenset({"http", "https"})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirection to be reported as an error."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def write(destination: Destination, shipment: Shipment) -> None:
    """Post the list.

    Raises:
        DeliveryError: the endpoint does not take it.
    """
    rows = shipment.rows[list(COLUMNS)]
    stamps = {name: rows[name].dt.strftime("%Y-%m-%dT%H:%M:%S+00:00") for name in TIMES}
    plain = rows.assign(**stamps).astype(object)
    records = plain.where(plain.notna(), None).to_dict("records")
    body = json.dumps({"list": shipment.name, "rows": records}, allow_nan=False).encode()
    _answer(destination, body, {"Content-Type": "application/json", "Idempotency-Key": shipment.name})


def read(destination: Destination, shipment: Shipment) -> pd.DataFrame:
    """Return the rows that the endpoint has.

    Raises:
        DeliveryError: it does not answer, its answer is no list, or it has another list.
    """
    try:
        answer = json.loads(_answer(destination, None, {"Accept": "application/json"}))
        name, rows = answer["list"], pd.DataFrame(answer["rows"], columns=list(COLUMNS))
        times = {at: pd.to_datetime(rows[at], utc=True, format="ISO8601") for at in TIMES}
        prices = {price: rows[price].astype(float) for price in (PRICE, PRICE_AFTER)}
    except (ValueError, KeyError, TypeError) as error:
        raise DeliveryError(
            f"the endpoint of {destination.url_variable}: its answer to GET is no list "
            f"({type(error).__name__}). "
            'It must be {"list": NAME, "rows": [...]}, as it was posted'
        ) from None
    if name != shipment.name:
        raise DeliveryError(f"the endpoint of {destination.url_variable}: read back, it has list {name!r}")
    return rows.assign(**times, **prices)


def _answer(destination: Destination, body: bytes | None, headers: dict[str, str]) -> bytes:
    """Return what the endpoint answers; the message of an error has no URL.

    Raises:
        DeliveryError: it does not answer, or not with a status of success.
    """
    parts = urlsplit(url_of(destination, SCHEMES))
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers = {**headers, "Authorization": f"Basic {base64.b64encode(login).decode()}"}
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(plain, body, headers)  # POST with a body, else GET
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=destination.timeout) as answer:
            content: bytes = answer.read()
            return content
    except HTTPError as error:
        problem = f"it answered {error.code}"
    except (URLError, HTTPException, OSError) as error:
        problem = f"it does not answer ({type(getattr(error, 'reason', error)).__name__})"
    raise DeliveryError(
        f"the endpoint of {destination.url_variable}: {problem}. Look at it, then: repricer publish --due"
    )
