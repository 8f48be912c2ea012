"""The table of channels that the settings name."""

from __future__ import annotations

from pathlib import Path

from conf import Settings
from tasks.governance.channels import OPTION, TEXTS, Channels, checked_channels
from tasks.runtime.tables import table_at


def channels_of(settings: Settings) -> Channels | None:
    """Return the channels of the stores, none where the settings name no table.

    Raises:
        TableError: the file cannot be read.
        DataError: a row cannot be read, or rows contradict each other.
    """
    path = settings.price.channels
    return checked_channels(table_at(Path(path), OPTION, TEXTS), path) if path else None
