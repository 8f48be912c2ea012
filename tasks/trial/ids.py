"""Ids of a trial's table: units, arms, clusters, blocks and groups are text, as they are written."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from expectations.ids import read_ids
from tasks.trial.errors import TrialError
from tasks.trial.spec import Spec
from tasks.trial.table import GROUPS

WHOLE = r"0|[1-9][0-9]{0,17}"  # the whole numbers that a 64-bit integer writes as they were read


def id_columns(spec: Spec, columns: Sequence[str]) -> list[str]:
    """Return the columns that hold ids, among those that the analysis reads."""
    named = [spec.unit, spec.arm, spec.cluster, spec.block, spec.group, *GROUPS]
    numbers = {spec.period, *(name for metric in spec.metrics.values() for name in metric.columns)}
    return [name for name in columns if name in named and name not in numbers]


def with_ids(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return a table whose ids are known as text; whole numbers stay numbers, which are as exact.

    Args:
        table: as it was read.
        names: columns that hold ids.

    Raises:
        TrialError: an id cannot be one.
    """
    whole = [name for name in names if pd.api.types.is_integer_dtype(table[name])]
    return table.assign(**{name: _ids(table[name]) for name in names if name not in whole})


def _ids(values: pd.Series) -> pd.Series:
    """Return ids as categories in rising order, or as numbers where a CSV holds whole numbers alone."""
    if isinstance(values.dtype, pd.CategoricalDtype) and values.notna().all():
        distinct = pd.Series(values.cat.categories, dtype="str")
        if distinct.str.fullmatch(WHOLE).all():
            return pd.Series(distinct.astype("int64").to_numpy()[values.cat.codes], index=values.index)
    ids = read_ids(values)
    refused = ids.first_refusal()
    if refused:
        row, refusal = refused
        raise TrialError(
            f"data: `{values.name}`: {refusal.rule}. "
            f"Received: {ids.written.iloc[row]!r} in row {row + 1}. {refusal.remedy.capitalize()}."
        )
    return ids.text.astype("category")
