"""What a forecaster needs of a pool of processes; the caller brings one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

Result = TypeVar("Result")


class Pool(Protocol):
    """A few processes among which many small fits are divided."""

    @property
    def cores(self) -> int:
        """Return the number of processes."""

    def over_rows(
        self, what: str, function: Callable[..., Result], rows: tuple[np.ndarray, ...], *fixed: object
    ) -> list[Result]:
        """Return ``function(*chunks, *fixed)`` for chunks of the rows, in their order."""

    def over_items(
        self, what: str, function: Callable[..., Result], first: Sequence[object], *fixed: object
    ) -> list[Result]:
        """Return ``function(item, *fixed)`` for all items of ``first``, in their order."""
