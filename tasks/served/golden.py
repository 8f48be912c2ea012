"""Golden vectors: requests and answers of the registration, which a version must give again at every load.

Other versions of libraries, another processor or a feature in another place can change answers without an
error. A model that answers otherwise than it was registered and approved is not served.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel

GOLDEN = "golden"  # artifact of a version
TOLERANCE = 1e-6  # relative; sums in another order, of another processor, differ by less


class GoldenError(RuntimeError):
    """A model that answers otherwise than it did when it was registered."""


class GoldenModel(PythonModel):
    """A model that is loaded only if it still answers what it answered when it was registered."""

    @abstractmethod
    def load(self, artifacts: Mapping[str, str]) -> None:
        """Read the files of the version, given by name."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """Return what the code makes of its inputs, in order: lists of names and numbers by what they are."""

    def requests(self, example: pd.DataFrame) -> list[pd.DataFrame]:
        """Return the requests that are recorded, made of an example: one for every way of answering."""
        return [example]

    def load_context(self, context: Any) -> None:
        """Read the files of the version and check its answers.

        Raises:
            GoldenError: an answer or the specification differs from that of the registration.
        """
        self.load(context.artifacts)
        if GOLDEN in context.artifacts:
            require(self, json.loads(Path(context.artifacts[GOLDEN]).read_text(encoding="utf-8")))


def recorded(model: GoldenModel, example: pd.DataFrame) -> dict[str, Any]:
    """Return requests with the model's answers, and the hashes of its specification, as JSON."""
    requests = model.requests(example)
    vectors = [{"request": _plain(rows), "answer": _plain(model.predict(None, rows))} for rows in requests]
    return {"spec": _hashes(model), "vectors": vectors}


def require(model: GoldenModel, golden: Mapping[str, Any]) -> None:
    """Accept a model that answers as was recorded.

    Raises:
        GoldenError: it does not; the message names the first field that differs.
    """
    hashes = _hashes(model)
    differences = [
        f"`{name}` of its specification has SHA-256 {hashes.get(name)}, was {expected} at registration"
        for name, expected in golden["spec"].items()
        if hashes.get(name) != expected
    ]
    for number, vector in enumerate(golden["vectors"], start=1):
        answer = _plain(model.predict(None, pd.DataFrame(**vector["request"])))
        differences += [f"golden request {number}, {line}" for line in _different(vector["answer"], answer)]
    if differences:
        raise GoldenError(
            f"{type(model).__name__} does not answer as it did when it was registered: {differences[0]} "
            f"({len(differences)} differences). Install the versions of its requirements.txt, or retrain."
        )


def _different(expected: Mapping[str, Any], received: Mapping[str, Any]) -> Iterator[str]:
    """Return the fields of an answer that differ."""
    if expected["columns"] != received["columns"]:
        yield f"columns: expected {expected['columns']}, received {received['columns']}"
        return
    for row, (before, now) in enumerate(zip(expected["data"], received["data"], strict=True), start=1):
        for name, value, other in zip(expected["columns"], before, now, strict=True):
            if not _same(value, other):
                yield f"row {row}, `{name}`: expected {value}, received {other}"


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return bool(np.isclose(value, other, rtol=TOLERANCE, atol=0.0))
    return bool(value == other)


def _plain(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the columns and rows of a table as JSON has them; what is missing is none."""
    texts = rows.apply(lambda column: column.astype(str) if column.dtype.kind == "M" else column)
    plain = texts.astype(object).where(rows.notna(), None)
    return {"columns": plain.columns.tolist(), "data": plain.to_numpy().tolist()}


def _hashes(model: GoldenModel) -> dict[str, str]:
    """Return the SHA-256 (hexadecimal) of everything in the specification of a model."""
    return {
        name: hashlib.sha256(json.dumps(value).encode()).hexdigest() for name, value in model.spec().items()
    }
