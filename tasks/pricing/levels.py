"""The Gaussian posterior of slopes in levels, by elimination from the products up to the shop.

The log mean of a product's week is linear in its slope's distance p and level error a, in the slope shift
beta of its group (shop and group together), and in the level l_t of the group's weeks. Gauss and Newton
(iteratively reweighted least squares; McCullagh and Nelder 1989, 2.5) solve at every round

    A_i q_i + B_i v_g = c_i,   sum_i B_i' q_i + D_g v_g = d_g,   q = (p, a),   v = (beta, l_1 ... l_T)

where products are independent given v, and groups given the shop. Taking out q, then l, leaves a precision
L_g and a score r_g of every beta_g ~ N(s, V_group), and of these the shop:

    1 / var(s) = 1 / V_shop + sum_g L_g / (1 + L_g V_g),   mean(s) = var(s) sum_g r_g / (1 + L_g V_g)
    beta_g | s ~ N((s + V_g r_g) / (1 + V_g L_g), V_g / (1 + V_g L_g))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LEAST_VARIANCE = 1e-12  # stands for what is known
RIDGE = 1e-9  # precision of the level of a week in which nothing was on sale
ROUNDS, CLOSE = 40, 1e-5  # most rounds of Gauss and Newton, and the largest change at which they end
MOST_DEVIATIONS = 4.0  # a week counts up to as many standard deviations, and units, above its mean
LONGEST = 1.0  # most that a round moves the logarithm of a mean, so that none runs away
FARTHEST = 30.0  # largest logarithm of a mean


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What was believed of G groups before the sales.

    Attributes:
        groups: numbers of the groups (G,).
        share: their weights in the mean slope of the shop (G,).
        mean: of the groups' slopes (G,).
        shop: variance of what all slopes share.
        group: variances of the groups beside it (G,).
        product: variance of a product within its group.
    """

    groups: np.ndarray
    share: np.ndarray
    mean: np.ndarray
    shop: float
    group: np.ndarray
    product: float


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """Sales of n products in T weeks around the slopes of the prior.

    Attributes:
        group: number of the group, from 0 without gaps (n,).
        units: units/week, 0 where the product was not there (n, T).
        change: curved change of the price (n, T).
        there: which weeks count (n, T), bool.
        offset: log units/week by forecast and prior slope (n, T).
        dispersion: d, variance of a week beyond Poisson's over its squared mean (n,).
        lasting: rho, correlation of a product's demand shocks from week to week.
        level: variance of the lasting log error of the forecast.
        contrast: whether the level of the group's weeks is free.
    """

    group: np.ndarray
    units: np.ndarray
    change: np.ndarray
    there: np.ndarray
    offset: np.ndarray
    dispersion: np.ndarray
    lasting: float
    level: float
    contrast: bool


@dataclass(frozen=True, kw_only=True)
class Levels:
    """What was learned of shop and groups: shifts of the slope from its mean before the sales.

    Attributes:
        groups, share: as in the prior (G,).
        shop, shop_sd: shift that all slopes share, and its standard deviation; 0 and that of the prior where
            nothing was learned.
        group, group_sd: shift of every group beside the shop's (G,).
        link: change of a group's whole shift per unit of the shop's: 1 where only the shop teaches it (G,).
        rest_sd: standard deviation of a group's whole shift, given the shop's (G,).
        information: precision of the group's whole shift that its sales bring, 0: nothing (G,).
    """

    groups: np.ndarray
    share: np.ndarray
    shop: float
    shop_sd: float
    group: np.ndarray
    group_sd: np.ndarray
    link: np.ndarray
    rest_sd: np.ndarray
    information: np.ndarray


class _Equations(NamedTuple):
    """Normal equations after the products and weeks are taken out.

    Attributes:
        gain: inverse of A (n, 2, 2).
        tied: gain B (n, 2, v).
        alone: gain c (n, 2).
        inverse: inverse of what is left of the weeks' levels (G, T, T).
        follow: change of the weeks' levels per unit of beta (G, T).
        start: the weeks' levels at beta = 0 (G, T).
        information, score: L and r of every beta (G,).
    """

    gain: np.ndarray
    tied: np.ndarray
    alone: np.ndarray
    inverse: np.ndarray
    follow: np.ndarray
    start: np.ndarray
    information: np.ndarray
    score: np.ndarray


def posterior(
    likelihood: Likelihood, prior: Prior, rounds: int = ROUNDS
) -> tuple[Levels, np.ndarray, np.ndarray]:
    """Return what was learned of shop and groups, and mean and sd of every product's slope (n,), (n,).

    Args:
        likelihood: sales.
        prior: belief before them.
        rounds: most rounds of Gauss and Newton.
    """
    design, group = _design(likelihood), likelihood.group
    fit = _first_levels(likelihood)
    for _ in range(rounds):
        equations = _equations(likelihood, prior, design, fit)
        levels = _shop(equations, prior)
        beta = levels.shop + levels.group
        week = equations.start + equations.follow * beta[:, None]
        shared = np.concatenate([beta[:, None], week], axis=1)[group]  # (n, v)
        single = equations.alone - np.einsum("nqv,nv->nq", equations.tied, shared)
        step = np.einsum("ntc,nc->nt", design, np.concatenate([single, shared], axis=1)) - fit
        fit = fit + np.clip(step, -LONGEST, LONGEST)
        if np.abs(np.where(likelihood.there, step, 0.0)).max(initial=0.0) < CLOSE:
            break
    mean = prior.mean[group] + beta[group] + single[:, 0]
    return levels, mean, np.sqrt(_variance(equations, levels, group))


