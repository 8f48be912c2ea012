"""Promotion and rollback: one row says who is champion, and the aliases follow it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.format import FormatError
from tasks.runtime import champion_aliases, track
from tests.conftest import MODELS
from tests.operations.promotions import VERSIONS, check, ledger, promote, rollback, triple


def test_promote_and_rollback_say_who_is_champion_and_who_was(shop: Settings) -> None:
    folder = Path(shop.data_folder)
    first, second = promote(shop, 1), promote(shop, 2, "Bob")
    assert (first["champion"], first["previous"], first["number"]) == (triple(1), dict.fromkeys(MODELS), 1)
    assert (second["champion"], second["previous"], second["number"], second["by"]) == (
        triple(2),
        triple(1),
        2,
        "Bob",
    )
    assert check(folder)["by"] == "Bob"
    back = rollback(shop)
    assert (back["champion"], back["previous"], back["number"]) == (triple(1), triple(2), 3)
    assert check(folder)["action"] == "rolled_back_to"
    assert rollback(shop)["champion"] == triple(2), "a second rollback undoes the first"
    check(folder)


def test_what_may_not_be_promoted_leaves_no_row(shop: Settings) -> None:
    with pytest.raises(Refused, match="there is no previous champion"):
        rollback(shop)
    with pytest.raises(Refused, match="its verdict is FAIL, only PASS is promotable"):
        promote(shop, VERSIONS + 1)
    with pytest.raises(Refused, match="there is no such version"):
        promote(shop, 99)
    promote(shop, 1)
    with pytest.raises(Refused, match="version 1 is champion already"):
        promote(shop, 1)
    assert len(ledger(Path(shop.data_folder))) == 1


def test_an_alias_moved_by_hand_is_put_back_with_a_warning(
    shop: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    promote(shop, 1)
    promote(shop, 2)
    track.set_alias("demand", "champion", triple(3)["demand"])
    track.drop_alias("price_response", "previous")
    with caplog.at_level("WARNING", logger="repricer"):
        champion = champion_aliases.champion(shop)
    assert champion is not None
    assert champion.versions == triple(2)
    assert "demand: the alias champion pointed to 4, not 3; it is put back." in caplog.text
    assert "price_response: the alias previous pointed to None, not 3; it is put back." in caplog.text
    check(Path(shop.data_folder))


def test_the_champion_is_read_from_the_ledger_and_not_from_the_alias(shop: Settings) -> None:
    assert champion_aliases.version_of(shop, "demand", "champion") is None
    promote(shop, 1)
    track.set_alias("demand", "champion", triple(3)["demand"])
    assert champion_aliases.version_of(shop, "demand", "champion") == triple(1)["demand"]


def test_a_champion_whose_version_was_deleted_is_refused_until_another_is_promoted(shop: Settings) -> None:
    promote(shop, 1)
    track.open_store(shop).delete_model_version("demand", str(triple(1)["demand"]))
    with pytest.raises(
        Refused,
        match=r"version 1 \(by Ada, .* no longer has demand version 2.*repricer promote --version N",
    ):
        champion_aliases.champion(shop)
    promote(shop, 2)
    with pytest.raises(Refused, match="demand version 2: there is no such version"):
        rollback(shop)


# --- a shop that promoted before there was a ledger ---


def promoted_before(version: int, alias: str, at: str) -> None:
    """Set aliases and tags as promotions did that kept no ledger."""
    for name, number in triple(version).items():
        track.set_alias(name, alias, number)
        track.tag_version(name, number, {"promoted_by": "Eve", "promoted_reason": "lift", "promoted_at": at})


def test_aliases_that_belong_together_are_adopted_with_the_one_before(shop: Settings) -> None:
    promoted_before(1, "previous", "2026-01-01T10:00:00+00:00")
    promoted_before(2, "champion", "2026-02-01T10:00:00+00:00")
    champion = champion_aliases.champion(shop)
    assert champion is not None
    assert str(champion) == "version 2 (by Eve, 2026-02-01 10:00:00 UTC)"
    check(Path(shop.data_folder))
    assert rollback(shop)["champion"] == triple(1)


@pytest.mark.parametrize(
    ("tear", "message"),
    [
        (lambda: track.set_alias("demand", "champion", 4), "pricing_policy 2 belongs to demand 3"),
        (lambda: track.drop_alias("price_response", "champion"), "price_response has no champion"),
        (lambda: track.tag_version("demand", 3, {"promoted_by": ""}), "demand has no readable promoted_by"),
        (
            lambda: track.tag_version("demand", 3, {"promoted_by": "Mallory"}),
            "the three were not approved by one decision",
        ),
        (lambda: track.tag_version("demand", 3, {"verdict": "FAIL"}), "demand version 3 is not PASS"),
    ],
)
def test_a_mixture_is_not_adopted_and_a_promotion_settles_it(
    shop: Settings, tear: Callable[[], None], message: str
) -> None:
    promoted_before(2, "champion", "2026-02-01T10:00:00+00:00")
    tear()
    with pytest.raises(
        Refused, match=f"who is champion is not known.*{message}.*repricer promote --version N"
    ):
        champion_aliases.chosen(shop, "pricing_policy", None)
    assert ledger(Path(shop.data_folder)) == []
    promote(shop, 3)
    assert check(Path(shop.data_folder))["pricing_policy"] == 3


def test_a_champion_of_an_older_format_is_neither_recommended_from_nor_gone_back_to(shop: Settings) -> None:
    promote(shop, 1)
    promote(shop, 2)
    for version in (1, 2):
        track.tag_version("pricing_policy", version, {"format": "0"})
    with pytest.raises(FormatError, match=r"pricing_policy version 2 has format 0; .*`repricer retrain`"):
        champion_aliases.chosen(shop, "pricing_policy", None)
    with pytest.raises(FormatError, match="pricing_policy version 1 has format 0"):
        rollback(shop)
    assert check(Path(shop.data_folder))["pricing_policy"] == 2
    promote(shop, 3)
    assert check(Path(shop.data_folder))["pricing_policy"] == 3
