"""Settings of the services around a retraining: tracking and schedule."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator

from conf.layers import SettingsError
from conf.section import Section
from conf.urls import url_fault

URI_VARIABLE = "REPRICER_TRACK_URI"
"""Environment variable of a tracking URI that holds a password; `track.uri` must be none."""
STORES = frozenset({"http", "https", "mssql", "mysql", "postgresql", "sqlite"})
REMEDY = (
    "Name an MLflow server or a database, such as http://host:5000, or null for SQLite in the data folder"
)


def _store(uri: str) -> str:
    """Return the URI of a store that may be used."""
    fault = url_fault(uri, STORES)
    if fault:
        raise ValueError(f"{fault}. {REMEDY}")
    return uri


class Track(Section):
    """Where runs and models are kept."""

    uri: Annotated[str, AfterValidator(_store)] | None
    """MLflow tracking and registry URI, without a password; none: that of the environment variable
    `REPRICER_TRACK_URI`, else SQLite in the data folder."""
    experiment: str
    """MLflow experiment of the retrainings."""

    def address(self) -> str | None:
        """Return the URI of the settings, else of the environment with its password, none for neither.

        Raises:
            SettingsError: the variable holds no URL of a store; the message does not repeat it.
        """
        uri = self.uri or os.environ.get(URI_VARIABLE) or None
        fault = url_fault(uri, STORES) if uri else ""
        if fault:
            raise SettingsError(f"{URI_VARIABLE}: {fault}. {REMEDY}")
        return uri


class Schedule(Section):
    """When `repricer serve` retrains."""

    cron: str
    """Minute, hour, day, month and weekday."""
    time_zone: str
    """IANA zone of the cron expression."""
