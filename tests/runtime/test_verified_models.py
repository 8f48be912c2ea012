"""What runs is what was registered: a changed version is refused before anything of it is imported."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from conf import Settings
from tasks.governance.manifest import SHOWN, ManifestError
from tasks.runtime import track, verified_models
from tasks.runtime.model_folder import CACHE, NOTED_BY_LOADS, PRIVATE, private_folder
from tasks.runtime.track.served_code import served_code
from tests.faults.changes import empty, flip, link, remove, replace, truncate
from tests.runtime.stores import MODEL, elasticity, folder_of

FILES = (
    *("MLmodel", "conda.yaml", "input_example.json", "python_env.yaml", "requirements.txt", "response.py"),
    "serving_input_example.json",
    *("artifacts/elasticities.parquet", "artifacts/group_draws.npz", "artifacts/group_products.parquet"),
    *("artifacts/response_spec.json", "artifacts/golden.json"),
    *(path for path in served_code(MODEL).digests() if path.startswith("code/")),
)
DIFFERING = ("MLmodel", "artifacts/elasticities.parquet")
"""Files in which the two versions differ."""


def test_what_was_registered_loads_and_its_copy_is_gone(store: Settings) -> None:
    private = Path(store.data_folder) / PRIVATE
    assert (elasticity(store, 1), elasticity(store, 2)) == (-1.5, -2.5)
    assert list(private.iterdir()) == []
    assert private.stat().st_mode & 0o077 == 0, "nobody else may read or change a copy"
    assert sorted(path.relative_to(folder_of(1)).as_posix() for path in plain_files(folder_of(1))) == sorted(
        FILES
    ), "a manifest names every file of a version; the tests below change every one"


def test_a_copy_that_a_killed_process_left_is_removed_and_a_living_one_is_not(tmp_path: Path) -> None:
    (tmp_path / PRIVATE / "left").mkdir(parents=True)
    (tmp_path / PRIVATE / "left" / "MLmodel").write_text("{}", encoding="utf-8")
    with private_folder(tmp_path) as first, private_folder(tmp_path) as second:
        assert sorted((tmp_path / PRIVATE).iterdir()) == sorted([first, second])
    assert list((tmp_path / PRIVATE).iterdir()) == []


def plain_files(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != CACHE]
    return [path for path in files if path.name != NOTED_BY_LOADS]


# --- every file, changed in every way ---


@pytest.mark.parametrize("change", [flip, truncate, empty, replace, remove, link], ids=lambda f: f.__name__)
def test_a_changed_file_is_refused_before_mlflow_sees_it(
    change: Callable[[Path, Path], None], store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlflow.pyfunc.load_model", lambda uri: pytest.fail(f"{uri} was loaded"))
    expected = {link: "{} is a link", remove: "{}: expected .*, found no such file"}
    default = r"{}: expected \d+ bytes of SHA-256 \w+, found \d+ bytes of SHA-256 \w+\. Nothing of it was"
    for file in FILES:
        changed = folder_of(1) / file
        content = changed.read_bytes()
        change(changed, folder_of(2) / file)
        with pytest.raises(ManifestError, match=expected.get(change, default).format(re.escape(file))):
            elasticity(store)
        changed.unlink(missing_ok=True)
        changed.write_bytes(content)
    monkeypatch.undo()
    assert elasticity(store) == -1.5, "put back as it was, it is loaded"


@pytest.mark.parametrize("file", DIFFERING)
def test_a_file_of_another_version_is_refused(file: str, store: Settings) -> None:
    shutil.copyfile(folder_of(2) / file, folder_of(1) / file)
    with pytest.raises(ManifestError, match=f"price_response version 1 is not what was registered: {file}: "):
        elasticity(store)
    assert elasticity(store, 2) == -2.5


def test_folders_swapped_between_versions_are_refused(store: Settings, tmp_path: Path) -> None:
    first, second = folder_of(1), folder_of(2)
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    for version in (1, 2):
        with pytest.raises(ManifestError, match="is not what was registered: MLmodel: expected"):
            elasticity(store, version)


def test_an_extra_file_is_refused(store: Settings) -> None:
    (folder_of(1) / "artifacts" / "more.json").write_text("{}", encoding="utf-8")
    with pytest.raises(
        ManifestError, match=r"artifacts/more\.json: expected no such file, found 2 bytes of SHA-256"
    ):
        elasticity(store)


def test_a_load_by_name_that_mlflow_notes_in_the_folder_changes_nothing(store: Settings) -> None:
    import mlflow

    mlflow.pyfunc.load_model(f"models:/{MODEL}/1")
    assert (folder_of(1) / NOTED_BY_LOADS).read_text().startswith(f"model_name: {MODEL}")
    assert elasticity(store, 1) == -1.5


def test_a_folder_that_is_gone_is_refused(store: Settings) -> None:
    shutil.rmtree(folder_of(1))
    more = len(FILES) - SHOWN
    with pytest.raises(ManifestError, match=rf"MLmodel: expected .* found no such file; .*; and {more} more"):
        elasticity(store)


# --- where the files lie ---


def registered_at(folder: Path) -> int:
    """Register a version whose files lie in a folder."""
    tags = mlflow.MlflowClient().get_model_version(MODEL, "1").tags
    version = mlflow.MlflowClient().create_model_version(MODEL, folder.as_uri(), tags=tags)
    return int(version.version)


@pytest.mark.parametrize("place", ["outside", "dots", "link", "link on the way", "the store itself"])
def test_files_outside_of_the_store_are_refused(place: str, store: Settings, tmp_path: Path) -> None:
    inside, outside = folder_of(1).parents[2], tmp_path / "outside"
    shutil.copytree(folder_of(1), outside / "model")
    (inside / "link").symlink_to(outside / "model")
    (inside / "way").symlink_to(outside)
    places = {
        "outside": outside / "model",
        "dots": inside / ".." / ".." / "outside" / "model",
        "link": inside / "link",
        "link on the way": inside / "way" / "model",
        "the store itself": inside,
    }
    with pytest.raises(
        ManifestError,
        match=r"price_response version 3: .*lies outside of .*mlartifacts.* Nothing of it was run",
    ):
        elasticity(store, registered_at(places[place]))


def test_a_source_moved_by_hand_to_another_version_is_refused(store: Settings) -> None:
    with closing(sqlite3.connect(Path(store.data_folder) / "mlflow.db")) as db:
        db.execute(
            "update model_versions set storage_location = ? where version = 1", (folder_of(2).as_uri(),)
        )
        db.commit()
    with pytest.raises(ManifestError, match="price_response version 1 is not what was registered: MLmodel"):
        elasticity(store)


def test_a_store_elsewhere_keeps_its_files_below_its_experiment(store: Settings, tmp_path: Path) -> None:
    elsewhere = store.model_copy(
        update={
            "data_folder": str(tmp_path / "empty"),
            "track": store.track.model_copy(update={"uri": track.store_uri(store)}),
        }
    )
    track.open_store(elsewhere)
    assert elasticity(elsewhere) == -1.5
    shutil.copytree(folder_of(1), tmp_path / "model")
    number = registered_at(tmp_path / "model")
    with pytest.raises(ManifestError, match=r"lies outside of .*mlartifacts"):
        elasticity(elsewhere, number)


def test_what_was_downloaded_from_a_remote_store_is_checked_alike(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = folder_of(1)

    def download(artifact_uri: str, dst_path: str) -> str:
        assert artifact_uri == "mlflow-artifacts:/1/models/m-1/artifacts"
        return shutil.copytree(served, Path(dst_path) / "artifacts")

    def move_to(uri: str) -> None:
        with closing(sqlite3.connect(Path(store.data_folder) / "mlflow.db")) as db:
            db.execute("update model_versions set storage_location = ? where version = 1", (uri,))
            db.commit()

    monkeypatch.setattr("mlflow.artifacts.download_artifacts", download)
    monkeypatch.setattr("tasks.runtime.track.model_files._root", lambda _: "mlflow-artifacts:/1")
    move_to("mlflow-artifacts:/1/models/m-1/artifacts")
    assert elasticity(store) == -1.5
    (served / "artifacts" / "response_spec.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"artifacts/response_spec\.json: expected .*, found 2 bytes"):
        elasticity(store)
    for uri in (
        "mlflow-artifacts:/2/m",
        "mlflow-artifacts:/1/../2/m",
        "mlflow-artifacts:/1/%2e%2e/2",
        "s3://b/1",
    ):
        move_to(uri)
        with pytest.raises(ManifestError, match="lies outside of mlflow-artifacts:/1"):
            elasticity(store)
    move_to("file:///etc")
    with pytest.raises(ManifestError, match="/etc lies on this machine"):
        elasticity(store)


def test_a_manifest_that_was_written_is_not_overwritten(store: Settings) -> None:
    (folder_of(1) / "artifacts" / "response_spec.json").write_text(json.dumps({"confidence": 0.5}))
    with pytest.raises(ManifestError, match="is not what was registered"):
        verified_models.seal(store, {MODEL: 1})
