"""Addresses of databases in a data folder, whose path may hold blanks, umlauts, `#`, `?` and `%`."""

from __future__ import annotations

import re
from pathlib import Path

ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
"""What MLflow takes for an escaped character, even in a plain path."""


class LocationError(ValueError):
    """A data folder in whose path models could not be found again."""


def sqlite_uri(path: Path, driver: str = "") -> str:
    """Return the SQLAlchemy URI of an SQLite file.

    Args:
        path: of the file, made absolute.
        driver: named in the URI, such as `aiosqlite`; none: named only where the path must be escaped,
            because MLflow makes parent folders for a bare `sqlite:///` by the escaped name.

    Raises:
        LocationError: the path holds `%` before two hexadecimal digits, which MLflow would decode.
    """
    text = str(path.resolve())
    require_plain(path)
    escaped = text.replace("%", "%25").replace("?", "%3F")
    driver = driver or ("pysqlite" if escaped != text else "")
    return f"sqlite{'+' if driver else ''}{driver}:///{escaped}"


def require_plain(path: Path) -> None:
    """Refuse a path that MLflow reads as another.

    Raises:
        LocationError: it holds `%` before two hexadecimal digits.
    """
    escape = ESCAPE.search(str(path.resolve()))
    if escape:
        raise LocationError(
            f"data_folder: MLflow reads `{escape[0]}` in {path.resolve()} as another character and would not "
            "find its models again. Rename the folder, or choose another with --set data_folder=PATH"
        )
