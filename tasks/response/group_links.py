"""Which groups of a store steal from each other, or sell each other: links, where the data show them.

What group g sells also answers the price index X_h of another group of its store,

    log E[total_gt] = ... + zeta_gh X_ht + gamma_gh A_ht,   zeta_gh = kappa w_h,  zeta_hg = kappa w_g

with w the shares of the two in the revenue of both. One kappa holds for both directions, because answers to
prices are symmetric (Slutsky); it is above 0 for substitutes, below 0 for complements.

There are many pairs and few links, so that the largest of many estimates is large by chance. Before the data,
a pair is linked with a small probability, and the links scatter around 0 (spike and slab); both numbers are
learned from all pairs of the shop (Scott and Berger 2010, Annals of Statistics 38:2587). Posterior draws
leave a pair out as often as it may have no link, and those that hardly have one always. The two directions
are two estimates of one kappa: where they disagree, both are worth less (Birge ratio). Most pairs are taken
to have none: where their estimates scatter more than their errors say, the errors are too small (Efron 2004,
J. American Statistical Association 99:96).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from tasks.response.group_panel import GroupPanel
from tasks.response.group_totals import Regression, Total, by_block
from tasks.response.pooling import moderated

RIDGE = 1e-9  # keeps an index that never moves solvable
LEAST_VARIANCE = 1e-8  # of kappa over the blocks: below it all weeks that tell lie in one block
LEAST_LEFT = 0.05  # share of an index's variance that other regressors must leave of it
SPREADS = np.array([0.25, 0.5, 1.0])  # standard deviations of kappa over the links
CHANCES = 30  # values of the probability that a pair is linked
LEAST_LINKS, MOST_LINKED = 0.25, 0.2  # least of them, as links in all pairs; largest, as a share of the pairs
NORMAL_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
LEAST_PROBABILITY = 0.1  # of a pair that posterior draws may link


class Links(NamedTuple):
    """Links between groups.

    Attributes:
        pair: numbers of both groups (links, 2).
        weight: w of both (links, 2).
        probability: that there is a link at all (links,).
        kappa: posterior draws, 0 where a draw has no link (draws, links).
    """

    pair: np.ndarray
    weight: np.ndarray
    probability: np.ndarray
    kappa: np.ndarray

    @property
    def ends(self) -> np.ndarray:
        """Return the groups that receive and cause, in both directions of every link (2 links, 2)."""
        return np.concatenate([self.pair, self.pair[:, ::-1]])

    @property
    def cross(self) -> np.ndarray:
        """Return draws of zeta, in both directions of every link (draws, 2 links)."""
        return np.hstack([self.kappa * self.weight[:, 1], self.kappa * self.weight[:, 0]])


class Kappas(NamedTuple):
    """Estimates of kappa of the pairs of a shop.

    Attributes:
        pair, weight: as ``Links`` has them (pairs, 2).
        estimate: (pairs,).
        without: estimates without each block of weeks (pairs, blocks).
        apart: difference of the estimates of both directions, over its standard error (pairs,).
    """

    pair: np.ndarray
    weight: np.ndarray
    estimate: np.ndarray
    without: np.ndarray
    apart: np.ndarray


def no_links(draws: int) -> Links:
    """Return no links, in so many draws."""
    none = np.empty((0, 2))
    return Links(pair=none.astype(int), weight=none, probability=np.empty(0), kappa=np.empty((draws, 0)))


def links_of(kappas: Kappas, draws: int, rng: np.random.Generator) -> Links:
    """Return the pairs that may be linked, with draws of what links them.

    Args:
        kappas: estimates of all pairs.
        draws: number of posterior draws.
        rng: source of them.
    """
    if not len(kappas.pair):
        return no_links(draws)
    blocks = kappas.without.shape[1]
    apart = kappas.without - kappas.without.mean(axis=1, keepdims=True)
    error = np.sqrt((1 - 1 / blocks) * (apart**2).sum(axis=1))
    error = moderated(error, np.full(len(error), blocks - 1))
    error = error * np.maximum(kappas.apart, 1.0)
    error = error * max(1.0, NORMAL_MAD * float(np.median(np.abs(kappas.estimate / error))))
    chance, spread, posterior = _beliefs(kappas.estimate, error)
    linked = [_linked(kappas.estimate, error, *belief) for belief in zip(chance, spread, strict=True)]
    probability = posterior @ np.array(linked)
    possible = np.flatnonzero(probability >= LEAST_PROBABILITY)
    belief = rng.choice(len(chance), draws, p=posterior)
    there = rng.random((draws, len(possible))) < np.array(linked)[belief][:, possible]
    trust = spread[belief, None] ** 2 / (spread[belief, None] ** 2 + error[possible] ** 2)
    doubt = np.sqrt(trust) * error[possible] * rng.normal(size=there.shape)
    return Links(
        pair=kappas.pair[possible],
        weight=kappas.weight[possible],
        probability=probability[possible],
        kappa=np.where(there, trust * kappas.estimate[possible] + doubt, 0.0),
    )


def kappas_of(
    panels: list[GroupPanel],
    totals: list[Total],
    indices: list[tuple[np.ndarray, np.ndarray]],
    blocks: list[np.ndarray],
) -> Kappas:
    """Return the estimates of all pairs of groups within a store whose data show one.

    Args:
        panels: of all groups.
        totals: their regressions on their own prices.
        indices: price index and attractiveness of their weeks, as ``price_index`` returns them.
        blocks: number of every week's block, the blocks those of the shop.
    """
    stores = np.array([panel.store for panel in panels])
    parts = [
        _of_store(np.flatnonzero(stores == store), panels, totals, indices, blocks)
        for store in dict.fromkeys(stores)
    ]
    return Kappas(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def at_weeks(
    members: np.ndarray,
    panels: list[GroupPanel],
    indices: list[tuple[np.ndarray, np.ndarray]],
    week: np.ndarray,
) -> np.ndarray:
    """Return price index and attractiveness of groups in some weeks, less their means (T, members, 2).

    They are 0 where a group is not sold.

    Args:
        members: numbers of the groups (members,).
        panels: of all groups.
        indices: of all groups.
        week: numbers of the weeks (T,).
    """
    columns = np.zeros((len(week), len(members), 2))
    for place, group in enumerate(members):
        _, here, there = np.intersect1d(week, panels[group].week, return_indices=True)
        values = np.column_stack(indices[group])
        columns[here, place] = values[there] - values.mean(axis=0)
    return columns


def _of_store(
    members: np.ndarray,
    panels: list[GroupPanel],
    totals: list[Total],
    indices: list[tuple[np.ndarray, np.ndarray]],
    blocks: list[np.ndarray],
) -> Kappas:
    """Return the estimates of the pairs of one store's groups, whose numbers are given (members,)."""
    size, count = len(members), 1 + max(int(block.max()) for block in blocks)
    zeta, without = np.full((size, size), np.nan), np.full((size, size, count), np.nan)
    for place, group in enumerate(members):
        regression = totals[group].regression
        if regression is not None:
            others = at_weeks(members, panels, indices, panels[group].week)
            zeta[place], without[place] = _answers(regression, others, blocks[group], count)
    pair = np.column_stack(np.triu_indices(size, 1))
    revenue = np.array([_revenue(panels[group]) for group in members])[pair]
    weight = revenue / revenue.sum(axis=1, keepdims=True)
    both, swapped = tuple(pair.T), tuple(pair.T[::-1])
    estimate = np.stack([zeta[both], zeta[swapped]]) / weight.T[::-1]
    left_out = np.stack([without[both], without[swapped]]) / weight.T[::-1, :, None]
    variance = (1 - 1 / count) * ((left_out - left_out.mean(axis=2, keepdims=True)) ** 2).sum(axis=2)
    shown = np.isfinite(estimate) & np.isfinite(variance) & (variance > LEAST_VARIANCE)
    certainty = np.where(shown, 1 / np.where(shown, variance, 1.0), 0.0)
    known = shown.all(axis=0)
    pair, weight = pair[known], weight[known]
    estimate, left_out, certainty = estimate[:, known], left_out[:, known], certainty[:, known]
    share = (certainty / certainty.sum(axis=0))[..., None]
    combined = (share * np.dstack([estimate[..., None], left_out])).sum(axis=0)
    return Kappas(
        pair=members[pair],
        weight=weight,
        estimate=combined[:, 0],
        without=combined[:, 1:],
        apart=np.abs(np.diff(estimate, axis=0)[0]) / np.sqrt((1 / certainty).sum(axis=0)),
    )


