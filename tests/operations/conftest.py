"""Data folders whose registry holds versions of all three models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conf import Settings
from tests.operations.promotions import close_connections, restored
from tests.operations.template import keep_promoted, make_template, warmed


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder in which three retrainings passed and a fourth failed, and nobody was promoted."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def warm(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Yield the settings of a data folder whose store this process has open, so that forks start at once."""
    with warmed(tmp_path_factory.mktemp("warm"), template) as settings:
        yield settings


@pytest.fixture
def shop(warm: Settings, template: Path) -> Settings:
    """Return the settings of a data folder with the versions of the template, where nobody was promoted."""
    close_connections()
    return restored(warm, template)


@pytest.fixture(scope="module")
def promoted(warm: Settings, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the database in which version 1, then version 2 was promoted."""
    return keep_promoted(warm, template, tmp_path_factory.mktemp("promoted"))
