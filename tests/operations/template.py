"""A registry with versions of all three models, made once and copied for every case."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from conf import Settings
from tasks.governance.format import FORMAT
from tasks.runtime import track
from tasks.runtime.moved import ARTIFACTS
from tests.conftest import MODELS
from tests.operations.promotions import (
    SHIFT,
    VERSIONS,
    close_connections,
    promote,
    restored,
    rollback,
    settings_of,
    triple,
    without_waiting_for_the_disk,
)
from tests.runtime.stores import seal_any, smallest_folder


def make_template(folder: Path) -> Path:
    """Make a data folder in which three retrainings passed and a fourth failed, and nobody was promoted."""
    settings = settings_of(folder)
    client = track.open_store(settings)
    for name in MODELS:
        client.create_registered_model(name)
        for _ in range(SHIFT[name]):
            client.create_model_version(name, str(folder), tags={"format": str(FORMAT), "verdict": "FAIL"})
    for version in range(1, VERSIONS + 2):
        tags = {"format": str(FORMAT), "verdict": "PASS" if version <= VERSIONS else "FAIL"}
        pins = {
            f"{name}_version": str(number)
            for name, number in triple(version).items()
            if name != "pricing_policy"
        }
        for name in MODELS:
            place = smallest_folder(folder / ARTIFACTS / f"{name}-{version}", name, f"{name} {version}")
            made = client.create_model_version(
                name, place.as_uri(), tags=tags | (pins if name == "pricing_policy" else {})
            )
            assert int(made.version) == triple(version)[name]
            seal_any(settings, name, triple(version)[name])
    return folder


@contextmanager
def warmed(folder: Path, template: Path) -> Iterator[Settings]:
    """Yield the settings of a data folder whose store this process has open, so that forks start at once.

    No connection to it is open: a fork must not inherit one.
    """
    event.listen(Engine, "connect", without_waiting_for_the_disk)
    settings = settings_of(folder)
    restored(settings, template)
    track.open_store(settings).search_registered_models()
    close_connections()
    # At every write MLflow looks whether the model is a prompt: a third of its reads, and none of our matter.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlflow.MlflowClient._raise_if_prompt", lambda *_: None)
        yield settings
    event.remove(Engine, "connect", without_waiting_for_the_disk)


def keep_promoted(settings: Settings, template: Path, folder: Path) -> Path:
    """Keep in a folder the database in which version 1, then version 2 was promoted."""
    close_connections()
    restored(settings, template)
    promote(settings, 1)
    promote(settings, 2)
    shutil.copyfile(Path(settings.data_folder) / "mlflow.db", folder / "mlflow.db")
    rollback(settings)  # so that statements of all commands are compiled before the forks
    close_connections()
    return folder


def made_registry(folder: Path) -> tuple[Path, Path]:
    """Make folders with a template and with the database in which two versions of it were promoted."""
    places = [folder / name for name in ("template", "warm", "promoted")]
    for place in places:
        place.mkdir(parents=True)
    template, warm, promoted = places
    make_template(template)
    with warmed(warm, template) as settings:
        return template, keep_promoted(settings, template, promoted)
