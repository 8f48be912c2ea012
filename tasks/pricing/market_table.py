"""The market of a retraining: a row per product and store that is still sold, and the rules for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    CHANNEL_FEE,
    CURRENCY,
    DATE,
    DAYS_A_WEEK,
    DEPARTMENT,
    ELASTICITY,
    IDENTIFIED,
    LIST_PRICE,
    MEAN,
    NAME,
    PERIOD_DAYS,
    PRICE,
    PRODUCT,
    REASON,
    REFUSAL,
    SALES_TAX,
    SERIES,
    STOCK,
    TAX_RATE,
    UNITS,
)
from tasks.pricing.known_cost import with_costs
from tasks.pricing.plan import PricingPlan
from tasks.pricing.rules import Rules
from tasks.pricing.slopes import SlopeDraws

GROUP = "group"  # number of a substitute group, a column of the slopes
REFERENCE = "reference"  # price at which the slopes hold, currency/unit
FEWEST_DELIVERIES, FILLED_SHARE = 3, 0.5  # of a stock that is filled up: in all, and a week
FILLED_SPREAD = 0.1  # most that its level after deliveries varies (share of it)
FILLED_SALES = 0.8  # least that deliveries replace of what was sold (share)
NO_GROUP = "it belongs to no group of substitutes yet"
LEAST_UNITS = 0.05  # units/week that a product of the market sells at least
CHARGES = (TAX_RATE, SALES_TAX, CHANNEL_FEE)
RESPONSE = [PRODUCT, ELASTICITY, "standard_error", IDENTIFIED, "dispersion"]  # of the elasticity table


@dataclass(frozen=True)
class Effects:
    """How all buyers and rivals answer prices.

    Attributes:
        reference_memory: weight of the past in the remembered price, 1/week.
        reference_effect: change of log units per unit of log(remembered / price), >= 0.
        rival_cross: change of log units per unit of the rivals' log price, >= 0.
        rival_reaction: change of the rivals' log price per unit of this shop's log price of last week, >= 0.
    """

    reference_memory: float
    reference_effect: float
    rival_cross: float
    rival_reaction: float


@dataclass(frozen=True, kw_only=True)
class Response:
    """How demand answers prices.

    Attributes:
        elasticities: elasticity table, a row per product.
        groups: product, store, ``group`` (column of the slopes) and ``reference`` (price at which the slopes
            hold, currency/unit) of every product and store.
        slopes: of the groups.
        effects: of buyers' memory and of rivals.
    """

    elasticities: pd.DataFrame
    groups: pd.DataFrame
    slopes: SlopeDraws
    effects: Effects


def market_of(
    sales: pd.DataFrame, outlook: pd.DataFrame, response: Response, plan: PricingPlan
) -> pd.DataFrame:
    """Return the market table, one row per product and store that is still sold.

    It holds the price in force, the cost, expected units and how they answer price. The cost is the last
    known one, whatever it is; ``cost_stale`` marks one that is older than the active weeks. A product that
    has no group yet is not identified: it keeps its price. ``date`` is the last one of the sales.

    Args:
        sales: sales table.
        outlook: forecasts of the next periods (units/period).
        response: how demand answers prices.
        plan: its period and its active weeks.
    """
    since = sales[DATE].max() - pd.Timedelta(weeks=plan.active_weeks)
    recent = sales[sales[DATE] > since].sort_values(DATE)
    sold = recent[recent[UNITS] > 0][SERIES].drop_duplicates()
    optional = {name: "last" for name in (NAME, LIST_PRICE, DEPARTMENT, *CHARGES) if name in sales}
    last = recent.groupby(SERIES, as_index=False).agg({PRICE: "last", CATEGORY: "last", **optional})
    weekly = _weekly(outlook, plan.period)
    table = (
        last.merge(sold, on=SERIES)
        .merge(weekly, on=SERIES)
        .merge(_answers(response.elasticities), on=PRODUCT)
    )
    table[UNITS] = table[UNITS].clip(lower=LEAST_UNITS)
    table = _grouped(table, response)
    table[LIST_PRICE] = table[LIST_PRICE].fillna(table[PRICE]) if LIST_PRICE in table else table[PRICE]
    table = with_costs(table, sales, since)
    table = table.assign(**{CURRENCY: plan.currency}) if plan.currency else table
    if STOCK in sales:
        table = table.merge(_stock(recent), on=SERIES, how="left")
        table["stock"] = table["stock"].fillna(np.inf)
        table[["arrivals", "filled_to"]] = table[["arrivals", "filled_to"]].fillna(0.0)
    return table.assign(**{DATE: sales[DATE].max()}).sort_values(SERIES, ignore_index=True)


def rules_of(plan: PricingPlan, effects: Effects) -> Rules:
    """Return the rules of the market; the ladder always holds the price in force."""
    steps = np.linspace(plan.ladder_low, plan.ladder_high, plan.ladder_steps).round(6)
    return Rules(
        ladder=np.union1d(steps, [1.0]),
        decisions=plan.decisions,
        discount=plan.discount,
        reference_memory=effects.reference_memory,
        reference_effect=effects.reference_effect,
        objective=plan.objective,
        markup=plan.markup,
        stated_margin=plan.stated_margin,
        step=plan.step,
        index_week=plan.index_week,
        index_season=plan.index_season,
        rival_cross=effects.rival_cross,
        rival_reaction=effects.rival_reaction,
    )


def _grouped(table: pd.DataFrame, response: Response) -> pd.DataFrame:
    """Return the market with ``group`` and ``anchor``, the price in force over the one the slopes hold at.

    What has no group yet sells for itself, by the mean of all slopes, and is not identified.
    """
    known = table[SERIES].merge(response.groups[[*SERIES, GROUP, REFERENCE]], on=SERIES, how="left")
    lone = known[GROUP].isna()
    group = known[GROUP].fillna(response.slopes.within.shape[1]).astype(int)
    anchor = (table[PRICE].to_numpy() / known[REFERENCE]).fillna(1.0)
    identified = table[IDENTIFIED].to_numpy(bool)
    return table.assign(
        **{
            GROUP: group.to_numpy(),
            "anchor": anchor.to_numpy(),
            IDENTIFIED: identified & ~lone.to_numpy(),
            REFUSAL: np.where(identified & lone.to_numpy(), NO_GROUP, table[REFUSAL]),
        }
    )


def _answers(elasticities: pd.DataFrame) -> pd.DataFrame:
    """Return what the market needs of the elasticities, and why one is not identified."""
    reason = elasticities.get(REASON, default="")
    return elasticities[RESPONSE].assign(**{REFUSAL: reason})


def _weekly(outlook: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return product, store and the mean forecast (units/week)."""
    mean = outlook.groupby(SERIES)[MEAN].mean()
    return mean.mul(DAYS_A_WEEK / PERIOD_DAYS[period]).rename(UNITS).reset_index()


