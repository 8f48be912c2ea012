"""Task: design a price experiment from the sales history: who gets which price when, for how long, and how it will be analysed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from prefect import task

from conf import Settings
from expectations.columns import CATEGORY, DATE, PRICE, PRODUCT, STORE, UNIT_COST, UNITS
from tasks.operations.experiment_analyze import days_of_period, sales_at
from tasks.runtime.artifacts import save_text
from tasks.sources.gaps import NO_SALE
from tasks.trial.assignment import ARM, BEFORE, PROFIT, REVENUE, TREATED, assigned, checked, measured, spec_of
from tasks.trial.design import CLUSTER, ITEM, STORES, TIME, Scheme
from tasks.trial.errors import TrialError
from tasks.trial.planning import Length, Wanted, holds, measure, plan
from tasks.trial.substitutes import Groups, groups_of

log = logging.getLogger("repricer")

WEEKS = (2, 3, 4, 6, 8, 10, 13, 16, 20, 26, 39, 52)  # lengths tried
WEEKS_BEFORE = 8  # over which a member's size before the trial is averaged, or a third of the history
BLOCK = {1: 7, 7: 4}  # days of a period -> periods of a block: a whole week, or four of them
SHOWN = 20  # links between substitutes that are told


@dataclass(frozen=True)
class Asked:
    """What a trial shall find, and how.

    Attributes:
        unit: ``cluster``, ``store``, ``time`` or ``item`` (refused where items have substitutes).
        effect: relative effect on the metric to be found (share).
        metric: ``profit``, ``revenue`` or ``units``; none: profit where every row has a cost, else revenue.
        power: probability of finding the effect.
        alpha: probability of a false find.
        guards: guardrail -> the loss that is tolerated (share of control).
        groups: substitutes by ``category`` or by ``cross`` elasticities; none: by category where the table has one.
        share: of the units that the candidate prices.
        length: periods of the trial; none: the shortest that suffices.
        block: periods between two switches; none: 7 days, or 4 weeks.
        burn_in: periods left out after every switch, while buyers still answer the price before.
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


