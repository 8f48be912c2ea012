"""Foreign code in a registered version, in each of its forms, is refused before it runs."""

from __future__ import annotations

import json
import py_compile
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import cloudpickle
import joblib
import mlflow
import numpy as np
import pytest
import yaml
from mlflow.exceptions import MlflowException

from conf import Settings
from tasks.governance.manifest import ManifestError
from tasks.runtime import champion_store, verified_models
from tasks.runtime.track.served_code import served_code
from tests.runtime.stores import MODEL, elasticity, folder_of

CARRIED = f"code/{served_code(MODEL).package}/tasks/response/list_answer.py"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Return the file that foreign code writes."""
    return tmp_path / "canary"


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


def keras_lambda(folder: Path, _: Path) -> None:
    """Write a network with a layer of code, which Keras would run."""
    layer = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {}}}}
    (folder / "data").mkdir()
    with ZipFile(folder / "data" / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": [layer]}))
    describe(folder, remove="model_code_path", loader_module="mlflow.tensorflow", data="data")


def joblib_dump(folder: Path, canary: Path) -> None:
    joblib.dump(Pickled(writing(canary)), folder / "model.pkl")
    describe(folder, remove="model_code_path", loader_module="mlflow.sklearn", model_path="model.pkl")


def object_arrays(folder: Path, canary: Path) -> None:
    np.savez(folder / "artifacts" / "group_draws.npz", whole=np.array([Pickled(writing(canary))], object))


@pytest.mark.parametrize("registered", [True, False], ids=["with manifest", "without manifest"])
@pytest.mark.parametrize("form", [keras_lambda, joblib_dump, object_arrays], ids=lambda form: form.__name__)
def test_what_would_run_code_when_it_is_read_is_refused_before_it_is_read(
    form: Callable[[Path, Path], None],
    registered: bool,
    store: Settings,
    canary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    form(folder_of(1), canary)
    if not registered:
        champion_store.forget_manifests(store, MODEL)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    arrays = form is object_arrays and not registered  # of data alone, which our own code refuses
    if not arrays:
        monkeypatch.setattr("mlflow.pyfunc.load_model", lambda _: pytest.fail("it was handed to MLflow"))
    refusal = "Object arrays cannot be loaded" if arrays else "price_response version 1"
    with pytest.raises((ManifestError, ValueError), match=refusal):
        elasticity(store)
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
