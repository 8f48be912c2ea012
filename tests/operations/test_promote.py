"""Promotion and rollback: one row says who is champion, and the aliases follow it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.format import FormatError
from tasks.governance.manifest import Manifest, ManifestError
from tasks.operations.draft import ShopTables
from tasks.operations.explain_price import Question, explain_price
from tasks.operations.recommend import Order, recommend
from tasks.runtime import champion_aliases, champion_store, track, verified_models
from tasks.runtime.moved import ARTIFACTS
from tests.conftest import MODELS
from tests.operations.promotions import (
    VERSIONS,
    as_the_last_release_left_it,
    check,
    ledger,
    promote,
    rollback,
    triple,
)
from tests.runtime.stores import seal_any


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


# --- what runs is what was approved ---


class Loaded(Exception):
    """A checked copy was handed to MLflow, which imports its code."""


@pytest.fixture
def no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice whatever is handed to MLflow to be imported."""
    import mlflow.pyfunc

    assert mlflow.pyfunc.PyFuncModel, "MLflow reads this module when it is first used, over what is patched"

    def load(folder: str) -> None:
        raise Loaded((Path(folder) / "artifacts" / "text.txt").read_text(encoding="utf-8"))

    monkeypatch.setattr("mlflow.pyfunc.load_model", load)


def without_manifests(shop: Settings) -> None:
    """Let all versions of a shop be older than manifests."""
    for name in MODELS:
        champion_store.forget_manifests(shop, name)


def folder_of(shop: Settings, name: str, version: int) -> Path:
    """Return the folder of the version of a model that belongs to a version of the policy."""
    return Path(shop.data_folder) / ARTIFACTS / f"{name}-{version}"


LISTS: dict[str, Callable[[Settings, Path], object]] = {
    "recommend": lambda shop, folder: recommend.fn(
        shop, Order(out=str(folder / "list.csv")), ShopTables(), None
    ),
    "explain price": lambda shop, _: explain_price(shop, Question(product="1"), ShopTables()),
    "off-policy": lambda shop, _: champion_aliases.load_model(shop, "pricing_policy", "champion"),
}


@pytest.mark.parametrize("command", sorted(LISTS))
def test_an_alias_set_by_hand_makes_no_champion(
    command: str, shop: Settings, tmp_path: Path, no_import: None
) -> None:
    track.set_alias("pricing_policy", "champion", VERSIONS + 1)
    with pytest.raises(Refused, match="who is champion is not known: the aliases point to"):
        LISTS[command](shop, tmp_path)
    promoted_before(VERSIONS + 1, "champion", "2026-02-01T10:00:00+00:00")
    with pytest.raises(Refused, match="pricing_policy version 4 is not PASS"):
        LISTS[command](shop, tmp_path)
    for name, number in triple(VERSIONS + 1).items():
        track.tag_version(name, number, {"verdict": "PASS"})
    with pytest.raises(Refused, match="the ledger has no entry that made it champion"):
        LISTS[command](shop, tmp_path)
    assert ledger(Path(shop.data_folder)) == []
    promote(shop, 2)
    with pytest.raises(Loaded, match="pricing_policy 2"):
        LISTS[command](shop, tmp_path)
    track.set_alias("pricing_policy", "champion", VERSIONS + 1)
    with pytest.raises(Refused, match="pricing_policy points to version 4, which has no approval"):
        LISTS[command](shop, tmp_path)


def test_a_candidate_alias_on_a_version_that_failed_is_refused(shop: Settings, no_import: None) -> None:
    track.set_alias("pricing_policy", "candidate", VERSIONS + 1)
    with pytest.raises(Refused, match="pricing_policy version 4: its verdict is FAIL, only PASS"):
        champion_aliases.chosen(shop, "pricing_policy", None)
    track.tag_version("pricing_policy", VERSIONS + 1, {"verdict": "PASS"})
    with pytest.raises(ManifestError, match="tag verdict: expected FAIL, found PASS"):
        champion_aliases.chosen(shop, "pricing_policy", None)
    track.set_alias("pricing_policy", "candidate", VERSIONS)
    with pytest.raises(Loaded, match="pricing_policy 3"):
        champion_aliases.chosen(shop, "pricing_policy", None)


def test_a_verdict_changed_by_hand_is_not_promoted(shop: Settings) -> None:
    for name, number in triple(VERSIONS + 1).items():
        track.tag_version(name, number, {"verdict": "PASS"})
    with pytest.raises(ManifestError, match="demand version 5 is not what was registered: tag verdict"):
        promote(shop, VERSIONS + 1)
    assert ledger(Path(shop.data_folder)) == []


