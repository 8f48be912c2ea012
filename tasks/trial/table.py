"""The long table of an experiment, in numbers; what cannot be read is refused here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.trial.errors import TrialError
from tasks.trial.periods import listed, lost_periods, period_name
from tasks.trial.spec import ITEMS, Metric, Spec

PERIODS = ("period", "date", "day", "week")
GROUPS = ("substitute_group", "category")
PANEL = 0.5  # share of unit x period with a row from which a table is a panel, in which a hole is an error


@dataclass(frozen=True)
class Rows:
    """The rows of a trial, in numbers.

    Attributes:
        arms: names of the arms.
        arm: arm of each unit of randomisation, index into ``arms`` (randomised,).
        unit: unit of each row (rows,).
        randomised: unit of randomisation of each row: unit, cluster or block (rows,).
        owner: unit of randomisation of each unit, where units are summed before clusters (units,); none for blocks.
        period: period of each row (rows,), or none.
        periods: names of the periods, rising.
        columns: metric columns (rows,).
        what: what was randomised: ``unit``, ``cluster`` or ``block``.
    """

    arms: list[str]
    arm: np.ndarray
    unit: np.ndarray
    randomised: np.ndarray
    owner: np.ndarray | None
    period: np.ndarray | None
    periods: list[str]
    columns: dict[str, np.ndarray]
    what: str


def columns_of(spec: Spec, there: list[str]) -> list[str]:
    """Return the columns that the analysis reads, among those that are there.

    Raises:
        TrialError: a column that the spec names is missing.
    """
    named = [spec.unit, spec.arm, spec.cluster, spec.block, spec.period, spec.group]
    wanted = [name for name in named if name] + [
        c for metric in spec.metrics.values() for c in metric.columns
    ]
    missing = [name for name in dict.fromkeys(wanted) if name not in there]
    if missing:
        raise TrialError(
            f"data: column {', '.join(missing)} is missing; the spec names it. Received: {', '.join(there)}. Rename it in the spec."
        )
    guessed = [name for name in (*PERIODS, *(GROUPS if spec.unit in ITEMS else ())) if name in there]
    return list(dict.fromkeys([*wanted, *guessed]))


def read_rows(frame: pd.DataFrame, spec: Spec) -> Rows:
    """Check a long table and return it in numbers.

    Raises:
        TrialError: with the rule that is broken, what was received and what to do.
    """
    columns_of(spec, [str(name) for name in frame.columns])
    if frame.empty:
        raise TrialError("data: the table must have rows. Received: none.")
    arm, arms = _codes(frame, spec.arm)
    unit, units = _codes(frame, spec.unit)
    _check_arms(arms, spec)
    period, periods = _periods(frame, spec)
    values = {name: _numbers(frame, name) for metric in spec.metrics.values() for name in metric.columns}
    for name, metric in spec.metrics.items():
        _check_metric(name, metric, values)
    randomised, owner, what = _randomised(frame, spec, unit, arm, units, arms)
    if period is not None and not spec.events:
        _check_panel(
            unit,
            units,
            period,
            periods,
            stated=spec.events is False or spec.period is not None or what == "block",
        )
    _check_items(frame, spec, arm, period)
    told = np.zeros(randomised.max() + 1, np.int64)
    told[randomised] = arm
    rows = Rows(arms, told, unit, randomised, owner, period, periods, values, what)
    return _burnt_in(rows, spec) if spec.burn_in else rows


def _codes(frame: pd.DataFrame, name: str) -> tuple[np.ndarray, list[str]]:
    codes, names = pd.factorize(frame[name], sort=True)
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise TrialError(
            f"data: `{name}` must be known in every row. Received: nothing in row {row + 1}. Fill it, or take the row out."
        )
    return codes, [str(value) for value in names]


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    if not (pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name])):
        raise TrialError(
            f"data: `{name}` must be numbers. Received: {frame[name].dtype}, such as {frame[name].iloc[0]!r}. Write 12.5, not 12,50."
        )
    values = frame[name].to_numpy(float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise TrialError(
            f"data: `{name}` must be finite in every row. Received: {values[bad[0]]} in row {bad[0] + 1}. Take out or mend {bad.size} rows."
        )
    return np.asarray(values)


def _check_arms(arms: list[str], spec: Spec) -> None:
    planned = [str(name) for name in spec.shares] if spec.shares else []
    strange = [name for name in arms if planned and name not in planned]
    if strange:
        raise TrialError(
            f"data: arm {', '.join(strange)} is not in the spec's `shares`. Received: {', '.join(arms)}. Name it, or take its rows out."
        )
    if len(arms) < 2 and not planned:
        raise TrialError(
            f"data: an experiment needs two arms. Received: one, {arms[0]}. Nothing can be compared with it."
        )
    empty = [name for name in planned if name not in arms]
    if empty:
        raise TrialError(
            f"data: arm {', '.join(empty)} is empty: no row has it. Received: {', '.join(arms)}. Check the assignment that was used."
        )
    if spec.control not in arms:
        raise TrialError(
            f"data: the control arm `{spec.control}` is not there. Received: {', '.join(arms)}. Name the control in the spec."
        )


def _check_metric(name: str, metric: Metric, values: dict[str, np.ndarray]) -> None:
    top = values[metric.top]
    if metric.kind == "proportion" and not np.isin(top, (0, 1)).all():
        bad = int(np.flatnonzero(~np.isin(top, (0, 1)))[0])
        raise TrialError(
            f"data: metric {name}: `{metric.top}` must be 0 or 1 in a proportion. Received: {top[bad]} in row {bad + 1}."
        )
    never = [metric.denominator] if metric.denominator else []
    if metric.cannot_be_negative():
        never.append(metric.top)
    for column in never:
        bad_rows = np.flatnonzero(values[column] < 0)
        if bad_rows.size:
            raise TrialError(
                f"data: metric {name}: `{column}` cannot be negative. Received: {values[column][bad_rows[0]]} in row {bad_rows[0] + 1} "
                f"({bad_rows.size} rows). Mend it; if it may fall below 0, as a profit does, say `negative: true` in the spec."
            )


def _randomised(
    frame: pd.DataFrame, spec: Spec, unit: np.ndarray, arm: np.ndarray, units: list[str], arms: list[str]
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return the unit of randomisation of each row, of each unit, and what it is."""
    if spec.block:
        block, names = _codes(frame, spec.block)
        place, places = _codes(frame, spec.cluster) if spec.cluster else (unit, units)
        if spec.cluster is None and _mixed(block, arm, len(arms)) is None:
            return block, None, "block"
        pair = place.astype(np.int64) * len(names) + block
        key, numbers = pd.factorize(pair)
        bad = _mixed(key, arm, len(arms))
        if bad is not None:
            where = f"{places[numbers[bad] // len(names)]}, block {names[numbers[bad] % len(names)]}"
            raise TrialError(
                f"data: a block has one arm. Received: several in {where}. Two prices for one item at one time and place cannot be read."
            )
        return key, None, "block"
    bad = _mixed(unit, arm, len(arms))
    if bad is not None:
        raise TrialError(
            f"data: a unit has one arm. Received: `{spec.unit}` {units[bad]} in several. Take it out, or name the `block` that switches."
        )
    if not spec.cluster:
        return unit, np.arange(len(units)), "unit"
    cluster, clusters = _codes(frame, spec.cluster)
    bad = _mixed(cluster, arm, len(arms))
    if bad is not None:
        raise TrialError(
            f"data: a cluster has one arm. Received: `{spec.cluster}` {clusters[bad]} in several: "
            "its members steal from each other, which counts a moved sale twice. Randomise whole clusters."
        )
    owner = np.zeros(len(units), np.int64)
    owner[unit] = cluster
    return cluster, owner, "cluster"


