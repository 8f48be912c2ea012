"""The guard of the settings, with the table of rules that they or an option of the command line name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conf import Settings
from tasks.governance.money import decimals_of
from tasks.governance.parity import parity_rules
from tasks.governance.price_guard import PriceGuard, house_rules
from tasks.governance.rule_checks import OPTION, TEXTS, checked_rules
from tasks.runtime.channel_table import channels_of
from tasks.runtime.tables import table_at


def price_guard_of(settings: Settings, currency: str | None, rules: str | None = None) -> PriceGuard:
    """Return the guard of price lists.

    Args:
        settings: sections ``guard`` and ``price``.
        currency: ISO 4217 code of all prices; none: it was not named.
        rules: file of the table of rules; none: that of the settings.

    Raises:
        TableError: the file cannot be read.
        DataError: a rule cannot be read, or is loosened without a name.
    """
    house = house_rules(settings.guard.model_dump(), settings.price.guard.model_dump())
    channels = channels_of(settings)
    house = replace(house, parity=parity_rules(settings.guard.parity, channels))
    path = rules or settings.guard.rules
    table = None if path is None else checked_rules(table_at(Path(path), OPTION, TEXTS), house, path)
    return PriceGuard(
        house=house,
        table=table,
        decimals=decimals_of(currency, settings.price.decimals),
        agreed=bool((settings.guard.margins_agreed_by or "").strip()),
        channels=channels,
    )


def guard_hash(parameters: Mapping[str, Any], table: bytes | None) -> str:
    """Return the SHA-256 (hexadecimal) of the rules that guarded a list.

    Args:
        parameters: settings as JSON, as they are or as they were stored; where a table lies is no rule.
        table: content of the table of rules; none: there is none.
    """
    section = {name: value for name, value in parameters["guard"].items() if name != "rules"}
    rules = {
        "guard": section,
        "price": {name: parameters["price"][name] for name in ("guard", "decimals")},
        "table": None if table is None else hashlib.sha256(table).hexdigest(),
    }
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()
