"""Whose list it is: the champion's, a draft, or, by force, a draft of a version that failed its gates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from conf.settings import Variation
from expectations.refusals import DataError
from tasks.governance.approval import Refused
from tasks.operations import recommend as operation
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


def test_a_list_is_wholly_of_the_version_pinned_at_its_start_and_says_so(
    shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(shop, 1)
    loaded, load, next_list = list[tuple[str, int]](), verified_models.load, operation.next_list

    def noted(settings: Settings, name: str, version: int, *rest: Any) -> Any:
        loaded.append((name, version))
        return load(settings, name, version, *rest)

    def slowly(*arguments: Any, **named: Any) -> Any:
        promote(shop, 2, "Bob")
        return next_list(*arguments, **named)

    monkeypatch.setattr(verified_models, "load", noted)
    monkeypatch.setattr(operation, "next_list", slowly)
    recommended = listed(shop, None, tmp_path)
    assert champion_aliases.version_of(shop, "pricing_policy", "champion") == 2
    assert loaded == [("pricing_policy", 1)]
    assert recommended["version"] == 1
    assert set(pd.read_csv(tmp_path / "list.csv")["version"]) == {1}


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


def test_a_list_of_an_old_champion_says_so_and_a_draft_of_another_version_does_not(
    shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(shop, 2)
    assert listed(shop, None, tmp_path)["warnings"] == []
    for days, words in (
        (29, "the champion is old: version 2 was"),
        (92, "too old, nothing of it is published"),
    ):
        at = datetime.now(UTC) - timedelta(days=days, hours=1)
        monkeypatch.setattr(verified_models, "registered_at", lambda *_, at=at: at)
        (warning,) = listed(shop, None, tmp_path)["warnings"]
        assert words in warning
        assert f"trained {days} days ago" in warning
    assert listed(shop, 1, tmp_path)["warnings"] == []


def test_an_unknown_ending_is_refused_before_the_store_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion_aliases, "chosen", lambda *_: pytest.fail("the store was asked"))
    with pytest.raises(TableError, match=r"--out .*list\.doc: .*\.csv, \.xlsx, \.parquet"):
        recommend.fn(Settings(), Order(out=str(tmp_path / "list.doc")), ShopTables(), None)


def without_index(shop: Settings) -> Settings:
    """Return settings whose price index may move as far as any may: the policy's rules have none."""
    wide = shop.price.guard.model_copy(update={"index_week": 0.2, "index_season": 0.5})
    return shop.model_copy(update={"price": shop.price.model_copy(update={"guard": wide})})


def listed_by(shop: Settings, folder: Path, **tables: str) -> tuple[Recommended, pd.DataFrame]:
    out = folder / "list.parquet"
    recommended = recommend.fn(
        without_index(shop), Order(out=str(out), version=1, seed=1), ShopTables(**tables), None
    )
    return recommended, pd.read_parquet(out)


def rules(folder: Path, **columns: object) -> str:
    path = folder / "rules.csv"
    pd.DataFrame({"scope": "product", **columns}, index=[0]).to_csv(path, index=False)
    return str(path)


def test_every_row_says_action_rule_and_reason_and_the_list_whether_it_may_be_published(
    shop: Settings, tmp_path: Path
) -> None:
    recommended, table = listed_by(shop, tmp_path)
    moved = np.where(table["price"] > 2.0, "raise", np.where(table["price"] < 2.0, "lower", "hold"))
    assert table["action"].tolist() == moved.tolist()
    assert table["binding_rule"].eq("").all()
    assert table["reason"].str.len().gt(0).all()
    assert (recommended["guarded"], recommended["left_out"]) == (0, [])
    assert recommended["publishable"] == (not recommended["hindrances"])


def test_a_rule_of_the_table_is_in_the_list_and_in_what_it_is_expected_to_earn(
    shop: Settings, tmp_path: Path
) -> None:
    free, _ = listed_by(shop, tmp_path)
    fixed = rules(tmp_path, name="p1", fixed_price=2.0)
    recommended, table = listed_by(shop, tmp_path, rules=fixed)
    row = table.set_index("product_id").loc["p1"]
    assert (row["price"], row["action"]) == (2.0, "hold")
    assert recommended["gain"] == pytest.approx(table["expected_gain"].sum(), abs=0.01)
    assert recommended["gain"] != free["gain"]
    assert recommended["strangers"] == []


def test_a_product_whose_price_in_force_breaks_a_hard_rule_is_left_out_and_reported(
    shop: Settings, tmp_path: Path
) -> None:
    outside = rules(tmp_path, name="p1", minimum_advertised_price=5.0)
    recommended, table = listed_by(shop, tmp_path, rules=outside)
    assert "p1" not in set(table["product_id"])
    assert recommended["products"] == len(table) == 2
    assert recommended["left_out"][0].startswith(
        "p1 in all: Left out: the price in force breaks the rule minimum advertised price."
    )


def test_a_loosened_rule_without_a_name_and_a_rule_of_nothing_are_not_silent(
    shop: Settings, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"rules\.csv, row 1, column step: 0\.2.*approved_by"):
        listed_by(shop, tmp_path, rules=rules(tmp_path, name="p1", step=0.2))
    recommended, _ = listed_by(shop, tmp_path, rules=rules(tmp_path, name="p9", step=0.01))
    assert recommended["strangers"] == ["product 'p9'"]


def test_the_list_keeps_the_band_of_the_price_index_whatever_the_policy_wants(
    shop: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "list.parquet"
    recommended = recommend.fn(shop, Order(out=str(out), version=1, seed=1), ShopTables(), None)
    table = pd.read_parquet(out)
    assert (table["price"] == 2.0).all()
    assert set(table["binding_rule"]) == {"price index"}
    assert set(table["reason"]) == {"Held: keeps the price index of the list inside its band."}
    assert (recommended["hold"], recommended["guarded"], recommended["gain"]) == (3, 3, 0.0)


def test_a_varied_list_stays_inside_the_rules(shop: Settings, tmp_path: Path) -> None:
    wide = without_index(shop)
    varied = wide.model_copy(
        update={
            "guard": shop.guard.model_copy(update={"least_price": 1.95, "most_price": 2.04}),
            "price": wide.price.model_copy(update={"variation": Variation(share=0.5, size=0.02)}),
        }
    )
    for seed in range(20):
        out = tmp_path / "varied.parquet"
        recommend.fn(varied, Order(out=str(out), version=1, seed=seed), ShopTables(), None)
        table = pd.read_parquet(out)
        assert table["price"].between(1.95, 2.04).all()
        assert (table["action"] == "hold").equals(table["price"] == table["reference_price"])
