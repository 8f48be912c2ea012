"""Who may ask the Prefect API of a data folder: its commands and its pages, with its password.

A page of the web that a browser on this machine shows can send requests to any port of it, also under a name
that it lets point here. Such a request names another origin, or another host, and is refused before anything
looks at it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")
OPEN = {"/api/health", "/api/ready"}
"""What says whether the API is up, and nothing else."""
DESCRIPTIONS = ("/docs", "/redoc", "/openapi.json")
LOGIN = "/login"
LOGIN_PAGE = """<!doctype html><meta charset="utf-8"><title>Prefect</title><script>
localStorage.setItem("prefect-password", location.hash.slice(1));
const page = new URLSearchParams(location.search).get("page") || "";
location.replace(page.startsWith("/v2/") ? page : "/v2/runs?hide-subflows=true");
</script>"""
"""Hands Prefect's page the password that stands behind the `#`, which a browser sends to nobody."""
POLICY_VIOLATION = 1008  # of websockets; refused before the handshake, it is answered with 403


def basic(login: str) -> str:
    """Return user and password, joined by a colon, as an HTTP header carries them."""
    return b64encode(login.encode()).decode()


class Guarded:
    """An application that answers nobody else."""

    def __init__(self, app: ASGIApp, port: int, login: str | None) -> None:
        """Guard an application.

        Args:
            app: the API with its pages.
            port: on loopback, at which it is asked.
            login: user and password, joined by a colon; none: there is no password.
        """
        self._app = app
        self._hosts = {f"{name}:{port}" for name in NAMES}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._authorization = f"Basic {basic(login)}" if login else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        answer = None if scope["type"] == "lifespan" else self._answer(scope)
        if answer is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await answer(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        """Return what is answered in place of the application, if anything."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return PlainTextResponse("this API answers to 127.0.0.1 and localhost only", 403)
        if not set(headers.getlist("origin")) <= self._origins:
            return PlainTextResponse("this API answers its own pages only", 403)
        if scope["type"] == "websocket":
            return None  # Prefect asks for the password in its first message
        if scope["path"] == LOGIN:
            return HTMLResponse(LOGIN_PAGE, headers={"cache-control": "no-store"})
        if self._needs_password(scope["path"]) and not self._has_password(headers):
            return PlainTextResponse("the password is missing or wrong", 401)
        return None

    @staticmethod
    def _needs_password(path: str) -> bool:
        return path.startswith(("/api/", *DESCRIPTIONS)) and path not in OPEN

    def _has_password(self, headers: Headers) -> bool:
        given = headers.get("authorization", "")
        return self._authorization is None or hmac.compare_digest(
            given.encode(), self._authorization.encode()
        )
