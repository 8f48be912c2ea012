"""The numbers of a model: one that is not finite, or an array of objects, is refused before it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.served.arrays import ArrayError, finite_arrays
from tasks.served.demand import Demand
from tasks.served.golden import GoldenModel
from tasks.served.policy import PricingPolicy
from tasks.served.response import PriceResponse
from tests.stages.test_market import grouped_policy, stored

READ_FIRST = {Demand: "demand_arrays", PriceResponse: "response_draws", PricingPolicy: "policy_weights"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Return the files of a policy, and of the other two models what stands beside their arrays."""
    files = {name: file["path"] for name, file in stored(grouped_policy(), tmp_path)["model_files"].items()}
    (tmp_path / "spec.json").write_text('{"confidence": 0.95}', encoding="utf-8")
    beside = {"response_spec": str(tmp_path / "spec.json"), "response_products": files["policy_market"]}
    return files | beside


def written(folder: Path, **arrays: np.ndarray) -> str:
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
    return str(folder / "arrays.npz")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("model", READ_FIRST, ids=lambda model: model.__name__)
def test_a_number_that_is_not_finite_makes_no_model(
    model: type[GoldenModel], number: float, files: dict[str, str], tmp_path: Path
) -> None:
    files[READ_FIRST[model]] = written(
        tmp_path, sound=np.ones(3), kernel=np.array([[1.0, number], [2.0, 3.0]])
    )
    with pytest.raises(ArrayError, match=r"arrays\.npz: .* Received: 1 of 4 in `kernel` that are not"):
        model().load(files)


class Code:
    """What would run when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.canary,)


@pytest.mark.parametrize("model", READ_FIRST, ids=lambda model: model.__name__)
def test_an_array_of_objects_is_refused_before_anything_of_it_runs(
    model: type[GoldenModel], files: dict[str, str], tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    path = written(tmp_path, kernel=np.array([Code(canary)], dtype=object))
    np.load(path, allow_pickle=True)["kernel"]
    assert canary.exists(), "the code would run"
    canary.unlink()
    files[READ_FIRST[model]] = path
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        model().load(files)
    assert not canary.exists()


def test_flags_and_whole_numbers_are_arrays_too(tmp_path: Path) -> None:
    path = written(tmp_path, link=np.array([[0, 1]]), counted=np.array([True, False]), none=np.zeros((0, 2)))
    assert set(finite_arrays(path)) == {"link", "counted", "none"}
