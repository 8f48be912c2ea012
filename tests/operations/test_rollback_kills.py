"""A rollback that is killed anywhere leaves one champion."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf import Settings
from tests.operations.kills import torn_by_kills


@pytest.mark.slow
def test_a_rollback_killed_anywhere_leaves_one_champion_at_the_next_command(
    warm: Settings, promoted: Path, tmp_path: Path
) -> None:
    torn = torn_by_kills("rollback", warm, promoted, tmp_path / "count")
    assert not torn, f"(write, what was torn) of {len(torn)} kills: {torn}"
