"""Whether two retrainings left the same files, byte for byte; part of the checker."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pandas as pd

OF_THIS_RUN = (".journal", "attempt.json", "seconds.json")
"""Files of an attempt that hold times and ids."""
OF_THIS_RUN_IN_THE_SUMMARY = ("run_id", "seconds", "peak_memory_mb", "versions")


def attempt_of(folder: Path) -> Path:
    """Return the folder of the first retraining that came to its end; later ones have other versions."""
    finished = [
        file.parent
        for file in sorted(folder.glob("attempts/*/attempt.json"))
        if json.loads(file.read_text(encoding="utf-8"))["finished"]
    ]
    if not finished:
        raise FileNotFoundError(f"{folder}: no retraining came to its end")
    return finished[0]


def contents(attempt: Path) -> dict[str, str]:
    """Return name -> SHA-256 of the files of a retraining, without times, ids and paths in their texts."""
    return {
        path.relative_to(attempt).as_posix(): digest(path, attempt)
        for path in sorted(attempt.rglob("*"))
        if path.is_file() and not path.name.endswith(OF_THIS_RUN)
    }


def digest(path: Path, attempt: Path) -> str:
    content = path.read_bytes().replace(str(attempt).encode(), b"")
    if path.name == "summary.json":
        summary = json.loads(content)
        for key in OF_THIS_RUN_IN_THE_SUMMARY:
            summary.pop(key)
        content = json.dumps(summary, sort_keys=True).encode()
    return sha256(content).hexdigest()


def differences(reference: Path, folder: Path) -> list[str]:
    """Return a sentence for every file in which a retraining differs from the one that nothing happened to.

    Args:
        reference: data folder of the retraining that was not disturbed.
        folder: data folder of the one that was.
    """
    if not list(folder.glob("attempts/*/attempt.json")):
        return [f"{folder}: there is no attempt"]
    whole, other = attempt_of(reference), attempt_of(folder)
    expected, received = contents(whole), contents(other)
    sentences = [f"{name} is missing" for name in sorted(expected.keys() - received.keys())]
    sentences += [
        f"{name} is there, and an undisturbed retraining leaves none"
        for name in sorted(received.keys() - expected.keys())
    ]
    for name in sorted(expected.keys() & received.keys()):
        if expected[name] != received[name]:
            sentences.append(f"{name} differs{where(whole / name, other / name)}")
    return sentences


def where(expected: Path, received: Path) -> str:
    """Return in which columns or entries two files differ, if they are tables or JSON."""
    if expected.suffix == ".parquet":
        one, other = pd.read_parquet(expected), pd.read_parquet(received)
        columns = [name for name in one if name not in other or not one[name].equals(other[name])]
        return f" in the columns {columns}"
    if expected.suffix == ".json":
        texts = [json.loads(path.read_text(encoding="utf-8")) for path in (expected, received)]
        if all(isinstance(text, dict) for text in texts):
            keys = set(texts[0]) - set(OF_THIS_RUN_IN_THE_SUMMARY)
            return f" in {sorted(key for key in keys if texts[0][key] != texts[1].get(key))}"
    return ""
