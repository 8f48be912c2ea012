"""Markets of substitute groups whose truth is known: groups of 2 to 60 products, and a shop of all sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.slopes import LEAST_SLOPE, SlopeDraws

SIZES: dict[str, tuple[int, ...]] = {
    "groups_of_2": (2,) * 30,
    "groups_of_4": (4,) * 15,
    "groups_of_12": (12,) * 5,
    "groups_of_60": (60,) * 2,
    "mixed_shop": (1, 1, 2, 2, 3, 4, 4, 7, 12, 24, 60),
}
"""Members of the groups of a market."""
BAND = 0.2  # a price stays so near to that in force (share)
INDEX_WEEK, INDEX_SEASON = 0.01, 0.03  # of the price index, where it is bounded (share)
EFFECT = 0.3  # of the remembered price, where buyers remember it
DRAWS, DOUBT = 40, 0.15  # posterior draws, and their standard deviation (share of the slope)
WITHIN = (1.5, 3.5)  # slopes within groups
WHOLE = (0.2, 0.7)  # slopes of whole groups (share of the slope within)
MARGIN = (0.15, 0.6)  # margins at the prices in force: many stand far from their optimum (share)
MEDIAN_PRICE, PRICE_SPREAD = 4.0, 0.6  # currency/unit, and the standard deviation of its log
UNITS_SHAPE, UNITS_SCALE, DISPERSION = 2.0, 15.0, 0.1  # of weekly units, and of their frailty
LADDER = np.linspace(0.95, 1.05, 5)


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a market has beside its groups.

    Attributes:
        doubt: whether the slopes are known by posterior draws alone.
        index: whether the price index of the list is bounded.
        memory: whether buyers remember prices.
    """

    doubt: bool = False
    index: bool = False
    memory: bool = False


VARIANTS: dict[str, Traits] = {
    "plain": Traits(),
    "doubt": Traits(doubt=True),
    "index": Traits(index=True),
    "memory": Traits(memory=True),
    "all": Traits(doubt=True, index=True, memory=True),
}
"""Traits of a market by the name under which they are reported."""


@dataclass(frozen=True, kw_only=True)
class GroupMarket:
    """A market, and what holds for it."""

    products: Products
    rules: Rules


def group_market(sizes: tuple[int, ...], traits: Traits, seed: int, weeks: int = 13) -> GroupMarket:
    """Return a market drawn at random.

    Args:
        sizes: members of every group.
        traits: what it has beside its groups.
        seed: of its prices, costs, sales and slopes; they are the same whatever its traits are.
        weeks: of a season.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    price = MEDIAN_PRICE * np.exp(PRICE_SPREAD * rng.normal(size=len(group)))
    margin = rng.uniform(*MARGIN, len(group))
    units = 1 + rng.gamma(UNITS_SHAPE, UNITS_SCALE, len(group))
    products = Products(
        price=price,
        list_price=price,
        unit_cost=(1 - margin) * price,
        units=units,
        dispersion=np.full(len(group), DISPERSION),
        identified=np.ones(len(group), bool),
        slopes=_slopes(len(sizes), traits.doubt, rng),
        group=group,
        lowest=(1 - BAND) * price,
        highest=(1 + BAND) * price,
    )
    return GroupMarket(products=products, rules=_rules(traits, weeks))


def _slopes(groups: int, doubt: bool, rng: np.random.Generator) -> SlopeDraws:
    """Return the slopes of groups, one draw where they are known; demand is of constant elasticity."""
    within = rng.uniform(*WITHIN, (1, groups))
    whole = within * rng.uniform(*WHOLE, (1, groups))
    if not doubt:
        return SlopeDraws(within=within, whole=whole, curve=np.zeros(1))
    common, single = rng.normal(size=(2, DRAWS, 1)), rng.normal(size=(2, DRAWS, groups))
    factors = np.exp(DOUBT * (common + single) / np.sqrt(2))
    within = np.maximum(within * factors[0], LEAST_SLOPE)
    return SlopeDraws(within=within, whole=whole * factors[1], curve=np.zeros(DRAWS))


def _rules(traits: Traits, weeks: int) -> Rules:
    """Return what holds for all products."""
    bounds = {"index_week": INDEX_WEEK, "index_season": INDEX_SEASON} if traits.index else {}
    return Rules(
        ladder=LADDER,
        decisions=weeks,
        discount=0.98,
        reference_memory=0.7,
        reference_effect=EFFECT if traits.memory else 0.0,
        objective="profit",
        markup=0.35,
        stated_margin=0.3,
        step=0.05,
        **bounds,
    )
