"""What is delivered: a list by its name, with the rows that a shop needs to charge its prices."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from conf.publish import Destination
from conf.urls import url_fault
from expectations.columns import (
    CHANNEL,
    CURRENCY,
    EFFECTIVE_FROM,
    EFFECTIVE_UNTIL,
    PRICE,
    PRICE_AFTER,
    PRODUCT,
    STORE,
)

TIMES = (EFFECTIVE_FROM, EFFECTIVE_UNTIL)
COLUMNS = (PRODUCT, STORE, CHANNEL, PRICE, CURRENCY, EFFECTIVE_FROM, EFFECTIVE_UNTIL, PRICE_AFTER)
"""What a shop needs of a row to charge its price, and the moments among it."""


class DeliveryError(RuntimeError):
    """A destination that did not take a list, or has something else than it was given."""


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """A list for a destination.

    Attributes:
        name: of the list.
        root: published list that it is a version of.
        manifest: SHA-256 of its manifest.
        folder: of its files.
        rows: of the list.
    """

    name: str
    root: str
    manifest: str
    folder: Path
    rows: pd.DataFrame


def url_of(destination: Destination, schemes: frozenset[str] | None = None) -> str:
    """Return the URL of a destination from the environment.

    Raises:
        DeliveryError: the variable is not set, or holds no URL that may be used; the message has no URL.
    """
    variable = destination.url_variable
    assert variable is not None  # the settings refuse a destination without it
    url = os.environ.get(variable)
    if not url:
        raise DeliveryError(f"{variable} is not set: export the URL of the destination under this name")
    fault = "" if url.startswith("sqlite") else url_fault(url, schemes, resolve=True)
    if fault:
        raise DeliveryError(f"{variable}: {fault}. Export another URL under this name")
    return url
