"""Whether a copied version runs the code of this installation and no other, read without importing any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tasks.governance.manifest import FileDigest, ManifestError
from tasks.runtime.track.served_code import CODE, ENTRIES, served_code

LOADER = "mlflow.pyfunc.loaders.code_model"
"""The loader of models that are logged from code; it unpickles nothing."""
FILES = {
    *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"),
    *("input_example.json", "serving_input_example.json"),
}
"""What MLflow writes beside code and artifacts."""
ARTIFACTS = "artifacts/"
BEFORE_CARRIED = {
    "demand": "8c19ac25a08d439b45766a5a776b2a4215757739747638b9378af55592ce2373",
    "price_response": "b2de151bb2e62f35fccd52ecedea61b929e30b069155abb9071a9fc988936d27",
    "pricing_policy": "afd4c7e6a611e19ddb29e9423cd91c914c615e2afb31f9295ff867bed332a586",
}
"""SHA-256 of the one file of code with which the release before registered a model (format 2)."""


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
    if "MLmodel" not in files:
        yield "it has no MLmodel"
        return
    entry = ENTRIES[name]
    expected = code_of(name, files)
    for path, digest in expected.items():
        received = files.get(path)
        if received is None or received.sha256 != digest:
            yield f"{path}: expected SHA-256 {digest}, found {received or 'no such file'}"
    foreign = [path for path in files if path not in FILES | set(expected) and not path.startswith(ARTIFACTS)]
    if foreign:
        yield f"files of no known use: {', '.join(sorted(foreign))}"
    carried = CODE if len(expected) > 1 else None
    yield from _foreign_entries(entry, carried, folder / "MLmodel", files)


def code_of(name: str, files: Mapping[str, FileDigest]) -> Mapping[str, str]:
    """Return the SHA-256 (hexadecimal) of the code that a version may run, by path.

    It is that which this installation registers, or the file alone with which the release before registered
    versions that ran the modules of the installation.
    """
    entry = ENTRIES[name]
    received = files.get(entry)
    if received is not None and received.sha256 == BEFORE_CARRIED[name]:
        return {entry: BEFORE_CARRIED[name]}
    return served_code(name).digests()


def _foreign_entries(
    entry: str, carried: str | None, description: Path, files: Mapping[str, FileDigest]
) -> Iterator[str]:
    """Return the entries of MLmodel that would load something else.

    Args:
        entry: file that is imported.
        carried: folder that may be put on the path; none: none may.
        description: MLmodel.
        files: digests by path.
    """
    try:
        flavors = yaml.safe_load(description.read_bytes())["flavors"]
        pyfunc: dict[str, Any] = flavors["python_function"]
        paths = [artifact["path"] for artifact in pyfunc["artifacts"].values()]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        yield "MLmodel is not that of a model from code"
        return
    required = {"loader_module": LOADER, "code": carried, "data": None, "python_model": None}
    for key, value in required.items():
        if pyfunc.get(key) != value:
            yield f"MLmodel: {key} is {pyfunc.get(key)!r}, not {value!r}"
    if Path(str(pyfunc.get("model_code_path"))).name != entry:
        yield f"MLmodel: model_code_path is {pyfunc.get('model_code_path')!r}, not that of {entry}"
    if set(flavors) != {"python_function"}:
        yield f"MLmodel: flavors {', '.join(sorted(flavors))}, not python_function alone"
    outside = [path for path in paths if path not in files or not path.startswith(ARTIFACTS)]
    if outside:
        yield f"MLmodel: artifacts outside of the model: {', '.join(map(str, outside))}"
