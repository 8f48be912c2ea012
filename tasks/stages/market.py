"""Introduces forecast, price response and the rules of the shop to the market of the agent."""

from __future__ import annotations

import pandas as pd

from conf import Settings
from expectations.columns import SERIES, TAX_RATE, UNIT_COST
from tasks.governance.guard import Guard
from tasks.governance.price_guard import COST, NET_COST
from tasks.governance.shelf_prices import slow_references
from tasks.pricing.assumed_cost import with_assumed_costs
from tasks.pricing.dqn import Plan
from tasks.pricing.market_table import Effects, Response, market_of
from tasks.pricing.plan import PricingPlan
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.shelf import NOISE_DECIMALS
from tasks.pricing.slopes import LEAST_SLOPE, SlopeDraws
from tasks.runtime.artifacts import load_arrays, load_json, load_table
from tasks.runtime.guard_rules import price_guard_of
from tasks.runtime.records import Priced, Responded

PROFIT, AUTO = "profit", "auto"


def plan_of(settings: Settings) -> PricingPlan:
    """Return the section ``price`` of the settings as the subject needs it."""
    section = settings.price.model_dump(
        exclude={"channels", "decimals", "guard", "margins", "variation", "dqn", "objective"}
    )
    guard, source = settings.price.guard, settings.source
    return PricingPlan(
        **section,
        objective=PROFIT if settings.price.objective == AUTO else settings.price.objective,
        step=guard.step,
        index_week=guard.index_week,
        index_season=guard.index_season,
        period=source.period,
        training=Plan(**settings.price.dqn.model_dump()),
        currency=source.currency,
    )


def guard_of(settings: Settings) -> Guard:
    """Return the rules of the shop."""
    return Guard(**settings.price.guard.model_dump())


def response_of(responded: Responded) -> Response:
    """Return how demand answers prices, as the stage ``respond`` measured it."""
    draws = load_arrays(responded["group_draws"])
    return Response(
        elasticities=load_table(responded["elasticities"]),
        groups=load_table(responded["group_products"]),
        slopes=SlopeDraws(**{**draws, "within": draws["within"].clip(min=LEAST_SLOPE)}),
        effects=Effects(
            reference_memory=responded["reference_memory"],
            reference_effect=responded["reference_effect"]["estimate"],
            rival_cross=responded["rival_cross"]["estimate"],
            rival_reaction=responded["rival_reaction"]["estimate"],
        ),
    )


def market_table(
    settings: Settings, sales: pd.DataFrame, outlook: pd.DataFrame, response: Response
) -> pd.DataFrame:
    """Return the market with the bounds of every price and, for ``auto``, with the assumed costs.

    Its bounds are those of the band and of the hard rules of the guard: absolute bounds, fixed and minimum
    advertised prices, and the margin floor on known costs.

    Args:
        settings: of the retraining.
        sales: sales table.
        outlook: forecasts of the next periods (units/period).
        response: how demand answers prices.
    """
    market, guard = market_of(sales, outlook, response, plan_of(settings)), guard_of(settings)
    references = slow_references(sales, guard, settings.source.period)
    market = market.merge(references, on=SERIES, how="left")
    if settings.price.objective == AUTO:
        market = with_assumed_costs(market, settings.price.margins, settings.price.stated_margin)
    covering = market[UNIT_COST] * (1 + market.get(TAX_RATE, 0.0))
    bounds = price_guard_of(settings, settings.source.currency).season(
        market.assign(**{COST: covering.round(NOISE_DECIMALS), NET_COST: market[UNIT_COST]})
    )
    return market.assign(**bounds._asdict())


def policy_of(priced: Priced) -> PolicyModel:
    """Read the policy with the market that it was trained on."""
    files = priced["model_files"]
    return PolicyModel.from_stored(
        load_table(priced["market"]),
        load_arrays(files["policy_draws"]),
        load_json(files["policy_rules"]),
        load_arrays(files["policy_weights"]),
    )
