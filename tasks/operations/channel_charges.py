"""Introduces the channels of today to a policy that was trained on those of its time."""

from __future__ import annotations

from dataclasses import replace

from conf import Settings
from tasks.pricing.recommend import PolicyModel
from tasks.runtime.channel_table import channels_of


def with_todays_charges(policy: PolicyModel, settings: Settings) -> PolicyModel:
    """Return a policy whose market has the taxes and fees of the table of channels as it is now.

    Floors, objective and what a list is expected to gain then rest on what the channels take today.

    Raises:
        TableError: the table cannot be read.
        DataError: a row of it cannot be read, or a store of the market has none.
    """
    channels = channels_of(settings)
    return replace(policy, market=channels.charged(policy.market)) if channels else policy
