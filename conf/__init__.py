"""Typed settings: ``base.yaml`` and the profiles laid over it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from conf.layers import SettingsError, assigned, profiles
from conf.settings import Settings

__all__ = ["Settings", "SettingsError", "load", "profiles"]


def load(profile: str = "default", assignments: Iterable[str] = ()) -> Settings:
    """Return the settings of a profile with ``key=value`` assignments laid over it.

    Raises:
        SettingsError: a name does not exist or a value does not fit; the message lists every path.
    """
    try:
        return Settings.model_validate({**assigned(assignments), "profile": profile})
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(e) for e in error.errors())) from None


def _sentence(error: Any) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{path}: there is no such setting.{_nearest(error['loc'])}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{path}: {message}. Received: {error['input']!r}" if path else message


def _nearest(path: tuple[str, ...]) -> str:
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        model = model.model_fields[part].annotation  # type: ignore[assignment]
    close = difflib.get_close_matches(str(path[-1]), model.model_fields, n=1)
    return (
        f" Did you mean {'.'.join([*path[:-1], close[0]])}?"
        if close
        else f" Known: {', '.join(model.model_fields)}"
    )
