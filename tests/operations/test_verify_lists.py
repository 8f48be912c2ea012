"""Whatever is changed in a published list, `verify` names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings, load
from tasks.operations.verify import verify
from tasks.runtime import publishing
from tasks.runtime.guard_rules import guard_hash
from tasks.runtime.published_lists import Write
from tasks.runtime.publishing_due import bring_up
from tests.operations.promotions import promote
from tests.operations.publishing import (
    forget_lists,
    loosened,
    pointed,
    promotions,
    published,
    root,
    rows,
    served,
    stand_in,
)

CHECKS = ("files of published lists", "guards of published lists", "list in force", "published prices")
NONE: Mapping[str, Write] = {}


@pytest.fixture
def listed(shop: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Yield a shop with two lists, a promotion in the one in force."""
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        published(loosened(shop))
        published(loosened(shop), promotions(tmp_path))
        yield loosened(shop)


def findings(shop: Settings) -> list[str]:
    return [finding["finding"] for finding in verify(shop)["findings"] if finding["check"] in CHECKS]


def folder(shop: Settings) -> Path:
    return root(shop) / str(pointed(shop))


def test_what_was_published_is_sound_and_comes_out_again_to_the_cent(listed: Settings) -> None:
    assert findings(listed) == []
    end = rows(listed)["effective_until"].dropna().iloc[0]
    bring_up(listed, end)
    assert findings(listed) == [], "also after its promotion has ended"


@pytest.mark.parametrize(
    "name", ["list.parquet", "list.csv", "manifest.json", "inputs/prices.parquet", "inputs/settings.json"]
)
@pytest.mark.parametrize("how", ["flipped", "shorter", "gone", "swapped"])
def test_a_file_that_changed_is_named(listed: Settings, name: str, how: str) -> None:
    path = folder(listed) / name
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "swapped":
        other = next(place for place in root(listed).glob("2*") if place != folder(listed))
        path.write_bytes((other / name).read_bytes() + b" " * (name == "inputs/settings.json"))
    else:
        path.write_bytes(content[:-1] if how == "shorter" else bytes([content[0] ^ 1]) + content[1:])
    (found,) = findings(listed)
    assert str(path) in found
    assert ("the file is gone" if how == "gone" else "hash mismatch: expected") in found


def test_a_file_that_is_not_of_the_list_is_named(listed: Settings) -> None:
    (folder(listed) / "extra.csv").write_text("price\n1\n")
    assert findings(listed) == [f"{folder(listed) / 'extra.csv'}: this file is not of the list"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"list": "x", "manifest": "y"}', None])
def test_a_pointer_that_changed_is_named_and_the_next_command_puts_it_right(
    listed: Settings, content: bytes | None
) -> None:
    path, name = root(listed) / "in_force.json", pointed(listed)
    path.unlink() if content is None else path.write_bytes(content)
    (found,) = findings(listed)
    assert "this is no pointer" in found or f"by the ledger {name} is in force" in found
    bring_up(listed)
    assert pointed(listed) == name
    assert findings(listed) == []


def test_a_price_that_does_not_come_out_again_is_named(listed: Settings) -> None:
    with served(stand_in()):
        forged(listed)
    (found,) = findings(listed)
    assert "p1 in all (default)" in found
    assert "(published against computed again)" in found


def test_rules_that_were_loosened_in_the_stored_inputs_are_named(listed: Settings) -> None:
    manifest = json.loads((folder(listed) / "manifest.json").read_text())
    assert len(manifest["guard_hash"]) == 64
    loosened_rules = json.loads((folder(listed) / "inputs/settings.json").read_text())
    loosened_rules["guard"]["margin_floor"] = 0.5

    def write(path: Path) -> None:
        path.write_text(json.dumps(loosened_rules))

    with served(stand_in()):
        forged(listed, {"inputs/settings.json": write}, guard_hash=manifest["guard_hash"])
    (of_guard,) = [text for text in findings(listed) if "guard" in text]
    assert f"its guard has the hash {manifest['guard_hash']}" in of_guard


@pytest.mark.parametrize(
    "change", [{"margin_floor": 0.1}, {"least_price": 0.5}, {"endings": ["99"]}, {"margins_agreed_by": "Eve"}]
)
def test_every_rule_is_in_the_hash_of_the_guard(change: dict[str, object]) -> None:
    parameters = load("smoke", []).model_dump(mode="json")
    same = {**parameters, "guard": {**parameters["guard"], "rules": "elsewhere.csv"}, "seed": 8}
    assert guard_hash(same, None) == guard_hash(parameters, None), "where the table lies is no rule"
    assert guard_hash(parameters, b"scope,name") != guard_hash(parameters, None)
    changed = {**parameters, "guard": {**parameters["guard"], **change}}
    assert guard_hash(changed, None) != guard_hash(parameters, None)


def forged(shop: Settings, others: Mapping[str, Write] = NONE, **about: object) -> None:
    """Publish, past the command, a list in which a price is not the policy's, and perhaps other inputs."""
    before = publishing.standing(shop)
    last = before.lists.last
    table = rows(shop)
    table.loc[1, "price"] += 0.01
    place = folder(shop)
    manifest = json.loads((place / "manifest.json").read_text())
    names = [name for name in manifest["files"] if name.startswith("inputs/")]
    inputs = {name: partial(shutil.copyfile, place / name) for name in names}
    wanted = publishing.NewList(
        rows=table,
        effective=pd.Timestamp.now("UTC").to_pydatetime(),
        follows=last.root,
        inputs={**inputs, **others},
        about={**{name: manifest[name] for name in ("versions", "seed", "today", "zone")}, **about},
        agreed={},
    )
    publishing.publish(shop, wanted, before.entries[-1].approval, lambda _: None)
    bring_up(shop)
