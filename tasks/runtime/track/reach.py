"""Whether the server of a store answers, asked before MLflow, which tries for minutes and says nothing."""

from __future__ import annotations

import functools
import socket
import time
import urllib.request
from urllib.parse import urlsplit

from conf.urls import masked
from tasks.runtime.heartbeat import heartbeat

LIMIT_SECONDS = 15.0  # for a server that is just starting
SECONDS_TO_CONNECT = 5.0
SECONDS_BETWEEN_TRIALS = 1.0
PORTS = {"http": 80, "https": 443, "mssql": 1433, "mysql": 3306, "postgresql": 5432}


class StoreError(ConnectionError):
    """A store that does not answer; trying again may help."""


@functools.cache
def require_answer(uri: str, where: str) -> None:
    """Wait until the server of a store takes connections, once in a process; a file needs none.

    Args:
        uri: of the store.
        where: setting or variable that names it.

    Raises:
        StoreError: it took none within the limit.
    """
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme not in PORTS:
        return
    begin = time.monotonic()
    with heartbeat(f"waiting for the MLflow store at {masked(uri)}"):
        while fault := _fault(uri, scheme):
            if time.monotonic() - begin > LIMIT_SECONDS:
                raise StoreError(
                    f"{where} {masked(uri)}: the store did not answer for {LIMIT_SECONDS:.0f} s ({fault}). "
                    "Start its server or correct the address, and run the command again"
                )
            time.sleep(SECONDS_BETWEEN_TRIALS)


def _fault(uri: str, scheme: str) -> str:
    """Return why a server takes no connection, nothing where it does."""
    parts = urlsplit(uri)
    try:
        if parts.hostname and not _behind_proxy(parts.hostname, scheme):
            address = parts.hostname, parts.port or PORTS[scheme]
            socket.create_connection(address, timeout=SECONDS_TO_CONNECT).close()
    except OSError as error:
        return str(error)
    return "" if scheme.startswith("http") else _refusal(uri)


def _behind_proxy(host: str, scheme: str) -> bool:
    return scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host)


def _refusal(uri: str) -> str:
    """Return why a database does not let us in, nothing where it does."""
    from mlflow.store.db.utils import create_sqlalchemy_engine
    from sqlalchemy.exc import SQLAlchemyError

    engine = create_sqlalchemy_engine(uri)
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        return masked(str(getattr(error, "orig", error)).strip().partition("\n")[0])
    finally:
        engine.dispose()
    return ""
