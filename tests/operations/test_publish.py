"""Publishing: the champion's list or nothing, from its moment on, taken back in one command."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Approval, Refused
from tasks.governance.local_time import LocalTimeError
from tasks.governance.published_rows import price_at
from tasks.operations import publications
from tasks.operations import publish as operation
from tasks.operations.draft import ShopTables
from tasks.operations.verify import verify
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import ledger_store, publishing, publishing_switch
from tasks.runtime.publishing_due import bring_up
from tasks.runtime.track import StoreError
from tests.conftest import ROOT, environment
from tests.operations.promotions import promote
from tests.operations.publishing import (
    forget_lists,
    kinds,
    loosened,
    pointed,
    promotions,
    published,
    root,
    rows,
    served,
    stand_in,
    withdraw,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def policy(shop: Settings) -> Iterator[PolicyModel]:
    forget_lists(shop)
    model = stand_in()
    with served(model):
        yield model


@pytest.fixture
def champion(shop: Settings) -> Settings:
    promote(shop, 1)
    return loosened(shop)


def later(days: float = 1) -> str:
    return (datetime.now(UTC) + days * DAY).isoformat(timespec="minutes")


def test_only_the_champions_list_is_published(shop: Settings) -> None:
    with pytest.raises(Refused, match="nobody was promoted"):
        published(shop)
    promote(shop, 2)
    done = published(loosened(shop))
    assert (done["version"], done["in_force"], done["products"]) == (2, True, 3)
    assert pointed(shop) == done["list"]
    assert rows(shop)["pricing_policy"].unique().tolist() == [2]
    assert rows(shop)["demand"].unique().tolist() == [3], "of one approval"
    assert kinds(shop)[-2:] == ["published", "took_effect"]
    entry = ledger_store.entries(shop)[-2]
    assert (entry.approval.by, entry.approval.reason) == ("Ada", "weekly list")


def test_a_list_says_what_it_changes_and_why(champion: Settings) -> None:
    published(champion)
    table = rows(champion)
    assert table["reference_price"].tolist() == [2.0] * 3
    assert (table["price"] != 2.0).any()
    assert set(table["action"]) <= {"raise", "lower", "hold"}
    assert table["reason"].str.len().min() > 0
    assert set(table["currency"]) == {"EUR"}
    csv = (root(champion) / str(pointed(champion)) / "list.csv").read_text()
    assert csv.startswith('"name","category","product_id"')


def test_the_manifest_counts_the_rows_of_the_list_and_no_product_that_was_left_out(
    champion: Settings, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.csv"
    rules.write_text("scope,name,least_price\nproduct,p0,3.0\n")
    done = published(champion, ShopTables(rules=str(rules)))
    assert [text[:2] for text in done["left_out"]] == ["p0"]
    manifest = json.loads((root(champion) / done["list"] / "manifest.json").read_text())
    assert manifest["rows"] == len(rows(champion)) == 2


def test_a_list_beyond_the_limits_of_the_guard_publishes_nothing(shop: Settings) -> None:
    promote(shop, 1)
    with pytest.raises(Refused, match=r"draft, nothing was published: breaker: the mean change"):
        published(shop)
    assert (pointed(shop), kinds(shop)) == (None, ["promoted"])


def test_a_named_person_publishes_beyond_the_breaker_and_the_ledger_says_so(shop: Settings) -> None:
    promote(shop, 1)
    tight = shop.model_copy(update={"price": loosened(shop).price})
    with pytest.raises(Refused, match=r"breaker: the mean change .*--override-breaker publishes beyond"):
        published(tight)
    done = published(tight, by="Bob", reason="everything is dearer", override_breaker=True)
    entry = next(entry for entry in ledger_store.entries(shop) if entry.kind == "published")
    assert (entry.approval.by, entry.approval.reason) == ("Bob", "everything is dearer")
    assert entry.body["breaker_overridden"][0].startswith(
        "breaker: the mean change of the wanted prices is +"
    )
    assert pointed(shop) == done["list"]
    moved = rows(shop)["price"] / rows(shop)["reference_price"]
    assert moved.max() <= 1.05 + 1e-9, "the step of every price holds"
    with pytest.raises(Refused, match=r"within all limits of `guard\.breaker`, so there is nothing"):
        published(tight, override_breaker=True)


def test_an_override_of_the_breaker_overrides_nothing_else(shop: Settings) -> None:
    promote(shop, 1)
    policy = stand_in()
    assumed = replace(policy, market=policy.market.assign(cost_assumed=True))
    tight = shop.model_copy(update={"price": loosened(shop).price})
    with (
        served(assumed),
        pytest.raises(Refused, match=r"nothing was published: 3 prices move without"),
    ):
        published(tight, override_breaker=True)
    assert published(loosened(shop))["in_force"]
    entry = next(entry for entry in ledger_store.entries(shop) if entry.kind == "published")
    assert entry.body["breaker_overridden"] == []


def test_a_champion_that_changes_while_the_list_is_computed_keeps_it_here(
    champion: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_list = operation.next_list

    def slowly(*arguments: Any, **named: Any) -> Any:
        promote(champion, 2, "Bob")
        return next_list(*arguments, **named)

    monkeypatch.setattr(operation, "next_list", slowly)
    with pytest.raises(Refused, match=r"champion is now version 2 \(by Bob"):
        published(champion)
    assert pointed(champion) is None
    assert not list(root(champion).glob("2*")), "nothing of the list is left"


def test_of_two_that_publish_at_once_the_second_is_refused(
    champion: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_list, first = operation.next_list, []

    def slowly(*arguments: Any, **named: Any) -> Any:
        if not first:
            first.append(True)
            published(champion, by="Bob")
        return next_list(*arguments, **named)

    monkeypatch.setattr(operation, "next_list", slowly)
    with pytest.raises(Refused, match="computed from the prices of no list; meanwhile"):
        published(champion)
    assert kinds(champion).count("published") == 1


def test_a_list_waits_for_its_moment_in_the_zone_of_the_shop(champion: Settings) -> None:
    local = (pd.Timestamp.now("Europe/Berlin") + pd.Timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    done = published(champion, effective=local)
    assert (done["in_force"], done["effective"][:16]) == (False, local)
    assert publications.due(champion)["waiting"][0]["list"] == done["list"]
    assert pointed(champion) is None
    at = datetime.fromisoformat(done["effective"])
    assert bring_up(champion, at - timedelta(minutes=1)) == []
    assert [entry.kind for entry in bring_up(champion, at)] == ["took_effect"]
    assert pointed(champion) == done["list"]
    assert bring_up(champion, at) == [], "doing what is due again changes nothing"


@pytest.mark.parametrize(("effective", "words"), [("2020-01-01T00:00", "has passed"), ("soon", "no date")])
def test_a_moment_that_cannot_be_is_refused_before_anything_is_computed(
    champion: Settings, monkeypatch: pytest.MonkeyPatch, effective: str, words: str
) -> None:
    monkeypatch.setattr(operation, "next_list", lambda *_, **__: pytest.fail("a list was computed"))
    with pytest.raises((Refused, LocalTimeError), match=words):
        published(champion, effective=effective)


def test_the_next_list_starts_from_the_published_prices(champion: Settings) -> None:
    published(champion)
    first = rows(champion)
    published(champion)
    assert rows(champion)["reference_price"].tolist() == first["price"].tolist()


def test_steps_add_up_over_the_publications_of_a_day(champion: Settings) -> None:
    for _ in range(10):
        published(champion)
    moved = rows(champion)["price"] / 2.0
    assert moved.between(1 - 0.05 - 1e-9, 1 + 0.05 + 1e-9).all(), "5 % in seven days, not 5 % ten times"


def test_a_promotion_ends_by_itself_and_also_while_publishing_is_stopped(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    regular = rows(champion).set_index("product_id")["price"]
    published(champion, promotions(tmp_path))
    row = rows(champion).set_index("product_id").loc["p0"]
    assert (row["price"], row["action"], row["price_after"]) == (1.5, "promote", regular["p0"])
    end = row["effective_until"]
    midnight = end.tz_convert("Europe/Berlin")
    assert (midnight.hour, midnight.minute) == (0, 0), "after its last local day"
    publications.switch(champion, "Bob", "storm", stop=True)
    assert bring_up(champion, end - pd.Timedelta(minutes=1)) == []
    assert [entry.kind for entry in bring_up(champion, end)] == ["ended"]
    after = rows(champion).set_index("product_id")
    assert (after.loc["p0", "price"], after.loc["p0", "action"]) == (regular["p0"], "restore")
    assert kinds(champion)[-2:] == ["stopped", "ended"]


def test_a_promotion_that_goes_on_keeps_the_price_before_it(champion: Settings, tmp_path: Path) -> None:
    published(champion)
    regular = rows(champion).set_index("product_id").loc["p0", "price"]
    for days in (0, 3):
        published(champion, promotions(tmp_path, days))
        row = rows(champion).set_index("product_id").loc["p0"]
        assert (row["price"], row["price_after"], row["reference_price"]) == (1.5, regular, regular)
    published(champion, ShopTables(called_off=("p0",)))
    row = rows(champion).set_index("product_id").loc["p0"]
    assert row["reference_price"] == regular
    assert pd.isna(row["price_after"])


def test_a_promotion_at_the_price_in_force_is_refused_because_nobody_knows_what_follows(
    champion: Settings, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=r"1 promotions \(first: p0 in all\).*price after them is not known"):
        published(champion, promotions(tmp_path, price=2.0))


def test_the_switch_stops_publishing_and_a_named_person_lifts_it(champion: Settings) -> None:
    done = published(champion, effective=later())
    assert publications.switch(champion, "Bob", "storm", stop=True)["in_ledger"]
    with pytest.raises(Refused, match=r"stopped by Bob since .*: storm.*--resume"):
        published(champion)
    assert bring_up(champion, datetime.now(UTC) + 2 * DAY) == []
    publications.switch(champion, "Ada", "over", stop=False)
    assert kinds(champion)[-2:] == ["stopped", "resumed"]
    bring_up(champion, datetime.now(UTC) + 2 * DAY)
    assert pointed(champion) == done["list"]


def test_a_switch_that_is_thrown_while_the_list_is_computed_keeps_it_here(
    champion: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_list = operation.next_list

    def slowly(*arguments: Any, **named: Any) -> Any:
        publications.switch(champion, "Bob", "storm", stop=True)
        return next_list(*arguments, **named)

    monkeypatch.setattr(operation, "next_list", slowly)
    with pytest.raises(Refused, match="storm"):
        published(champion)
    assert pointed(champion) is None


def test_the_switch_works_while_the_database_is_down_and_its_entry_follows(
    champion: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise StoreError("the database of the ledger did not answer")

    with monkeypatch.context() as patch:
        patch.setattr(ledger_store, "entries", down)
        patch.setattr(ledger_store, "append", down)
        for stop in (True, False, True):
            switched = publications.switch(champion, "Bob", "storm", stop=stop)
            assert (switched["stopped"], switched["in_ledger"]) == (stop, False)
            assert "did not answer" in switched["note"]
    publications.due(champion)
    assert kinds(champion)[-3:] == ["stopped", "resumed", "stopped"]
    publications.due(champion)
    assert kinds(champion).count("stopped") == 2, "each turn has one entry"


def test_the_switch_stops_a_folder_in_which_nothing_was_ever_trained(tmp_path: Path) -> None:
    settings = Settings(data_folder=str(tmp_path / "new"))
    assert publications.switch(settings, "Bob", "storm", stop=True)["note"] == "there is no ledger yet"
    assert "storm" in publishing_switch.stopped_because(settings, [])
    assert not (tmp_path / "new" / "mlflow.db").exists()


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"turns": [{"kind": "resumed"}]}'])
def test_a_switch_that_was_removed_or_damaged_by_hand_is_still_on(
    champion: Settings, content: bytes | None
) -> None:
    publications.switch(champion, "Bob", "storm", stop=True)
    file = root(champion) / "switch" / "switch.json"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(Refused, match=r"removed by hand|cannot be read"):
        published(champion)
    publications.switch(champion, "Ada", "over", stop=False)
    assert published(champion)["in_force"]


def test_a_file_of_the_switch_from_a_backup_lifts_no_newer_stop(champion: Settings) -> None:
    file = root(champion) / "switch" / "switch.json"
    for stop in (True, False):
        publications.switch(champion, "Bob", "flood", stop=stop)
    backup = file.read_bytes()
    publications.switch(champion, "Bob", "storm", stop=True)
    file.write_bytes(backup)
    refusal = r"stopped by Bob since .*: storm, as the ledger says; .*switch\.json .*backup.*--resume"
    for _ in range(2):
        with pytest.raises(Refused, match=refusal):
            published(champion)
        assert "storm" in publications.due(champion)["stopped"]
    assert kinds(champion)[-3:] == ["stopped", "resumed", "stopped"], "an older turn is not entered again"
    publications.switch(champion, "Ada", "over", stop=False)
    assert published(champion)["in_force"]


def test_a_stop_in_either_place_counts_until_it_is_resumed_also_where_the_clock_was_set_back(
    champion: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publications.switch(champion, "Bob", "storm", stop=True)
    yesterday = Approval("Ada", "over", datetime.now(UTC) - DAY)
    monkeypatch.setattr(publications, "approval", lambda *_: yesterday)
    publications.switch(champion, "Ada", "over", stop=False)
    assert publishing.standing(champion).stopped_because == ""
    publications.switch(champion, "Ada", "over", stop=True)
    assert "stopped by Ada" in publishing.standing(champion).stopped_because
    file = root(champion) / "switch" / "switch.json"
    file.unlink()
    publications.switch(champion, "Ada", "over", stop=False)
    assert publishing.standing(champion).stopped_because == "", "it is dated after the stop in the ledger"


@pytest.mark.parametrize("part", ["kind", "by", "reason", "at", "sha256"])
def test_a_changed_byte_of_the_file_leaves_publishing_stopped_and_is_named(
    champion: Settings, part: str
) -> None:
    for stop in (True, False):
        publications.switch(champion, "Bob", "storm", stop=stop)
    file = root(champion) / "switch" / "switch.json"
    content = bytearray(file.read_bytes())
    content[content.rindex(f'"{part}": "'.encode()) + len(part) + 6] ^= 1
    file.write_bytes(content)
    with pytest.raises(Refused, match=r"switch\.json: the file of the switch cannot be read"):
        published(champion)
    (finding,) = [found for found in verify(champion)["findings"] if found["check"] == "switch"]
    assert f"{file}: the file of the switch cannot be read" in finding["finding"]


def test_taking_back_puts_the_list_before_in_force_byte_for_byte(champion: Settings) -> None:
    first = published(champion)["list"]
    before = digests(champion, first)
    second = published(champion)["list"]
    done = withdraw(champion)
    assert (done["withdrawn"], pointed(champion)) == ([second], first)
    assert digests(champion, first) == before
    assert (root(champion) / second / "list.parquet").exists(), "what was published is kept"
    with pytest.raises(Refused, match=f"no list before {first}"):
        withdraw(champion)
    assert published(champion)["in_force"], "the shop goes on from there"


def digests(shop: Settings, name: str) -> dict[str, str]:
    files = [path for path in (root(shop) / name).rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_taking_back_works_while_publishing_is_stopped_and_a_waiting_list_by_its_name(
    champion: Settings,
) -> None:
    first, second = published(champion)["list"], published(champion)["list"]
    third = published(champion, effective=later())["list"]
    publications.switch(champion, "Bob", "storm", stop=True)
    assert withdraw(champion, third)["in_force"]["list"] == second
    assert withdraw(champion)["in_force"]["list"] == first


def test_taking_back_needs_neither_prefect_nor_mlflow(champion: Settings) -> None:
    first = published(champion)["list"]
    published(champion)
    script = (
        "import sys; from conf import Settings; from tasks.operations.publications import withdraw, switch\n"
        f"shop = Settings(profile='smoke', data_folder={champion.data_folder!r})\n"
        "switch(shop, 'Bob', 'storm', stop=True); done = withdraw(shop, 'Bob', 'wrong')\n"
        "print(done['in_force']['list'], sorted({'mlflow', 'prefect', 'tensorflow'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == f"{first} []", ended.stderr


def test_the_difference_of_two_lists_names_the_rows(champion: Settings, tmp_path: Path) -> None:
    first, second = published(champion)["list"], published(champion)["list"]
    compared = publications.diff(champion, first, "in_force")
    moved = rows(champion, first)["price"] != rows(champion, second)["price"]
    assert len(compared["differing"]) == int(moved.sum())
    assert publications.diff(champion, second, "in_force")["differing"] == []
    draft = tmp_path / "draft.csv"
    rows(champion).assign(price=4.0)[["product_id", "store_id", "price"]].to_csv(draft, index=False)
    change = publications.diff(champion, str(draft), second)["differing"][0]
    assert (change["product_id"], change["price_a"], change["channel"]) == ("p0", 4.0, "default")
    with pytest.raises(publications.ListError, match=f"nothing: there is no such list.*{first}"):
        publications.diff(champion, "nothing", second)


def test_what_was_charged_at_a_moment_is_read_from_the_list_of_that_moment(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion, promotions(tmp_path))
    table = rows(champion)
    end = table["effective_until"].dropna().iloc[0]
    assert price_at(table, end)[0] == table["price_after"][0]
    assert publishing.standing(champion).lists.in_force.ends == (end.to_pydatetime(),)


def test_prices_that_somebody_states_hold_but_for_those_of_promotions(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion, promotions(tmp_path, days=3))
    row = rows(champion).set_index("product_id").loc["p0"]
    stated = {"product_id": ["p0", "p1", "p2"], "price": [1.5, 2.04, 2.0], "unit_cost": [1.0, 1.0, 1.0]}
    pd.DataFrame(stated).to_csv(tmp_path / "prices.csv", index=False)
    published(champion, ShopTables(prices=str(tmp_path / "prices.csv")))
    reference = rows(champion).set_index("product_id")["reference_price"]
    assert reference["p0"] == row["price_after"], "1.50 is the promotion's"
    assert reference["p1"] == 2.04


def test_a_list_of_some_products_is_not_published(champion: Settings, tmp_path: Path) -> None:
    pd.DataFrame({"product_id": ["p0"], "price": [2.0], "unit_cost": [1.0]}).to_csv(
        tmp_path / "prices.csv", index=False
    )
    with pytest.raises(Refused, match=r"2 of 3 products of the catalogue .* \(first: p1 in all\): give all"):
        published(champion, ShopTables(prices=str(tmp_path / "prices.csv")))
    assert publishing.standing(champion).lists.in_force is None
