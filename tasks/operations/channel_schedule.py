"""From when a list holds in every channel, and which rows are of which channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import pandas as pd

from conf import Settings
from expectations.columns import CHANNEL, CURRENCY, STORE
from tasks.governance.approval import Refused
from tasks.governance.channels import Channels
from tasks.governance.local_time import moment, shown, zone_of
from tasks.governance.published_rows import DEFAULT_CHANNEL
from tasks.runtime import publishing
from tasks.runtime.channel_table import channels_of


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """From when a list holds in every channel.

    Attributes:
        channels: of the shop; none: there is one.
        shop: zone of the shop.
        moments: from which the list holds, by channel.
    """

    channels: Channels | None
    shop: ZoneInfo
    moments: Mapping[str, datetime]

    @classmethod
    def of(cls, settings: Settings, effective: str | None, now: datetime) -> Self:
        """Return when a list holds: from a local time of every channel, or from now on.

        Raises:
            LocalTimeError: the time does not exist in the zone of a channel, or exists twice.
            DataError: a row of the table of channels cannot be read.
            Refused: channels begin apart whose prices are to keep together.
        """
        schedule = cls(channels=channels_of(settings), shop=publishing.zone(settings), moments={})
        names = schedule.channels.names() if schedule.channels else [DEFAULT_CHANNEL]
        moments = {name: moment(effective, schedule.zone(name)) if effective else now for name in names}
        if settings.guard.parity and len(set(moments.values())) > 1:
            raise Refused(
                f"--effective {effective}: channels in other zones would begin apart, and `guard.parity` "
                "keeps their prices together. Name one moment for all, with its offset: "
                "2026-12-01T00:00+01:00."
            )
        return cls(channels=schedule.channels, shop=schedule.shop, moments=moments)

    @classmethod
    def recorded(cls, manifest: Mapping[str, Any], effective: datetime, channels: Channels | None) -> Self:
        """Return the schedule that the manifest of a list has; of one channel, it is its moment."""
        written = manifest.get("channels") or {DEFAULT_CHANNEL: effective.isoformat()}
        moments = {name: datetime.fromisoformat(at) for name, at in written.items()}
        return cls(channels=channels, shop=zone_of(manifest["zone"]), moments=moments)

    @property
    def first(self) -> datetime:
        """Return the moment from which the list holds in the first channels."""
        return min(self.moments.values())

    def zone(self, channel: str) -> ZoneInfo:
        """Return the zone of a channel."""
        named = self.channels.zone(channel) if self.channels else None
        return zone_of(named) if named else self.shop

    def record(self) -> dict[str, str]:
        """Return the moments of the channels for the manifest, of none where there is one channel."""
        return {name: at.isoformat() for name, at in self.moments.items()} if self.channels else {}

    def shown(self) -> dict[str, str]:
        """Return the moments of the channels as their clocks show them, of none where there is one."""
        if self.channels is None:
            return {}
        return {name: shown(at, self.zone(name)) for name, at in self.moments.items()}

    def require_after(self, before: Mapping[str, Any]) -> None:
        """Accept a list that holds after the list before it holds in all channels.

        Args:
            before: manifest of the list before.

        Raises:
            Refused: a channel waits for the list before.
        """
        for name, at in before.get("channels", {}).items():
            if datetime.fromisoformat(at) > self.first:
                raise Refused(
                    f"list {before['list']} holds in channel {name} from {at} on, and the new one would come "
                    "before that. Choose a later moment, or take that list back first."
                )


def in_channels(rows: pd.DataFrame, channels: Channels | None) -> pd.DataFrame:
    """Return the rows of a list with their channel and its currency; of one channel, as they are.

    Raises:
        DataError: a store has no channel.
    """
    if channels is None:
        return rows
    of = channels.of(rows[STORE])
    currency = of[CURRENCY].where(of[CURRENCY].notna(), rows.get(CURRENCY, ""))
    return rows.assign(**{CHANNEL: of[CHANNEL], CURRENCY: currency})
