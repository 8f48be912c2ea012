"""Typed settings: ``base.yaml`` and the profiles laid over it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from conf.assignments import assigned
from conf.layers import SettingsError, profile_name, profile_path, profiles
from conf.limits import limits
from conf.renamed import current
from conf.settings import Settings

__all__ = ["Settings", "SettingsError", "load", "profile_name", "profiles", "stored"]


def load(profile: str = "default", assignments: Iterable[str] = ()) -> Settings:
    """Return the settings of a profile with ``key=value`` assignments laid over it.

    Args:
        profile: a name in `conf/profiles`, or the path of a `.yaml` file, relative to the current folder.
        assignments: read by the type of the setting; text is taken as written.

    Raises:
        SettingsError: a name does not exist or a value does not fit; the message lists every path.
    """
    return _validated({**assigned(assignments, Settings), "profile": profile_path(profile)})


def stored(parameters: Any) -> Settings:
    """Return the settings that an earlier run stored, in today's names.

    Renamed settings keep their values and names that are gone are left out. New input goes through
    ``load`` or ``Settings``, which refuse both.

    Args:
        parameters: the JSON of the settings; anything else that a flow may store is refused.

    Raises:
        SettingsError: it holds none of the settings, or a value no longer fits.
    """
    if not isinstance(parameters, dict) or (parameters and not parameters.keys() & Settings.model_fields):
        raise SettingsError(f"there are no settings of a retraining in {parameters!r}")
    return _validated(_with_profile(current(parameters, Settings)))


def _with_profile(tree: dict[str, Any]) -> dict[str, Any]:
    """Return stored settings with the default below them where the file of their profile is gone."""
    profile = str(tree.get("profile", "default"))
    gone = profile_name(profile) != profile and not Path(profile).is_file()
    return {**tree, "profile": "default"} if gone else tree


def _validated(tree: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(line) for line in error.errors())) from None


def _sentence(line: Any) -> str:
    path = ".".join(str(part) for part in line["loc"])
    if line["type"] == "extra_forbidden":
        return f"{path}: there is no such setting.{_nearest(line['loc'])}"
    message = line["msg"].removeprefix("Value error, ")
    if line["type"] == "renamed":
        return f"{path}: {message}."
    if not path:
        return message
    return f"{path}: {message}. Received: {line['input']!r}{limits(line['loc'], Settings)}"


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
