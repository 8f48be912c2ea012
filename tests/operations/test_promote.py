"""Promotion and rollback: one row says who is champion, and the aliases follow it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.format import FormatError
from tasks.runtime import champion_aliases, champion_store, ledger_store, track
from tests.conftest import MODELS
from tests.operations.promotions import (
    VERSIONS,
    check,
    ledger,
    promote,
    promoted_before,
    rollback,
    triple,
    without_manifests,
)


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


def test_aliases_that_a_killed_command_left_are_put_right_with_a_warning(
    shop: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    promote(shop, 1)
    promote(shop, 2)
    track.tag_version("pricing_policy", 2, {champion_aliases.FOLLOWED: "1 of before"})
    track.set_alias("demand", "champion", triple(1)["demand"])
    track.drop_alias("price_response", "previous")
    with caplog.at_level("WARNING", logger="repricer"):
        champion = champion_aliases.champion(shop)
    assert champion is not None
    assert champion.versions == triple(2)
    assert "demand: the alias champion pointed to 2, not 3; it is put back." in caplog.text
    assert "price_response: the alias previous pointed to None, not 3; it is put back." in caplog.text
    check(Path(shop.data_folder))


@pytest.mark.parametrize("name", MODELS)
def test_an_alias_moved_by_hand_is_refused_until_a_person_decides(name: str, shop: Settings) -> None:
    promote(shop, 1)
    promote(shop, 2)
    track.set_alias(name, "champion", triple(1)[name])
    refusal = (
        rf"champion of {name} points to version {triple(1)[name]}, which has no approval: .*repricer adopt"
    )
    for _ in range(2):
        with pytest.raises(Refused, match=refusal):
            champion_aliases.champion(shop)
    assert track.aliases(name)["champion"] == triple(1)[name], "nobody decided, so nothing is moved"
    assert promote(shop, 2)["champion"] == triple(2), "to keep the champion is a decision"
    assert check(Path(shop.data_folder))["number"] == 3


def test_who_was_overtaken_reads_by_whom_and_decides_again_and_both_are_in_the_ledger(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(shop, 1)
    decide = champion_store.decide

    def overtaken(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(champion_store, "decide", decide)
        promote(shop, 2, "Bob")
        return decide(*arguments, **options)

    monkeypatch.setattr(champion_store, "decide", overtaken)
    with pytest.raises(Refused, match=r"the champion is now version 2 \(by Bob, 20"):
        promote(shop, 3, "Ada")
    assert promote(shop, 3, "Ada")["champion"] == triple(3)
    assert [entry.approval.by for entry in ledger_store.entries(shop)] == ["Ada", "Bob", "Ada"]


def test_an_alias_of_the_champion_before_or_taken_away_names_nothing_unapproved(shop: Settings) -> None:
    promote(shop, 1)
    promote(shop, 2)
    track.set_alias("demand", "previous", triple(3)["demand"])
    track.drop_alias("price_response", "champion")
    assert champion_aliases.version_of(shop, "demand", "champion") == triple(2)["demand"]
    check(Path(shop.data_folder))


def test_the_champion_is_read_from_the_ledger_and_not_from_the_alias(shop: Settings) -> None:
    assert champion_aliases.version_of(shop, "demand", "champion") is None
    promote(shop, 1)
    track.set_alias("demand", "champion", triple(3)["demand"])
    champion = champion_store.newest(shop)
    assert champion is not None
    assert champion.versions == triple(1)
    with pytest.raises(Refused, match="champion of demand points to version 4, which has no approval"):
        champion_aliases.version_of(shop, "demand", "champion")


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


@pytest.mark.parametrize(
    ("tear", "remedy"),
    [
        (lambda: track.set_alias("demand", "champion", 4), "repricer adopt --version 2 "),
        (lambda: track.drop_alias("price_response", "champion"), "repricer adopt --version 2 "),
        (lambda: track.drop_alias("pricing_policy", "champion"), "settle it, promote a version: "),
    ],
)
def test_aliases_of_a_shop_without_a_ledger_name_no_champion_and_a_promotion_settles_it(
    shop: Settings, tear: Callable[[], None], remedy: str
) -> None:
    without_manifests(shop)
    promoted_before(2, "champion", "2026-02-01T10:00:00+00:00")
    tear()
    with pytest.raises(
        Refused, match=f"who is champion is not known.*{remedy}.*repricer promote --version N"
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
