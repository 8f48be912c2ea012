"""The design of a price experiment from the sales history: units, length, assignment and specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import DATE, DAYS_A_WEEK, PRODUCT
from tasks.trial.assignment import ARM, BEFORE, TREATED, Terms, assigned, checked, measured, spec_of
from tasks.trial.design_request import DesignRequest, metrics_of
from tasks.trial.errors import TrialError
from tasks.trial.members import Members, members_of, values_of
from tasks.trial.periods import days_of_period
from tasks.trial.planning import Goal, History, Length, guard_power, measure, plan
from tasks.trial.randomisation import CLUSTER, ITEM, STORES, TIME, Scheme

LENGTHS = (2, 3, 4, 6, 8, 10, 13, 16, 20, 26, 39, 52)  # weeks
WEEKS_BEFORE = 8  # over which a member's size before the trial is averaged, or a third of the history
BLOCK = {1: 7, 7: 4}  # days of a period -> periods of a block: a whole week, or four of them
LEAST_GROUPS = 4
SHOWN_LINKS = 20  # strongest links between substitutes that the design lists


@dataclass(frozen=True)
class Design:
    """A designed trial.

    Attributes:
        figures: the design in names and numbers, for people and JSON.
        assignment: which arm prices which member, and when.
        spec: the specification that analyses the trial, as YAML holds it.
    """

    figures: dict[str, Any]
    assignment: pd.DataFrame
    spec: dict[str, object]


def design_trial(sales: pd.DataFrame, request: DesignRequest, *, no_sale: bool = False) -> Design:
    """Design a trial.

    Args:
        sales: sales history, a row per product, store and period.
        request: the effect to detect, and how.
        no_sale: a row that is missing is no sale, in the history and in the trial; else it is unknown.

    Raises:
        TrialError: the design could not be read later, or cannot detect the effect.
    """
    sales = measured(sales)
    names = metrics_of(request, sales)
    days = days_of_period(sales[DATE])
    members = members_of(sales, request)
    dates, values = values_of(sales, members.table, names, no_sale=no_sale)
    scheme = _scheme(members.table, request, days)
    before = max(1, min(WEEKS_BEFORE * DAYS_A_WEEK // days, len(dates) // 3))
    histories = {name: History(value, scheme, before) for name, value in values.items()}
    length, measured_lengths = _length(histories[names[0]], request, days)
    ahead = _dates_ahead(dates[-1], request, days, length.periods)
    size = {name: value[:, -before:].mean(axis=1) for name, value in values.items()}
    terms = Terms(scheme=scheme, metrics=names, guards=request.guards, alpha=request.alpha, dates=ahead)
    assignment = checked(assigned(members.table, size, terms, request.seed))
    spec = spec_of(terms, members.table.columns[0])
    if no_sale:
        spec["events"] = True  # as in the history, a row stands only where something sold
    figures = {
        **_outline(scheme, members, terms, request.effect),
        **length._asdict(),
        "tried": [measured_length._asdict() for measured_length in measured_lengths],
        "by": "closed form" if scheme.unit == STORES else "simulation on the history",
        **({"block": scheme.block, "burn_in": scheme.burn_in} if scheme.unit == TIME else {}),
        "guardrails": _guardrails(histories, request, length.periods),
        "balance": _balance(assignment, names),
        "groups": _groups(members.table),
        **_links(members),
    }
    return Design(figures, assignment, spec)


def _scheme(members: pd.DataFrame, request: DesignRequest, days: int) -> Scheme:
    """Return how the trial randomises its members; one that no analysis could read is refused."""
    owner = pd.factorize(members.iloc[:, -1], sort=True)[0]
    unit = CLUSTER if request.unit == ITEM else request.unit
    block = request.block or BLOCK[days]
    if unit == TIME and not 0 <= request.burn_in < block:
        raise TrialError(
            f"design: `--burn-in` must leave a period in every block of {block}. "
            f"Received: {request.burn_in}. Make blocks longer."
        )
    scheme = Scheme(unit=unit, owner=owner, share=request.share, block=block, burn_in=request.burn_in)
    if unit == CLUSTER and scheme.units < LEAST_GROUPS:
        raise TrialError(
            f"design: groups can be randomised from four on. Received: {scheme.units}. "
            "Let them switch in time blocks (`--unit time`), or randomise stores."
        )
    return scheme


def _length(history: History, request: DesignRequest, days: int) -> tuple[Length, list[Length]]:
    """Return the length of the trial and all that were measured.

    Where time is randomised, lengths are whole pairs of blocks.
    """
    goal = Goal(request.effect, request.power, request.alpha)
    step = 2 * history.scheme.block if history.scheme.unit == TIME else 1
    if request.length is None:
        lengths = sorted({max(1, round(weeks * DAYS_A_WEEK / days / step)) * step for weeks in LENGTHS})
        possible = [length for length in lengths if length <= history.longest]
        return plan(history, goal, possible, request.seed)
    if not step <= request.length <= history.longest or request.length % step:
        raise TrialError(
            f"design: `--length` must be {step} to {history.longest} periods, a multiple of {step}. "
            f"Received: {request.length}."
        )
    length = measure(history, goal, request.length, request.seed)
    return length, [length]


def _dates_ahead(last: pd.Timestamp, request: DesignRequest, days: int, periods: int) -> pd.DatetimeIndex:
    """Return the dates of the trial, from the requested one or the period after the history."""
    period = pd.Timedelta(days=days)
    start = pd.Timestamp(request.start) if request.start else last + period
    return pd.date_range(start, periods=periods, freq=period)


def _outline(scheme: Scheme, members: Members, terms: Terms, effect: float) -> dict[str, Any]:
    """Return what is randomised, the metric that decides, and from when to when."""
    return {
        "unit": scheme.unit,
        "units": scheme.units,
        "members": len(members.table),
        "metric": terms.metrics[0],
        "effect": effect,
        "starts": terms.starts,
        "ends": terms.ends,
    }


def _guardrails(
    histories: dict[str, History], request: DesignRequest, periods: int
) -> dict[str, dict[str, float]]:
    """Return the tolerated loss of each guardrail, and how often it is ruled out when there is no effect."""
    return {
        name: {
            "margin": margin,
            "power": guard_power(histories[name], request.alpha, periods, margin, request.seed),
        }
        for name, margin in request.guards.items()
    }


def _balance(assignment: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """Return treated less control before the trial, in standard deviations of the members."""
    balance = {}
    for name in names:
        before = assignment[f"{name}{BEFORE}"]
        means = before.groupby(assignment[ARM] == TREATED).mean()
        spread = before.std()
        balance[name] = float((means[True] - means[False]) / spread) if spread > 0 else 0.0
    return balance


def _groups(members: pd.DataFrame) -> dict[str, list[str]]:
    """Return the products of every substitute group, where members are products."""
    if CLUSTER not in members:
        return {}
    return {str(name): products.tolist() for name, products in members.groupby(CLUSTER)[PRODUCT]}


def _links(members: Members) -> dict[str, Any]:
    """Return the strongest links between substitutes, where cross elasticities made the groups."""
    groups = members.groups
    if groups is None:
        return {}
    products = members.table[PRODUCT].tolist()
    strongest = sorted(groups.links, key=lambda link: -link[2])[:SHOWN_LINKS]
    visible = groups.visible if np.isfinite(groups.visible) else None
    return {
        "links": [[products[i], products[j], value] for i, j, value in strongest],
        "least_visible_cross_elasticity": visible,
    }
