"""The address of the MLflow store: where it comes from, and that the login of a server is not in it."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from conf import Settings, SettingsError
from conf.services import URI_VARIABLE
from tasks.runtime.track import StoreError, open_store, reach, store_uri
from tasks.runtime.track.address import PASSWORD, TOKEN, USERNAME, reachable_uri
from tasks.runtime.track.store import if_present

CANARY = "c4nary-s3cret"


@pytest.fixture(autouse=True)
def environment(no_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a store and a login in the environment, and take away what a test leaves there."""
    for name in (URI_VARIABLE, USERNAME, PASSWORD, TOKEN):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def settings(folder: Path, **track: Any) -> Settings:
    return Settings(data_folder=str(folder), track=track)


def test_the_store_of_the_environment_is_taken_where_the_settings_name_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_uri(settings(tmp_path)) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv(URI_VARIABLE, f"postgresql://bob:{CANARY}@host/db")
    assert store_uri(settings(tmp_path)) == f"postgresql://bob:{CANARY}@host/db", "an engine needs it"
    assert store_uri(settings(tmp_path, uri="http://host:5000")) == "http://host:5000"


@pytest.mark.parametrize(
    ("login", "handed_over"),
    [
        (f"bob:{CANARY}%2F@", {USERNAME: "bob", PASSWORD: f"{CANARY}/"}),
        (f"{CANARY}@", {TOKEN: CANARY}),
        ("", {}),
    ],
)
def test_the_login_of_a_server_travels_beside_its_address(
    login: str, handed_over: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URI_VARIABLE, f"http://{login}127.0.0.1:5000/base")
    assert reachable_uri(settings(tmp_path)) == "http://127.0.0.1:5000/base"
    assert store_uri(settings(tmp_path)) == "http://127.0.0.1:5000/base"
    assert {
        name: os.environ[name] for name in (USERNAME, PASSWORD, TOKEN) if name in os.environ
    } == handed_over


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        (f"file:///{CANARY}", "it is a file"),
        (f"http://bob:{CANARY}@169.254.169.254/", "link-local"),
        (f"http://bob:{CANARY}/x@host/", "it is no URL"),
        (f"ftp://bob:{CANARY}@host/", "its scheme ftp is not one of http, https"),
        (CANARY, "it is a file or a path"),
    ],
)
def test_a_store_of_the_environment_that_must_not_be_used_is_refused_without_its_url(
    uri: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URI_VARIABLE, uri)
    with pytest.raises(SettingsError, match=rf"^{URI_VARIABLE}: .*{fault}") as error:
        open_store(settings(tmp_path))
    assert CANARY not in str(error.value)


def test_a_name_that_leads_to_a_link_local_address_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: [(0, 0, 0, "", ("169.254.169.254", 0))])
    with pytest.raises(SettingsError, match=r"^track\.uri: .*link-local.*Name another host"):
        open_store(settings(tmp_path, uri="http://shop.example:5000"))


@pytest.mark.parametrize("scheme", ["http", "postgresql"])
def test_a_server_that_is_down_is_named_without_its_password_and_soon(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "LIMIT_SECONDS", 0.0)
    monkeypatch.setattr(reach, "SECONDS_BETWEEN_TRIALS", 0.0)
    monkeypatch.setenv(URI_VARIABLE, f"{scheme}://bob:{CANARY}@127.0.0.1:9/db")  # nobody listens there
    login = "" if scheme == "http" else r"\*\*\*@"
    rule = rf"{URI_VARIABLE} {scheme}://{login}127.0.0.1:9/db: the store did not answer .*refused.*Start its"
    with pytest.raises(StoreError, match=rule) as error:
        open_store(settings(tmp_path))
    assert CANARY not in str(error.value)


def test_a_server_that_lets_nobody_in_is_waited_for_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "LIMIT_SECONDS", 0.0)
    monkeypatch.setattr(reach, "SECONDS_BETWEEN_TRIALS", 0.0)
    with (
        unwelcoming() as port,
        pytest.raises(StoreError, match=r"^track\.uri postgresql://127.*: the store did not answer"),
    ):
        open_store(settings(tmp_path, uri=f"postgresql://127.0.0.1:{port}/db"))


@contextmanager
def unwelcoming() -> Iterator[int]:
    """Yield the port of a server that closes every connection at once."""

    def refuse() -> None:
        with suppress(OSError):  # until it is shut down
            while True:
                server.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        refusing = Thread(target=refuse)
        refusing.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            refusing.join()


def test_a_store_that_does_not_answer_says_no_password() -> None:
    from mlflow.exceptions import MlflowException

    def fail(name: str) -> None:
        raise MlflowException(f"cannot reach postgresql://bob:{CANARY}/x@host/db for {name}")

    rule = r"did not answer for demand: cannot reach postgresql://\*\*\*@host/db for demand\."
    with pytest.raises(StoreError, match=rule) as error:
        if_present(fail, "demand")
    assert CANARY not in "".join(traceback.format_exception(error.value)), "nor does its traceback"
