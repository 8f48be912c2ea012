"""Settings hold no password: a URL with one is refused, and the error names the variable that may hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from conf.services import URI_VARIABLE
from conf.urls import has_password, masked

KIND = "password"
"""Type of the errors."""
VARIABLES = {"track": URI_VARIABLE, "source": "REPRICER_SOURCE_URL, the name that source.url_variable holds"}
"""Section of the settings -> the environment variable that holds its URL."""
RULE = (
    "a URL with a password is no setting, for settings are copied to Prefect, MLflow and logs. "
    "Take it out and export it as {variable}"
)


def require_no_password(tree: Any) -> None:
    """Refuse a tree of settings with a password in a URL, wherever it stands.

    Raises:
        ValidationError: one line for every such text, which is shown masked.
    """
    lines = [_line(path, text) for path, text in _texts(tree, ()) if has_password(text)]
    if lines:
        raise ValidationError.from_exception_data("Settings", lines)


def _line(path: tuple[str, ...], text: str) -> InitErrorDetails:
    variable = VARIABLES.get(path[0] if path else "", "an environment variable of the service that needs it")
    rule = PydanticCustomError(KIND, RULE, {"variable": variable})
    return InitErrorDetails(type=rule, loc=path, input=masked(text))


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text in a tree, names included, and where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield (*path, masked(str(name))), str(name)
            yield from _texts(part, (*path, masked(str(name))))
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _texts(part, path)
