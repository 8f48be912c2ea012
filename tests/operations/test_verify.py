"""`verify` names the first thing that is not as it was decided, and changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from conf import Settings
from tasks.governance.ledger import LedgerError
from tasks.operations import publications
from tasks.operations.reject import reject
from tasks.operations.verify import CHECKS, verify
from tasks.runtime import champion_aliases, ledger_store, ledger_witness, track
from tasks.runtime.moved import ARTIFACTS
from tests.conftest import MODELS
from tests.operations.promotions import close_connections, promote, restored, rollback, triple
from tests.operations.publishing import published, withdraw


def tampered(shop: Settings, statement: str) -> None:
    """Do to the ledger what its database refuses."""
    with closing(sqlite3.connect(Path(shop.data_folder) / "mlflow.db")) as database, database:
        for action in ("update", "delete"):
            database.execute(f"drop trigger if exists repricer_ledger_no_{action}")
        database.execute(statement)


def findings(shop: Settings) -> list[tuple[str, str]]:
    return [(finding["check"], finding["finding"]) for finding in verify(shop)["findings"]]


def test_a_sound_shop_has_no_findings(shop: Settings) -> None:
    empty = verify(shop)
    assert (empty["entries"], empty["champion"], empty["findings"]) == (0, None, [])
    promote(shop, 1)
    promote(shop, 2)
    verified = verify(shop)
    assert (verified["entries"], verified["findings"]) == (2, [])
    assert str(verified["champion"]).startswith("pricing_policy version 2 (by Ada, ")
    assert verified["checks"] == list(CHECKS)


class Tampering(NamedTuple):
    """What is done to the ledger, and the first bad entry."""

    statement: str
    number: int


TAMPERINGS = {
    **{
        f"{column} of entry {number}": Tampering(
            f"update repricer_ledger set {column} = {value} where number = {number}", number
        )
        for number in (1, 3)
        for column, value in {
            "kind": "'adopted'",
            "body": "replace(body, '1', '2')",
            "by": "'Mallory'",
            "reason": "''",
            "at": "replace(at, '20', '19')",
            "previous": "'0' || substr(previous, 2) || '0'",
            "token": "token + 1",
            "digest": "replace(digest, substr(digest, 1, 1), 'x')",
            "number": "77",
        }.items()
    },
    "first removed": Tampering("delete from repricer_ledger where number = 1", 1),
    "second removed": Tampering("delete from repricer_ledger where number = 2", 2),
    "last removed": Tampering("delete from repricer_ledger where number = 3", 3),
    "all removed": Tampering("delete from repricer_ledger", 3),
    "two swapped": Tampering(
        "update repricer_ledger set (kind, body, by, reason, at) = (select kind, body, by, reason, at from "
        "repricer_ledger as other where other.number = 3 - repricer_ledger.number) where number < 3",
        1,
    ),
    "one appended": Tampering(
        "insert into repricer_ledger select 4, kind, body, by, reason, at, digest, token, digest "
        "from repricer_ledger where number = 3",
        4,
    ),
}


@pytest.fixture(scope="module")
def three(promoted: Path, warm: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the database of three entries, and the witness of the third."""
    close_connections()
    restored(warm, promoted)
    rollback(warm)
    close_connections()
    folder = tmp_path_factory.mktemp("three")
    for file in ("mlflow.db", ledger_witness.FILE):
        shutil.copyfile(Path(warm.data_folder) / file, folder / file)
    return folder


@pytest.fixture
def decided(three: Path, shop: Settings) -> Settings:
    """Return the settings of a shop with three entries."""
    for file in ("mlflow.db", ledger_witness.FILE):
        shutil.copyfile(three / file, Path(shop.data_folder) / file)
    return shop


@pytest.mark.parametrize("name", TAMPERINGS)
def test_the_first_bad_entry_is_named(name: str, decided: Settings) -> None:
    tampered(decided, TAMPERINGS[name].statement)
    check, finding = findings(decided)[0]
    assert check == "chain of the ledger"
    assert finding.startswith(f"entry {TAMPERINGS[name].number} of the ledger "), finding


def test_a_part_of_a_line_that_a_kill_left_is_no_tampering(decided: Settings) -> None:
    with (Path(decided.data_folder) / ledger_witness.FILE).open("a", encoding="ascii") as file:
        file.write("3 " + ledger_store.entries(decided)[2].digest()[:9])
    assert findings(decided) == []


DECISIONS: dict[str, Callable[[Settings], object]] = {
    "promote": lambda shop: promote(shop, 3, "Mallory"),
    "rollback": lambda shop: rollback(shop),
    "recommend": lambda shop: champion_aliases.chosen(shop, "pricing_policy", None),
    "publish": lambda shop: published(shop),
    "publish --due": lambda shop: publications.due(shop),
    "withdraw": lambda shop: withdraw(shop),
    "reject": lambda shop: reject(shop, 3, "Mallory", "why"),
}


