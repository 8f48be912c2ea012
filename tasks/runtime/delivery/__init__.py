"""Delivery of the list in force to its destinations: written, read back, compared, and remembered.

A destination gets the same list twice without harm. What it has is forgotten in the data folder before it is
written to, and remembered once it was read back: a destination that may have something else is due. So a
command that was killed, or met a destination that did not answer, goes on with `repricer publish --due`.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from conf import Settings
from conf.publish import Destination
from tasks.governance.published_rows import differences, named
from tasks.runtime.delivery import endpoint, folder, table
from tasks.runtime.delivery.shipment import DeliveryError, Shipment
from tasks.runtime.disk import DiskFull
from tasks.runtime.published_lists import ListError, folder_of, replace_whole

__all__ = ["DeliveryError", "Shipment", "deliver", "due", "withheld"]

RECORDS = "delivered"
KINDS: dict[str, Any] = {"folder": folder, "sql": table, "http": endpoint}


def due(settings: Settings, name: str, root: str, *, stopped: bool) -> list[str]:
    """Return the destinations that do not have a list yet and may get it.

    Args:
        settings: with the destinations.
        name: of the list.
        root: of the list; while publishing is stopped, only destinations that had a list of this root get it.
        stopped: whether publishing is stopped.
    """
    return [
        place
        for place, record in _records(settings).items()
        if record.get("list") != name and (not stopped or root in record.get("roots", []))
    ]


def withheld(settings: Settings, name: str, root: str) -> dict[str, str | None]:
    """Return the destinations that get no list of this root while publishing is stopped, and what they have.

    Args:
        settings: with the destinations.
        name: of the list.
        root: of the list.
    """
    return {
        place: record.get("list") or next(iter(record.get("roots", [])[-1:]), None)
        for place, record in _records(settings).items()
        if record.get("list") != name and root not in record.get("roots", [])
    }


def deliver(settings: Settings, place: str, shipment: Shipment) -> None:
    """Write a list to a destination, read it back and remember that it is there.

    Raises:
        DeliveryError: the destination does not take it, has something else, or fails in any other way; the
            message names it, and the rows that differ.
    """
    try:
        _deliver(settings, place, shipment)
    except (DeliveryError, DiskFull, ListError) as error:
        raise DeliveryError(f"destination {place}: {error}") from None
    except Exception as error:  # whatever it is, the other destinations get their attempt
        raise DeliveryError(
            f"destination {place}: {type(error).__name__}. Look at it, then: repricer publish --due"
        ) from error


def _deliver(settings: Settings, place: str, shipment: Shipment) -> None:
    destination = settings.publish.destinations[place]
    kind, roots = KINDS[destination.kind], _record(settings, place).get("roots", [])
    where = {"place": _place(destination)}
    _remember(settings, place, {**where, "list": None, "roots": roots})
    kind.write(destination, shipment)
    _require_same(shipment, kind.read(destination, shipment))
    had = [*(root for root in roots if root != shipment.root), shipment.root]  # what it has now is the last
    record = {"list": shipment.name, "manifest": shipment.manifest, "roots": had}
    _remember(settings, place, {**where, **record})


def _require_same(shipment: Shipment, rows: pd.DataFrame) -> None:
    """Accept rows that were read back as they were written.

    Raises:
        DeliveryError: a row differs.
    """
    differing = differences(shipment.rows, rows)
    if len(differing):
        raise DeliveryError(
            f"list {shipment.name} was written and read back, and {named(differing)} "
            "(published against read back). Look what changes it there, then: repricer publish --due"
        )


def _records(settings: Settings) -> dict[str, dict[str, Any]]:
    return {place: _record(settings, place) for place in settings.publish.destinations}


def _record(settings: Settings, place: str) -> dict[str, Any]:
    """Return what a destination has.

    By a record that cannot be read, or is of another place that the settings named before, it has nothing
    and gets the list.
    """
    try:
        record: dict[str, Any] = json.loads(_path(settings, place).read_bytes())
        same = _is_same(record["place"], _place(settings.publish.destinations[place]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return record if same else {}


def _place(destination: Destination) -> dict[str, str | None]:
    """Return which place a destination is; of its URL a digest without the login, none if it is not set."""
    url = os.environ.get(destination.url_variable or "")
    scheme, _, address = (url or "").partition("://")
    authority, slash, rest = address.partition("/")
    bare = f"{scheme}://{authority.rpartition('@')[2]}{slash}{rest}"
    return {
        "kind": destination.kind,
        "path": str(Path(destination.path).expanduser().resolve()) if destination.path else None,
        "variable": destination.url_variable,
        "table": destination.table if destination.kind == "sql" else None,
        "url": hashlib.sha256(bare.encode()).hexdigest() if url else None,
    }


def _is_same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Return whether two places are one; of a URL that is not set now nothing is known."""
    return before == now or (now["url"] is None and {**before, "url": None} == now)


def _remember(settings: Settings, place: str, record: dict[str, Any]) -> None:
    replace_whole(_path(settings, place), (json.dumps(record, indent=2) + "\n").encode())


def _path(settings: Settings, place: str) -> Path:
    folder = folder_of(settings) / RECORDS
    folder.mkdir(exist_ok=True)
    return folder / f"{place}.json"
