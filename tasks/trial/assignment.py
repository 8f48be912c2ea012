"""The assignment of a designed trial: which price holds where and when; and the sales joined to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import DATE, PRICE, PRODUCT, STORE, UNIT_COST, UNITS
from expectations.tax import net_prices
from tasks.trial.errors import TrialError
from tasks.trial.periods import listed, missing_dates
from tasks.trial.randomisation import CLUSTER, TIME, Scheme, stratified, switched
from tasks.trial.spec import Spec

ARM, BLOCK, BEFORE = "arm", "block", "_before"
CONTROL, TREATED = "A", "B"
REVENUE, PROFIT = "revenue", "profit"
KEYS = (PRODUCT, STORE, DATE)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of a designed trial.

    Attributes:
        scheme: how the trial randomises.
        metrics: those that are read, the primary one first.
        guards: guardrail -> the loss that is tolerated (share of control).
        alpha: probability of a false positive.
        dates: periods of the trial.
    """

    scheme: Scheme
    metrics: Sequence[str]
    guards: Mapping[str, float]
    alpha: float
    dates: pd.DatetimeIndex

    @property
    def starts(self) -> str:
        """Return the first date."""
        return str(self.dates[0].date())

    @property
    def ends(self) -> str:
        """Return the last date."""
        return str(self.dates[-1].date())


def measured(sales: pd.DataFrame) -> pd.DataFrame:
    """Return the sales with the metrics of a trial: units, revenue, and profit where every row has a cost."""
    metrics = {REVENUE: sales[UNITS] * sales[PRICE]}
    if UNIT_COST in sales and sales[UNIT_COST].notna().all():
        metrics[PROFIT] = sales[UNITS] * (net_prices(sales) - sales[UNIT_COST])
    return sales.assign(**metrics)


