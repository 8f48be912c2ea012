"""Delivery: what a destination has is read back, and a difference names the rows."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from conf import Settings
from tasks.governance.local_time import zone_of
from tasks.runtime import delivery
from tasks.runtime.delivery import DeliveryError, Shipment
from tasks.runtime.list_tables import as_arrow, read_parquet, write_csv, write_parquet
from tasks.runtime.published_lists import ListError, faults, pointed
from tests.runtime.lists import published_rows

BERLIN = zone_of("Europe/Berlin")
SECRET = "canary-7f3a"


@dataclass
class Endpoint:
    """A shop that takes lists over HTTP; ``change`` is what it does to them."""

    url: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    posts: int = 0
    status: int = 200
    logins: list[str | None] = field(default_factory=list)
    change: Any = None


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    shop = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            shop.posts += 1
            shop.logins.append(self.headers["Authorization"])
            body = self.rfile.read(int(self.headers["Content-Length"]))
            document = json.loads(body)
            shop.document = shop.change(document) if shop.change else document
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(json.dumps(shop.document).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(shop.status)
            if shop.status == 302:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shop.url = f"http://ada:{SECRET}@127.0.0.1:{server.server_port}/prices"
    yield shop
    server.shutdown()
    server.server_close()


@pytest.fixture
def shipment(tmp_path: Path) -> Shipment:
    return shipped(tmp_path, "a")


def shipped(tmp_path: Path, name: str, price: float = 2.05) -> Shipment:
    folder = tmp_path / name
    folder.mkdir()
    table = as_arrow(published_rows(5, price=price), BERLIN)
    write_parquet(table, folder / "list.parquet")
    write_csv(table, folder / "list.csv")
    rows = read_parquet(folder / "list.parquet")
    return Shipment(name=name, root=name, manifest="0" * 64, folder=folder, rows=rows)


def settings(tmp_path: Path, **destination: Any) -> Settings:
    publish = {"time_zone": None, "destinations": {"web": destination}}
    return Settings(data_folder=str(tmp_path / "data"), publish=publish)


@pytest.fixture(params=["folder", "sql", "postgresql", "http"])
def shop(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with endpoint() as server:
        monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{tmp_path / 'shop.db'}")
        monkeypatch.setenv("SHOP_URL", server.url)
        monkeypatch.setenv("no_proxy", "*")
        place = {
            "folder": {"path": str(tmp_path / "out")},
            "sql": {"url_variable": "SHOP_DATABASE"},
            "http": {"url_variable": "SHOP_URL"},
        }
        kind = request.param
        if kind == "postgresql":
            monkeypatch.setenv("SHOP_DATABASE", request.getfixturevalue("postgres_url"))
            kind = "sql"
        yield settings(tmp_path, kind=kind, **place[kind])


def test_a_list_arrives_once_and_a_second_time_without_harm(shop: Settings, shipment: Shipment) -> None:
    assert delivery.due(shop, "a", "a", stopped=False) == ["web"]
    for _ in range(2):
        delivery.deliver(shop, "web", shipment)
        assert delivery.due(shop, "a", "a", stopped=False) == []


def test_the_next_list_takes_the_place_of_the_one_before(
    shop: Settings, shipment: Shipment, tmp_path: Path
) -> None:
    delivery.deliver(shop, "web", shipment)
    assert delivery.due(shop, "b", "b", stopped=False) == ["web"]
    delivery.deliver(shop, "web", shipped(tmp_path, "b", price=2.1))
    assert delivery.due(shop, "b", "b", stopped=False) == []


def test_a_destination_that_may_have_a_list_that_was_taken_back_gets_the_one_before(
    shop: Settings, shipment: Shipment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery.deliver(shop, "web", shipment)
    kind = delivery.KINDS[shop.publish.destinations["web"].kind]
    with monkeypatch.context() as broken:
        broken.setattr(kind, "read", lambda *_: shipped(tmp_path, "c", price=9.0).rows)
        undelivered(shop, shipped(tmp_path, "b", price=2.1), "written and read back")
    for stopped in (False, True):
        assert delivery.due(shop, "a", "a", stopped=stopped) == ["web"], "it was written to since"


def test_while_publishing_is_stopped_only_versions_of_what_was_there_before_are_due(
    shop: Settings, shipment: Shipment
) -> None:
    assert delivery.due(shop, "a", "a", stopped=True) == []
    delivery.deliver(shop, "web", shipment)
    assert delivery.due(shop, "a'", "a", stopped=True) == ["web"]
    assert delivery.due(shop, "b", "b", stopped=True) == []


def test_a_record_that_cannot_be_read_lets_the_list_be_sent_again(shop: Settings, shipment: Shipment) -> None:
    delivery.deliver(shop, "web", shipment)
    (Path(shop.data_folder) / "published" / "delivered" / "web.json").write_text("{")
    assert delivery.due(shop, "a", "a", stopped=False) == ["web"]


def test_a_destination_whose_url_is_another_one_is_another_place_and_a_new_login_is_not(
    tmp_path: Path, shipment: Shipment, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = settings(tmp_path, kind="http", url_variable="SHOP_URL")
    monkeypatch.setenv("no_proxy", "*")
    with endpoint() as server:
        monkeypatch.setenv("SHOP_URL", server.url)
        delivery.deliver(shop, "web", shipment)
        for url, due in ((server.url.replace(SECRET, "new"), []), (f"{server.url}/other", ["web"])):
            monkeypatch.setenv("SHOP_URL", url)
            assert delivery.due(shop, "a", "a", stopped=False) == due
        assert delivery.due(shop, "a2", "a", stopped=True) == [], "the other place never had the list"
    monkeypatch.delenv("SHOP_URL")
    assert delivery.due(shop, "a", "a", stopped=False) == [], "of a URL that is not set nothing is known"
    assert SECRET not in (Path(shop.data_folder) / "published" / "delivered" / "web.json").read_text()


# --- what is read back differs ---


def undelivered(shop: Settings, shipment: Shipment, words: str) -> str:
    """Deliver in vain and return the error."""
    with pytest.raises(DeliveryError, match=words) as error:
        delivery.deliver(shop, "web", shipment)
    assert delivery.due(shop, "a", "a", stopped=False) == ["web"], "it is not remembered as delivered"
    assert SECRET not in str(error.value)
    return str(error.value)


CHANGED = r"list a was written and read back, and 1 rows differ: 001 in all \(default\): 2\.05 against 2\.06"


def test_a_table_that_changes_a_price_is_refused_with_the_row(
    tmp_path: Path, shipment: Shipment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{tmp_path / 'shop.db'}")
    shop = settings(tmp_path, kind="sql", url_variable="SHOP_DATABASE", table="prices")
    delivery.deliver(shop, "web", shipment)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.execute(
            "create trigger dearer after insert on prices when new.product_id = '001' begin "
            "update prices set price = 2.06 where product_id = '001'; end"
        )
        database.commit()
    (Path(shop.data_folder) / "published" / "delivered" / "web.json").unlink()
    undelivered(shop, shipment, CHANGED)


def test_a_table_is_left_as_it_was_where_a_row_is_refused(
    tmp_path: Path, shipment: Shipment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{tmp_path / 'shop.db'}")
    shop = settings(tmp_path, kind="sql", url_variable="SHOP_DATABASE", table="prices")
    delivery.deliver(shop, "web", shipped(tmp_path, "before"))
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.execute(
            "create trigger no before insert on prices when new.product_id = '003' begin "
            "select raise(abort, 'no'); end"
        )
        database.commit()
    undelivered(shop, shipment, r"table prices in the database of SHOP_DATABASE: IntegrityError")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        assert database.execute("select distinct list from prices").fetchall() == [("before",)]


def test_an_endpoint_that_changes_or_drops_a_row_is_refused_with_it(
    tmp_path: Path, shipment: Shipment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dearer(document: dict[str, Any]) -> dict[str, Any]:
        document["rows"][1]["price"] = 2.06
        return document

    with endpoint() as server:
        monkeypatch.setenv("SHOP_URL", server.url)
        monkeypatch.setenv("no_proxy", "*")
        shop = settings(tmp_path, kind="http", url_variable="SHOP_URL")
        server.change = dearer
        undelivered(shop, shipment, CHANGED)
        server.change = lambda document: {**document, "rows": document["rows"][:-1]}
        undelivered(shop, shipment, r"004 in all \(default\): 2\.05 against not listed")
        server.change = lambda document: {**document, "list": "z"}
        undelivered(shop, shipment, "read back, it has list 'z'")
        server.change = lambda _: {"rows": 1}
        undelivered(shop, shipment, "its answer to GET is no list")
        assert set(server.logins) == {"Basic YWRhOmNhbmFyeS03ZjNh"}


@pytest.mark.parametrize(("status", "words"), [(500, "it answered 500"), (302, "it answered 302")])
def test_an_endpoint_that_fails_or_sends_elsewhere_is_said(
    tmp_path: Path, shipment: Shipment, monkeypatch: pytest.MonkeyPatch, status: int, words: str
) -> None:
    with endpoint() as server:
        monkeypatch.setenv("SHOP_URL", server.url)
        monkeypatch.setenv("no_proxy", "*")
        server.status = status
        undelivered(settings(tmp_path, kind="http", url_variable="SHOP_URL"), shipment, words)
    undelivered(
        settings(tmp_path, kind="http", url_variable="SHOP_URL"), shipment, r"does not answer \(Connection"
    )


def test_a_folder_that_changes_a_file_is_refused_with_the_row_or_the_file(
    tmp_path: Path, shipment: Shipment, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copyfile

    def other(source: Path, target: Path) -> None:
        copy(source, target)
        rows = published_rows(5)
        rows.loc[1, "price"] = 2.06
        if source.name == "list.parquet":
            write_parquet(as_arrow(rows, BERLIN), target)

    shop = settings(tmp_path, kind="folder", path=str(tmp_path / "out"))
    monkeypatch.setattr(shutil, "copyfile", other)
    undelivered(shop, shipment, CHANGED)
    monkeypatch.setattr(shutil, "copyfile", lambda _, target: Path(target).write_bytes(b"PAR1"))
    undelivered(shop, shipment, "cannot be read back")
    cut = lambda source, target: Path(target).write_bytes(source.read_bytes() + b"\n")  # noqa: E731
    monkeypatch.setattr(
        shutil, "copyfile", lambda source, target: (cut if source.suffix == ".csv" else copy)(source, target)
    )
    undelivered(shop, shipment, r"read back, not what was written: list\.csv")


def test_a_folder_has_the_list_whole_with_its_pointer(tmp_path: Path, shipment: Shipment) -> None:
    shop = settings(tmp_path, kind="folder", path=str(tmp_path / "out"))
    for number in range(2):
        delivery.deliver(shop, "web", shipment)
        pointer = pointed(tmp_path / "out")
        assert pointer is not None, f"delivery {number}"
        assert list(faults(tmp_path / "out", pointer)) == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "in_force.json"]
    (tmp_path / "out" / "in_force.json").write_text("{")
    with pytest.raises(ListError, match="this is no pointer to a list"):
        pointed(tmp_path / "out")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "SHOP_URL is not set"),
        ("http://169.254.169.254/latest", "link-local"),
        ("file:///etc/passwd", "a file or a path"),
    ],
)
def test_an_address_that_must_not_be_used_is_refused_without_being_shown(
    tmp_path: Path, shipment: Shipment, monkeypatch: pytest.MonkeyPatch, url: str | None, words: str
) -> None:
    monkeypatch.delenv("SHOP_URL", raising=False)
    if url:
        monkeypatch.setenv("SHOP_URL", url)
    undelivered(settings(tmp_path, kind="http", url_variable="SHOP_URL"), shipment, words)


@pytest.mark.parametrize(
    ("destination", "words"),
    [
        ({"kind": "folder"}, "needs `path`"),
        ({"kind": "sql"}, "needs `url_variable`"),
        ({"kind": "sql", "url_variable": "X", "table": "prices; drop table x"}, "the name of a table"),
        ({"kind": "http", "url_variable": "https://ada:x@shop"}, "password|environment variable"),
    ],
)
def test_a_destination_that_cannot_be_is_refused_by_the_settings(
    tmp_path: Path, destination: dict[str, Any], words: str
) -> None:
    with pytest.raises((ValidationError, ValueError), match=words):
        settings(tmp_path, **destination)


def test_text_of_a_table_travels_as_a_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{tmp_path / 'shop.db'}")
    shop, shipment = settings(tmp_path, kind="sql", url_variable="SHOP_DATABASE"), shipped(tmp_path, "a")
    shipment.rows["product_id"] = pd.Series(["' or 1=1--", "a;b", "c", "d", "e"], dtype="str")
    delivery.deliver(shop, "web", shipment)
