"""The held-out weeks of substitute groups: what they took in, and what slopes of earlier weeks say of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.response.curves import CURVES, curved
from tasks.response.group_estimates import LEAST_SLOPE, blocks_of_shop, draws_of, fit_of
from tasks.response.group_panel import GroupPanel
from tasks.response.group_shares import shares_of, week_weights
from tasks.response.group_totals import price_index

LEAST_WEEKS = 8  # weeks of a group in either part
DRAWS, SEED = 200, 0  # posterior draws of the slopes, and their seed


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Held-out weeks of all groups: rows, one per group and week with sales.

    Attributes:
        group, week, store: of every row (rows,).
        observed: log revenue (rows,).
        predicted: change of log revenue by the prices, by draw (draws, rows).
        around: announcements and other controls, by the shares of the members (rows, controls).
    """

    group: np.ndarray
    week: np.ndarray
    store: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    around: np.ndarray


def _both_parts(week: np.ndarray, cut: int) -> bool:
    """Return whether a group has enough weeks before and after the cut."""
    return min(int((week < cut).sum()), int((week >= cut).sum())) >= LEAST_WEEKS


def _part(panel: GroupPanel, rows: np.ndarray) -> GroupPanel:
    """Return some weeks of a group (T,), bool."""
    names = ("week", "units", "present", "ratio", "announced", "around")
    return panel._replace(**{name: getattr(panel, name)[rows] for name in names})


def held_out(panels: list[GroupPanel], cut: int) -> HeldOut | None:
    """Return the weeks from ``cut`` on with what slopes of the earlier ones predict; none without slopes.

    Args:
        panels: groups of the shop; those with few weeks in either part are left out.
        cut: number of the first held-out week.
    """
    panels = [panel for panel in panels if _both_parts(panel.week, cut)]
    if not panels:
        return None
    early = [_part(panel, panel.week < cut) for panel in panels]
    together = np.array([len(panel.products) > 1 for panel in panels])
    weights = [
        week_weights(panel, CURVES[1]) if several else None
        for panel, several in zip(early, together, strict=True)
    ]
    block = blocks_of_shop(early)
    fits = [fit_of(early, block, weights, k) for k in CURVES]
    likeliest = int(np.argmax([fit.held_out.sum() for fit in fits]))
    fit, k = fits[likeliest], CURVES[likeliest]
    if not fit.whole.known.any():
        return None
    within, whole = draws_of(fit, together, DRAWS, np.random.default_rng(SEED))
    parts = []
    for number, (panel, weight, early_block) in enumerate(zip(panels, weights, block, strict=True)):
        log_weight = _log_weights(panel, weight, early_block, k)
        slopes = np.maximum(within[:, number], LEAST_SLOPE), whole[:, number]
        parts.append(_held_out(_sold_before(panel, cut), log_weight, k=k, slopes=slopes, cut=cut))
    rows = [observed.size for observed, _, _, _ in parts]
    observed, predicted, around, week = zip(*parts, strict=True)
    return HeldOut(
        group=np.repeat(np.arange(len(panels)), rows),
        week=np.concatenate(week),
        store=np.repeat(pd.factorize(np.array([panel.store for panel in panels]))[0], rows),
        observed=np.concatenate(observed),
        predicted=np.concatenate(predicted, axis=1),
        around=_aligned(list(around)),
    )


def _sold_before(panel: GroupPanel, cut: int) -> GroupPanel:
    """Return a group without the members that sold nothing in the first part."""
    known = (panel.units * panel.present)[panel.week < cut].sum(axis=0) > 0
    return panel._replace(present=panel.present & known)


def _log_weights(panel: GroupPanel, weight: np.ndarray | None, block: np.ndarray, k: float) -> np.ndarray:
    """Return log weights of the members in all weeks, fitted to the first ones alone (T, n).

    Args:
        panel: all weeks of a group.
        weight: what the first weeks count for (first weeks,); none in a group of one.
        block: number of each first week's block (first weeks,).
        k: curve of demand.
    """
    if weight is None:
        return np.zeros(panel.units.shape)
    later = len(panel.week) - len(weight)
    nothing = np.zeros(later)
    return shares_of(panel, k, np.r_[block, nothing.astype(int)], np.r_[weight, nothing]).weight


def _held_out(
    panel: GroupPanel, log_weight: np.ndarray, *, k: float, slopes: tuple[np.ndarray, np.ndarray], cut: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return observed revenue, its prediction by draw, controls and week of every row of a group.

    Args:
        panel: all weeks of the group.
        log_weight: of the members, prices apart (T, n).
        k: curve of demand.
        slopes: draws of the within and of the group slope (draws,).
        cut: number of the first held-out week.
    """
    revenue = (panel.units * panel.ratio * panel.reference * panel.present).sum(axis=1)
    rows = (panel.week >= cut) & panel.present.any(axis=1) & (revenue > 0)
    part, weight = _part(panel, rows), log_weight[rows]
    x = curved(part.ratio, k)
    share = _shares(weight, part.present)
    usual = np.log((share * part.reference).sum(axis=1))
    predicted = []
    for b, eta in zip(*slopes, strict=True):
        index, _ = price_index(weight, x, float(b), part.present)
        spent = _shares(weight - b * x, part.present) * part.ratio * part.reference
        predicted.append(np.log(spent.sum(axis=1)) - usual - eta * index)
    attraction = np.log(np.where(part.present, np.exp(weight), 0.0).sum(axis=1))
    controls = [np.einsum("tn,tnc->tc", share, values) for values in (part.announced, part.around)]
    around = np.column_stack([attraction, usual, *controls])
    return np.log(revenue[rows]), np.stack(predicted), around, part.week


def _shares(log_weight: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the shares of the members in every week (T, n)."""
    weight = np.where(present, np.exp(log_weight), 0.0)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _aligned(around: list[np.ndarray]) -> np.ndarray:
    """Return the controls of all groups under each other, 0 where a group lacks them (rows, controls)."""
    widest = max(values.shape[1] for values in around)
    return np.concatenate([np.pad(values, ((0, 0), (0, widest - values.shape[1]))) for values in around])
