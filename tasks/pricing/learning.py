"""What the sales since the training teach about slopes: a belief in three levels, shop, group and product.

    b_i = mean_g + s + g_g + p_i,   s ~ N(0, V_shop),   g_g ~ N(0, V_group),   p_i ~ N(0, V_product)
    log E[units_it] = ln u_i + l_gt + a_i - b_i x_it,   a_i ~ N(0, V_level)

with x the curved change of the price since the training. The level l_gt of a group in a week is free, so that
only what its members sell of the group's total teaches the within slope: with Poisson counts this is the
multinomial likelihood of the shares u_i exp(a_i - b_i x_it), whatever moves the group. A forecast that is
wrong in all weeks is the level error a_i, and no answer to price. A group of one has no other member to be
compared with: its whole slope eta is learned in the same way with l_gt = 0, so a change of its season since
the training counts against it, less the level error. Both hierarchies are separate.

A week of mean m has the variance m + d m^2, with d the dispersion of the product. Demand shocks last: those
of weeks t and u have the correlation rho^|t - u|, and a product's weeks are weighed by the inverse of
their covariance. So many weeks of one shock teach little about a price that stays, and a price that changes
while the shock lasts is compared with the weeks around it. Units far above what is believed count up to a
bound, so that no single row decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tasks.pricing.levels import LEAST_VARIANCE, Levels, Likelihood, Prior, posterior

LEAST_SLOPE = 0.05  # a dearer product never sells more
LEAST_UNITS = 1e-9  # units/week; keeps the logarithm of a base that sells nothing finite


class LearningError(ValueError):
    """Arrays of weeks that do not fit, or numbers that no sale can have."""


@dataclass(frozen=True, kw_only=True)
class SoldWeeks:
    """What n products sold in T weeks since the training.

    Attributes:
        group: number of every product's group, from 0 (n,).
        units: sold, units/week (T, n).
        change: curved price h(p / reference) less that at the base price, in logs at curve 0 (T, n).
        present: where a product was on sale by its price alone: a row, not sold out, not promoted (T, n).
        base_units: expected at the base price, units/week (n,) or (T, n).
        dispersion: variance of demand beyond Poisson's over its squared mean (n,).
    """

    group: np.ndarray
    units: np.ndarray
    change: np.ndarray
    present: np.ndarray
    base_units: np.ndarray
    dispersion: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays of other shapes, and negative or missing units where a product was on sale."""
        shape = (self.units.shape[0], len(self.group)) if self.units.ndim == 2 else (0, len(self.group))
        for name in ("units", "change", "present"):
            if getattr(self, name).shape != shape:
                raise LearningError(
                    f"SoldWeeks: `{name}` needs a value per week and product, {shape}. "
                    f"Received: {getattr(self, name).shape}."
                )
        there = self.present.astype(bool)
        wrong = there & ~((self.units >= 0) & np.isfinite(self.units) & np.isfinite(self.change))
        if wrong.any():
            week, product = np.argwhere(wrong)[0]
            raise LearningError(
                "SoldWeeks: units must be finite and 0 or above, changes of price finite. Received: "
                f"units {self.units[week, product]}, change {self.change[week, product]} in week {week}, "
                f"row {product}."
            )

    def take(self, rows: np.ndarray) -> SoldWeeks:
        """Return some of the products (rows,)."""
        return SoldWeeks(
            group=self.group[rows],
            units=self.units[:, rows],
            change=self.change[:, rows],
            present=self.present[:, rows],
            base_units=self.base_units[..., rows],
            dispersion=self.dispersion[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """What the draws of the training do not tell of slopes and forecasts.

    Attributes:
        product: V_product, variance of a product's slope within its group.
        level: V_level, variance of the log error of base units that lasts (logs^2).
        lasting: rho, correlation of a product's demand shocks from week to week.
        drift: variance that the slopes of the whole shop may have beyond the draws: what changed since the
            training, and errors that all groups share.
    """

    product: float
    level: float
    lasting: float = 0.0
    drift: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Learned:
    """Slopes as they are believed after the sales; b of products with substitutes, eta of those alone.

    Attributes:
        mean, sd: of every product's slope, above 0 (n,).
        before, before_sd: the same before the sales (n,).
        alone: products whose group has no other member (n,), bool.
        within: what was learned at the levels of shop and group of b; none where all products are alone.
        whole: the same of eta; none where no product is alone.
    """

    mean: np.ndarray
    sd: np.ndarray
    before: np.ndarray
    before_sd: np.ndarray
    alone: np.ndarray
    within: Levels | None
    whole: Levels | None


def learn(sold: SoldWeeks, within: np.ndarray, whole: np.ndarray, doubt: Doubt) -> Learned:
    """Return what the weeks since the training teach about every slope.

    Without weeks, or where all members of a group change their prices alike, nothing is learned.

    Args:
        sold: weeks since the training.
        within: b, posterior draws of the training (D, G).
        whole: eta, posterior draws of the training (D, G).
        doubt: beside the draws.
    """
    alone = np.bincount(sold.group, minlength=within.shape[1])[sold.group] == 1
    mean, sd, before, before_sd = (np.empty(len(alone)) for _ in range(4))
    levels: list[Levels | None] = []
    for rows, draws, contrast in ((~alone, within, True), (alone, whole, False)):
        if not rows.any():
            levels.append(None)
            continue
        groups, group = np.unique(sold.group[rows], return_inverse=True)
        part = replace(sold.take(np.flatnonzero(rows)), group=group)
        prior = prior_of(draws, groups, _base_of(part), doubt)
        level, mean[rows], sd[rows] = posterior(_likelihood(part, prior, doubt, contrast), prior)
        before[rows] = prior.mean[group]
        before_sd[rows] = np.sqrt(prior.shop + prior.group[group] + prior.product)
        levels.append(level)
    return Learned(
        mean=np.maximum(mean, LEAST_SLOPE),
        sd=sd,
        before=before,
        before_sd=before_sd,
        alone=alone,
        within=levels[0],
        whole=levels[1],
    )


def prior_of(draws: np.ndarray, groups: np.ndarray, weight: np.ndarray, doubt: Doubt) -> Prior:
    """Return the belief of the training in levels.

    V_shop is the mean covariance of two groups over the draws, V_group what is left of the variance of a
    group: with many groups these are the variances of the mean slope and of the distances from it. A group
    keeps its own V_group, so what the training knew well moves little.

    Args:
        draws: slopes (D, all groups).
        groups: numbers of the groups that are meant, ascending (G,).
        weight: base units of these groups, units/week (G,).
        doubt: beside the draws.
    """
    slopes, share = draws[:, groups], weight / weight.sum()
    variance, pairs = slopes.var(axis=0), 1 - float(share @ share)
    common = float((slopes @ share).var())  # the mean slope of the shop, of one group the whole of it
    shop = max((common - float(share**2 @ variance)) / pairs, 0.0) if pairs > 0 else common
    return Prior(
        groups=groups,
        share=share,
        mean=slopes.mean(axis=0),
        shop=max(shop + doubt.drift, LEAST_VARIANCE),
        group=np.maximum(variance - shop, LEAST_VARIANCE),
        product=max(doubt.product, LEAST_VARIANCE),
    )


def redrawn(draws: np.ndarray, levels: Levels | None) -> np.ndarray:
    """Return draws of slopes moved to what was learned: their mean and covariance are the posterior's.

    A draw keeps its place: one that was steep beside the others stays so. The products' own distances from
    their group are not in it.

    Args:
        draws: posterior draws of the training (D, G).
        levels: what was learned; none changes nothing.
    """
    if levels is None:
        return draws
    slopes = draws[:, levels.groups]
    mean = slopes.mean(axis=0)
    common = (slopes - mean) @ levels.share
    rest = slopes - mean - common[:, None]
    common = common * _scale(levels.shop_sd, common.std())
    rest = rest * _scale(levels.rest_sd, rest.std(axis=0))
    learned = mean + levels.shop + levels.group
    moved = draws.copy()
    moved[:, levels.groups] = np.maximum(learned + levels.link * common[:, None] + rest, LEAST_SLOPE)
    return moved


def _likelihood(sold: SoldWeeks, prior: Prior, doubt: Doubt, contrast: bool) -> Likelihood:
    """Return the weeks as the levels read them, products in the order of their groups."""
    there = sold.present & np.isfinite(sold.units)
    if contrast:  # where a whole group sold nothing, its level would fall without end
        total = np.zeros((len(sold.units), len(prior.mean)))
        np.add.at(total.T, sold.group, np.where(there, sold.units, 0.0).T)
        there = there & (total > 0)[:, sold.group]
    change = np.where(there, sold.change, 0.0)
    base = np.broadcast_to(np.maximum(sold.base_units, LEAST_UNITS), sold.units.shape)
    return Likelihood(
        group=sold.group,
        units=np.where(there, sold.units, 0.0).T,
        change=change.T,
        there=there.T,
        offset=(np.log(base) - prior.mean[sold.group] * change).T,
        dispersion=sold.dispersion,
        lasting=doubt.lasting,
        level=max(doubt.level, LEAST_VARIANCE),
        contrast=contrast,
    )


def _base_of(sold: SoldWeeks) -> np.ndarray:
    """Return the base units of every group, units/week (G,); the same for all where there is no week."""
    base = np.atleast_2d(np.maximum(sold.base_units, LEAST_UNITS))
    return np.bincount(sold.group, weights=base.mean(axis=0) if len(base) else None)


def _scale(after: np.ndarray | float, before: np.ndarray | float) -> np.ndarray:
    """Return after / before, and 0 where there was no spread."""
    least = np.sqrt(LEAST_VARIANCE)
    return np.where(np.asarray(before) > least, after / np.maximum(before, least), 0.0)
