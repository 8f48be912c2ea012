"""Stage: what the price list of the trained policy changes in a week, the sales of substitutes counted."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import PRICE, SERIES
from tasks.pricing.list_claim import ListClaim, earned, figures, list_claim, sentence
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.products import Products, products_of
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tasks.response.group_demand import demand_of
from tasks.runtime.artifacts import load_arrays, load_json, load_table, save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Claimed, Priced, Responded
from tasks.runtime.track import StageRun

log = logging.getLogger("repricer")


@resumable(name="claim")
def claim(attempt: Attempt, settings: Settings, responded: Responded, priced: Priced) -> Claimed:
    """Value the list that the policy recommends now, by the demand of substitute groups."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "claim") as run:
        model, section = policy_of(priced), settings.price
        planned = Variation(share=0.0, size=section.variation.size, decimals=section.decimals)
        table = price_list(model, in_force(model), planned, seed=0)  # nothing is drawn
        products = products_of(model.market)
        before, after = (
            earned(products, model.rules, prices, _units(model.market, products, responded, prices))
            for prices in (products.price, table[PRICE].to_numpy(float))
        )
        result = list_claim(
            table,
            model.rules,
            before=before,
            after=after,
            confidence=section.confidence,
            refusal=responded["groups_refused"],
        )
        claimed = _keep(attempt, table, result)
        _show(run, claimed)
    return claimed


def policy_of(priced: Priced) -> PolicyModel:
    """Read the policy with the market that it was trained on."""
    files = priced["model_files"]
    rules, weights = load_json(files["policy_rules"]), load_arrays(files["policy_weights"])
    return PolicyModel.from_stored(load_table(priced["market"]), rules, weights)


def _units(market: pd.DataFrame, products: Products, responded: Responded, prices: np.ndarray) -> np.ndarray:
    """Return the units a week that prices sell in every draw, from those forecast at the prices in force.

    A product of the market without whole weeks of sales has no group: it sells what is forecast.
    """
    known = load_table(responded["group_products"])
    place = pd.MultiIndex.from_frame(known[SERIES]).get_indexer(pd.MultiIndex.from_frame(market[SERIES]))
    there = place >= 0
    demand = demand_of(known, load_arrays(responded["group_draws"])).take(place[there])
    demand = demand.from_base(products.price[there], products.units[there])
    units = np.tile(products.units, (len(demand.curve), 1))
    units[:, there] = demand.units_of_list(prices[there])
    return units


def _keep(attempt: Attempt, table: pd.DataFrame, result: ListClaim) -> Claimed:
    """Save the list and its claim."""
    return Claimed(
        prices=save_table(table, attempt.path("claim", "price_list.parquet")),
        list=result,
        file=save_json(result, attempt.path("claim", "list.json")),
    )


def _show(run: StageRun, claimed: Claimed) -> None:
    """Log the claim and show it with its list in the tracked run."""
    run.metrics(figures(claimed["list"]))
    run.file(claimed["file"])
    log.info(sentence(claimed["list"]))