def _mixed(key: np.ndarray, arm: np.ndarray, arms: int) -> int | None:
    """Return the first key that has several arms, or none."""
    seen = np.bincount(key * np.int64(arms) + arm, minlength=(key.max() + 1) * arms).reshape(-1, arms) > 0
    mixed = np.flatnonzero(seen.sum(axis=1) > 1)
    return int(mixed[0]) if mixed.size else None


def _periods(frame: pd.DataFrame, spec: Spec) -> tuple[np.ndarray | None, list[str]]:
    name = spec.period or next(
        (
            c
            for c in PERIODS
            if c in frame.columns and c not in (spec.unit, spec.block, spec.cluster, spec.arm)
        ),
        None,
    )
    if name is None:
        return None, []
    codes, _ = _codes(frame, name)
    values = np.sort(frame[name].unique())
    lost = [] if spec.events else lost_periods(values, numbered=spec.block is not None)
    if lost:
        raise TrialError(
            f"data: `{name}` must have no gap. Received: {listed(lost)} missing between {period_name(values[0])} and "
            f"{period_name(values[-1])}. Missing is not 0: add the rows, or say `events: true` in the spec if a row is an event."
        )
    return codes, [period_name(value) for value in values]


def _check_panel(
    unit: np.ndarray, units: list[str], period: np.ndarray, periods: list[str], stated: bool
) -> None:
    """Refuse holes in a table that holds nearly every unit in every period, or is said to."""
    seen = np.bincount(unit * np.int64(len(periods)) + period, minlength=len(units) * len(periods)).reshape(
        len(units), -1
    )
    share = (seen > 0).mean()
    if len(periods) > 1 and PANEL <= share < 1 and (stated or seen.max() == 1):
        u, t = np.argwhere(seen == 0)[0]
        raise TrialError(
            f"data: every unit needs a row in every period. Received: none for {units[u]} in period {periods[t]} "
            f"({(seen == 0).sum()} are missing). "
            "Missing is not 0: add the rows, or say `events: true` in the spec if a row is an event."
        )


