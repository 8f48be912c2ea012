"""Renamed settings: an old name is an error in new input, and still read in the stored settings of a run."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from conf.layers import Tree

RENAMED = {
    "forecast.lstm.errors": "forecast.errors",
    "price.reference_memory": "respond.reference_memory",
}
"""Old dotted name -> new dotted name."""


def with_new_names(error: ValidationError) -> ValidationError:
    """Return the error with every old name reported together with the name that replaced it."""
    return ValidationError.from_exception_data(error.title, [_line(line) for line in error.errors()])


def _line(line: Any) -> InitErrorDetails:
    new = RENAMED.get(".".join(map(str, line["loc"])))
    kind: Any = line["type"]
    if kind == "extra_forbidden" and new:
        kind = PydanticCustomError("renamed", "this setting is now {new}; set that one", {"new": new})
    return InitErrorDetails(type=kind, loc=line["loc"], input=line["input"], ctx=line.get("ctx", {}))


def current(tree: Tree, model: type[BaseModel]) -> Tree:
    """Return stored settings in today's names: renamed ones moved, those that are gone left out.

    A value that is stored under both names keeps the new one.
    """
    moved = deepcopy(tree)
    for old, new in RENAMED.items():
        (old_section, old_name), (new_section, new_name) = _place(moved, old), _place(moved, new)
        if old_name in old_section:
            new_section.setdefault(new_name, old_section.pop(old_name))
    return _known(moved, model)


def _place(tree: Tree, path: str) -> tuple[Tree, str]:
    """Return the section that a dotted path leads to, made where it is missing, and the name in it.

    Where the path meets a value that is no section, an empty one is returned and the value stays for the
    validation to report.
    """
    *parents, name = path.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
        if not isinstance(tree, dict):
            return {}, name
    return tree, name


def _known(tree: Tree, model: type[BaseModel]) -> Tree:
    """Return the names of a tree that are fields of a model, its sections likewise."""
    kept: Tree = {}
    for name, field in model.model_fields.items():
        if name in tree:
            value, inner = tree[name], field.annotation
            is_section = isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, BaseModel)
            kept[name] = _known(value, inner) if is_section else value  # type: ignore[arg-type]
    return kept