def _revenue(panel: GroupPanel) -> float:
    return max(float((panel.units * panel.ratio * panel.reference).sum()), RIDGE)


def _answers(
    regression: Regression, others: np.ndarray, block: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a group's answers zeta to others (n,), and without each block of weeks (n, count).

    Each other group is added alone to the group's own regression, after what the own regressors explain of
    it is taken out (Frisch and Waugh 1933, Econometrica 1:387). Where they leave too little, it is nan.

    Args:
        regression: of the group on its own prices.
        others: price index and attractiveness of the others (T, n, 2).
        block: number of each week's block (T,).
        count: blocks of the shop.
    """
    weeks, n, _ = others.shape
    rows, outcome = regression.rows, regression.outcome
    z = regression.weighted(others.reshape(weeks, -1))
    normal = _without_each(by_block(rows, rows, block)) + np.diag(regression.precision)
    tied = _without_each(by_block(rows, np.column_stack([z, outcome]), block))
    solved = np.linalg.solve(normal, tied)
    z, tied_z = z.reshape(weeks, n, 2), tied[..., :-1].reshape(len(tied), -1, n, 2)
    solved_z = solved[..., :-1].reshape(tied_z.shape)
    moves = _without_each(_block_sums(np.einsum("tni,tnj->tnij", z, z), block))
    left = moves - np.einsum("bcni,bcnj->bnij", tied_z, solved_z)
    seen = _without_each(_block_sums(z * outcome[:, None, None], block))
    score = seen - np.einsum("bcni,bc->bni", tied_z, solved[..., -1])
    inverse = np.linalg.inv(left + RIDGE * np.eye(2))
    answers = np.einsum("bni,bni->bn", inverse[..., 0, :], score)
    answers[1 / inverse[..., 0, 0] < LEAST_LEFT * np.maximum(moves[..., 0, 0], RIDGE)] = np.nan
    absent = np.repeat(answers[:1], count - len(answers) + 1, axis=0)  # blocks that the group does not reach
    return answers[0], np.concatenate([answers[1:], absent]).T


def _without_each(blocks: np.ndarray) -> np.ndarray:
    """Return the sum of all blocks, then the sums without each of them (1 + blocks, ...)."""
    whole = blocks.sum(axis=0, keepdims=True)
    return np.concatenate([whole, whole - blocks])


def _block_sums(values: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Return the sums of weeks over every block (blocks, ...)."""
    return np.stack([values[block == g].sum(axis=0) for g in range(int(block.max()) + 1)])


def _beliefs(estimate: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return chances that a pair is linked, spreads of the links, and their joint probabilities (grid,)."""
    chances = np.geomspace(LEAST_LINKS / len(estimate), MOST_LINKED, CHANCES)
    chance, spread = (grid.ravel() for grid in np.meshgrid(chances, SPREADS))
    log = np.array(
        [
            np.logaddexp(*_log_weights(estimate, error, *belief)).sum()
            for belief in zip(chance, spread, strict=True)
        ]
    )
    weight = np.exp(log - log.max())
    return chance, spread, weight / weight.sum()


def _linked(estimate: np.ndarray, error: np.ndarray, chance: float, spread: float) -> np.ndarray:
    """Return the probability that each pair is linked (pairs,)."""
    none, link = _log_weights(estimate, error, chance, spread)
    return np.asarray(special.expit(link - none))


def _log_weights(
    estimate: np.ndarray, error: np.ndarray, chance: float, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log densities of the estimates with no link and with one, weighed (pairs,), (pairs,)."""
    none = np.log1p(-chance) + stats.norm.logpdf(estimate, 0.0, error)
    link = np.log(chance) + stats.norm.logpdf(estimate, 0.0, np.hypot(error, spread))
    return none, link
