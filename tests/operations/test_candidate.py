"""`candidate` names three versions of one retraining, wherever the process that moved it was killed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from conf import Settings
from tasks.runtime import track
from tasks.runtime.candidate_aliases import nominate
from tasks.runtime.champion_aliases import champion, version_of
from tests.conftest import MODELS
from tests.operations.promotions import aliases, promote, triple


class Killed(BaseException):
    """The process ends here."""


def nominated(settings: Settings) -> dict[str, int | None]:
    """Return the candidate of every model, as any of our commands sees it."""
    return {name: version_of(settings, name, "candidate") for name in MODELS}


def killed_in(count: int, version: int) -> None:
    """Nominate a version in a process that dies after some aliases."""
    set_alias, calls = track.set_alias, [0]

    def deadly(name: str, alias: str, number: int) -> None:
        if calls[0] == count:
            raise Killed
        calls[0] += 1
        set_alias(name, alias, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(track, "set_alias", deadly)
        with pytest.raises(Killed):
            nominate(triple(version))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_kill_between_the_aliases_never_splits_the_candidate(shop: Settings, count: int) -> None:
    nominate(triple(1))
    killed_in(count, 2)
    assert nominated(shop) == triple(2 if count else 1)
    nominate(triple(2))
    assert nominated(shop) == triple(2)


def test_every_command_puts_a_split_candidate_back(shop: Settings, caplog: pytest.LogCaptureFixture) -> None:
    nominate(triple(1))
    killed_in(1, 2)
    with caplog.at_level(logging.WARNING, "repricer"):
        assert champion(shop) is None
    assert "demand: the alias candidate pointed to 2, not 3; it is put back." in caplog.text
    assert {name: track.aliases(name)["candidate"] for name in MODELS} == triple(2)
    caplog.clear()
    champion(shop)
    assert not caplog.text


def test_a_promotion_leaves_the_candidate_where_it_is(shop: Settings) -> None:
    nominate(triple(3))
    promote(shop, 1)
    assert nominated(shop) == triple(3)
    assert aliases(Path(shop.data_folder)) == {"champion": triple(1)}


def test_an_alias_without_pins_is_left_alone(shop: Settings) -> None:
    track.tag_version("pricing_policy", 1, {"demand_version": ""})
    track.set_alias("pricing_policy", "candidate", 1)
    track.set_alias("demand", "candidate", 1)
    assert champion(shop) is None
    assert track.aliases("demand") == {"candidate": 1}
