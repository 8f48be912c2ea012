"""Publishing while something is wrong: nothing new leaves, and the list in force stays as it is, whole."""

from __future__ import annotations

import hashlib
import logging
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.manifest import ManifestError
from tasks.operations import publications
from tasks.pricing.greedy import WeightError
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import verified_models
from tasks.runtime.moved import ARTIFACTS
from tasks.runtime.publishing import LOCK
from tests.conftest import ROOT, environment
from tests.operations.promotions import close_connections, promote
from tests.operations.publish_kills import STEPS, faults, keep, restore
from tests.operations.publishing import (
    forget_lists,
    kinds,
    loosened,
    pointed,
    published,
    root,
    rows,
    served,
    stand_in,
)


@pytest.fixture
def publishing(shop: Settings) -> Settings:
    """Return the settings of a shop whose list is in force."""
    forget_lists(shop)
    promote(shop, 1)
    with served(stand_in()):
        published(loosened(shop))
    return loosened(shop)


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder; every writer leaves a token of its own."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != LOCK)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_reader_finds_at_every_step_the_old_list_or_the_new_one_whole(
    publishing: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, seen, torn = pointed(publishing), list[str | None](), list[str]()

    def look() -> None:
        seen.append(pointed(publishing))
        torn.extend(faults(publishing))

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            look()
            answer = original(*arguments, **named)
            look()
            return answer

        return call

    for module, name in STEPS:
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    with served(stand_in()):
        new = published(publishing)["list"]
    assert not torn
    assert len(seen) > 20, "it is looked at between all writes"
    assert list(dict.fromkeys(seen)) == [old, new], "never none, and never the old one again"


def champion_files(shop: Settings) -> Path:
    return Path(shop.data_folder) / ARTIFACTS / "pricing_policy-1" / "artifacts" / "text.txt"


