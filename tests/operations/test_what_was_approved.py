"""What runs is what was approved: nothing is promoted, gone back to or recommended from otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.manifest import Manifest, ManifestError
from tasks.operations.draft import ShopTables
from tasks.operations.explain_price import Question, explain_price
from tasks.operations.recommend import Order, recommend
from tasks.runtime import champion_aliases, champion_store, track, verified_models
from tasks.runtime.moved import ARTIFACTS
from tasks.runtime.track.model_files import registered_version
from tests.conftest import MODELS
from tests.operations.promotions import (
    VERSIONS,
    as_the_last_release_left_it,
    check,
    ledger,
    promote,
    promoted_before,
    rollback,
    triple,
    without_manifests,
)
from tests.runtime.stores import seal_any


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
    with pytest.raises(Refused, match="who is champion is not known: the alias champion points to"):
        LISTS[command](shop, tmp_path)
    promoted_before(VERSIONS + 1, "champion", "2026-02-01T10:00:00+00:00")
    with pytest.raises(Refused, match="repricer adopt --version 4"):
        LISTS[command](shop, tmp_path)
    for name, number in triple(VERSIONS + 1).items():
        track.tag_version(name, number, {"verdict": "PASS"})
    with pytest.raises(Refused, match="no entry of the ledger made it champion"):
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
    assert not is_sealed(shop, "demand", triple(2)["demand"])
    assert is_sealed(shop, "demand", triple(3)["demand"])


def is_sealed(shop: Settings, name: str, version: int) -> bool:
    """Return whether a version has a manifest."""
    run_id = registered_version(name, version).run_id
    return champion_store.manifest_of(shop, name, version, run_id) is not None
