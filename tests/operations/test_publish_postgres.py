"""Publishing by a registry and a ledger in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.champion import HEAD, MODELS, change
from tasks.governance.format import FORMAT, FORMAT_TAG
from tasks.governance.ledger import PROMOTED, LedgerError
from tasks.operations.verify import verify
from tasks.runtime import champion_store, track
from tests import postgres
from tests.operations.publishing import kinds, loosened, pointed, published, served, stand_in, withdraw

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TAMPER = """
alter table repricer_ledger disable trigger user;
update repricer_ledger set "by" = 'Mallory' where number = 2
"""


@pytest.fixture
def shop(postgres_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Yield the settings of a shop whose registry in PostgreSQL has a champion."""
    shop = loosened(Settings(profile="smoke", data_folder=str(tmp_path), track={"uri": postgres_url}))
    client = track.open_store(shop)
    for name in MODELS:
        client.create_registered_model(name)
        client.create_model_version(name, source=str(tmp_path), tags={FORMAT_TAG: str(FORMAT)})
    body = change({"demand": 1, "price_response": 1, HEAD: 1}, {})
    champion_store.decide(shop, None, PROMOTED, body, Approval("Ada", "lift", NOON))
    with served(stand_in()):
        yield shop


def findings(shop: Settings) -> list[str]:
    """Return what `repricer verify` says, but of the bytes of models: a stand-in has none."""
    checked = verify(shop)["findings"]
    return [finding["finding"] for finding in checked if finding["check"] != "bytes of the champion"]


@pytest.mark.slow
def test_a_list_is_published_and_taken_back_and_a_changed_entry_is_named(shop: Settings) -> None:
    first = published(shop)["list"]
    assert pointed(shop) == first
    second = published(shop)["list"]
    assert pointed(shop) == second
    withdraw(shop)
    assert pointed(shop) == first
    entered = ["published", "took_effect"]
    assert kinds(shop) == ["promoted", *entered, *entered, "withdrawn"]
    assert findings(shop) == []
    postgres.execute(str(shop.track.uri), TAMPER)
    assert any(finding.startswith("entry 2 of the ledger was changed") for finding in findings(shop))
    with pytest.raises(LedgerError, match="entry 2 of the ledger was changed"):
        published(shop)
    assert pointed(shop) == first, "nothing was changed"
