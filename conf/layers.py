"""Layers of settings: ``base.yaml``, a profile over it, ``--set`` over both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

Tree = dict[str, Any]


class SettingsError(ValueError):
    """A setting that does not exist or cannot hold the value; the message names its path."""


def section(name: str) -> Callable[[], Any]:
    """Return a function that reads one entry of ``base.yaml``."""
    return lambda: _read("base.yaml")[name]


def profiles() -> list[str]:
    """Return the names of the profiles that exist."""
    return sorted(
        p.name.removesuffix(".yaml")
        for p in files("conf").joinpath("profiles").iterdir()
        if p.name.endswith(".yaml")
    )


def layered(given: Tree) -> Tree:
    """Lay the given values over their profile and the profile over ``base.yaml``.

    Raises:
        SettingsError: the profile does not exist.
    """
    profile = given.get("profile", "default")
    if profile not in profiles():
        raise SettingsError(f"profile: there is no {profile!r}. Profiles: {', '.join(profiles())}")
    tree = _laid(_read("base.yaml"), _read(f"profiles/{profile}.yaml"))
    return _laid(tree, given)


def assigned(assignments: Iterable[str]) -> Tree:
    """Read ``forecast.lstm.units=32`` pairs into a tree; values are YAML, or text where it is none.

    Raises:
        SettingsError: a pair lacks its ``=``.
    """
    tree: Tree = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise SettingsError(f"--set {assignment}: expected key=value, such as forecast.lstm.units=32")
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = _value(text)
    return tree


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:  # a schedule of every minute, "* * * * *", begins like an alias
        return text


def _laid(below: Tree, above: Tree) -> Tree:
    tree = deepcopy(below)
    for name, value in above.items():
        nested = isinstance(value, dict) and isinstance(tree.get(name), dict)
        tree[name] = _laid(tree[name], value) if nested else value
    return tree


@cache
def _read(name: str) -> Tree:
    return yaml.safe_load(files("conf").joinpath(name).read_text(encoding="utf-8")) or {}
