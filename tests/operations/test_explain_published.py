"""A published price is explained from the inputs that are stored with its list, to the same cent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import mlflow
import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.operations.draft import ShopTables
from tasks.operations.explain_price import Question
from tasks.operations.explain_published import explain_published
from tasks.runtime.published_lists import ListError
from tasks.runtime.publishing_due import bring_up
from tests.operations.promotions import promote
from tests.operations.publishing import (
    forget_lists,
    loosened,
    pointed,
    promotions,
    published,
    rows,
    served,
    stand_in,
)


@pytest.fixture
def listed(shop: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Yield a shop with two varied lists; p0 is on promotion in the second."""
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        wide = loosened(shop)
        variation = wide.price.variation.model_copy(update={"share": 0.5, "size": 0.01})
        varied = wide.model_copy(update={"price": wide.price.model_copy(update={"variation": variation})})
        published(varied, seed=5)
        published(varied, promotions(tmp_path), seed=6)
        yield varied


def test_every_published_price_comes_out_again_whatever_was_published_since(listed: Settings) -> None:
    first = sorted(path.parent.name for path in Path(listed.data_folder).glob("published/*/list.parquet"))
    bring_up(listed, rows(listed)["effective_until"].dropna().iloc[0])
    for name in first:
        table = rows(listed, name).set_index("product_id")
        assert (table["price"] != table["reference_price"]).any(), "a list that holds proves nothing"
        for product, row in table.iterrows():
            why = explain_published(listed, name, Question(product=str(product)))
            assert (why["list"], why["recommended"]) == (name, row["price"])
            assert why["price"] == row["reference_price"]
            assert why["version"] == 1
    name = str(pointed(listed))
    assert name not in first
    assert explain_published(listed, "in_force", Question(product="p0"))["recommended"] == 1.5


def test_a_list_or_product_that_is_not_there_is_named(listed: Settings, tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"nothing: there is no such list\. Published: 20.*, or in_force"):
        explain_published(listed, "nothing", Question(product="p0"))
    path = tmp_path / "rules.csv"
    pd.DataFrame({"scope": ["product"], "name": ["p1"], "minimum_advertised_price": [5.0]}).to_csv(
        path, index=False
    )
    name = published(listed, ShopTables(rules=str(path)))["list"]
    with pytest.raises(Refused, match=f"list {name} has no price of 'p1' in 'all': it was left out"):
        explain_published(listed, name, Question(product="p1"))


def test_a_command_that_has_opened_no_store_explains_from_that_of_the_list(
    listed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri("")
    monkeypatch.setattr(mlflow, "set_tracking_uri", set_uri := Mock(wraps=mlflow.set_tracking_uri))
    explain_published(listed, "in_force", Question(product="p0"))
    set_uri.assert_called_with(opened)


def test_a_list_whose_bytes_changed_is_not_explained(listed: Settings) -> None:
    place = Path(listed.data_folder) / "published" / str(pointed(listed)) / "inputs" / "prices.parquet"
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(ListError, match=r"inputs/prices\.parquet: hash mismatch"):
        explain_published(listed, "in_force", Question(product="p0"))