def flipped(file: Path, _: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def truncated(file: Path, _: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def swapped(file: Path, other: Path) -> None:
    file.write_bytes(other.read_bytes())


def deleted(file: Path, _: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("fault", [flipped, truncated, swapped, deleted])
def test_bytes_of_the_champion_that_were_not_approved_publish_nothing(
    fault: Callable[[Path, Path], None], publishing: Settings
) -> None:
    mismatch = r"text\.txt: expected \d+ bytes of SHA-256 \w{64}, found (\d+ bytes of SHA-256 \w{64}|no such)"
    file, before = champion_files(publishing), digests(root(publishing))
    content = file.read_bytes()
    fault(file, Path(str(file).replace("pricing_policy-1", "pricing_policy-2")))
    try:
        with pytest.raises(ManifestError, match=f"pricing_policy version 1 .*{mismatch}"):
            published(publishing)
    finally:
        file.write_bytes(content)
    assert digests(root(publishing)) == before


def test_a_champion_with_weights_that_are_not_finite_publishes_nothing(
    publishing: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, policy = digests(root(publishing)), stand_in()
    kernel = dict(policy.policy.weights)
    name = next(iter(kernel))

    def load(*_: object) -> Any:
        kernel[name] = np.full_like(kernel[name], np.nan)
        return type(policy.policy)(kernel)

    monkeypatch.setattr(verified_models, "load", load)
    with pytest.raises(WeightError, match="must be finite"):
        published(publishing)
    assert digests(root(publishing)) == before


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_where_no_price_of_the_policy_is_a_number_every_price_is_held(
    number: float, publishing: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(publishing)["price"].tolist()
    policy, recommend = stand_in(), PolicyModel.recommend

    def unsound(*arguments: Any, **named: Any) -> pd.DataFrame:
        return recommend(*arguments, **named).assign(price=number)

    with served(policy):
        monkeypatch.setattr(PolicyModel, "recommend", unsound)
        published(publishing)
    table = rows(publishing)
    assert table["price"].tolist() == before
    assert set(table["action"]) == {"hold"}
    assert table["reason"].str.contains("the wanted price is no finite amount").all()


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let the champion be so many days old."""

    def age(days: int) -> None:
        at = datetime.now(UTC) - timedelta(days=days, hours=1)
        monkeypatch.setattr(verified_models, "registered_at", lambda *_: at)

    with served(stand_in()):
        yield age


def test_an_old_champion_is_published_with_a_warning_and_one_that_is_too_old_not_at_all(
    publishing: Settings, aged: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "repricer")
    published(publishing)
    aged(28)
    published(publishing)
    assert "champion is old" not in caplog.text
    aged(29)
    published(publishing)
    assert "the champion is old: version 1 was trained 29 days ago" in caplog.text
    before = digests(root(publishing))
    aged(92)
    with pytest.raises(Refused, match=r"too old, nothing was published: version 1 was trained 92 days ago"):
        published(publishing)
    assert digests(root(publishing)) == before


def test_a_product_named_like_a_path_or_a_formula_stays_a_name(publishing: Settings, tmp_path: Path) -> None:
    names = ["../../../outside", "/etc/outside", "=cmd|' /C calc'!A0"]
    policy = stand_in()
    policy = replace(policy, market=policy.market.assign(product_id=names, store_id="../..", name="<script>"))
    folder = Path(publishing.data_folder)
    around = {path.name for path in folder.parent.iterdir()}
    with served(policy):
        done = published(publishing)
    assert rows(publishing)["product_id"].tolist() == names, "exact in Parquet"
    csv = (root(publishing) / done["list"] / "list.csv").read_text(encoding="utf-8")
    assert not [cell for cell in csv.replace("\n", ",").split('","') if cell.strip('"')[:1] in set("=+-@")]
    assert {path.name for path in folder.parent.iterdir()} == around, "nothing outside of the data folder"
    assert not (tmp_path / "outside").exists()


@pytest.mark.slow
def test_a_switch_that_is_thrown_at_any_step_of_a_publication_lets_no_new_list_in(
    publishing: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(publishing, tmp_path)
    old = pointed(publishing)
    for step in range(0, 200, 5):
        restore(publishing, tmp_path)
        close_connections()
        with monkeypatch.context() as patch, served(stand_in()), suppress(Refused):
            thrown = thrown_at(step, publishing, patch)
            published(publishing)
        if not thrown:
            assert step > 20, "it is thrown between all writes"
            return
        if "took_effect" not in thrown:
            assert pointed(publishing) == old, f"the switch came before step {step}"
        assert not faults(publishing), step
        with pytest.raises(Refused, match="stopped"), served(stand_in()):
            published(publishing)
    pytest.fail("the publication has no end")


def thrown_at(step: int, shop: Settings, patch: pytest.MonkeyPatch) -> list[str]:
    """Throw the switch before a step of what follows, and note then what the new list has in the ledger."""
    reached, known, thrown = 0, len(kinds(shop)), list[str]()

    def before(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal reached
            reached += 1
            if reached == step + 1:
                thrown.extend(["thrown", *kinds(shop)[known:]])
                publications.switch(shop, "Eve", "prices of tea are wrong", stop=True)
            return original(*arguments, **named)

        return call

    for module, name in STEPS:
        patch.setattr(module, name, before(getattr(module, name)))
    return thrown


def test_the_list_before_is_back_in_one_command_of_less_than_five_seconds(publishing: Settings) -> None:
    first, before = pointed(publishing), digests(root(publishing))
    with served(stand_in()):
        published(publishing)
    close_connections()
    signed = ("--by", "Ada", "--reason", "prices of tea are wrong")
    store = ("--profile", "smoke", "--set", f"data_folder={publishing.data_folder}")
    command = [sys.executable, "-m", "flows.cli", "withdraw", *signed, *store]
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert pointed(publishing) == first
    assert before.items() <= digests(root(publishing)).items(), "byte for byte"
    seconds = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    assert seconds < 5, "of a processor, for a machine of tests does other things too"
