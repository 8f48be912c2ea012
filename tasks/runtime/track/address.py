"""The address of the MLflow store. The login of a server travels beside it, for MLflow prints addresses."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from conf import Settings, SettingsError
from conf.services import URI_VARIABLE
from conf.urls import url_fault
from tasks.runtime.locations import sqlite_uri

USERNAME, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
SERVERS = ("http:", "https:")


def store_uri(settings: Settings) -> str:
    """Return the tracking URI, without the login of a server: the configured one, else SQLite here.

    The URI of a database keeps its password: it is for an engine, or for the environment of a child.
    """
    uri = settings.track.address() or sqlite_uri(Path(settings.data_folder) / "mlflow.db")
    return _without_login(uri) if uri.startswith(SERVERS) else uri


def named_by(settings: Settings) -> str:
    """Return the setting or the variable that names the store."""
    return "track.uri" if settings.track.uri else URI_VARIABLE


def reachable_uri(settings: Settings) -> str:
    """Return the tracking URI after handing a server's login to MLflow in its own variables.

    Raises:
        SettingsError: the host of the store, looked up, is a link-local address.
    """
    stated = settings.track.address()
    if stated and url_fault(stated, resolve=True):
        raise SettingsError(f"{named_by(settings)}: {url_fault(stated, resolve=True)}. Name another host")
    if stated and stated.startswith(SERVERS):
        _hand_over_login(stated)
    return store_uri(settings)


def _hand_over_login(uri: str) -> None:
    login = urlsplit(uri)
    if login.username and login.password is None:
        os.environ[TOKEN] = unquote(login.username)
    elif login.username is not None:
        os.environ[USERNAME], os.environ[PASSWORD] = unquote(login.username), unquote(login.password or "")


def _without_login(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
