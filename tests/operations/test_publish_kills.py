"""A publication that is killed anywhere leaves a whole list in force, and a ledger that verifies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conf import Settings
from tests.operations.promotions import promote
from tests.operations.publish_kills import torn_by_kills
from tests.operations.publishing import forget_lists, loosened, published, served, stand_in

KILLS = int(os.environ.get("PUBLISH_KILLS", "10"))  # of each command


@pytest.mark.slow
@pytest.mark.parametrize("command", ["publish", "withdraw"])
def test_a_command_killed_anywhere_leaves_the_old_list_or_the_new_one(
    shop: Settings, tmp_path: Path, command: str
) -> None:
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        for _ in range(2):
            published(loosened(shop))
        torn = torn_by_kills(loosened(shop), tmp_path, command, KILLS, seed=17)
    assert not torn, f"(step, what was torn) of {len(torn)} faults: {torn}"
