"""The Prefect API of a data folder takes commands from nobody else: every route, asked as others would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from flows.cli.shared_api import SharedApi, shared_api
from infra.access import LOGIN, OPEN, basic
from tests.conftest import of

pytestmark = pytest.mark.slow

PAGES = {"/ui-settings"}  # of the browser's page, which asks for the password itself
FOREIGN = "http://shop.example"
STRANGERS = {
    "another origin": {"Origin": FOREIGN},
    "no origin": {"Origin": "null"},
    "another page of this machine": {"Origin": "http://127.0.0.1:5000"},
    "another host": {"Host": "shop.example"},
    "another port": {"Host": "127.0.0.1:1"},
}


@pytest.fixture(scope="module")
def shared(migrated: Callable[[], Path]) -> Iterator[SharedApi]:
    """Yield the API of a data folder, started as the command does."""
    home = migrated() / "prefect"
    with shared_api(home, of(home)) as running:
        running.wait()
        yield running


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str]]:
    """Return method and path of every route of the application, those of what is mounted in it too."""
    from prefect.server.api.server import create_app

    asked = sorted(set(_routes(create_app().routes, "")))
    assert len(asked) > 150, "the application hides its routes: the tests below would ask nothing"
    return asked


def _routes(routes: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _routes(included.routes, prefix)
        elif getattr(getattr(route, "app", None), "routes", None) and not hasattr(route, "methods"):
            yield from _routes(route.app.routes, prefix + route.path)
        else:
            path = prefix + re.sub(r"\{[^}]*\}", "00000000-0000-0000-0000-000000000000", route.path)
            for method in getattr(route, "methods", None) or ["GET"]:
                yield method, path


def ask(shared: SharedApi, method: str, path: str, **headers: str) -> int:
    """Return the status of an answer."""
    connection = HTTPConnection("127.0.0.1", shared.port, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_no_route_answers_without_the_password(shared: SharedApi, routes: list[tuple[str, str]]) -> None:
    answers = {(method, path): ask(shared, method, path) for method, path in routes}
    unguarded = {route: status for route, status in answers.items() if status not in {401, 403}}
    assert {path for _, path in unguarded} <= OPEN | PAGES, unguarded


@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_route_answers_a_stranger_even_with_the_password(
    stranger: str, shared: SharedApi, routes: list[tuple[str, str]]
) -> None:
    headers = {**STRANGERS[stranger], "Authorization": f"Basic {basic(shared.login)}"}
    answers = {route: ask(shared, *route, **headers) for route in [*routes, ("GET", "/"), ("GET", LOGIN)]}
    assert set(answers.values()) == {403}, {r: s for r, s in answers.items() if s != 403}


def test_a_wrong_password_is_none(shared: SharedApi) -> None:
    for login in ("", "repricer:", f"{shared.login} ", shared.login[:-1], "ä:ö"):
        assert ask(shared, "GET", "/api/admin/version", Authorization=f"Basic {basic(login)}") == 401


def test_the_pages_of_the_api_answer_with_the_password(shared: SharedApi) -> None:
    page = {"Origin": f"http://127.0.0.1:{shared.port}", "Authorization": f"Basic {basic(shared.login)}"}
    assert ask(shared, "GET", "/api/admin/version", **page) == 200
    assert ask(shared, "GET", LOGIN) == 200, "the page that takes the password from the link"
    assert ask(shared, "GET", "/v2/runs", Accept="text/html") == 200


def test_a_websocket_of_a_stranger_or_without_the_password_says_nothing(shared: SharedApi) -> None:
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import connect

    for path in ("events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled"):
        address = f"ws://127.0.0.1:{shared.port}/api/{path}"
        with pytest.raises(InvalidStatus) as refused, connect(address, origin=FOREIGN):  # type: ignore[arg-type]
            pass
        assert refused.value.response.status_code == 403
        with connect(address, subprotocols=["prefect"]) as socket:  # type: ignore[list-item]
            socket.send(json.dumps({"type": "auth", "token": "repricer:guess"}))
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=30)


def test_the_password_stands_in_a_private_file_and_nowhere_else(shared: SharedApi) -> None:
    home = shared.log.path.parent
    password = shared.login.split(":")[1]
    assert len(password) >= 40, "short enough to guess"
    assert (home / "api.lock").stat().st_mode & 0o077 == 0, "others on the machine may read it"
    assert password not in " ".join(shared.process.cmdline()), "every user sees command lines"
    named = [path for path in home.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
    assert named == [home / "api.lock"]