@task(name="design-experiment")
def design(data: str, asked: Asked, folder: str, settings: Settings) -> dict[str, Any]:
    """Write ``assignment.csv`` and ``trial.yaml`` into a folder and return the design in numbers.

    Raises:
        TrialError: the design cannot be read later, or cannot find the effect.
    """
    sales = measured(sales_at(Path(data), settings))
    names = _metrics(asked, sales)
    days = days_of_period(sales[DATE])
    no_sale = settings.source.missing == NO_SALE
    members, groups = _members(sales, asked)
    dates, values = _values(sales, members, names, no_sale=no_sale)
    scheme = _scheme(members, asked, days)
    before = max(1, min(WEEKS_BEFORE * 7 // days, len(dates) // 3))
    wanted = Wanted(asked.effect, asked.power, asked.alpha, before)
    length, tried = _length(values[names[0]], scheme, wanted, asked, days)
    start = pd.Timestamp(asked.start) if asked.start else dates[-1] + pd.Timedelta(days=days)
    ahead = pd.date_range(start, periods=length.periods, freq=pd.Timedelta(days=days))
    known = {name: value[:, -before:].mean(axis=1) for name, value in values.items()}
    table = checked(assigned(members, known, scheme, ahead, names[0], asked.seed))
    spec = spec_of(scheme, names, asked.guards, asked.alpha, ahead, members.columns[0])
    if no_sale:
        spec["events"] = True  # the trial's table will have a row only where something sold, as the history has
    return {
        "unit": scheme.unit,
        "units": scheme.units,
        "members": len(members),
        "metric": names[0],
        "effect": asked.effect,
        "starts": spec["starts"],
        "ends": spec["ends"],
        **length._asdict(),
        "tried": [one._asdict() for one in tried],
        "by": "closed form" if scheme.unit == STORES else "simulation on the history",
        **({"block": scheme.block, "burn_in": scheme.burn_in} if scheme.unit == TIME else {}),
        "guardrails": {
            name: {
                "margin": margin,
                "power": holds(values[name], scheme, wanted, length.periods, margin, asked.seed),
            }
            for name, margin in asked.guards.items()
        },
        "balance": _balance(table, names),
        "groups": _told_groups(members),
        **_told_links(members, groups),
        "files": _written(table, spec, Path(folder)),
    }


def _metrics(asked: Asked, sales: pd.DataFrame) -> list[str]:
    """Return the metrics that are read, the one that decides first; what cannot be asked is refused."""
    metric = asked.metric or (PROFIT if PROFIT in sales else REVENUE)
    names = [metric, *(name for name in asked.guards if name != metric)]
    _check(asked, names, sales)
    if not asked.metric and metric == REVENUE and UNIT_COST in sales:
        log.warning(
            "design: the metric is revenue; %d of %d rows have no cost for a profit",
            sales[UNIT_COST].isna().sum(),
            len(sales),
        )
    return names


def _check(asked: Asked, names: list[str], sales: pd.DataFrame) -> None:
    if asked.unit not in (CLUSTER, STORES, TIME, ITEM):
        raise TrialError(
            f"design: `--unit` must be {CLUSTER}, {STORES}, {TIME} or {ITEM}; nothing is randomised by buyer. Received: {asked.unit}."
        )
    lacking = [name for name in names if name not in sales or name not in (UNITS, REVENUE, PROFIT)]
    if lacking:
        raise TrialError(
            f"design: a metric is units, revenue, or profit where every row has a unit cost. Received: {', '.join(lacking)}."
        )
    if not np.isfinite(asked.effect) or asked.effect == 0 or asked.effect <= -1:
        raise TrialError(
            f"design: `--effect` must be a share that is not 0, such as 0.05. Received: {asked.effect}."
        )
    if not (0 < asked.power < 1 and 0 < asked.alpha < 0.5):
        raise TrialError(
            f"design: `--power` lies between 0 and 1, `--alpha` between 0 and 0.5. Received: {asked.power} and {asked.alpha}."
        )
    for name, margin in asked.guards.items():
        if not 0 < margin < 1:
            raise TrialError(
                f"design: `--guard {name}=...` must be a share between 0 and 1, such as 0.05. Received: {margin}."
            )


def _members(sales: pd.DataFrame, asked: Asked) -> tuple[pd.DataFrame, Groups | None]:
    """Return the members, key first, and where they are products their groups in ``cluster``.

    Raises:
        TrialError: items with substitutes are to be randomised one by one, or there are no stores to randomise.
    """
    stores = np.sort(sales[STORE].unique())
    if asked.unit == STORES and len(stores) < 4:
        raise TrialError(
            f"design: stores can be randomised from four on. Received: {len(stores)}. Randomise groups (`--unit cluster`) or time."
        )
    if asked.unit == STORES or (asked.unit == TIME and len(stores) > 1):
        return pd.DataFrame({STORE: stores}), None
    products = pd.DataFrame({PRODUCT: np.sort(sales[PRODUCT].unique())})
    by = asked.groups or (CATEGORY if CATEGORY in sales and len(sales[CATEGORY].unique()) > 1 else "cross")
    if by == CATEGORY:
        if CATEGORY not in sales or sales[CATEGORY].isna().any():
            raise TrialError(
                "design: `--groups category` needs a category in every row. Received: rows without. Use `--groups cross`."
            )
        named = sales.groupby(PRODUCT)[CATEGORY].first()
        members, groups = products.assign(**{CLUSTER: products[PRODUCT].map(named)}), None
    elif by == "cross":
        groups = groups_of(*_weekly(sales, products[PRODUCT].to_numpy()))
        members = products.assign(**{CLUSTER: [f"group {number + 1}" for number in groups.group]})
    else:
        raise TrialError(f"design: `--groups` must be category or cross. Received: {by}.")
    crowd = members.groupby(CLUSTER)[PRODUCT].agg(list)
    crowd = crowd[crowd.map(len) > 1]
    if asked.unit == ITEM and len(crowd):
        raise TrialError(
            f"design: items of one substitute group must share an arm. Received: items one by one, where {crowd.index[0]} holds "
            f"{', '.join(crowd.iloc[0][:4])} ({len(crowd)} such groups). A buyer who finds one dearer takes the next one, so the sale that "
            "moved is counted twice: a true +0.6 % can read as +26 %. Use `--unit cluster`, `store` or `time`."
        )
    return members, groups


def _weekly(sales: pd.DataFrame, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return units and mean price (stores, weeks, products), nan where there is no row."""
    keys = [
        pd.factorize(sales[STORE])[0],
        (sales[DATE] - sales[DATE].min()).dt.days.to_numpy() // 7,
        np.searchsorted(products, sales[PRODUCT]),
    ]
    shape = tuple(int(key.max()) + 1 for key in keys)
    cell = np.ravel_multi_index(keys, shape)
    count, units, price = (
        np.bincount(cell, weights, np.prod(shape)) for weights in (None, sales[UNITS], sales[PRICE])
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, units, np.nan).reshape(shape), (price / count).reshape(shape)


def _values(
    sales: pd.DataFrame, members: pd.DataFrame, names: list[str], *, no_sale: bool
) -> tuple[pd.DatetimeIndex, dict[str, np.ndarray]]:
    """Return the dates, and each metric by member and date; a missing row is no sale, or unknown: the member's mean."""
    key = members.columns[0]
    sums = sales.groupby([key, DATE])[names].sum()
    values = {}
    for name in names:
        wide = sums[name].unstack(DATE).reindex(members[key])
        values[name] = (wide.fillna(0.0) if no_sale else wide.T.fillna(wide.mean(axis=1)).T).to_numpy(float)
    return pd.DatetimeIndex(wide.columns), values


def _scheme(members: pd.DataFrame, asked: Asked, days: int) -> Scheme:
    owner = pd.factorize(members.iloc[:, -1], sort=True)[0]
    unit = CLUSTER if asked.unit == ITEM else asked.unit
    block = asked.block or BLOCK[days]
    if unit == TIME and not 0 <= asked.burn_in < block:
        raise TrialError(
            f"design: `--burn-in` must leave a period in every block of {block}. Received: {asked.burn_in}. Make blocks longer."
        )
    scheme = Scheme(unit, owner, asked.share, block, asked.burn_in)
    if unit == CLUSTER and scheme.units < 4:
        raise TrialError(
            f"design: groups can be randomised from four on. Received: {scheme.units}. "
            "Let them switch in time blocks (`--unit time`), or randomise stores."
        )
    return scheme


def _length(
    value: np.ndarray, scheme: Scheme, wanted: Wanted, asked: Asked, days: int
) -> tuple[Length, list[Length]]:
    """Return the length of the trial and those tried; whole pairs of blocks where time is randomised."""
    most = value.shape[1] - wanted.before
    step = 2 * scheme.block if scheme.unit == TIME else 1
    if asked.length is not None:
        if not step <= asked.length <= most or asked.length % step:
            raise TrialError(
                f"design: `--length` must be {step} to {most} periods, a multiple of {step}. Received: {asked.length}."
            )
        told = measure(value, scheme, wanted, asked.length, asked.seed)
        return told, [told]
    lengths = sorted({max(1, round(weeks * 7 / days / step)) * step for weeks in WEEKS})
    return plan(value, scheme, wanted, [length for length in lengths if length <= most], asked.seed)


def _balance(table: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """Return treated less control before the trial, in standard deviations of the members."""
    told = {}
    for name in names:
        before = table[f"{name}{BEFORE}"]
        means = before.groupby(table[ARM] == TREATED).mean()
        told[name] = float((means[True] - means[False]) / before.std()) if before.std() > 0 else 0.0
    return told


def _told_groups(members: pd.DataFrame) -> dict[str, list[str]]:
    return (
        {str(name): part.tolist() for name, part in members.groupby(CLUSTER)[PRODUCT]}
        if CLUSTER in members
        else {}
    )


def _told_links(members: pd.DataFrame, groups: Groups | None) -> dict[str, Any]:
    """Return the strongest links between substitutes, where cross elasticities made the groups."""
    if groups is None:
        return {}
    products = members[PRODUCT].tolist()
    strongest = sorted(groups.links, key=lambda link: -link[2])[:SHOWN]
    visible = groups.visible if np.isfinite(groups.visible) else None
    return {
        "links": [[products[i], products[j], value] for i, j, value in strongest],
        "least_visible_cross_elasticity": visible,
    }


def _written(table: pd.DataFrame, spec: Mapping[str, Any], folder: Path) -> dict[str, str]:
    dated = table.assign(**{DATE: table[DATE].dt.strftime("%Y-%m-%d")}) if DATE in table else table
    save_text(dated.to_csv(index=False), folder / "assignment.csv")
    save_text(yaml.safe_dump(dict(spec), sort_keys=False), folder / "trial.yaml")
    log.info("wrote assignment.csv and trial.yaml to %s", folder)
    return {"assignment": str(folder / "assignment.csv"), "spec": str(folder / "trial.yaml")}
