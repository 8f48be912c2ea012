"""Files between tasks are whole, and are what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.runtime.artifacts import (
    Artifact,
    ArtifactError,
    load_arrays,
    load_json,
    load_table,
    save_arrays,
    save_json,
    save_table,
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"product_id": ["007", "NA"], "price": [1.5, np.nan]}).astype({"product_id": "str"})
    pd.testing.assert_frame_equal(load_table(save_table(frame, tmp_path / "a" / "t.parquet")), frame)
    assert load_json(save_json({"x": [1, None]}, tmp_path / "j.json")) == {"x": [1, None]}
    np.testing.assert_array_equal(
        load_arrays(save_arrays({"w": np.eye(2)}, tmp_path / "w.npz"))["w"], np.eye(2)
    )


def test_a_flipped_bit_is_noticed_before_use(tmp_path: Path) -> None:
    artifact = save_table(pd.DataFrame({"x": range(100)}), tmp_path / "t.parquet")
    data = bytearray((tmp_path / "t.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "t.parquet").write_bytes(bytes(data))
    with pytest.raises(ArtifactError, match=f"hash mismatch: expected {artifact['sha256']}, got "):
        load_table(artifact)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="the file is gone"):
        load_json(Artifact(path=str(tmp_path / "x.json"), sha256="0"))


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_json({"x": float("nan")}, tmp_path / "x.json")
    with pytest.raises(AttributeError, match="'str' object has no attribute 'to_parquet'"):
        save_table("no frame", tmp_path / "t.parquet")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_arrays_that_carry_objects_are_refused(tmp_path: Path) -> None:
    artifact = save_arrays({"w": np.array([{"code": 1}], dtype=object)}, tmp_path / "w.npz")
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_arrays(artifact)