@pytest.mark.parametrize("name", MODELS)
def test_changed_bytes_are_neither_promoted_nor_gone_back_to_nor_recommended_from(
    name: str, shop: Settings, no_import: None
) -> None:
    promote(shop, 1)
    promote(shop, 2)
    for version in (1, 2, 3):
        text = folder_of(shop, name, version) / "artifacts" / "text.txt"
        text.write_text("0.1 of it", encoding="utf-8")
    changed = r"is not what was registered: artifacts/text\.txt: expected \d+ bytes of .*, found 9 bytes"
    for command in (lambda: promote(shop, 3), lambda: rollback(shop)):
        with pytest.raises(ManifestError, match=f"{name} version .* {changed}"):
            command()
    with pytest.raises(ManifestError, match=f"{name} version {triple(2)[name]} {changed}"):
        champion_aliases.chosen(shop, name, None)
    assert check(Path(shop.data_folder))["pricing_policy"] == 2


def test_a_version_registered_anew_under_its_number_is_not_the_approved_one(
    shop: Settings, no_import: None
) -> None:
    promote(shop, 1)
    promote(shop, 2)
    for version in (1, 2):
        (folder_of(shop, "demand", version) / "artifacts" / "text.txt").write_text("anew", encoding="utf-8")
    champion_store.forget_manifests(shop, "demand")
    for version in (1, 2):
        seal_any(shop, "demand", triple(version)["demand"])
    not_approved = r"demand version \d of the champion, .* is not what was approved: expected the manifest"
    with pytest.raises(ManifestError, match=not_approved):
        champion_aliases.chosen(shop, "demand", None)
    with pytest.raises(ManifestError, match=not_approved):
        rollback(shop)
    assert promote(shop, 2)["champion"] == triple(2), "a person may approve what there is now"
    with pytest.raises(Loaded, match="anew"):
        champion_aliases.chosen(shop, "demand", None)


def test_a_champion_older_than_manifests_is_promoted_once_more_before_it_is_used(
    shop: Settings, no_import: None
) -> None:
    promote(shop, 1)
    promote(shop, 2)
    as_the_last_release_left_it(shop, manifests=False)
    for number in (None, 2):  # a list of version 2 would say CHAMPION
        with pytest.raises(
            ManifestError, match=r"approved before its files were recorded: .* `repricer promote --version 2"
        ):
            champion_aliases.chosen(shop, "pricing_policy", number)
    promote(shop, 2)
    with pytest.raises(Loaded, match="pricing_policy 2"):
        champion_aliases.chosen(shop, "pricing_policy", None)
    with pytest.raises(Refused, match="version 2 is champion already"):
        promote(shop, 2)


def test_a_rollback_approves_a_version_that_is_older_than_manifests(shop: Settings, no_import: None) -> None:
    promote(shop, 1)
    promote(shop, 2)
    as_the_last_release_left_it(shop, manifests=False)
    rollback(shop)
    with pytest.raises(Loaded, match="pricing_policy 1"):
        champion_aliases.chosen(shop, "pricing_policy", None)


def test_a_promotion_that_another_person_overtook_writes_no_manifest(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_manifests(shop)
    promote(shop, 1)
    verified = verified_models.verified

    def overtaken(*arguments: Any) -> list[Manifest]:
        monkeypatch.setattr(verified_models, "verified", verified)
        promote(shop, 3, "Bob")
        return verified(*arguments)

    monkeypatch.setattr(verified_models, "verified", overtaken)
    with pytest.raises(Refused, match="the champion is now version 3"):
        promote(shop, 2)
    assert not verified_models.is_sealed(shop, "demand", triple(2)["demand"])
    assert verified_models.is_sealed(shop, "demand", triple(3)["demand"])


# --- a shop that promoted before there was a ledger ---


def promoted_before(version: int, alias: str, at: str) -> None:
    """Set aliases and tags as promotions did that kept no ledger."""
    for name, number in triple(version).items():
        track.set_alias(name, alias, number)
        track.tag_version(name, number, {"promoted_by": "Eve", "promoted_reason": "lift", "promoted_at": at})


def test_aliases_that_belong_together_are_adopted_with_the_one_before(shop: Settings) -> None:
    without_manifests(shop)
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
    without_manifests(shop)
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
