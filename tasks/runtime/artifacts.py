"""What travels between tasks: paths with the hashes of their bytes, never frames and never pickles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from tasks.runtime.disk import written_whole


class Artifact(TypedDict):
    """A file that a task left behind."""

    path: str
    sha256: str


class ArtifactError(RuntimeError):
    """A file that is missing or is not what the task before wrote."""


def save_table(frame: pd.DataFrame, path: Path) -> Artifact:
    """Write a frame as Parquet, whole or not at all."""
    return _save(path, lambda part: frame.to_parquet(part, index=False))


def save_json(value: Any, path: Path) -> Artifact:
    """Write a value as JSON, whole or not at all."""
    return save_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False), path)


def save_text(text: str, path: Path) -> Artifact:
    """Write a text, whole or not at all."""
    return _save(path, lambda part: part.write_text(text, encoding="utf-8"))


def save_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> Artifact:
    """Write numeric arrays as npz, whole or not at all."""

    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    return _save(path, write)


def load_table(artifact: Artifact) -> pd.DataFrame:
    """Read a Parquet file after checking its hash."""
    return pd.read_parquet(checked(artifact))


def load_json(artifact: Artifact) -> Any:
    """Read a JSON file after checking its hash."""
    return json.loads(checked(artifact).read_text(encoding="utf-8"))


def load_arrays(artifact: Artifact) -> dict[str, np.ndarray]:
    """Read an npz file of numeric arrays after checking its hash."""
    with np.load(checked(artifact), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def checked(artifact: Artifact) -> Path:
    """Return the path of an artifact whose bytes are those that were written.

    Raises:
        ArtifactError: the file is missing or its hash differs.
    """
    path = Path(artifact["path"])
    if not path.is_file():
        raise ArtifactError(f"{path}: the file is gone. Retrain anew with `repricer retrain --fresh`.")
    got = sha256(path)
    if got != artifact["sha256"]:
        raise ArtifactError(
            f"{path}: hash mismatch: expected {artifact['sha256']}, got {got}. "
            "The file changed after it was written; retrain anew with `repricer retrain --fresh`."
        )
    return path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _save(path: Path, write: Callable[[Path], object]) -> Artifact:
    with written_whole(path) as part:
        write(part)
        digest = sha256(part)
    return Artifact(path=str(path), sha256=digest)
