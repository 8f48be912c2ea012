"""The format of registered models: a version is loaded only by code that can read it."""

from __future__ import annotations

from collections.abc import Mapping

FORMAT_TAG = "format"
FORMAT = 4
"""The number that every new version carries."""
READS = (2, 3, 4)
"""The numbers that this code reads.

A version stores its files and the code that reads them. From format 3 on it carries all of that code, so that
serving it needs nothing of this project; commands use its ``predict`` and, of a policy, ``policy``, with the
attributes and methods of ``PolicyModel``. Whoever takes one of those away raises the number and drops the old
one here; older versions are then refused. The code of format 2 imports modules of this project: their names,
classes and files must stay as long as 2 is read. From format 4 on the market of a policy has the bounds of
the hard rules (``hard_low``, ``hard_high``), which its answers obey; older ones answer without. Those without
a number were registered before there was one.
"""


class FormatError(RuntimeError):
    """A version that this code cannot read."""


def require_format(model: str, version: int, tags: Mapping[str, str]) -> None:
    """Accept a version of a format that is read; call it before the version's code is imported.

    Raises:
        FormatError: it carries no format number, or another one.
    """
    number = tags.get(FORMAT_TAG)
    if number not in {str(readable) for readable in READS}:
        carried = "carries no format number" if number is None else f"has format {number}"
        raise FormatError(
            f"{model} version {version} {carried}; this code reads {_formats()}. "
            "Retrain with `repricer retrain` and use, or promote, the version that it registers."
        )


def _formats() -> str:
    *others, last = map(str, READS)
    return f"the formats {', '.join(others)} and {last}"
