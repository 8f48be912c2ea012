"""Delivery of the list in force to its destinations: written, read back, compared, and remembered.

A destination gets the same list twice without harm. What it has is forgotten in the data folder before it is
written to, and remembered once it was read back: a destination that may have something else is due. So a
command that was killed, or met a destination that did not answer, goes on with `repricer publish --due`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from conf import Settings
from tasks.governance.published_rows import differences, named
from tasks.runtime.delivery import endpoint, folder, table
from tasks.runtime.delivery.shipment import DeliveryError, Shipment
from tasks.runtime.published_lists import folder_of, replace_whole

__all__ = ["DeliveryError", "Shipment", "deliver", "due"]

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
    records = {place: _record(settings, place) for place in settings.publish.destinations}
    return [
        place
        for place, record in records.items()
        if record.get("list") != name and (not stopped or root in record.get("roots", []))
    ]


def deliver(settings: Settings, place: str, shipment: Shipment) -> None:
    """Write a list to a destination, read it back and remember that it is there.

    Raises:
        DeliveryError: the destination does not take it, or has something else; the message names the rows.
    """
    destination = settings.publish.destinations[place]
    kind, roots = KINDS[destination.kind], _record(settings, place).get("roots", [])
    _remember(settings, place, {"list": None, "roots": roots})
    kind.write(destination, shipment)
    _require_same(place, shipment, kind.read(destination, shipment))
    roots = sorted({*roots, shipment.root})
    _remember(settings, place, {"list": shipment.name, "manifest": shipment.manifest, "roots": roots})


def _require_same(place: str, shipment: Shipment, rows: pd.DataFrame) -> None:
    """Accept rows that were read back as they were written.

    Raises:
        DeliveryError: a row differs.
    """
    differing = differences(shipment.rows, rows)
    if len(differing):
        raise DeliveryError(
            f"destination {place}: list {shipment.name} was written and read back, and {named(differing)} "
            "(published against read back). Look what changes it there, then: repricer publish --due"
        )


def _record(settings: Settings, place: str) -> dict[str, Any]:
    """Return what a destination has; by a record that cannot be read it has nothing, and gets the list."""
    try:
        record: dict[str, Any] = json.loads(_path(settings, place).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return record


def _remember(settings: Settings, place: str, record: dict[str, Any]) -> None:
    replace_whole(_path(settings, place), (json.dumps(record, indent=2) + "\n").encode())


def _path(settings: Settings, place: str) -> Path:
    folder = folder_of(settings) / RECORDS
    folder.mkdir(exist_ok=True)
    return folder / f"{place}.json"