def _design(likelihood: Likelihood) -> np.ndarray:
    """Return the columns p, a, beta and, where they are free, the levels of the weeks (n, T, 2 + v)."""
    products, weeks = likelihood.units.shape
    ones = np.ones((products, weeks, 1))
    change = -likelihood.change[..., None]
    free = [np.broadcast_to(np.eye(weeks), (products, weeks, weeks))] if likelihood.contrast else []
    return np.concatenate([change, ones, change, *free], axis=2)


def _first_levels(likelihood: Likelihood) -> np.ndarray:
    """Return the log of what every group sold in a week over what was expected (n, T); 0 if not free."""
    if not likelihood.contrast:
        return np.zeros(likelihood.units.shape)
    expected = np.where(likelihood.there, np.exp(likelihood.offset), 0.0)
    sold, foreseen = (_sums(values, likelihood.group) for values in (likelihood.units, expected))
    level = np.log(np.where(sold > 0, sold, 1.0) / np.where(sold > 0, foreseen, 1.0))
    return np.asarray(level[likelihood.group])


def _equations(likelihood: Likelihood, prior: Prior, design: np.ndarray, fit: np.ndarray) -> _Equations:
    """Return the normal equations around a fit (n, T), with products and weeks taken out."""
    mean = np.exp(np.clip(likelihood.offset + fit, -FARTHEST, FARTHEST))
    spread = np.sqrt(1 / mean + likelihood.dispersion[:, None]) + 1 / mean
    working = np.minimum(likelihood.units / mean - 1, MOST_DEVIATIONS * spread) + fit
    weighted = _weights(likelihood, mean) @ design
    normal = design.transpose(0, 2, 1) @ weighted  # (n, 2 + v, 2 + v)
    right = np.einsum("ntc,nt->nc", weighted, working)
    cross = normal[:, :2, 2:]
    gain = np.linalg.inv(normal[:, :2, :2] + np.diag([1 / prior.product, 1 / likelihood.level]))
    tied, alone = gain @ cross, np.einsum("nqr,nr->nq", gain, right[:, :2])
    left = _sums(normal[:, 2:, 2:] - cross.transpose(0, 2, 1) @ tied, likelihood.group)
    score = _sums(right[:, 2:] - np.einsum("nqv,nq->nv", cross, alone), likelihood.group)
    inverse = np.linalg.inv(left[:, 1:, 1:] + RIDGE * np.eye(left.shape[1] - 1))
    follow = -np.einsum("gtu,gu->gt", inverse, left[:, 1:, 0])
    return _Equations(
        gain=gain,
        tied=tied,
        alone=alone,
        inverse=inverse,
        follow=follow,
        start=np.einsum("gtu,gu->gt", inverse, score[:, 1:]),
        information=np.maximum(left[:, 0, 0] + np.einsum("gt,gt->g", follow, left[:, 1:, 0]), 0.0),
        score=score[:, 0] + np.einsum("gt,gt->g", follow, score[:, 1:]),
    )


def _weights(likelihood: Likelihood, mean: np.ndarray) -> np.ndarray:
    """Return the inverse covariance of every product's weeks, relative to their mean (n, T, T).

        Cov(y_t / m_t, y_u / m_u) = [t = u] / m_t + d rho^|t - u|

    Where rho = 0 it is diagonal: m / (1 + d m).
    """
    weeks = np.arange(mean.shape[1])
    shocks = likelihood.lasting ** np.abs(weeks[:, None] - weeks)
    root = np.sqrt(np.where(likelihood.there, mean, 0.0))
    outer = root[:, :, None] * root[:, None, :]
    spread = np.eye(len(weeks)) + likelihood.dispersion[:, None, None] * shocks * outer
    return np.asarray(np.linalg.inv(spread) * outer)


def _shop(equations: _Equations, prior: Prior) -> Levels:
    """Return the shifts of shop and groups from the equations of the groups."""
    link = 1 / (1 + prior.group * equations.information)
    variance = 1 / (1 / prior.shop + (equations.information * link).sum())
    shop = float(variance * (equations.score * link).sum())
    rest = prior.group * link
    return Levels(
        groups=prior.groups,
        share=prior.share,
        shop=shop,
        shop_sd=float(np.sqrt(variance)),
        group=(link - 1) * shop + rest * equations.score,
        group_sd=np.sqrt(rest + (link - 1) ** 2 * variance),
        link=link,
        rest_sd=np.sqrt(rest),
        information=equations.information,
    )


def _variance(equations: _Equations, levels: Levels, group: np.ndarray) -> np.ndarray:
    """Return the variance of every product's slope beta + p (n,)."""
    beta = levels.rest_sd**2 + (levels.link * levels.shop_sd) ** 2
    answer = equations.tied[:, 0]  # by how much p falls where v rises (n, v)
    moved = 1 - answer[:, 0] - np.einsum("nt,nt->n", answer[:, 1:], equations.follow[group])
    weeks = np.einsum("nt,ntu,nu->n", answer[:, 1:], equations.inverse[group], answer[:, 1:])
    return np.asarray(moved**2 * beta[group] + weeks + equations.gain[:, 0, 0])


def _sums(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return sums over the members of every group (G, ...)."""
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 1))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0))
