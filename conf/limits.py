"""The hard limits of a number in the settings, in words for the error of one that is outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel

from conf.layers import default

ENDS = ((Ge, "ge", "from"), (Gt, "gt", "above"), (Le, "le", "to"), (Lt, "lt", "below"))


def limits(path: Iterable[Any], model: type[BaseModel]) -> str:
    """Return which numbers the setting at a path takes and its default; nothing where it has no limits."""
    *parents, name = path
    for parent in parents:
        field = model.model_fields.get(parent)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        model = inner
    field = model.model_fields.get(name)
    ends = [
        f"{word} {getattr(end, key):g}"
        for kind, key, word in ENDS
        for end in (field.metadata if field else ())
        if isinstance(end, kind)
    ]
    return f". Give one {' '.join(ends)}, such as the default {default((*parents, name))}" if ends else ""
