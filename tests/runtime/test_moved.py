"""A data folder that was moved, copied or has a name of any signs keeps its models and figures."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.governance.format import FORMAT, FORMAT_TAG
from tasks.runtime import moved, track, verified_models
from tasks.runtime.artifacts import save_text
from tasks.runtime.locations import LocationError, sqlite_uri
from tasks.runtime.resume import attempt_at
from tests.runtime.stores import seal_any

FORMATTED = {FORMAT_TAG: str(FORMAT)}
NAMES = ["a b#c ä", "a?b", "50% off", "x;y=1&z %e"]
MODEL = """
import mlflow
from pathlib import Path


class Said(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.said = Path(context.artifacts["text"]).read_text()

    def predict(self, context, model_input: list[str], params=None):
        return [self.said for _ in model_input]


mlflow.models.set_model(Said())
"""


def settings_in(folder: Path) -> Settings:
    return Settings(profile="smoke", data_folder=str(folder))


def with_a_model(folder: Path, source: Path) -> None:
    """Keep a figure and a registered model in a data folder."""
    import mlflow

    settings = settings_in(folder)
    client = track.open_store(settings)
    run_id = track.start_run(settings, {})
    (source / "figure.txt").write_text("drawn", encoding="utf-8")
    client.log_artifact(run_id, str(source / "figure.txt"), "figures")
    (source / "said.py").write_text(MODEL, encoding="utf-8")
    text = save_text("still here", source / "text.txt")
    with mlflow.start_run(run_id=run_id, log_system_metrics=False):
        info = mlflow.pyfunc.log_model(
            name="demand",
            python_model=str(source / "said.py"),
            artifacts={"text": text["path"]},
            pip_requirements=["mlflow"],
        )
    client.create_registered_model("demand")
    client.create_model_version("demand", info.model_uri, run_id, FORMATTED, model_id=info.model_id)
    seal_any(settings, "demand", 1)
    shutil.rmtree(source)


def require_the_model(folder: Path) -> None:
    """Fail where model and figure are not those of `with_a_model`."""
    client = track.open_store(settings_in(folder))
    assert verified_models.load(settings_in(folder), "demand", 1).predict(["?"]) == ["still here"]
    run_id = client.get_model_version("demand", "1").run_id
    figure = client.download_artifacts(run_id, "figures/figure.txt")
    assert Path(figure).read_text(encoding="utf-8") == "drawn"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a model, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    with_a_model(folder / "x", tmp_path_factory.mktemp("source"))
    return folder / "x"


def locations(folder: Path) -> set[str]:
    """Return every location of an artifact that a data folder's database keeps."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        kept = [
            row[0]
            for table, column in moved.LOCATIONS
            for row in database.execute(f"SELECT {column} FROM {table}")
        ]
    return {location for location in kept if location and moved.ARTIFACTS in location}


def test_artifacts_are_found_after_the_data_folder_moved(tmp_path: Path, source: Path) -> None:
    with_a_model(tmp_path / "x", source)
    (tmp_path / "further").mkdir()
    for here, there in (("x", "y"), ("y", "further/z ä")):
        (tmp_path / here).rename(tmp_path / there)
        require_the_model(tmp_path / there)
    assert all(
        place.startswith(moved.artifacts_uri(tmp_path / there)) for place in locations(tmp_path / there)
    )


def test_a_copy_keeps_its_own_artifacts(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "copy")
    require_the_model(tmp_path / "copy")
    assert all(
        place.startswith(moved.artifacts_uri(tmp_path / "copy")) for place in locations(tmp_path / "copy")
    )
    assert all(place.startswith(moved.artifacts_uri(filled)) for place in locations(filled)), (
        "the original is untouched"
    )


def test_a_folder_that_did_not_move_is_not_written_to(filled: Path) -> None:
    before = (filled / "mlflow.db").read_bytes()
    moved.follow(filled)
    assert (filled / "mlflow.db").read_bytes() == before


def test_locations_follow_all_or_none(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy" / "mlflow.db")) as database:
        database.execute(
            "CREATE TRIGGER broken BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(FAIL, 'broken'); END"
        )
    with pytest.raises(sqlite3.IntegrityError, match="broken"):
        moved.follow(tmp_path / "copy")
    assert all(place.startswith(moved.artifacts_uri(filled)) for place in locations(tmp_path / "copy"))


def test_an_artifact_elsewhere_stays_where_it_is(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(filled, folder)
    bucket = "s3://bucket/mlartifacts"
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        database.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (bucket,))
        database.commit()
    track.open_store(settings_in(folder))
    assert bucket in locations(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_data_folder_may_have_any_name(name: str, tmp_path: Path, source: Path) -> None:
    folder = tmp_path / "shops" / name
    with_a_model(folder, source)
    require_the_model(folder)
    assert (folder / "mlflow.db").is_file()
    assert [path.name for path in (tmp_path / "shops").iterdir()] == [name], (
        "nothing lies beside the data folder"
    )


def test_a_folder_that_mlflow_would_misread_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "a%20b"
    with pytest.raises(
        LocationError, match=r"data_folder: MLflow reads `%20` in .*a%20b.* --set data_folder=PATH"
    ):
        track.open_store(settings_in(folder))
    assert not folder.exists(), "a refused folder is not made"


def test_the_address_of_a_plain_folder_is_plain(tmp_path: Path) -> None:
    assert sqlite_uri(tmp_path / "mlflow.db") == f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert sqlite_uri(Path("/a?b/p.db"), "aiosqlite") == "sqlite+aiosqlite:////a%3Fb/p.db"


def interrupted(settings: Settings) -> Any:
    """Return the attempt of a retraining that was stopped."""
    with pytest.raises(KeyboardInterrupt), attempt_at(settings) as attempt:
        raise KeyboardInterrupt
    return attempt


@pytest.mark.parametrize("same_settings", [True, False])
def test_an_unfinished_attempt_of_a_moved_folder_is_not_resumed(
    same_settings: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One relative name for both places, where the settings are to be the same though the folder has moved.
    places = [tmp_path / name / "data" for name in ("one", "two")]
    settings = [settings_in(Path("data") if same_settings else place) for place in places]
    for place in places:
        place.parent.mkdir()
    monkeypatch.chdir(places[0].parent)
    stopped = interrupted(settings[0])
    assert interrupted(settings[0]).id == stopped.id, "where it was begun it is resumed"
    places[0].rename(places[1])
    monkeypatch.chdir(places[1].parent)
    said = f"an attempt was begun in {stopped.folder}, before the folder moved: a new one starts"
    with caplog.at_level(logging.INFO, "repricer"):
        begun = interrupted(settings[1])
        assert begun.id != stopped.id
        assert begun.path().is_relative_to(places[1])
        assert said in caplog.text
        caplog.clear()
        assert interrupted(settings[1]).id == begun.id
        assert said not in caplog.text, "it is said once"
    kept = json.loads((places[1] / "attempts" / stopped.id / "attempt.json").read_text())
    assert not kept["finished"]
