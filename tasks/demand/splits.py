"""Rolling origins: where the past ends, and which periods are then forecast."""

from __future__ import annotations

from dataclasses import dataclass


class TooShortError(ValueError):
    """A history that is too short for its origins."""


@dataclass(frozen=True)
class Fold:
    """An origin of a rolling evaluation.

    Attributes:
        number: from 0, in order of time.
        origin: index of the last known period.
        targets: periods to forecast, after the gap.
        held_out: whether the fold is only reported; nothing is chosen or fitted on it.
    """

    number: int
    origin: int
    targets: slice
    held_out: bool


def rolling_origins(
    periods: int, horizon: int, gap: int, folds: int, holdout_origins: int
) -> tuple[Fold, ...]:
    """Return the folds, the last of which ends with the data; targets of two folds never overlap.

    Args:
        periods: periods of the data.
        horizon: periods forecast from one origin.
        gap: periods between the origin and the first target.
        folds: origins on which the blend is fitted.
        holdout_origins: later origins that are only reported.

    Raises:
        TooShortError: fewer than half of the periods would be left before the first target.
    """
    count = folds + holdout_origins
    first_target = periods - count * horizon
    if first_target - gap < periods / 2:
        raise TooShortError(
            f"rolling origins: half of the history must lie before {count} origins of {horizon} periods. "
            f"Received: {periods} periods. Lower `forecast.folds`, `forecast.holdout_origins` or "
            "`forecast.horizon`, or bring more history."
        )
    begins = [first_target + number * horizon for number in range(count)]
    return tuple(
        Fold(number, begin - gap - 1, slice(begin, begin + horizon), held_out=number >= folds)
        for number, begin in enumerate(begins)
    )


def before(fold: Fold) -> Fold:
    """Return the fold whose targets end with the past of the given fold: choices must not see its targets."""
    length = fold.targets.stop - fold.origin - 1
    return Fold(
        -1,
        fold.origin - length,
        slice(fold.targets.start - length, fold.targets.stop - length),
        held_out=False,
    )
