"""Paths in settings: of this machine, never a URL that some library would fetch."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

URL = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]+:/|file:)")
"""How a URL begins; one letter and a colon is a drive."""


def _local(path: str) -> str:
    """Return a path of this machine; a URL is refused."""
    if URL.match(path):
        raise ValueError("a path of this machine, not a URL. Download what it names, and give its path")
    return path


LocalPath = Annotated[str, AfterValidator(_local)]
