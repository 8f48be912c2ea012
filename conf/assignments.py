"""Values of ``--set``: the type of a setting decides how its value is read; text stays as it was written."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

from conf.layers import SettingsError, Tree

NULL = frozenset({"", "~", "null", "Null", "NULL"})
"""What stands for "none", where a setting may be none."""
CONTAINERS = (dict, list, tuple)


def assigned(assignments: Iterable[str], model: type[BaseModel]) -> Tree:
    """Read ``forecast.lstm.units=32`` pairs into a tree of values for a model.

    Text is taken as written (``on``, ``007``, ``2026-01-01``). ``null`` or nothing is none where a setting
    may be none. Lists and mappings are YAML, whose entries follow the same rules.

    Raises:
        SettingsError: a pair lacks its ``=``, a text is empty, or a value that is no mapping gets a part.
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
            if not isinstance(node, dict):
                raise SettingsError(
                    f"--set {assignment}: {parent} was set to {node!r} before, which has no parts"
                )
        node[leaf] = _read(text, _annotation(path, model), path)
    return tree


def _annotation(path: str, model: Any) -> Any:
    """Return the type at a dotted path; text where there is no such setting, which the validation reports."""
    for part in path.split("."):
        kinds = _kinds(model)
        model = next((_part(kind, part) for kind in kinds if _part(kind, part) is not None), str)
    return model


def _part(kind: Any, name: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(name)
        return field.annotation if field else None
    return get_args(kind)[1] if get_origin(kind) is dict else None


def _kinds(annotation: Any) -> list[Any]:
    """Return the members of a union; the values of a literal count by their types, checks are left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return [kind for member in get_args(annotation) for kind in _kinds(member)]
    if origin is Literal:
        return [type(value) for value in get_args(annotation)]
    return [annotation]


def _read(text: str, annotation: Any, path: str) -> Any:
    kinds = _kinds(annotation)
    if text in NULL and type(None) in kinds:
        return None
    if any(_holds_others(kind) for kind in kinds) and (str not in kinds or text.startswith(("[", "{"))):
        return _entries(_yaml(text, path), annotation, path)
    if bool in kinds and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if {int, float} & set(kinds):
        return _number(text)
    if not text:
        raise SettingsError(f"--set {path}=: a value is needed after the `=`")
    return text


def _holds_others(kind: Any) -> bool:
    return get_origin(kind) in CONTAINERS or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _yaml(text: str, path: str) -> Any:
    """Return lists and mappings of the text, whose scalars stay text."""
    try:
        return yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise SettingsError(f"--set {path}={text}: it cannot be read as YAML ({error})") from None


def _entries(value: Any, annotation: Any, path: str) -> Any:
    """Read the text in lists and mappings, by the type of its place."""
    kinds = _kinds(annotation)
    if isinstance(value, dict):
        typed = {
            name: next((_part(k, name) for k in kinds if _part(k, name) is not None), str) for name in value
        }
        return {name: _entries(entry, typed[name], f"{path}.{name}") for name, entry in value.items()}
    if isinstance(value, list):
        inner = next((get_args(kind)[0] for kind in kinds if get_origin(kind) in {list, tuple}), str)
        return [_entries(entry, inner, path) for entry in value]
    return _read(value, annotation, path) if not any(map(_holds_others, kinds)) else value


def _number(text: str) -> int | float | str:
    """Return the number that a text says, or the text for the validation to refuse."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
