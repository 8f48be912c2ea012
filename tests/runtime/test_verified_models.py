"""What runs is what was registered: a changed version is refused before anything of it is imported."""

from __future__ import annotations

import json
import os
import py_compile
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import cloudpickle
import mlflow
import pytest
import yaml
from mlflow.exceptions import MlflowException

from conf import Settings
from tasks.governance.manifest import SHOWN, ManifestError
from tasks.runtime import champion_aliases, champion_store, track, verified_models
from tasks.runtime.model_folder import CACHE, NOTED_BY_LOADS, PRIVATE, private_folder
from tasks.runtime.track.served_code import served_code
from tests.runtime.stores import attempt_in, registration

MODEL = "price_response"
FILES = (
    *("MLmodel", "conda.yaml", "input_example.json", "python_env.yaml", "requirements.txt", "response.py"),
    "serving_input_example.json",
    *("artifacts/elasticities.parquet", "artifacts/group_draws.npz", "artifacts/group_products.parquet"),
    *("artifacts/response_spec.json", "artifacts/golden.json"),
    *(path for path in served_code(MODEL).digests() if path.startswith("code/")),
)
CARRIED = f"code/{served_code(MODEL).package}/tasks/response/list_answer.py"
DIFFERING = ("MLmodel", "artifacts/elasticities.parquet")
"""Files in which the two versions differ."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with two registered versions of other elasticities."""
    folder = tmp_path_factory.mktemp("store")
    settings = Settings(profile="smoke", data_folder=str(folder))
    for number, elasticity in enumerate((-1.5, -2.5), start=1):
        with track.stage_run(attempt_in(settings, f"attempt-{number}"), "register") as run:
            assert run.model(registration(tmp_path_factory.mktemp("files"), elasticity)) == number
        verified_models.seal(settings, {MODEL: number})
    return folder


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Settings:
    """Return the settings of a copy of that data folder."""
    shutil.copytree(template, tmp_path / "data")
    settings = Settings(profile="smoke", data_folder=str(tmp_path / "data"))
    track.open_store(settings)
    return settings


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Return the file that foreign code writes."""
    return tmp_path / "canary"


def folder_of(version: int) -> Path:
    """Return the folder of a version."""
    uri = mlflow.MlflowClient().get_model_version_download_uri(MODEL, str(version))
    return Path(uri.removeprefix("file://"))


def elasticity(settings: Settings, version: int = 1) -> float:
    """Return what a version that is loaded as by every command answers."""
    number, model = champion_aliases.chosen(settings, MODEL, version)
    assert number == version
    return float(model._table["elasticity"].iloc[0])


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


def flip(file: Path, _other: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path, _other: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def empty(file: Path, _other: Path) -> None:
    os.truncate(file, 0)


def replace(file: Path, _other: Path) -> None:
    file.unlink()
    file.write_bytes(b"anything else")


def remove(file: Path, _other: Path) -> None:
    file.unlink()


def link(file: Path, other: Path) -> None:
    file.unlink()
    file.symlink_to(other)


@pytest.mark.parametrize("change", [flip, truncate, empty, replace, remove, link], ids=lambda f: f.__name__)
@pytest.mark.parametrize("file", FILES)
def test_a_changed_file_is_refused_before_mlflow_sees_it(
    file: str, change: Callable[[Path, Path], None], store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlflow.pyfunc.load_model", lambda uri: pytest.fail(f"{uri} was loaded"))
    change(folder_of(1) / file, folder_of(2) / file)
    expected = {link: f"{file} is a link", remove: f"{file}: expected .*, found no such file"}
    default = (
        rf"{file}: expected \d+ bytes of SHA-256 \w+, found \d+ bytes of SHA-256 \w+\. Nothing of it was"
    )
    with pytest.raises(ManifestError, match=expected.get(change, default)):
        elasticity(store)


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


# --- foreign code, in each of its forms ---


def writing(canary: Path) -> str:
    """Return code that shows that it ran."""
    return f"from pathlib import Path\nPath({str(canary)!r}).write_text('ran')\n"


class Pickled:
    """What runs code when it is unpickled."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self.code,)


def describe(folder: Path, remove: str | None = None, **entries: object) -> None:
    """Change the description from which MLflow loads a model."""
    description = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    pyfunc = description["flavors"]["python_function"]
    pyfunc.update(entries)
    pyfunc.pop(remove, None)
    (folder / "MLmodel").write_text(yaml.safe_dump(description), encoding="utf-8")


def changed_code(folder: Path, code: str) -> None:
    with (folder / "response.py").open("a", encoding="utf-8") as file:
        file.write(code)


def changed_carried_code(folder: Path, code: str) -> None:
    with (folder / CARRIED).open("a", encoding="utf-8") as file:
        file.write(code)


def other_loader(folder: Path, code: str) -> None:
    (folder / "code" / "foreign_loader.py").write_text(code, encoding="utf-8")
    describe(folder, loader_module="foreign_loader", code="code")


def other_code_path(folder: Path, code: str) -> None:
    (folder / "other.py").write_text(code, encoding="utf-8")
    describe(folder, model_code_path="other.py")


def shadowing_module(folder: Path, code: str) -> None:
    (folder / "code" / "shadow_of_a_library.py").write_text(code, encoding="utf-8")
    with (folder / "response.py").open("a", encoding="utf-8") as file:
        file.write("import shadow_of_a_library\n")
    describe(folder, code="code")


def pickle(folder: Path, code: str) -> None:
    (folder / "python_model.pkl").write_bytes(cloudpickle.dumps(Pickled(code)))
    describe(
        folder, remove="model_code_path", python_model="python_model.pkl", loader_module="mlflow.pyfunc.model"
    )


FORMS = [changed_code, changed_carried_code, other_loader, other_code_path, shadowing_module, pickle]


@pytest.mark.parametrize("registered", [True, False], ids=["with manifest", "without manifest"])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_foreign_code_is_refused_before_it_runs(
    form: Callable[[Path, str], None],
    registered: bool,
    store: Settings,
    canary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    form(folder_of(1), writing(canary))
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.startswith("repricer_served")]:
        monkeypatch.delitem(sys.modules, name)  # as in a new process
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    with suppress(MlflowException, AttributeError, TypeError):  # what MLflow makes of a model that is none
        mlflow.pyfunc.load_model(f"models:/{MODEL}/1")
    assert canary.exists(), "the code would run"
    canary.unlink()
    for name in ("foreign_loader", "shadow_of_a_library"):
        sys.modules.pop(name, None)
    if not registered:
        champion_store.forget_manifests(store, MODEL)
    remedy = (
        "is not what was registered: " if registered else "has no manifest, and would not only run the code"
    )
    for command in (lambda: elasticity(store), lambda: verified_models.seal(store, {MODEL: 1})):
        with pytest.raises(ManifestError, match=f"price_response version 1 {remedy}"):
            command()
    assert not canary.exists(), "nothing of it was run"


def test_a_cache_of_bytecode_beside_the_code_is_never_run(
    store: Settings, canary: Path, tmp_path: Path
) -> None:
    code, evil = folder_of(1) / "response.py", tmp_path / "evil.py"
    evil.write_text(writing(canary), encoding="utf-8")
    cached = Path(py_compile.compile(str(evil), cfile=str(tmp_path / "evil.pyc"), doraise=True) or "")
    head = py_compile.compile(str(code), doraise=True)
    assert head is not None
    content = Path(head).read_bytes()[:16] + cached.read_bytes()[16:]
    Path(head).write_bytes(content)
    assert elasticity(store) == -1.5
    assert not canary.exists()


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
