"""The table of what registered versions consist of.

It lies beside the ledger, away from the folders of the models that it describes. Rows are only ever appended,
but where an experiment changes the files of a model on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
)

from tasks.governance.manifest import FileDigest, Manifest, ManifestError

MANIFEST_COLUMNS: tuple[Column[Any], ...] = (
    Column("model", String(255), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(255), primary_key=True),
    Column("files", Text, nullable=False),  # JSON: path -> size (bytes) and SHA-256
    Column("tags", Text, nullable=False),  # JSON: tag -> value
)
MANIFESTS = Table("repricer_manifests", MetaData(), *MANIFEST_COLUMNS)


def manifest_of(connection: Connection, model: str, version: int, run_id: str) -> Manifest | None:
    """Return the manifest of a version, none where it was registered without one.

    Raises:
        ManifestError: it cannot be read.
    """
    if not inspect(connection).has_table(MANIFESTS.name):
        return None
    key = {"model": model, "version": version, "run_id": run_id}
    row = connection.execute(select(MANIFESTS).filter_by(**key)).mappings().first()
    if row is None:
        return None
    try:
        files = {path: FileDigest(**digest) for path, digest in json.loads(row["files"]).items()}
        tags = dict(json.loads(row["tags"]))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ManifestError(
            f"{model} version {version}: its manifest in {MANIFESTS.name} cannot be read ({error}). Nothing "
            "of it was run. Restore the database from a backup, or run `repricer retrain` and promote what "
            "it registers."
        ) from None
    return Manifest(model=model, version=version, run_id=run_id, files=files, tags=tags)


def keep(connection: Connection, manifests: Iterable[Manifest]) -> None:
    """Append the manifests of versions that have none."""
    for manifest in manifests:
        if manifest_of(connection, manifest.model, manifest.version, manifest.run_id) is None:
            connection.execute(insert(MANIFESTS), _values(manifest))


def forget(connection: Connection, model: str) -> list[int]:
    """Drop the manifests of a model and return the versions that had one."""
    versions = connection.execute(select(MANIFESTS.c.version).filter_by(model=model)).scalars().all()
    connection.execute(delete(MANIFESTS).filter_by(model=model))
    return list(versions)


def _values(manifest: Manifest) -> dict[str, Any]:
    return {
        "model": manifest.model,
        "version": manifest.version,
        "run_id": manifest.run_id,
        "files": json.dumps({path: asdict(digest) for path, digest in manifest.files.items()}),
        "tags": json.dumps(dict(manifest.tags)),
    }
