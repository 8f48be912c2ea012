"""The table of channels that the settings name."""

from __future__ import annotations

from pathlib import Path

from conf import Settings
from expectations.columns import CURRENCY
from expectations.refusals import refusal
from tasks.governance.channels import OPTION, TEXTS, Channels, checked_channels
from tasks.runtime.tables import table_at


def channels_of(settings: Settings) -> Channels | None:
    """Return the channels of the stores, none where the settings name no table.

    Raises:
        TableError: the file cannot be read.
        DataError: a row cannot be read, rows contradict each other, or a currency is not that of the source.
    """
    path, currency = settings.price.channels, settings.source.currency
    if not path:
        return None
    channels = checked_channels(table_at(Path(path), OPTION, TEXTS), path)
    for name in channels.names():
        if currency and channels.currency(name) not in (None, currency):
            rule = f"all money is in the currency of the source (source.currency={currency})"
            remedy = "leave source.currency out where channels have currencies of their own"
            where = f"{path}, channel {name}"
            raise refusal(CURRENCY, where, repr(channels.currency(name)), rule, remedy)
    return channels
