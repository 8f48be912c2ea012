"""The numbers of a registered model: arrays of numbers alone, and all of them finite.

Keras trains, saves, loads and predicts not-a-number without an error. A model with such a number is neither
registered nor loaded: prices stay as they are until there is a sound one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


class ArrayError(ValueError):
    """Arrays with which no model answers."""


def finite_arrays(path: str) -> dict[str, np.ndarray]:
    """Return the arrays of an artifact by name; an array of objects is refused, for it could run code.

    Raises:
        ArrayError: a number is not finite.
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for name, values in arrays.items():
        wrong = int(np.count_nonzero(~np.isfinite(values)))
        if wrong:
            raise ArrayError(
                f"{Path(path).name}: the numbers of a model must be finite. Received: {wrong} of "
                f"{values.size} in `{name}` that are not. Retrain; the champion before: repricer rollback."
            )
    return arrays