def _check_items(frame: pd.DataFrame, spec: Spec, arm: np.ndarray, period: np.ndarray | None) -> None:
    """Refuse items that were randomised among their substitutes."""
    name = spec.group or (
        next((c for c in GROUPS if c in frame.columns), None)
        if spec.unit in ITEMS and not spec.block
        else None
    )
    if name is None:
        return
    group, groups = _codes(frame, name)
    bad = _mixed(
        group if period is None else group * np.int64(period.max() + 1) + period, arm, int(arm.max()) + 1
    )
    if bad is not None:
        which = groups[bad if period is None else bad // (int(period.max()) + 1)]
        raise TrialError(
            f"design: items of one substitute group must share an arm. Received: `{name}` {which} in several. "
            "A buyer who finds one dearer takes the next one, so the sale that moved is counted twice: a true +0.6 % can read as +26 %. "
            "Randomise groups, stores or time blocks."
        )


def _burnt_in(rows: Rows, spec: Spec) -> Rows:
    """Leave the first periods of every block out."""
    if rows.period is None or rows.what != "block":
        raise TrialError(
            "spec: `burn_in` needs `block` and a column of periods. Received: none. Take `burn_in` out, or name them."
        )
    first = np.full(len(rows.arm), np.iinfo(np.int64).max)
    np.minimum.at(first, rows.randomised, rows.period)
    keep = rows.period - first[rows.randomised] >= spec.burn_in
    if np.bincount(rows.randomised[keep], minlength=len(rows.arm)).min() == 0:
        raise TrialError(
            f"spec: `burn_in` must leave a period in every block. Received: {spec.burn_in}. Make blocks longer or the burn-in shorter."
        )
    columns = {name: values[keep] for name, values in rows.columns.items()}
    return Rows(
        rows.arms,
        rows.arm,
        rows.unit[keep],
        rows.randomised[keep],
        None,
        rows.period[keep],
        rows.periods,
        columns,
        rows.what,
    )
