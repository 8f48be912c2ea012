"""The files of a registered version: where they lie, a private copy of them, and loading that copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from conf import Settings
from tasks.governance.manifest import FileDigest, ManifestError
from tasks.runtime import moved
from tasks.runtime.model_folder import copied, private_folder, require_inside
from tasks.runtime.track.registry import ModelError
from tasks.runtime.track.served_code import forget_other_code, path_kept
from tasks.runtime.track.store import client, if_present


@dataclass(frozen=True, kw_only=True)
class RegisteredVersion:
    """What the registry says of a version.

    Attributes:
        uri: of the folder of its files.
        created: when it was registered.
    """

    name: str
    version: int
    run_id: str
    uri: str
    tags: Mapping[str, str]
    created: datetime


def registered_version(name: str, version: int) -> RegisteredVersion:
    """Return a version of a model.

    Raises:
        ModelError: there is no such version.
        StoreError: the store does not answer.
    """
    registered = if_present(client().get_model_version, name, str(version))
    uri = if_present(client().get_model_version_download_uri, name, str(version))
    if registered is None or uri is None:
        raise ModelError(f"{name}: there is no version {version}. `repricer ui` lists those that exist.")
    return RegisteredVersion(
        name=name,
        version=version,
        run_id=registered.run_id or "",
        uri=uri,
        tags=dict(registered.tags),
        created=datetime.fromtimestamp(registered.creation_timestamp / 1000, UTC),
    )


def copy_files(settings: Settings, registered: RegisteredVersion, target: Path) -> dict[str, FileDigest]:
    """Copy the files of a version into an empty folder and return the digests of the copied bytes.

    Raises:
        ManifestError: they lie outside of the store of the settings, or are not plain files.
        StoreError: the store does not answer.
    """
    root = _root(settings)
    try:
        if _is_local(registered.uri):
            folder = _path(registered.uri)
            if not _is_local(root):
                raise ManifestError(f"{folder} lies on this machine, and the models of this store in {root}")
            require_inside(folder, _path(root))
            return copied(folder, target)
        _require_below(registered.uri, root)
    except ManifestError as error:
        raise ManifestError(
            f"{registered.name} version {registered.version}: {error}. Nothing of it was run. Use a version "
            "that `repricer retrain` registered in this store."
        ) from None
    with private_folder(Path(settings.data_folder)) as received:
        return _downloaded(registered, received, target)


def load_folder(folder: Path) -> Any:
    """Return the model whose checked files lie in a folder; the folder may go afterwards.

    All of its code is imported at once, and the folder does not stay on the path.
    """
    import mlflow

    forget_other_code(folder)
    with path_kept():
        return mlflow.pyfunc.load_model(str(folder))


def _root(settings: Settings) -> str:
    """Return the URI below which the models of a store lie."""
    if settings.track.address() is None:
        return moved.artifacts_uri(Path(settings.data_folder))
    experiment = client().get_experiment_by_name(settings.track.experiment)
    assert experiment is not None  # opening the store creates it
    return str(experiment.artifact_location)


def _is_local(uri: str) -> bool:
    return urlsplit(uri).scheme in {"", "file"} and not urlsplit(uri).netloc


def _path(uri: str) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    return Path(local_file_uri_to_path(uri))


def _require_below(uri: str, root: str) -> None:
    steps = unquote(unquote(uri)).replace("\\", "/").split("/")
    if not uri.startswith(f"{root.rstrip('/')}/") or ".." in steps:
        raise ManifestError(f"{uri} lies outside of {root}, where the models of this store lie")


def _downloaded(registered: RegisteredVersion, received: Path, target: Path) -> dict[str, FileDigest]:
    from mlflow.artifacts import download_artifacts

    def download(uri: str) -> str:
        return str(download_artifacts(artifact_uri=uri, dst_path=str(received)))

    folder = if_present(download, registered.uri)
    return {} if folder is None else copied(Path(folder), target)
