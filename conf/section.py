"""The base of every section of the settings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from conf.urls import WITHOUT_PASSWORD


def _without_passwords(schema: dict[str, Any]) -> None:
    """Let Prefect refuse a URL with a password before it stores the parameters of a run."""
    for field in schema.get("properties", {}).values():
        for kind in (field, *field.get("anyOf", ()), field.get("additionalProperties")):
            is_text = isinstance(kind, dict) and kind.get("type") == "string"
            if is_text and not {"pattern", "enum"} & kind.keys():
                kind["pattern"] = WITHOUT_PASSWORD


class Section(BaseModel):
    """A frozen group of settings that refuses a name it does not know, and numbers that are not finite."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_extra=_without_passwords,
    )
