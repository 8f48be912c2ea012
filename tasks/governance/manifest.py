"""What a registered version consists of: the digest of every file and the tags that decisions rest on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from tasks.governance.approval import VERDICT
from tasks.governance.format import FORMAT_TAG

SEALED_TAGS = (
    FORMAT_TAG,
    VERDICT,
    "demand_version",
    "price_response_version",
    "data_hash",
    "settings_hash",
    "code_version",
)
"""Tags of the registry, where anybody can change them, that must stay as they were registered."""
SHOWN = 5  # differences that an error names


class ManifestError(RuntimeError):
    """Files or tags of a version that are not those that were registered or approved."""


@dataclass(frozen=True)
class FileDigest:
    """Size (bytes) and SHA-256 (hexadecimal) of a file."""

    size: int
    sha256: str

    def __str__(self) -> str:
        """Return both."""
        return f"{self.size} bytes of SHA-256 {self.sha256}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a version consists of.

    Attributes:
        model: registered model.
        version: its number.
        run_id: MLflow run that registered it; numbers begin anew where a model is deleted and made again.
        files: digests by path in the folder of the version.
        tags: those of ``SEALED_TAGS`` that it carries.
    """

    model: str
    version: int
    run_id: str
    files: Mapping[str, FileDigest]
    tags: Mapping[str, str]

    def sha256(self) -> str:
        """Return the hash of the whole manifest, which an approval names."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def require(self, actual: Manifest) -> None:
        """Accept a version whose files and tags are those of this manifest.

        Raises:
            ManifestError: a file is missing, is not in the manifest or has other bytes, or a tag differs.
        """
        differences = [*self._tags_that_differ(actual), *self._files_that_differ(actual)]
        if differences:
            further = len(differences) - SHOWN
            more = f"; and {further} more" if further > 0 else ""
            raise ManifestError(
                f"{self.model} version {self.version} is not what was registered: "
                f"{'; '.join(differences[:SHOWN])}{more}. Nothing of it was run. Restore its files from a "
                "backup, or run `repricer retrain` and promote what it registers."
            )

    def _files_that_differ(self, actual: Manifest) -> Iterator[str]:
        for path in sorted(self.files.keys() | actual.files.keys()):
            expected, received = self.files.get(path), actual.files.get(path)
            if expected != received:
                yield f"{path}: expected {expected or 'no such file'}, found {received or 'no such file'}"

    def _tags_that_differ(self, actual: Manifest) -> Iterator[str]:
        for tag in SEALED_TAGS:
            expected, received = self.tags.get(tag), actual.tags.get(tag)
            if expected != received:
                yield f"tag {tag}: expected {expected or 'none'}, found {received or 'none'}"


def sealed_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that a manifest holds."""
    return {tag: tags[tag] for tag in SEALED_TAGS if tag in tags}
