"""Whose list it is: the champion's, a draft, or, by force, a draft of a version that failed its gates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.operations.draft import ShopTables
from tasks.operations.recommend import Order, Recommended, recommend
from tasks.pricing.greedy import Greedy
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import champion_aliases, track, verified_models
from tasks.runtime.tables import TableError
from tests.operations.promotions import VERSIONS, promote
from tests.pricing.small_market import gainful_weights, group_of, model_of, shop_rules

FAILED = VERSIONS + 1


@pytest.fixture(autouse=True)
def policy(monkeypatch: pytest.MonkeyPatch) -> PolicyModel:
    """Stand in for the policy of every version."""
    free = shop_rules(index_week=np.inf, index_season=np.inf)
    model = model_of(group_of([20.0] * 3, whole=0.5), free, Greedy(gainful_weights()))
    market = model.market.assign(date=pd.Timestamp("2025-01-05"), name="Tea", category="tea", currency="EUR")
    stand_in = replace(model, market=market)
    served = SimpleNamespace(unwrap_python_model=lambda: SimpleNamespace(policy=stand_in))
    monkeypatch.setattr(verified_models, "load", lambda *_: served)
    return stand_in


def listed(shop: Settings, version: int | None, folder: Path, *, force: bool = False) -> Recommended:
    order = Order(out=str(folder / "list.csv"), version=version, force=force, seed=1)
    return recommend.fn(shop, order, ShopTables(), None)


def statuses(folder: Path) -> set[str]:
    return set(pd.read_csv(folder / "list.csv")["status"])


def test_a_list_of_a_version_that_nobody_promoted_is_a_draft_on_every_row(
    shop: Settings, tmp_path: Path
) -> None:
    recommended = listed(shop, 2, tmp_path)
    assert recommended["status"] == "DRAFT"
    assert statuses(tmp_path) == {"DRAFT"}
    assert recommended["week"] == "2025-01-06", "the day after the training"
    table = pd.read_csv(tmp_path / "list.csv")
    assert table["expected_gain"].sum() == pytest.approx(recommended["gain"])
    assert (recommended["objective"], recommended["currency"]) == ("profit", "EUR")


def test_only_the_list_of_the_champion_is_no_draft(shop: Settings, tmp_path: Path) -> None:
    promote(shop, 2)
    assert listed(shop, None, tmp_path)["status"] == "CHAMPION"
    assert statuses(tmp_path) == {"CHAMPION"}
    assert listed(shop, 1, tmp_path)["status"] == "DRAFT"


def test_a_version_that_failed_its_gates_gives_no_list_and_says_why(shop: Settings, tmp_path: Path) -> None:
    champion_aliases.champion(shop)  # opens the store
    track.tag_version("pricing_policy", FAILED, {"reasons": "trial_lift: it must be > 0 · note: so what"})
    words = rf"version {FAILED}: its verdict is FAIL.*: trial_lift: it must be > 0\. Take.*with --force"
    with pytest.raises(Refused, match=words):
        listed(shop, FAILED, tmp_path)
    assert not (tmp_path / "list.csv").exists()


def test_by_force_it_is_a_draft_of_a_failed_version_on_every_row(shop: Settings, tmp_path: Path) -> None:
    assert listed(shop, FAILED, tmp_path, force=True)["status"] == "DRAFT OF A FAILED VERSION"
    assert statuses(tmp_path) == {"DRAFT OF A FAILED VERSION"}
    assert listed(shop, 1, tmp_path, force=True)["status"] == "DRAFT", "force changes nothing else"


def test_an_unknown_ending_is_refused_before_the_store_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion_aliases, "chosen", lambda *_: pytest.fail("the store was asked"))
    with pytest.raises(TableError, match=r"--out .*list\.doc: .*\.csv, \.xlsx, \.parquet"):
        recommend.fn(Settings(), Order(out=str(tmp_path / "list.doc")), ShopTables(), None)
