"""A comparison asks both policies for one list, keeps its report with the version, and escapes every name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.operations.approve import LEAVE, PROMOTE, Answer, decide
from tasks.operations.compare import compare
from tasks.operations.comparison.pages import as_html, as_markdown
from tasks.operations.comparison.records import Compared
from tasks.operations.comparison.tables import tables
from tasks.operations.comparison.words import decision
from tasks.operations.promote import promote as promote_task
from tasks.pricing.greedy import Greedy
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import champion_aliases, track, verified_models
from tests.operations.promotions import promote
from tests.pricing.small_market import gainful_weights, group_of, model_of, shop_rules

HOSTILE = "<script>alert(1)</script>|[x](y)"


@pytest.fixture(autouse=True)
def policies(monkeypatch: pytest.MonkeyPatch) -> dict[int, PolicyModel]:
    """Stand in for the policies of versions: one moves prices, the other holds every price."""
    free = shop_rules(index_week=np.inf, index_season=np.inf)
    mover = model_of(group_of([20.0, 30.0, 10.0], whole=0.5), free, Greedy(gainful_weights()))
    columns = {"date": pd.Timestamp("2025-01-05"), "category": ["tea", HOSTILE, "tea"], "currency": "EUR"}
    mover = replace(mover, market=mover.market.assign(name=["Tea", HOSTILE, "Bread"], **columns))
    weights = {name: 0.0 * weight for name, weight in gainful_weights().items()}
    holder = replace(mover, policy=Greedy(weights), market=mover.market.iloc[:2])
    holder = replace(holder, slopes=mover.slopes)
    versions = {1: holder, 2: mover, 3: mover}
    monkeypatch.setattr(
        verified_models,
        "load",
        lambda _settings, _name, version, *_: SimpleNamespace(
            unwrap_python_model=lambda: SimpleNamespace(policy=versions[version])
        ),
    )
    return versions


@pytest.fixture
def shop(shop: Settings) -> Settings:
    """Return a shop whose price index may move: of few products, any move is one of the index."""
    guard = shop.price.guard.model_copy(update={"index_week": 0.5, "index_season": 0.9})
    return shop.model_copy(update={"price": shop.price.model_copy(update={"guard": guard})})


def compared(shop: Settings, version: int | None = None, **more: Any) -> Compared:
    return compare.fn(shop, version, **more)


def test_without_a_champion_the_list_is_beside_the_prices_in_force(shop: Settings) -> None:
    result = compared(shop, 2)
    assert result["champion"] is None
    assert result["list"]["up"] + result["list"]["down"] > 0
    assert result["list"]["difference"] == result["list"]["candidate"]
    assert "There is no champion yet." in decision(result)[0]
    assert [row["before"] for row in result["list"]["largest"]] == [2.0] * len(result["list"]["largest"])


def test_both_policies_price_the_catalogue_of_the_candidate(shop: Settings) -> None:
    promote(shop, 1)
    result = compared(shop, 2)
    assert (result["candidate"]["name"], (result["champion"] or {}).get("name")) == (
        "version 2",
        "champion version 1",
    )
    assert result["list"]["prices"] == 3
    assert result["unknown"] == 1, "the champion was not trained on p2, so it holds its price"
    assert [row["before"] for row in result["list"]["largest"]] == [2.0] * len(result["list"]["largest"])
    assert any("does not know 1 of the products" in sentence for sentence in decision(result))


def test_two_versions_with_one_policy_differ_in_nothing(shop: Settings) -> None:
    result = compared(shop, 3, champion=2)
    assert (result["list"]["same"], result["list"]["largest"]) == (3, [])
    assert result["list"]["difference"]["gain"] == 0.0
    assert "version 2" in decision(result)[1]
    assert "champion version 2" not in as_markdown(result), "nobody promoted it"


def test_a_version_is_not_compared_with_itself(shop: Settings) -> None:
    promote(shop, 2)
    with pytest.raises(
        Refused, match=r"version 2 would be compared with itself: it is champion. Name another"
    ):
        compared(shop, 2)
    with pytest.raises(track.ModelError, match="there is no candidate"):
        compared(shop)


def test_the_report_loads_nothing_and_escapes_every_name(shop: Settings, tmp_path: Path) -> None:
    result = compared(shop, 2, html=str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    assert page == as_html(result)
    assert "<script" not in page
    assert "&lt;script&gt;" in page, "the name is there, as text"
    assert not re.search(r"(src|href)=|url\(|@import", page), "the page would load something"
    for table in tables(result):
        assert all(len(row) == len(table.head) for row in table.rows), table.title
    markdown = as_markdown(result)
    assert "<script" not in markdown.replace("\\<", "")
    assert "\\|\\[x\\](y)" in markdown, "no name ends a cell or becomes a link"


@pytest.mark.parametrize("decided", [PROMOTE, LEAVE])
def test_an_answer_does_what_it_says_of_the_version_that_was_compared(
    shop: Settings, decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operations.approve.promote", promote_task.fn)
    result = decide(shop, answer(decision=decided))
    champion = champion_aliases.champion(shop)
    if decided == PROMOTE:
        assert champion is not None
        assert (champion.versions["pricing_policy"], champion.approval.by) == (2, "Ada")
        assert (result["promoted"] or {}).get("reason") == "looked at the list"
    else:
        assert champion is None
        assert (result["promoted"], result["refused"]) == (None, "")


def test_an_answer_is_refused_where_another_champion_was_made_or_a_gate_failed(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operations.approve.promote", promote_task.fn)
    assert "its verdict is FAIL, only PASS is promotable" in decide(shop, answer(version=4))["refused"]
    promote(shop, 1)
    refused = decide(shop, answer())["refused"]
    assert "version 2 was compared with the prices in force, and the champion is now version 1" in refused
    champion = champion_aliases.champion(shop)
    assert champion is not None
    assert champion.versions["pricing_policy"] == 1, "nothing was changed"
    assert decide(shop, answer(replaces=1))["promoted"] is not None


def answer(**changes: Any) -> Answer:
    given = {"decision": PROMOTE, "by": "Ada", "reason": "looked at the list", "version": 2, "replaces": 0}
    return Answer(**{**given, **changes})  # type: ignore[typeddict-item]
