"""Settings of `publish`: when a list holds, and where it goes."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from conf.paths import LocalPath
from conf.section import Section
from conf.source import variable_name


def _table(name: str) -> str:
    """Return the name of a table; it goes into SQL, so it is a plain word."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise ValueError("the name of a table: letters, digits and `_`, such as shop_prices")
    return name


class Destination(Section):
    """Where a list in force is delivered, and read back."""

    kind: Literal["folder", "sql", "http"]
    """`folder` (the files of the list), `sql` (a table) or `http` (POST, then GET of the same URL)."""
    path: LocalPath | None = None
    """Folder (`folder` only)."""
    url_variable: Annotated[str, AfterValidator(variable_name)] | None = None
    """Name of the environment variable with the URL, login included (`sql` and `http`)."""
    table: Annotated[str, AfterValidator(_table)] = "repricer_prices"
    """Table that the list in force fills, made if there is none (`sql` only)."""
    timeout: float = Field(gt=0, le=3600, default=60.0)
    """Longest wait for an answer (`http` only) (s)."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Refuse a destination without its place."""
        needed = "path" if self.kind == "folder" else "url_variable"
        if getattr(self, needed) is None:
            raise ValueError(f"a destination of the kind {self.kind} needs `{needed}`")
        return self


class Publish(Section):
    """When a list holds, and where it goes."""

    time_zone: str | None
    """IANA zone of `--effective` and of the days of promotions; none: `source.time_zone`, else
    `schedule.time_zone`."""
    champion_warn_days: int = Field(ge=1, le=3650)
    """Age past which publishing warns: days since the champion was trained, and days by which `--sales` go on
    after those of its training."""
    champion_stop_days: int = Field(ge=1, le=3650)
    """Age past which nothing of the champion is published (days)."""
    destinations: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")], Destination]
    """Where the list in force is delivered, by a name of your own; none: it stays in the data folder. On the
    command line: `--set 'publish.destinations={web: {kind: http, url_variable: SHOP_PRICES_URL}}'`."""

    @model_validator(mode="after")
    def _warn_first(self) -> Self:
        """Refuse a limit that would be met without a warning before."""
        if self.champion_warn_days >= self.champion_stop_days:
            raise ValueError("champion_warn_days is below champion_stop_days")
        return self
