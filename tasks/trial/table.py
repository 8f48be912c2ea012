"""The long table of an experiment, in numbers; what cannot be read is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tasks.trial.errors import TrialError
from tasks.trial.periods import listed, lost_periods, period_name
from tasks.trial.spec import ITEMS, Metric, Spec
from tasks.trial.table_checks import GROUPS, Factor, check_arms, check_items, check_panel, mixed

PERIODS = ("period", "date", "day", "week")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a trial, in numbers.

    Attributes:
        arms: names of the arms.
        arm: arm of each unit of randomisation, index into ``arms`` (randomised,).
        unit: unit of each row (rows,).
        randomised: unit of randomisation of each row: unit, cluster or block (rows,).
        owner: unit of randomisation of each unit, where units are summed before clusters (units,); none for
            blocks.
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


def columns_of(spec: Spec, available: list[str]) -> list[str]:
    """Return the columns that the analysis reads, among those that are available.

    Raises:
        TrialError: a column that the spec names is missing.
    """
    named = [spec.unit, spec.arm, spec.cluster, spec.block, spec.period, spec.group]
    metric_columns = [column for metric in spec.metrics.values() for column in metric.columns]
    wanted = [name for name in named if name] + metric_columns
    missing = [name for name in dict.fromkeys(wanted) if name not in available]
    if missing:
        raise TrialError(
            f"data: column {', '.join(missing)} is missing; the spec names it. "
            f"Received: {', '.join(available)}. Rename it in the spec."
        )
    optional = [name for name in (*PERIODS, *(GROUPS if spec.unit in ITEMS else ())) if name in available]
    return list(dict.fromkeys([*wanted, *optional]))


def read_rows(frame: pd.DataFrame, spec: Spec) -> Rows:
    """Check a long table and return it in numbers.

    Raises:
        TrialError: with the rule that is broken, what was received and what to do.
    """
    columns_of(spec, [str(name) for name in frame.columns])
    if frame.empty:
        raise TrialError("data: the table must have rows. Received: none.")
    arm, unit = _factor(frame, spec.arm), _factor(frame, spec.unit)
    check_arms(arm.names, spec)
    period = _periods(frame, spec)
    columns = {name: _numbers(frame, name) for metric in spec.metrics.values() for name in metric.columns}
    for name, metric in spec.metrics.items():
        _check_metric(name, metric, columns)
    randomised, owner, what = _randomised(frame, spec, unit, arm)
    if period is not None and not spec.events:
        stated = spec.events is False or spec.period is not None or what == "block"
        check_panel(unit, period, stated)
    check_items(_substitute_group(frame, spec), arm, period)
    arm_of_randomised = np.zeros(randomised.max() + 1, np.int64)
    arm_of_randomised[randomised] = arm.codes
    rows = Rows(
        arms=arm.names,
        arm=arm_of_randomised,
        unit=unit.codes,
        randomised=randomised,
        owner=owner,
        period=None if period is None else period.codes,
        periods=[] if period is None else period.names,
        columns=columns,
        what=what,
    )
    return _without_burn_in(rows, spec) if spec.burn_in else rows


def _factor(frame: pd.DataFrame, name: str) -> Factor:
    """Return a column as numbers and names."""
    codes, names = pd.factorize(frame[name], sort=True)
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise TrialError(
            f"data: `{name}` must be known in every row. Received: nothing in row {row + 1}. "
            "Fill it, or take the row out."
        )
    return Factor(name, codes, [str(value) for value in names])


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column of finite numbers (rows,)."""
    if not (pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name])):
        raise TrialError(
            f"data: `{name}` must be numbers. "
            f"Received: {frame[name].dtype}, such as {frame[name].iloc[0]!r}. Write 12.5, not 12,50."
        )
    values = frame[name].to_numpy(float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise TrialError(
            f"data: `{name}` must be finite in every row. Received: {values[bad[0]]} in row {bad[0] + 1}. "
            f"Take out or mend {bad.size} rows."
        )
    return np.asarray(values)


def _check_metric(name: str, metric: Metric, columns: dict[str, np.ndarray]) -> None:
    """Refuse values that the kind of a metric cannot have."""
    top = columns[metric.top]
    if metric.kind == "proportion" and not np.isin(top, (0, 1)).all():
        bad = int(np.flatnonzero(~np.isin(top, (0, 1)))[0])
        raise TrialError(
            f"data: metric {name}: `{metric.top}` must be 0 or 1 in a proportion. "
            f"Received: {top[bad]} in row {bad + 1}."
        )
    never_negative = [metric.denominator] if metric.denominator else []
    if metric.cannot_be_negative():
        never_negative.append(metric.top)
    for column in never_negative:
        bad_rows = np.flatnonzero(columns[column] < 0)
        if bad_rows.size:
            raise TrialError(
                f"data: metric {name}: `{column}` cannot be negative. "
                f"Received: {columns[column][bad_rows[0]]} in row {bad_rows[0] + 1} ({bad_rows.size} rows). "
                "Mend it; if it may fall below 0, as a profit does, say `negative: true` in the spec."
            )


def _randomised(
    frame: pd.DataFrame, spec: Spec, unit: Factor, arm: Factor
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return the unit of randomisation of each row, of each unit, and what it is."""
    if spec.block:
        return _blocks(frame, spec, unit, arm), None, "block"
    bad = mixed(unit.codes, arm)
    if bad is not None:
        raise TrialError(
            f"data: a unit has one arm. Received: `{spec.unit}` {unit.names[bad]} in several. "
            "Take it out, or name the `block` that switches."
        )
    if not spec.cluster:
        return unit.codes, np.arange(len(unit.names)), "unit"
    cluster = _factor(frame, spec.cluster)
    bad = mixed(cluster.codes, arm)
    if bad is not None:
        raise TrialError(
            f"data: a cluster has one arm. Received: `{spec.cluster}` {cluster.names[bad]} in several: "
            "its members steal from each other, which counts a moved sale twice. Randomise whole clusters."
        )
    owner = np.zeros(len(unit.names), np.int64)
    owner[unit.codes] = cluster.codes
    return cluster.codes, owner, "cluster"


def _blocks(frame: pd.DataFrame, spec: Spec, unit: Factor, arm: Factor) -> np.ndarray:
    """Return the block of each row: of the trial, or of its place where places switch apart (rows,)."""
    block = _factor(frame, str(spec.block))
    if spec.cluster is None and mixed(block.codes, arm) is None:
        return block.codes
    place = _factor(frame, spec.cluster) if spec.cluster else unit
    pairs = place.codes.astype(np.int64) * len(block.names) + block.codes
    codes, numbers = pd.factorize(pairs)
    bad = mixed(codes, arm)
    if bad is not None:
        where = (
            f"{place.names[numbers[bad] // len(block.names)]}, "
            f"block {block.names[numbers[bad] % len(block.names)]}"
        )
        raise TrialError(
            f"data: a block has one arm. Received: several in {where}. "
            "Two prices for one item at one time and place cannot be read."
        )
    return codes


def _periods(frame: pd.DataFrame, spec: Spec) -> Factor | None:
    """Return the period of each row, none of them missing; none where there is no column of periods."""
    other_columns = (spec.unit, spec.block, spec.cluster, spec.arm)
    guesses = (name for name in PERIODS if name in frame.columns and name not in other_columns)
    name = spec.period or next(guesses, None)
    if name is None:
        return None
    codes = _factor(frame, name).codes
    values = np.sort(frame[name].unique())
    lost = [] if spec.events else lost_periods(values, numbered=spec.block is not None)
    if lost:
        raise TrialError(
            f"data: `{name}` must have no gap. Received: {listed(lost)} missing between "
            f"{period_name(values[0])} and {period_name(values[-1])}. Missing is not 0: add the rows, "
            "or say `events: true` in the spec if a row is an event."
        )
    return Factor(name, codes, [period_name(value) for value in values])


def _substitute_group(frame: pd.DataFrame, spec: Spec) -> Factor | None:
    """Return the substitute group of each row, where items were randomised; else none."""
    items = spec.unit in ITEMS and not spec.block
    guesses = (name for name in GROUPS if items and name in frame.columns)
    name = spec.group or next(guesses, None)
    return None if name is None else _factor(frame, name)


def _without_burn_in(rows: Rows, spec: Spec) -> Rows:
    """Leave the first periods of every block out."""
    if rows.period is None or rows.what != "block":
        raise TrialError(
            "spec: `burn_in` needs `block` and a column of periods. Received: none. "
            "Take `burn_in` out, or name them."
        )
    first = np.full(len(rows.arm), np.iinfo(np.int64).max)
    np.minimum.at(first, rows.randomised, rows.period)
    keep = rows.period - first[rows.randomised] >= spec.burn_in
    if np.bincount(rows.randomised[keep], minlength=len(rows.arm)).min() == 0:
        raise TrialError(
            f"spec: `burn_in` must leave a period in every block. Received: {spec.burn_in}. "
            "Make blocks longer or the burn-in shorter."
        )
    return replace(
        rows,
        unit=rows.unit[keep],
        randomised=rows.randomised[keep],
        owner=None,
        period=rows.period[keep],
        columns={name: values[keep] for name, values in rows.columns.items()},
    )