def _stock(recent: pd.DataFrame) -> pd.DataFrame:
    """Return the stock after the last period (units), what arrived (units/week), and what it is filled up to.

    What arrived is the stock of a period beyond that which the sales of the period before left. A stock that
    deliveries of at least every other week brought to the same level is filled up to it: then as much comes
    in as was sold, and a week that sells more does not make the next one poorer.
    """
    after = recent[STOCK] - recent[UNITS]
    before = after.groupby([recent[name] for name in SERIES]).shift(1)
    arrived = (recent[STOCK] - before).clip(lower=0.0)
    weeks = max(1.0, (recent[DATE].max() - recent[DATE].min()).days / DAYS_A_WEEK)
    rows = recent[SERIES].assign(
        stock=after.clip(lower=0.0),
        arrivals=arrived.fillna(0.0) / weeks,
        sold=recent[UNITS] / weeks,
        delivered=recent[STOCK].where(arrived > 0),
    )
    table = rows.groupby(SERIES, as_index=False).agg(
        stock=("stock", "last"),
        arrivals=("arrivals", "sum"),
        sold=("sold", "sum"),
        filled_to=("delivered", "median"),
        spread=("delivered", "std"),
        deliveries=("delivered", "count"),
    )
    often = table["deliveries"] >= np.maximum(weeks * FILLED_SHARE, FEWEST_DELIVERIES)
    steady = table["spread"] <= FILLED_SPREAD * table["filled_to"]
    filled = often & steady & (table["arrivals"] >= FILLED_SALES * table["sold"])
    table = table.assign(
        arrivals=table["arrivals"].mask(filled, 0.0), filled_to=table["filled_to"].where(filled, 0.0)
    )
    return table.drop(columns=["sold", "spread", "deliveries"])
