"""Reading a source: one record says where the sales are, and a source that it does not say is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from expectations.refusals import DataError
from tasks.sources import completejourney
from tasks.sources.reading import Source, read

SOURCE = Source(
    kind="file",
    path=None,
    query=None,
    url_variable="REPRICER_TEST_URL",
    columns={},
    period="D",
    by_store=False,
    products=5,
    time_zone=None,
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"path": None}, "source.kind=file has a path"), ({"kind": "sql"}, "REPRICER_TEST_URL is not set")],
)
def test_a_source_that_is_not_named_is_refused(
    changes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPRICER_TEST_URL", raising=False)
    with pytest.raises(DataError, match=message):
        read(replace(SOURCE, **changes))


def test_the_rows_of_the_embedded_sales_are_numbered_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def embedded(*arguments: Any) -> pd.DataFrame:
        calls.append(arguments)
        return pd.DataFrame({"units": [1.0, 2.0]})

    monkeypatch.setattr(completejourney, "read", embedded)
    lines = read(replace(SOURCE, kind="completejourney", period="W", by_store=True))
    assert calls == [("W", True, 5)]
    assert lines.frame["file"].tolist() == ["completejourney"] * 2
    assert lines.frame["row"].tolist() == [1, 2]
    assert (lines.rows, lines.repeated, lines.stamped) == (2, 0, False)


def test_a_source_is_called_by_its_file_or_its_kind(tmp_path: Path) -> None:
    assert replace(SOURCE, path=str(tmp_path / "sales.csv")).name == "sales.csv"
    assert replace(SOURCE, kind="sql", path="ignored.csv").name == "sql"
