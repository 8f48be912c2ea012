"""Loading a registered version: what runs is what was registered, and of a champion what was approved.

Registration writes a manifest of a version, the digest of every file, into the database of the ledger. When
the version is loaded or promoted, its files are copied to a private folder; the digests of the copied bytes
are compared with the manifest before MLflow sees them.

A version without a manifest was registered before there were manifests, or by something else. It is loaded as
a draft, with a warning, if it runs the code of this installation and no other. As a champion it is refused
until a named person promotes it, or rolls back to it: that writes its manifest together with the decision.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from conf import Settings
from tasks.governance.champion import HEAD, Champion
from tasks.governance.format import require_format
from tasks.governance.manifest import Manifest, ManifestError, sealed_tags
from tasks.runtime import champion_store
from tasks.runtime.model_folder import private_folder
from tasks.runtime.track.model_files import RegisteredVersion, copy_files, load_folder, registered_version
from tasks.runtime.track.own_code import require_own_code

log = logging.getLogger("repricer")


def load(settings: Settings, name: str, version: int, champion: Champion | None = None) -> Any:
    """Return a registered version as MLflow loads it.

    Args:
        settings: whose store, which is open, holds the version.
        name: of the model.
        version: its number.
        champion: the entry that approved it; none for a draft.

    Raises:
        ModelError: there is no such version.
        FormatError: it is of another format.
        ManifestError: it is not what was registered, or was approved; nothing of it was imported.
        StoreError: the store does not answer.
    """
    registered = registered_version(name, version)
    require_format(name, version, registered.tags)
    with private_folder(Path(settings.data_folder)) as folder:
        manifest = manifest_of_copy(settings, registered, folder)
        known = _require_registered(settings, manifest, folder)
        if champion is not None:
            require_approved(champion, manifest)
        elif not known:
            log.warning(
                "%s version %d has no manifest: nobody knows whether its files are those that were "
                "registered. It is good for drafts; to approve it as it is: repricer promote",
                name,
                version,
            )
        return load_folder(folder)


def registered_at(name: str, version: int) -> datetime:
    """Return when a version was registered, in the store that is open."""
    return registered_version(name, version).created


def seal(settings: Settings, versions: Mapping[str, int]) -> None:
    """Write the manifests of versions that were just registered; one that has its manifest is checked.

    Raises:
        ManifestError: a version runs code that is not of this installation, or is not what its manifest says.
    """
    champion_store.keep_manifests(settings, verified(settings, versions))


def verified(settings: Settings, versions: Mapping[str, int]) -> list[Manifest]:
    """Return the manifests of versions whose bytes were checked now; those without one get theirs of now.

    Raises:
        ManifestError: a version is not what was registered, or has no manifest and runs other code.
    """
    manifests = []
    for name, version in versions.items():
        with private_folder(Path(settings.data_folder)) as folder:
            manifest = manifest_of_copy(settings, registered_version(name, version), folder)
            _require_registered(settings, manifest, folder)
            manifests.append(manifest)
    return manifests


def require_approved(champion: Champion, manifest: Manifest) -> None:
    """Accept a version of the champion whose manifest is the approved one.

    Raises:
        ManifestError: the entry approved another manifest, or none, because it is older than manifests.
    """
    expected, received = champion.digests.get(manifest.model), manifest.sha256()
    if expected == received:
        return
    what = f"{manifest.model} version {manifest.version} of the champion, {HEAD} {champion},"
    if expected is None:
        fault = f"{what} was approved before its files were recorded: nobody knows what was approved"
    else:
        fault = f"{what} is not what was approved: expected the manifest {expected}, found {received}"
    raise ManifestError(
        f"{fault}. Nothing of it was run. To approve it as it is now: `repricer promote --version "
        f"{champion.versions[HEAD]} --by NAME --reason WHY`."
    )


def manifest_of_copy(settings: Settings, registered: RegisteredVersion, folder: Path) -> Manifest:
    """Copy a version into an empty folder and return the manifest of the copy."""
    return Manifest(
        model=registered.name,
        version=registered.version,
        run_id=registered.run_id,
        files=copy_files(settings, registered, folder),
        tags=sealed_tags(registered.tags),
    )


def _require_registered(settings: Settings, manifest: Manifest, folder: Path) -> bool:
    """Check a copy against its manifest, else its code; return whether there was a manifest."""
    registered = champion_store.manifest_of(settings, manifest.model, manifest.version, manifest.run_id)
    if registered is None:
        require_own_code(manifest.model, manifest.version, folder, manifest.files)
    else:
        registered.require(manifest)
    return registered is not None
