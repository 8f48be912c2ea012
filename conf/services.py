"""Settings of the services around a retraining: tracking and schedule."""

from __future__ import annotations

from conf.section import Section


class Track(Section):
    """Where runs and models are kept."""

    uri: str | None
    """MLflow tracking and registry URI; none: SQLite in the data folder."""
    experiment: str
    """MLflow experiment of the retrainings."""


class Schedule(Section):
    """When `repricer serve` retrains."""

    cron: str
    """Minute, hour, day, month and weekday."""
    time_zone: str
    """IANA zone of the cron expression."""
