"""A version that the last release registered still loads after the upgrade, and answers as before."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.champion import Unresolved
from tasks.governance.manifest import ManifestError
from tasks.operations.draft import ShopTables
from tasks.operations.explain_price import Question, explain_price
from tasks.operations.promote import adopt, promote
from tasks.operations.recommend import Order, recommend
from tasks.pricing.price_list import in_force
from tasks.runtime import champion_store, track, verified_models
from tasks.runtime.moved import ARTIFACTS
from tests.runtime.stores import seal_any, smallest_folder
from tests.stages.test_market import dated_policy

BEFORE = Path(__file__).parent / "registered_before"
NAMES = ("pricing_policy", "price_response")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder as the last release left it: versions of format 2 with manifests."""
    folder = tmp_path_factory.mktemp("upgraded")
    settings = Settings(profile="smoke", data_folder=str(folder))
    store = track.open_store(settings)
    smallest_folder(folder / ARTIFACTS / "demand", "demand", "any")
    for name in (*NAMES, "demand"):
        if name in NAMES:
            shutil.copytree(BEFORE / name, folder / ARTIFACTS / name)
        tags = {"format": "2", "verdict": "PASS", "demand_version": "1", "price_response_version": "1"}
        store.create_registered_model(name)
        store.create_model_version(name, (folder / ARTIFACTS / name).as_uri(), tags=tags)
        seal_any(settings, name, 1)
    return folder


@pytest.fixture
def upgraded(template: Path, tmp_path: Path) -> Settings:
    """Return the settings of a copy of that data folder."""
    settings = Settings(profile="smoke", data_folder=str(shutil.copytree(template, tmp_path / "data")))
    track.open_store(settings)
    return settings


def answer(settings: Settings, name: str, rows: pd.DataFrame) -> pd.DataFrame:
    model: Any = verified_models.load(settings, name, 1)
    return model.predict(rows)


def artifacts(settings: Settings) -> Path:
    return Path(settings.data_folder) / ARTIFACTS


def test_it_answers_as_before(upgraded: Settings) -> None:
    policy = dated_policy()
    rows = in_force(policy)
    expected = policy.recommend(rows)
    prices = answer(upgraded, "pricing_policy", rows)
    pd.testing.assert_frame_equal(prices[["price", "step", "reason"]], expected, rtol=1e-12)
    elasticity = answer(upgraded, "price_response", pd.DataFrame({"product_id": ["007", "8"]}))
    assert elasticity["elasticity"].tolist()[0] == -1.5
    assert elasticity["identified"].tolist() == [True, False]


def test_it_is_recommended_explained_and_promoted(upgraded: Settings, tmp_path: Path) -> None:
    promote.fn(upgraded, 1, "Ada", "it was good before the upgrade")
    listed = recommend.fn(upgraded, Order(out=str(tmp_path / "list.csv")), ShopTables(), None)
    assert (listed["version"], listed["status"], listed["products"]) == (1, "CHAMPION", 6)
    explained = explain_price(upgraded, Question(product="p1"), ShopTables())
    assert sum(row["chosen"] for row in explained["ladder"]) == 1


def test_as_the_champion_of_before_the_ledger_it_is_recommended_once_a_person_has_adopted_it(
    upgraded: Settings, tmp_path: Path
) -> None:
    for name in (*NAMES, "demand"):
        track.set_alias(name, "champion", 1)
    order = Order(out=str(tmp_path / "list.csv"))
    with pytest.raises(Unresolved, match="repricer adopt --version 1 "):
        recommend.fn(upgraded, order, ShopTables(), None)
    adopt(upgraded, 1, "Ada", "it was champion before the upgrade")
    listed = recommend.fn(upgraded, order, ShopTables(), None)
    assert (listed["version"], listed["status"]) == (1, "CHAMPION")


def test_without_a_manifest_its_one_file_of_code_is_known(upgraded: Settings) -> None:
    for name in NAMES:
        champion_store.forget_manifests(upgraded, name)
    assert len(answer(upgraded, "pricing_policy", in_force(dated_policy()))) == 6
    with (artifacts(upgraded) / "price_response" / "response.py").open("a", encoding="utf-8") as file:
        file.write("raise SystemExit\n")
    with pytest.raises(ManifestError, match=r"no manifest, .* response\.py: expected SHA-256 \w+, found"):
        answer(upgraded, "price_response", pd.DataFrame({"product_id": ["007"]}))


def test_a_folder_of_code_beside_its_file_is_foreign(upgraded: Settings) -> None:
    champion_store.forget_manifests(upgraded, "pricing_policy")
    folder = artifacts(upgraded) / "pricing_policy"
    (folder / "code").mkdir()
    (folder / "code" / "numpy.py").write_text("raise SystemExit\n", encoding="utf-8")
    description = (folder / "MLmodel").read_text(encoding="utf-8")
    (folder / "MLmodel").write_text(description.replace("code: null", "code: code"), encoding="utf-8")
    with pytest.raises(
        ManifestError, match=r"files of no known use: code/numpy\.py; MLmodel: code is 'code'"
    ):
        answer(upgraded, "pricing_policy", in_force(dated_policy()))
