"""An attempt and models to register, in a store of SQLite."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pandas as pd

from conf import Settings
from tasks.governance.format import FORMAT, FORMAT_TAG
from tasks.runtime import champion_aliases, champion_store, track, verified_models
from tasks.runtime.artifacts import save_arrays, save_json, save_table
from tasks.runtime.attempt import Attempt
from tasks.runtime.track import Registration
from tasks.runtime.track.model_files import registered_version
from tasks.runtime.track.served_code import CODE, served_code
from tasks.runtime.track.store import client

MODEL = "price_response"


def attempt_in(settings: Settings, name: str = "a") -> Attempt:
    """Return an attempt with a parent run in the store of the settings."""
    run_id = track.start_run(settings, {"attempt": name})
    return Attempt(id=name, folder=str(Path(settings.data_folder) / "attempts" / name), run_id=run_id)


def folder_of(version: int) -> Path:
    """Return the folder of a version of `MODEL`."""
    uri = client().get_model_version_download_uri(MODEL, str(version))
    return Path(uri.removeprefix("file://"))


def elasticity(settings: Settings, version: int = 1) -> float:
    """Return what a version of `MODEL` that is loaded as by every command answers."""
    number, model = champion_aliases.chosen(settings, MODEL, version)
    assert number == version
    return float(model._table["elasticity"].iloc[0])


def seal_any(settings: Settings, name: str, version: int) -> None:
    """Write the manifest of a version, whatever code it runs."""
    with tempfile.TemporaryDirectory() as copy:
        manifest = verified_models.manifest_of_copy(settings, registered_version(name, version), Path(copy))
    champion_store.keep_manifests(settings, [manifest])


def smallest_folder(folder: Path, name: str, text: str) -> Path:
    """Write the folder of a version as MLflow would, of our code and one artifact; it answers nothing."""
    (folder / "artifacts").mkdir(parents=True)
    code = served_code(name)
    code.write(folder)
    (folder / "artifacts" / "text.txt").write_text(text, encoding="utf-8")
    pyfunc = {
        "loader_module": "mlflow.pyfunc.loaders.code_model",
        "code": CODE,
        "model_code_path": code.entry_name,
        "artifacts": {"text": {"path": "artifacts/text.txt"}},
    }
    (folder / "MLmodel").write_text(json.dumps({"flavors": {"python_function": pyfunc}}), encoding="utf-8")
    return folder


def registration(folder: Path, elasticity: float = -1.5) -> Registration:
    """Return the smallest model that is served: the elasticity of one product, and no list."""
    table = pd.DataFrame(
        {
            "product_id": "007",
            "elasticity": elasticity,
            "low": -2.0,
            "high": -1.0,
            "identified": True,
            "reason": "",
        },
        index=[0],
    )
    return Registration(
        name=MODEL,
        files={
            "response_table": save_table(table, folder / "elasticities.parquet"),
            "response_products": save_table(table[["product_id"]], folder / "group_products.parquet"),
            "response_draws": save_arrays({}, folder / "group_draws.npz"),
            "response_spec": save_json({"confidence": 0.95}, folder / "response_spec.json"),
        },
        example=table[["product_id"]],
        tags={FORMAT_TAG: str(FORMAT), "verdict": "PASS"},
    )
