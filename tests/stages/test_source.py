"""The source of the settings: a database, not a file and not the surroundings of the machine."""

from __future__ import annotations

import pytest

from conf import load
from expectations.refusals import DataError
from tasks.stages.source import source_of

CANARY = "c4nary-s3cret"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (f"file:///tmp/{CANARY}.db", "it is a file or a path"),
        (f"postgresql://bob:{CANARY}@169.254.169.254/db", "its host is a link-local address"),
        (f"postgresql://bob:{CANARY}@0xA9FEA9FE/db", "its host is a link-local address"),
        (f"postgresql://bob:{CANARY}@/db?host=169.254.169.254", "its host is a link-local address"),
        (f"postgresql://bob:{CANARY}/x@host/db", "it is no URL: write"),
        (f"postgresql://bob:a@{CANARY}@host/db", "it is no URL: write"),
    ],
)
def test_a_source_that_is_no_database_is_refused_without_its_url(
    url: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRICER_SOURCE_URL", url)
    with pytest.raises(DataError, match=f"REPRICER_SOURCE_URL.*{fault}") as error:
        source_of(load("default", ["source.kind=sql", "source.query=select 1"]).source)
    assert CANARY not in str(error.value)


@pytest.mark.parametrize(
    "url", ["sqlite:////tmp/a b#c.db", f"postgresql+psycopg://bob:{CANARY}@127.0.0.1:5432/db"]
)
def test_a_database_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRICER_SOURCE_URL", url)
    assert source_of(load("default", ["source.kind=sql"]).source).kind == "sql"