def assigned(
    members: pd.DataFrame, before: Mapping[str, np.ndarray], terms: Terms, seed: int
) -> pd.DataFrame:
    """Return the assignment: a row per member, or per member and date where time blocks switch.

    Args:
        members: key of each member (its product or store) and, where groups were made, its ``cluster``.
        before: metric -> its mean per period before the trial (members,).
        terms: of the trial; units are matched by the size of the primary metric.
        seed: of the draw.
    """
    scheme, dates = terms.scheme, terms.dates
    rng = np.random.default_rng(seed)
    table = members.assign(**{f"{name}{BEFORE}": values for name, values in before.items()})
    names = np.array([CONTROL, TREATED])
    if scheme.unit != TIME:
        treated = stratified(np.bincount(scheme.owner, before[terms.metrics[0]]), scheme.share, rng)
        return table.assign(**{ARM: names[treated[scheme.owner].astype(int)]})
    blocks = len(dates) // scheme.block
    treated = switched(scheme.units, blocks, scheme.share, rng)
    block = np.arange(blocks).repeat(scheme.block)
    parts = [
        table.assign(**{DATE: date, BLOCK: b, ARM: names[treated[scheme.owner, b].astype(int)]})
        for date, b in zip(dates[: len(block)], block, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def checked(assignment: pd.DataFrame) -> pd.DataFrame:
    """Return an assignment that gives every item one price at one time and place.

    Raises:
        TrialError: a column is missing, or a key is there twice.
    """
    keys = keys_of(assignment)
    if not keys or ARM not in assignment:
        raise TrialError(
            f"assignment: `{ARM}` and one of {', '.join(KEYS)} must be there. "
            f"Received: {', '.join(assignment.columns)}."
        )
    twice = assignment[assignment.duplicated(keys)]
    if len(twice):
        where = ", ".join(f"{key} {twice[key].iloc[0]}" for key in keys)
        raise TrialError(
            f"assignment: an item has one price at one time and place. Received: two rows for {where}. "
            "Keep one of them."
        )
    return assignment


def keys_of(assignment: pd.DataFrame) -> list[str]:
    """Return the columns that decide which price holds."""
    return [name for name in KEYS if name in assignment]


def spec_of(terms: Terms, member: str) -> dict[str, object]:
    """Return the specification that analyses the trial as it was designed, as YAML holds it.

    Args:
        terms: of the trial.
        member: column of the members.
    """
    scheme, guards = terms.scheme, terms.guards
    grouped = CLUSTER if member == PRODUCT else None
    blocks = len(terms.dates) // scheme.block if scheme.unit == TIME else 1
    spec = {
        "assignment": "assignment.csv",
        "unit": member,
        "arm": ARM,
        "control": CONTROL,
        "shares": {CONTROL: 1 - scheme.share, TREATED: scheme.share},
        "cluster": grouped,
        "block": BLOCK if scheme.unit == TIME else None,
        "period": DATE,
        "burn_in": scheme.burn_in if scheme.unit == TIME else None,
        "alpha": terms.alpha,
        "starts": terms.starts,
        "ends": terms.ends,
        "planned": scheme.units * blocks,
        "metrics": {
            name: {"kind": "mean", "value": name, "covariate": f"{name}{BEFORE}"}
            | ({"margin": guards[name]} if name in guards else {})
            for name in terms.metrics
        },
    }
    return {key: value for key, value in spec.items() if value is not None}


def joined(sales: pd.DataFrame, assignment: pd.DataFrame, spec: Spec) -> pd.DataFrame:
    """Return the long table that the analysis reads: a row per member and period of the trial so far.

    Args:
        sales: sales table that covers the trial; rows outside it, and of items outside it, are left out.
        assignment: as it was designed.
        spec: as it was designed; where ``events`` is true a row is a sale, so that no row is no sale.

    Raises:
        TrialError: no row belongs to the trial, or a period of it is missing.
    """
    keys = keys_of(checked(assignment))
    inside = sales[
        (sales[DATE] >= pd.Timestamp(str(spec.starts))) & (sales[DATE] <= pd.Timestamp(str(spec.ends)))
    ]
    known = [key for key in keys if key != DATE]
    inside = measured(inside.merge(assignment[known].drop_duplicates(), on=known))
    if inside.empty:
        raise TrialError(
            f"data: the sales must cover the trial, {spec.starts} to {spec.ends}, and its items. "
            f"Received: {len(sales):,} rows from {sales[DATE].min():%Y-%m-%d} to "
            f"{sales[DATE].max():%Y-%m-%d}, none of them in it. Give the sales of the trial."
        )
    dates = _dates(inside[DATE], pd.Timestamp(str(spec.starts)))
    values = [metric.top for metric in spec.metrics.values()]
    lacking = [name for name in values if name not in inside]
    if lacking:
        raise TrialError(
            f"data: metric {lacking[0]} cannot be computed from the sales. "
            f"Received: {', '.join(sales.columns)}. Bring `{UNIT_COST}` in every row."
        )
    sums = inside.groupby([*known, DATE], as_index=False)[values].sum()
    grid = (
        assignment[assignment[DATE].isin(dates)]
        if DATE in keys
        else assignment.merge(pd.DataFrame({DATE: dates}), how="cross")
    )
    table = grid.merge(sums, on=[*known, DATE], how="left")
    return table.fillna(dict.fromkeys(values, 0.0)) if spec.events else table.dropna(subset=values)


def _dates(seen: pd.Series, first: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the periods of the trial so far, none of them missing."""
    dates = pd.DatetimeIndex(np.sort(seen.unique()))
    lost = missing_dates(dates.union(pd.DatetimeIndex([first])))
    if first not in dates:
        lost = lost.union(pd.DatetimeIndex([first]))
    if len(lost):
        raise TrialError(
            "data: the trial must have sales in every period. "
            f"Received: none on {listed([f'{day:%Y-%m-%d}' for day in lost])}. "
            "Missing is not 0: add the periods."
        )
    return dates