@pytest.mark.parametrize("statement", ["delete from repricer_ledger", TAMPERINGS["last removed"].statement])
@pytest.mark.parametrize("command", DECISIONS)
def test_a_ledger_whose_end_is_missing_decides_nothing(
    command: str, statement: str, decided: Settings
) -> None:
    path = Path(decided.data_folder) / ledger_witness.FILE
    number, digest = path.read_text().split()[:2]
    tampered(decided, statement)
    refusal = f"entry {number} of the ledger was written here with SHA-256 {digest}, and the ledger has none"
    with pytest.raises(LedgerError, match=f"{refusal}.* moves {path} away.*Restore its database"):
        DECISIONS[command](decided)


def test_a_ledger_written_anew_is_not_the_one_that_was_seen_here(decided: Settings) -> None:
    path = Path(decided.data_folder) / ledger_witness.FILE
    witness = path.read_text()
    path.unlink()
    tampered(decided, "delete from repricer_ledger")
    promote(decided, 3, "Mallory")
    path.write_text(witness + path.read_text())
    ((check, finding), *_) = findings(decided)
    assert check == "chain of the ledger"
    assert finding.startswith("entry 3 of the ledger was written here with SHA-256 ")
    assert witness.split()[1] in finding
    assert f"moves {path} away" in finding


def test_a_witness_that_cannot_be_read_or_written_is_named_and_what_was_decided_stands(
    shop: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(shop.data_folder) / ledger_witness.FILE
    path.mkdir()
    promote(shop, 1)
    assert "the new entry of the ledger is not witnessed" in caplog.text
    assert len(ledger_store.entries(shop)) == 1, "it stands all the same"
    assert findings(shop) == [
        ("chain of the ledger", f"{path}: the witness of the ledger cannot be read (Is a directory)")
    ]
    path.rmdir()


@pytest.mark.parametrize("position", ["number", "space", "digest", "end"])
def test_a_changed_byte_of_the_witness_is_named(position: str, decided: Settings) -> None:
    path = Path(decided.data_folder) / ledger_witness.FILE
    content = bytearray(path.read_bytes())
    content[{"number": 0, "space": 1, "digest": 9, "end": -1}[position]] ^= 0x80
    path.write_bytes(content)
    assert findings(decided) == [
        (
            "chain of the ledger",
            f"{path}: line 1 was changed: it is no part of a line that was ever written here",
        )
    ]


def test_a_line_after_the_part_that_a_kill_left_is_whole(decided: Settings) -> None:
    path = Path(decided.data_folder) / ledger_witness.FILE
    entries = ledger_store.entries(decided)
    path.write_text(f"1 {entries[0].digest()}\n2 {entries[1].digest()[:9]}")
    promote(decided, 3)
    last = ledger_store.entries(decided)[-1]
    assert path.read_text().endswith(f"\n{last.number} {last.digest()}\n")
    assert findings(decided) == []


def test_a_damaged_manifest_in_the_database_is_named(decided: Settings) -> None:
    tampered(decided, "update repricer_manifests set files = '[' where model = 'demand'")
    assert [(check, finding.partition(" (")[0]) for check, finding in findings(decided)] == [
        ("bytes of the champion", "demand version 2: its manifest in repricer_manifests cannot be read")
    ]


def test_an_alias_that_is_not_where_the_ledger_says_is_named_and_left_there(decided: Settings) -> None:
    track.set_alias("demand", "champion", triple(3)["demand"])
    track.drop_alias("price_response", "previous")
    assert findings(decided) == [
        ("aliases", "demand: the alias champion pointed to 4, not 2"),
        ("aliases", "price_response: the alias previous pointed to None, not 4"),
    ]
    assert track.aliases("demand")["champion"] == 4


def test_an_alias_without_a_ledger_is_named(shop: Settings) -> None:
    track.open_store(shop)
    track.set_alias("demand", "champion", 3)
    assert findings(shop) == [
        ("aliases", "demand: the alias champion points to 3, and the ledger has no champion")
    ]


def change(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"x")


BYTES: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (lambda folder: change(folder / "artifacts" / "text.txt"), r"artifacts/text.txt: expected"),
    "gone": (lambda folder: (folder / "MLmodel").unlink(), "MLmodel: expected"),
    "more": (lambda folder: (folder / "more.py").write_text("x"), "more.py: expected no such file"),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("how", BYTES)
def test_bytes_of_the_champion_that_were_not_approved_are_named(
    how: str, name: str, decided: Settings
) -> None:
    do, words = BYTES[how]
    do(Path(decided.data_folder) / ARTIFACTS / f"{name}-1")
    ((check, finding),) = findings(decided)
    assert check == "bytes of the champion"
    assert f"{name} version {triple(1)[name]} is not what was registered" in finding
    assert words in finding


def test_a_version_of_the_champion_that_is_gone_is_named(decided: Settings) -> None:
    track.open_store(decided).delete_model_version("demand", str(triple(1)["demand"]))
    assert ("bytes of the champion", f"demand: there is no version {triple(1)['demand']}") in [
        (check, finding.partition(".")[0]) for check, finding in findings(decided)
    ]
