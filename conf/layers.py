"""Layers of settings: ``base.yaml``, a profile over it, given values over both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from conf.paths import URL
from conf.urls import masked

Tree = dict[str, Any]


class SettingsError(ValueError):
    """A setting that does not exist or cannot hold the value; the message names its path, and no password."""

    def __init__(self, message: str) -> None:
        """Say what is wrong; passwords in URLs, which a profile or a command line may hold, are masked."""
        super().__init__(masked(message))


def section(name: str) -> Callable[[], Any]:
    """Return a function that reads one entry of ``base.yaml``."""
    return lambda: _read("base.yaml")[name]


def default(path: Iterable[str]) -> Any:
    """Return the value at a path of ``base.yaml``."""
    value: Any = _read("base.yaml")
    for name in path:
        value = value[name]
    return value


def profiles() -> list[str]:
    """Return the names of the profiles that exist."""
    return sorted(
        p.name.removesuffix(".yaml")
        for p in files("conf").joinpath("profiles").iterdir()
        if p.name.endswith(".yaml")
    )


def profile_path(profile: str) -> str:
    """Return the whole path of a profile that is a file, which holds in every folder; else the name."""
    return str(Path(profile).expanduser().resolve()) if _is_file(profile) else profile


def profile_name(profile: str) -> str:
    """Return the name of a profile, of a file its stem."""
    return Path(profile).stem if _is_file(profile) else profile


def layered(given: Tree) -> Tree:
    """Lay the given values over their profile and the profile over ``base.yaml``.

    Raises:
        SettingsError: the profile does not exist or is no mapping of settings.
    """
    tree = _laid(_read("base.yaml"), _profile(given.get("profile", "default")))
    return _laid(tree, given)


def _profile(profile: Any) -> Tree:
    """Return what a profile says: one of the installation by its name, a user's file by its path."""
    if isinstance(profile, str) and _is_file(profile):
        return _profile_file(Path(profile))
    if profile not in profiles():
        beside = (
            f"{profile}.yaml"
            if isinstance(profile, str) and Path(f"{profile}.yaml").is_file()
            else "mine.yaml"
        )
        raise SettingsError(
            f"profile: there is no {profile!r}. Profiles: {', '.join(profiles())}. "
            f"A file of your own is named by its path: --profile ./{beside}"
        )
    return _read(f"profiles/{profile}.yaml")


def _profile_file(path: Path) -> Tree:
    if not path.is_absolute():
        raise SettingsError(
            f"profile: write the whole path of a file, such as {path.resolve()}. Received: {path}"
        )
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise SettingsError(
            f"profile: there is no file {path}. Name an existing one, or a profile of the installation: "
            f"{', '.join(profiles())}"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"profile: {path} cannot be read: {error}") from None
    if not isinstance(tree, dict):
        raise SettingsError(f"profile: {path} must hold `setting: value` lines. Received: {tree!r}")
    return tree


def _is_file(profile: str) -> bool:
    return profile.endswith((".yaml", ".yml")) and not URL.match(profile)


def _laid(below: Tree, above: Tree) -> Tree:
    tree = deepcopy(below)
    for name, value in above.items():
        nested = isinstance(value, dict) and isinstance(tree.get(name), dict)
        tree[name] = _laid(tree[name], value) if nested else value
    return tree


@cache
def _read(name: str) -> Tree:
    return yaml.safe_load(files("conf").joinpath(name).read_text(encoding="utf-8")) or {}
