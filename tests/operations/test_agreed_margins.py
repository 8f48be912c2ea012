"""Floors on assumed margins rest on those that the version carries, and to which a person agreed by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.operations.compare import compare
from tasks.operations.explain_price import Question, explain_price
from tasks.operations.recommend import Order, Recommended, recommend
from tasks.operations.verify import verify
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import ledger_store
from tests.operations.promotions import promote
from tests.operations.publishing import NONE, forget_lists, loosened, published, rows, served, stand_in
from tests.pricing.small_market import known_slopes

CARRIED = {"(all others)": 0.3, "tea": 0.04}


def assumed(margin: float = 0.04) -> PolicyModel:
    """Return a policy whose costs are assumed: tea at a margin, the last product at that of all others."""
    model = stand_in()
    costs = 2.0 * (1 - np.array([margin, margin, 0.3]))
    columns = {"unit_cost": costs, "cost_assumed": True, "category": ["tea", "tea", "bread"]}
    return replace(model, market=model.market.assign(**columns))


def back(margin: float) -> PolicyModel:
    """Return a policy of such costs that takes the rises of ``assumed`` back."""
    return replace(assumed(margin), slopes=known_slopes([60.0], [60.0]))


def stating(shop: Settings, margin: float) -> Settings:
    """Return the settings that state a margin of tea."""
    return shop.model_copy(update={"price": shop.price.model_copy(update={"margins": {"tea": margin}})})


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    forget_lists(shop)
    with served(assumed()):
        promote(shop, 1)
        yield stating(loosened(shop), 0.04)


def agreements(shop: Settings) -> list[dict[str, object]]:
    return [dict(entry.body["margins"]) for entry in ledger_store.entries(shop) if entry.kind == "published"]


def test_an_agreement_is_to_the_margins_of_the_version_and_holds_for_the_next_list(
    champion: Settings,
) -> None:
    with pytest.raises(Refused, match=r"3 prices move without a known cost"):
        published(champion)
    published(champion, agree_margins=True)
    published(champion, by="Bob")
    first, second = agreements(champion)
    assert (first["agreed_by"], first["margins"]) == ("Ada", CARRIED)
    assert second == first, "it is Ada's agreement still"
    assert len(str(first["digest"])) == 64
    wrong = [found for found in verify(champion)["findings"] if found["check"] == "published prices"]
    assert wrong == [], "the stored settings say who agreed"


def test_a_setting_that_changed_after_the_agreement_is_refused_with_both_named(champion: Settings) -> None:
    published(champion, agree_margins=True)
    words = r"trained with the margins \(all others\) 30 %, tea 4 %, and the settings .* say .*tea 20 %"
    for agree in (False, True):
        with pytest.raises(Refused, match=words):
            published(stating(champion, 0.2), agree_margins=agree)


def test_a_version_with_other_margins_needs_a_new_agreement(champion: Settings) -> None:
    published(champion, agree_margins=True)
    other = stating(champion, 0.03)
    with served(back(0.03)):
        words = r"Ada agreed to the margins .*tea 4 %, and the champion carries .*tea 3 %: --agree-margins"
        with pytest.raises(Refused, match=words):
            published(other)
        published(other, by="Bob", agree_margins=True)
    assert agreements(champion)[-1]["agreed_by"] == "Bob"


def test_a_name_in_the_settings_agrees_only_where_the_ledger_has_no_agreement(champion: Settings) -> None:
    guard = champion.guard.model_copy(update={"margins_agreed_by": "Eve"})
    named = champion.model_copy(update={"guard": guard})
    published(named)
    assert agreements(champion)[0]["agreed_by"] == "Eve"
    with served(back(0.03)), pytest.raises(Refused, match="Eve agreed to the margins"):
        published(stating(named, 0.03))


def test_known_costs_need_no_agreement(champion: Settings) -> None:
    with served(stand_in()):
        published(stating(champion, 0.2), agree_margins=True)
    entry = next(entry for entry in ledger_store.entries(champion) if entry.kind == "published")
    assert entry.body["margins"] is None


def drafted(shop: Settings, folder: Path) -> tuple[Recommended, pd.DataFrame]:
    out = folder / "draft.parquet"
    return recommend.fn(shop, Order(out=str(out), seed=1), NONE, None), pd.read_parquet(out)


def test_a_draft_rests_on_the_agreement_of_the_ledger_as_the_next_list_does(
    champion: Settings, tmp_path: Path
) -> None:
    guard = champion.guard.model_copy(update={"margin_floor": 0.08})
    floored = champion.model_copy(update={"guard": guard})
    assert not drafted(floored, tmp_path)[0]["publishable"], "nobody agreed yet"
    published(floored, agree_margins=True)
    with served(back(0.04)):
        done, draft = drafted(floored, tmp_path)
        explained = explain_price(floored, Question(product="p0"), NONE)
        compared = compare.fn(floored, version=2)
        published(floored)
    assert (done["publishable"], done["hindrances"]) == (True, [])
    assert draft["price"].tolist() == rows(champion)["price"].tolist()
    assert explained["recommended"] == draft["price"][0] == 2.1, "2.00 is below the floor: 1.92 and 8 % of it"
    assert compared["list"]["candidate"]["gain"] == pytest.approx(done["gain"], abs=0.01)


def test_a_draft_says_that_the_agreement_is_to_other_margins(champion: Settings, tmp_path: Path) -> None:
    published(champion, agree_margins=True)
    done, _ = drafted(stating(champion, 0.2), tmp_path)
    assert not done["publishable"]
    assert "the settings (`price.margins`" in done["hindrances"][-1]
    with served(back(0.03)):
        done, _ = drafted(stating(champion, 0.03), tmp_path)
    assert not done["publishable"]
    assert "Ada agreed to the margins" in done["hindrances"][-1]
