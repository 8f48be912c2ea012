"""The format of registered models: a version is loaded only by code that can read it."""

from __future__ import annotations

from collections.abc import Mapping

FORMAT_TAG = "format"
FORMAT = 2
"""The number that every version carries, and the only one that this code reads.

A version stores its files and the code that reads them, and that code imports modules of this project.
Whoever renames one of those files, a field in them, or a module or class that the stored code imports, raises
the number by one; older versions are then refused. Those without a number were registered before there was
one.
"""


class FormatError(RuntimeError):
    """A version that this code cannot read."""


def require_format(model: str, version: int, tags: Mapping[str, str]) -> None:
    """Accept a version of this format; call it before the version's code is imported.

    Raises:
        FormatError: it carries no format number, or another one.
    """
    number = tags.get(FORMAT_TAG)
    if number != str(FORMAT):
        carried = "carries no format number" if number is None else f"has format {number}"
        raise FormatError(
            f"{model} version {version} {carried}; this code reads only format {FORMAT}. "
            "Retrain with `repricer retrain` and use, or promote, the version that it registers."
        )
