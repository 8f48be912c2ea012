"""The slopes of all substitute groups of a shop under one curve, and their posterior draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import STORE
from tasks.response.curves import CURVES, curved
from tasks.response.group_links import at_weeks
from tasks.response.group_panel import GroupPanel
from tasks.response.group_pooling import Slopes, pooled_draws
from tasks.response.group_shares import Shares, alone, blocks_of, shares_of
from tasks.response.group_totals import Total, price_index, total_of
from tasks.response.weeks import WEEK

MANY = 5  # other groups of a store from which they control for the week
LEAST_SLOPE = 0.05  # least within slope
TEMPER = 0.5  # power of the held-out likelihood: at 1 simulated shops were too sure of a wrong curve
# Elasticity where no slope is known, and the spread of its logarithm: the mean of 1,851 published ones
# (Bijmolt, van Heerde and Pieters 2005, J. Marketing Research 42:141).
USUAL, USUAL_SPREAD = 2.6, 0.4


class Fit(NamedTuple):
    """Slopes of all groups under one curve.

    Attributes:
        within, whole: slopes.
        held_out: log likelihood of every block by the estimates without it (blocks,).
        totals: regressions of the groups' totals.
        indices: price index and attractiveness of every group's weeks, as ``price_index`` returns them.
    """

    within: Slopes
    whole: Slopes
    held_out: np.ndarray
    totals: list[Total]
    indices: list[tuple[np.ndarray, np.ndarray]]


def blocks_of_shop(panels: list[GroupPanel]) -> list[np.ndarray]:
    """Return the block of every week of every group; the blocks are those of the shop."""
    weeks = np.concatenate([panel.week for panel in panels])
    return [blocks_of(panel.week, weeks) for panel in panels]


def fit_of(
    panels: list[GroupPanel],
    blocks: list[np.ndarray],
    weights: list[np.ndarray | None],
    k: float,
    links: np.ndarray | None = None,
) -> Fit:
    """Return the slopes of all groups under one curve.

    Args:
        panels: weeks of the groups.
        blocks: of every week of every group, as ``blocks_of_shop`` returns them.
        weights: of the weeks, as ``week_weights`` returns them; none for groups of one.
        k: curve.
        links: groups that receive and cause (links, 2): their prices are held fixed beside each other's.
    """
    count = 1 + max(int(block.max()) for block in blocks)
    shares = [
        alone(panel, block) if weight is None else shares_of(panel, k, block, weight)
        for panel, block, weight in zip(panels, blocks, weights, strict=True)
    ]
    within = _slopes(shares, count)
    usual = float(np.median(within.estimate[within.known])) if within.known.any() else USUAL
    b = np.maximum(np.where(within.known, within.estimate, usual), LEAST_SLOPE)
    indices = [
        price_index(share.weight, curved(panel.ratio, k), slope, panel.present)
        for panel, share, slope in zip(panels, shares, b, strict=True)
    ]
    totals = _totals(panels, indices, shares, blocks, links)
    held_out = np.zeros(count)
    for share in shares:
        held_out[: len(share.held_out)] += share.held_out
    return Fit(within, _slopes(totals, count), held_out, totals, indices)


def _totals(
    panels: list[GroupPanel],
    indices: list[tuple[np.ndarray, np.ndarray]],
    shares: list[Shares],
    blocks: list[np.ndarray],
    links: np.ndarray | None,
) -> list[Total]:
    """Return the group slopes, beside what the other groups tell of the week."""
    parts = [
        (panel, index, share.weight, block)
        for panel, index, share, block in zip(panels, indices, shares, blocks, strict=True)
    ]
    totals = [total_of(*part) for part in parts]
    beside = _others(panels, totals)
    if links is not None:
        beside = _beside(panels, indices, beside, links)
    return [
        total if others is None else total_of(*part, others)
        for part, total, others in zip(parts, totals, beside, strict=True)
    ]


def _slopes(fits: list[Shares] | list[Total], count: int) -> Slopes:
    """Return slopes of groups as arrays; a block that a group does not reach leaves its estimate as it is."""
    without = [np.r_[fit.without, np.full(count - len(fit.without), fit.slope)] for fit in fits]
    return Slopes(
        np.array([fit.slope for fit in fits]), np.array([fit.error for fit in fits]), np.stack(without)
    )


def _others(panels: list[GroupPanel], totals: list[Total]) -> list[np.ndarray | None]:
    """Return the mean surprise of the other groups of the store in every week of a group (T, 1).

    What moves the whole shop is no answer to the group's prices (common correlated effects: Pesaran 2006,
    Econometrica 74:967). None where the store has few other groups.
    """
    surprise = pd.concat(
        [
            pd.DataFrame({STORE: panel.store, WEEK: panel.week, "surprise": total.surprise, "group": number})
            for number, (panel, total) in enumerate(zip(panels, totals, strict=True))
        ]
    )
    weeks = surprise.groupby([STORE, WEEK])["surprise"]
    count = weeks.transform("size") - 1
    surprise["others"] = ((weeks.transform("sum") - surprise["surprise"]) / count).where(count > 0, 0.0)
    stores = surprise.groupby(STORE)["group"].nunique()
    return [
        rows[["others"]].to_numpy() if stores[panel.store] > MANY else None
        for panel, (_, rows) in zip(panels, surprise.groupby("group", sort=True), strict=True)
    ]


def _beside(
    panels: list[GroupPanel],
    indices: list[tuple[np.ndarray, np.ndarray]],
    others: list[np.ndarray | None],
    links: np.ndarray,
) -> list[np.ndarray | None]:
    """Return what groups hold fixed, with price index and attractiveness of those that they are linked to."""
    beside = list(others)
    for group in np.unique(links[:, 0]):
        sources = at_weeks(links[links[:, 0] == group, 1], panels, indices, panels[group].week)
        common, columns = others[group], sources.reshape(len(sources), -1)
        beside[group] = columns if common is None else np.hstack([common, columns])
    return beside


def curves_of(held_out: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return draws of the curve by its held-out likelihood (draws,).

    Likelihoods of few blocks are uncertain, so every draw weighs the blocks anew (pseudo-BMA+: Yao, Vehtari,
    Simpson and Gelman 2018, Bayesian Analysis 13:917). They are tempered, because surprises
    that last count as new ones in every week.

    Args:
        held_out: log likelihood of every block by the estimates without it (curves, blocks).
    """
    blocks = held_out.shape[1]
    likely = TEMPER * blocks * rng.dirichlet(np.ones(blocks), draws) @ held_out.T  # (draws, curves)
    weight = np.exp(likely - likely.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    place = (weight.cumsum(axis=1) < rng.random(draws)[:, None]).sum(axis=1)
    return np.asarray(CURVES)[np.minimum(place, len(CURVES) - 1)]


def draws_of(
    fit: Fit, together: np.ndarray, draws: int, rng: np.random.Generator, form_error: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return draws of within and group slopes under one curve (draws, groups).

    Groups of one learn from each other, and so do groups of several, but not from the other kind. Before its
    own weeks are seen, a group is taken to answer in proportion to b, as nested logits of one theta do. Where
    no group of several shows its slope, it lies anywhere between 0 (the group as a whole never answers) and
    the within slope (its members are independent), which a nested logit allows. No draw has a mean below
    0. Single groups may: to cut them off at 0 would raise the mean of a shop whose groups hardly answer.

    Args:
        fit: slopes of all groups.
        together: which groups have several members (groups,), bool.
        draws: number of draws.
        rng: source of them.
        form_error: standard deviation of the error that the slopes of all groups of several have in common,
            because groups answer by another form.
    """
    usual = USUAL * np.exp(USUAL_SPREAD * rng.normal(size=(draws, 1)))
    within = pooled_draws(fit.within, draws, rng)
    if within is None:
        within = np.broadcast_to(usual, (draws, len(together))).copy()
    within = np.maximum(within, LEAST_SLOPE)
    steepness = within.mean(axis=0) / within.mean()
    whole = np.empty_like(within)
    for groups, unknown in ((together, within * rng.random((draws, 1))), (~together, usual)):
        if groups.any():
            drawn = pooled_draws(fit.whole.only(groups), draws, rng, steepness)
            drawn = np.broadcast_to(unknown, within.shape) if drawn is None else drawn
            mean = drawn[:, groups].mean(axis=1, keepdims=True)
            common = mean + (form_error * rng.normal(size=mean.shape) if groups is together else 0.0)
            whole[:, groups] = drawn[:, groups] - mean + np.maximum(common, 0.0)
    return within, whole
