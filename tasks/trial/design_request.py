"""The request for a price experiment: the effect to detect, and by which kind of trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from expectations.columns import UNITS
from tasks.trial.assignment import PROFIT, REVENUE
from tasks.trial.errors import TrialError
from tasks.trial.randomisation import CLUSTER, ITEM, STORES, TIME


@dataclass(frozen=True, kw_only=True)
class DesignRequest:
    """The effect that a trial must detect, and how.

    Attributes:
        unit: ``cluster``, ``store``, ``time`` or ``item`` (refused where items have substitutes).
        effect: relative effect on the metric to be detected (share).
        metric: ``profit``, ``revenue`` or ``units``; none: profit where every row has a cost, else revenue.
        power: probability of detecting the effect.
        alpha: probability of a false positive.
        guards: guardrail -> the loss that is tolerated (share of control).
        groups: substitutes by ``category`` or by ``cross`` elasticities; none: by category where there is
            one.
        share: share of the units that the candidate prices.
        length: periods of the trial; none: the shortest that suffices.
        block: periods between two switches; none: 7 days, or 4 weeks.
        burn_in: periods left out after every switch, while buyers still respond to the price before.
        start: first date; none: the period after the history.
        seed: of the assignment.
    """

    unit: str = CLUSTER
    effect: float = 0.05
    metric: str | None = None
    power: float = 0.8
    alpha: float = 0.05
    guards: Mapping[str, float] = field(default_factory=lambda: {UNITS: 0.05})
    groups: str | None = None
    share: float = 0.5
    length: int | None = None
    block: int | None = None
    burn_in: int = 1
    start: str | None = None
    seed: int = 7


def metrics_of(request: DesignRequest, sales: pd.DataFrame) -> list[str]:
    """Return the metrics that are read, the one that decides first.

    Raises:
        TrialError: the request holds what no trial can have, or what the sales cannot show.
    """
    metric = request.metric or (PROFIT if PROFIT in sales else REVENUE)
    names = [metric, *(name for name in request.guards if name != metric)]
    _check_unit(request)
    _check_metrics(names, sales)
    _check_goal(request)
    _check_guards(request)
    return names


def _check_unit(request: DesignRequest) -> None:
    if request.unit not in (CLUSTER, STORES, TIME, ITEM):
        raise TrialError(
            f"design: `--unit` must be {CLUSTER}, {STORES}, {TIME} or {ITEM}; "
            f"nothing is randomised by buyer. Received: {request.unit}."
        )


def _check_metrics(names: list[str], sales: pd.DataFrame) -> None:
    lacking = [name for name in names if name not in sales or name not in (UNITS, REVENUE, PROFIT)]
    if lacking:
        raise TrialError(
            "design: a metric is units, revenue, or profit where every row has a unit cost. "
            f"Received: {', '.join(lacking)}."
        )


def _check_goal(request: DesignRequest) -> None:
    if not np.isfinite(request.effect) or request.effect == 0 or request.effect <= -1:
        raise TrialError(
            f"design: `--effect` must be a share that is not 0, such as 0.05. Received: {request.effect}."
        )
    if not (0 < request.power < 1 and 0 < request.alpha < 0.5):
        raise TrialError(
            "design: `--power` lies between 0 and 1, `--alpha` between 0 and 0.5. "
            f"Received: {request.power} and {request.alpha}."
        )


def _check_guards(request: DesignRequest) -> None:
    for name, margin in request.guards.items():
        if not 0 < margin < 1:
            raise TrialError(
                f"design: `--guard {name}=...` must be a share between 0 and 1, such as 0.05. "
                f"Received: {margin}."
            )
