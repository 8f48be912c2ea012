"""A destination that is a folder: the list's table whole, beside the ones before, and a pointer to it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow

from conf.publish import Destination
from tasks.runtime.artifacts import sha256
from tasks.runtime.delivery.shipment import DeliveryError, Shipment
from tasks.runtime.disk import full_disk_named
from tasks.runtime.list_tables import read_parquet
from tasks.runtime.published_lists import CHANNELS, CSV, PARQUET, faults, point, pointed, put


def write(destination: Destination, shipment: Shipment) -> None:
    """Put the list whole into the folder and let the pointer name it.

    Raises:
        DeliveryError: the folder cannot be written.
        DiskFull: there is no room in it.
    """
    root = _root(destination)
    files = {name: partial(shutil.copyfile, shipment.folder / name) for name in _tables(shipment)}
    try:
        with full_disk_named(root):
            root.mkdir(parents=True, exist_ok=True)
            point(root, put(root, shipment.name, files, {"published_manifest": shipment.manifest}))
    except OSError as error:
        raise DeliveryError(f"{root}: the folder cannot be written ({error.strerror})") from None


def read(destination: Destination, shipment: Shipment) -> pd.DataFrame:
    """Return the rows of the list that the pointer of the folder names.

    Raises:
        DeliveryError: the pointer names another list, or a file of it has other bytes but the same rows.
    """
    root, pointer = _root(destination), pointed(_root(destination))
    if pointer is None or pointer.list != shipment.name:
        raise DeliveryError(f"{root}: its pointer names {pointer.list if pointer else 'no list'}")
    try:
        rows = read_parquet(root / shipment.name / PARQUET)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DeliveryError(f"{root / shipment.name / PARQUET}: it cannot be read back ({error})") from None
    if rows.equals(read_parquet(shipment.folder / PARQUET)):
        place, source = root / shipment.name, shipment.folder
        changed = [name for name in _tables(shipment) if sha256(place / name) != sha256(source / name)]
        problems = changed or list(faults(root, pointer))
        if problems:
            raise DeliveryError(f"{root / shipment.name}: read back, not what was written: {problems[0]}")
    return rows


def _tables(shipment: Shipment) -> list[str]:
    """Return the tables of a list by their files: of all channels together, and of every channel."""
    files = (path for name in (PARQUET, CSV) for path in shipment.folder.glob(f"{CHANNELS}/*/{name}"))
    return [PARQUET, CSV, *sorted(path.relative_to(shipment.folder).as_posix() for path in files)]


def _root(destination: Destination) -> Path:
    assert destination.path is not None  # the settings refuse a folder without it
    return Path(destination.path).expanduser().resolve()
