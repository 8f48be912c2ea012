"""Whether a copied version runs the code of this installation and no other, read without importing any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tasks.governance.manifest import FileDigest, ManifestError
from tasks.runtime.artifacts import sha256
from tasks.runtime.track.registry import CODE

LOADER = "mlflow.pyfunc.loaders.code_model"
"""The loader of models that are logged from code; it unpickles nothing."""
FILES = {
    *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"),
    *("input_example.json", "serving_input_example.json"),
}
"""What MLflow writes beside code and artifacts."""
ARTIFACTS = "artifacts/"


def require_own_code(name: str, version: int, folder: Path, files: Mapping[str, FileDigest]) -> None:
    """Accept the copy of a version whose description loads nothing but our code and its artifacts.

    Raises:
        ManifestError: it would import or unpickle anything else.
    """
    faults = list(_faults(name, folder, files))
    if faults:
        raise ManifestError(
            f"{name} version {version} has no manifest, and would not only run the code of this "
            f"installation: {'; '.join(faults)}. Nothing of it was run. "
            "Run `repricer retrain` and use, or promote, the version that it registers."
        )


def _faults(name: str, folder: Path, files: Mapping[str, FileDigest]) -> Iterator[str]:
    code = CODE[name]
    if "MLmodel" not in files:
        yield "it has no MLmodel"
        return
    expected, received = sha256(code), files.get(code.name)
    if received is None or received.sha256 != expected:
        yield f"{code.name}: expected SHA-256 {expected}, found {received or 'no such file'}"
    foreign = [path for path in files if path not in FILES | {code.name} and not path.startswith(ARTIFACTS)]
    if foreign:
        yield f"files of no known use: {', '.join(sorted(foreign))}"
    yield from _foreign_entries(code.name, folder / "MLmodel", files)


def _foreign_entries(code: str, description: Path, files: Mapping[str, FileDigest]) -> Iterator[str]:
    """Return the entries of MLmodel that would load something else."""
    try:
        flavors = yaml.safe_load(description.read_bytes())["flavors"]
        pyfunc: dict[str, Any] = flavors["python_function"]
        paths = [artifact["path"] for artifact in pyfunc["artifacts"].values()]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        yield "MLmodel is not that of a model from code"
        return
    required = {"loader_module": LOADER, "code": None, "data": None, "python_model": None}
    for entry, value in required.items():
        if pyfunc.get(entry) != value:
            yield f"MLmodel: {entry} is {pyfunc.get(entry)!r}, not {value!r}"
    if Path(str(pyfunc.get("model_code_path"))).name != code:
        yield f"MLmodel: model_code_path is {pyfunc.get('model_code_path')!r}, not that of {code}"
    if set(flavors) != {"python_function"}:
        yield f"MLmodel: flavors {', '.join(sorted(flavors))}, not python_function alone"
    outside = [path for path in paths if path not in files or not path.startswith(ARTIFACTS)]
    if outside:
        yield f"MLmodel: artifacts outside of the model: {', '.join(map(str, outside))}"
