"""Checks of the long table of an experiment: its arms, its holes, and items among their substitutes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.trial.errors import TrialError
from tasks.trial.spec import Spec

GROUPS = ("substitute_group", "category")
PANEL = 0.5  # share of unit x period with a row from which a table is a panel, in which a hole is an error


class Factor(NamedTuple):
    """A column of names, as numbers.

    Attributes:
        column: name of the column.
        codes: index into ``names`` of each row (rows,).
        names: distinct values, as text.
    """

    column: str
    codes: np.ndarray
    names: list[str]


def check_arms(arms: list[str], spec: Spec) -> None:
    """Refuse arms that are not those of the specification."""
    received = ", ".join(arms)
    planned = [str(name) for name in spec.shares] if spec.shares else []
    strange = [name for name in arms if planned and name not in planned]
    if strange:
        raise TrialError(
            f"data: arm {', '.join(strange)} is not in the spec's `shares`. Received: {received}. "
            "Name it, or take its rows out."
        )
    if len(arms) < 2 and not planned:
        raise TrialError(
            f"data: an experiment needs two arms. Received: one, {arms[0]}. Nothing can be compared with it."
        )
    empty = [name for name in planned if name not in arms]
    if empty:
        raise TrialError(
            f"data: arm {', '.join(empty)} is empty: no row has it. Received: {received}. "
            "Check the assignment that was used."
        )
    if spec.control not in arms:
        raise TrialError(
            f"data: the control arm `{spec.control}` is not there. Received: {received}. "
            "Name the control in the spec."
        )


def check_panel(unit: Factor, period: Factor, stated: bool) -> None:
    """Refuse holes in a table that holds nearly every unit in every period, or is stated to.

    Args:
        unit: of each row.
        period: of each row.
        stated: whether the specification says that rows are no events.
    """
    shape = len(unit.names), len(period.names)
    cell = unit.codes * np.int64(shape[1]) + period.codes
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape[0], -1)  # (units, periods)
    filled = (count > 0).mean()
    if shape[1] > 1 and PANEL <= filled < 1 and (stated or count.max() == 1):
        u, t = np.argwhere(count == 0)[0]
        raise TrialError(
            f"data: every unit needs a row in every period. Received: none for {unit.names[u]} in period "
            f"{period.names[t]} ({(count == 0).sum()} are missing). "
            "Missing is not 0: add the rows, or say `events: true` in the spec if a row is an event."
        )


def check_items(group: Factor | None, arm: Factor, period: Factor | None) -> None:
    """Refuse items that were randomised among their substitutes.

    Args:
        group: substitute group of each row, or none where no items were randomised.
        arm: of each row.
        period: of each row, or none.
    """
    if group is None:
        return
    periods = 1 if period is None else int(period.codes.max()) + 1
    cell = group.codes if period is None else group.codes * np.int64(periods) + period.codes
    bad = mixed(cell, arm)
    if bad is not None:
        raise TrialError(
            "design: items of one substitute group must share an arm. "
            f"Received: `{group.column}` {group.names[bad // periods]} in several. "
            "A buyer who finds one dearer takes the next one, so the sale that moved is counted twice: "
            "a true +0.6 % can read as +26 %. Randomise groups, stores or time blocks."
        )


def mixed(codes: np.ndarray, arm: Factor) -> int | None:
    """Return the first code that has several arms, or none.

    Args:
        codes: of each row, from 0 (rows,).
        arm: of each row.
    """
    arms = len(arm.names)
    cell = codes * np.int64(arms) + arm.codes
    seen = np.bincount(cell, minlength=(codes.max() + 1) * arms).reshape(-1, arms) > 0
    several = np.flatnonzero(seen.sum(axis=1) > 1)
    return int(several[0]) if several.size else None
