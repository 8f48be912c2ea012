"""Small markets that the tests of pricing share, and a shop of random groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from tasks.pricing.greedy import Greedy
from tasks.pricing.products import Products
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.rules import Rules
from tasks.pricing.slopes import CURVES, SlopeDraws
from tasks.pricing.state import FEATURES

LADDER = (0.8, 0.9, 1.0, 1.1, 1.2)
STEPS = (0.95, 0.975, 1.0, 1.025, 1.05)  # of a shop, for a week
DRAWS = 200
NO_COLUMNS = ("slopes", "season")  # of a market table


def products(
    count: int = 4, error: float = 0.3, dispersion: float = 0.1, elasticity: Sequence[float] | None = None
) -> Products:
    """Return products that sell for themselves: 20 units at 2.00, a cost of 1.00."""
    slopes = np.linspace(-3.0, -1.0, count) if elasticity is None else np.array(elasticity, float)
    ones = np.ones(count)
    return Products(
        price=2.0 * ones,
        list_price=2.5 * ones,
        unit_cost=1.0 * ones,
        units=20.0 * ones,
        dispersion=dispersion * ones,
        identified=np.ones(count, bool),
        slopes=SlopeDraws.of_single_products(slopes, error * ones, DRAWS, np.random.default_rng(0)),
    )


def known_slopes(within: Sequence[float], whole: Sequence[float], curve: float = 0.0) -> SlopeDraws:
    """Return slopes of groups that are known without doubt, as two draws that are the same."""
    return SlopeDraws(
        within=np.tile(within, (2, 1)).astype(float),
        whole=np.tile(whole, (2, 1)).astype(float),
        curve=np.full(2, curve),
    )


def group_of(
    units: Sequence[float], within: float = 3.0, whole: float = 1.0, curve: float = 0.0, **changes: Any
) -> Products:
    """Return one group of products at 2.00 that cost 1.00, its slopes known."""
    count = len(units)
    ones = np.ones(count)
    group = Products(
        price=2.0 * ones,
        list_price=2.0 * ones,
        unit_cost=1.0 * ones,
        units=np.array(units, float),
        dispersion=0.0 * ones,
        identified=np.ones(count, bool),
        slopes=known_slopes([within], [whole], curve),
        group=np.zeros(count, int),
    )
    return replace(group, **changes)


def random_groups(sizes: Sequence[int], seed: int, draws: int = 40, **changes: Any) -> Products:
    """Return groups of random products, slopes and curves, with anchors around 1."""
    rng = np.random.default_rng(seed)
    count, groups = sum(sizes), len(sizes)
    price = np.exp(rng.normal(1.0, 0.5, count))
    shop = Products(
        price=price,
        list_price=1.1 * price,
        unit_cost=price * rng.uniform(0.4, 0.8, count),
        units=np.exp(rng.normal(3.0, 0.7, count)),
        dispersion=rng.uniform(0.0, 0.2, count),
        identified=np.ones(count, bool),
        slopes=SlopeDraws(
            within=rng.uniform(1.5, 4.0, groups) * np.exp(rng.normal(0, 0.1, (draws, groups))),
            whole=rng.uniform(0.2, 1.5, groups) * np.exp(rng.normal(0, 0.1, (draws, groups))),
            curve=rng.permutation(np.resize(CURVES, draws)),
            by_revenue=rng.integers(2, size=draws).astype(float),
        ),
        group=np.repeat(np.arange(groups), sizes),
        anchor=np.exp(rng.normal(0, 0.1, count)),
    )
    return replace(shop, **changes)


def linked(shop: Products, links: Sequence[tuple[int, int]], seed: int) -> Products:
    """Return a shop whose groups also answer others by random strengths; links are (receiver, other)."""
    cross = np.random.default_rng(seed).normal(0, 0.6, (len(shop.slopes), len(links)))
    return replace(shop, slopes=replace(shop.slopes, link=np.array(links).T, cross=cross))


def market_rules(**changes: Any) -> Rules:
    """Return rules without effects of remembered prices and rivals, and without bounds, as changed."""
    plain = Rules(
        ladder=np.array(LADDER),
        decisions=8,
        discount=0.98,
        reference_memory=0.7,
        reference_effect=0.0,
        objective="revenue",
        markup=0.35,
        stated_margin=0.3,
    )
    return replace(plain, **changes)


def shop_rules(**changes: Any) -> Rules:
    """Return the rules of a shop: steps of 5 %, an index of 1 % a week and 3 % a season."""
    plain = market_rules(
        ladder=np.array(STEPS),
        decisions=13,
        step=0.05,
        index_week=0.01,
        index_season=0.03,
        objective="profit",
    )
    return replace(plain, **changes)


def random_weights(seed: int = 0, actions: int = len(LADDER)) -> dict[str, np.ndarray]:
    """Return weights of a policy that decides at random, but always the same."""
    rng = np.random.default_rng(seed)
    shapes = {"hidden_0": (actions + len(FEATURES), 4), "value": (4, 1), "advantage": (4, actions)}
    kernels = {f"{name}.kernel": rng.normal(size=shape) for name, shape in shapes.items()}
    return kernels | {f"{name}.bias": np.zeros(shape[1]) for name, shape in shapes.items()}


def gainful_weights(actions: int = len(STEPS)) -> dict[str, np.ndarray]:
    """Return weights by which a policy takes the step that gains most this week."""
    weights = {name: 0.0 * weight for name, weight in random_weights(0, actions).items()}
    return weights | {"prior.kernel": np.eye(actions)}


def market_frame(shop: Products) -> pd.DataFrame:
    """Return the market table of products, named p0, p1, ..."""
    names = [field.name for field in fields(Products) if field.name not in NO_COLUMNS]
    frame = pd.DataFrame({name: getattr(shop, name) for name in names})
    return frame.assign(product_id=[f"p{i}" for i in range(len(shop))], store_id="all")


def model_of(shop: Products, rules: Rules | None = None, policy: Greedy | None = None) -> PolicyModel:
    """Return the registered policy of a shop; none given: rules without bounds, and a random policy."""
    return PolicyModel(
        market=market_frame(shop),
        slopes=shop.slopes,
        rules=market_rules() if rules is None else rules,
        policy=Greedy(random_weights()) if policy is None else policy,
    )
