"""What a retraining shows of its candidate's price list: the list on its page, the champion beside it."""

from __future__ import annotations

import logging

import pandas as pd

from conf import Settings
from tasks.governance.champion import HEAD, Unresolved
from tasks.governance.ledger import LedgerError
from tasks.pricing.list_sheet import DRAFT, FAILED_DRAFT, Heading, price_sheet
from tasks.pricing.newest_cost import with_newest_costs
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tasks.runtime import champion_aliases, track
from tasks.runtime.attempt import Attempt
from tasks.runtime.guard_rules import price_guard_of
from tasks.runtime.records import Stages, Versions
from tasks.runtime.summary import ChampionSummary
from tasks.runtime.tables import write_table
from tasks.stages.market import policy_of

log = logging.getLogger("repricer")

FOLDER = "price_list"  # of the run's artifacts


def unvaried_list(model: PolicyModel, settings: Settings) -> pd.DataFrame:
    """Return the guarded list of a policy at the prices in force of its training, nothing drawn."""
    section = settings.price
    planned = Variation(share=0.0, size=section.variation.size, decimals=section.decimals)
    guard = price_guard_of(settings, model.currency)
    return price_list(model, _current(model, settings), planned, seed=0, guard=guard)


def _current(model: PolicyModel, settings: Settings) -> pd.DataFrame:
    """Return the prices in force at the end of the training, with the age of their costs."""
    first = model.trained + pd.Timedelta(days=1)
    return with_newest_costs(in_force(model), model, None, first, settings.guard.cost_days)


def show_list(attempt: Attempt, settings: Settings, stages: Stages, versions: Versions) -> None:
    """Show the candidate's list on the retraining's page as Parquet and as CSV, marked as a draft.

    Args:
        attempt: of the retraining.
        settings: of the retraining.
        stages: results of its stages.
        versions: that were registered.
    """
    model = policy_of(stages["price"])
    heading = Heading(
        version=versions["pricing_policy"],
        status=DRAFT if stages["evaluate"]["verdict"] == "PASS" else FAILED_DRAFT,
        week=model.trained + pd.Timedelta(days=1),
        confidence=settings.price.confidence,
    )
    sheet = price_sheet(model, unvaried_list(model, settings), _current(model, settings), heading)
    for ending in ("parquet", "csv"):
        path = attempt.path(FOLDER, f"price_list.{ending}")
        write_table(sheet, path)
        track.log_file(attempt, path, FOLDER)


def champion_beside(settings: Settings) -> ChampionSummary | None:
    """Return the champion and what its list changed when it was registered; none where there is no champion.

    Who is champion may not be known: that stops no retraining, and is warned of.
    """
    try:
        champion = champion_aliases.champion(settings)
    except (Unresolved, LedgerError) as error:
        log.warning(str(error))
        return None
    if champion is None:
        return None
    version = champion.versions[HEAD]
    metrics = track.headlines_of_version(HEAD, version)
    lift, low, high = (metrics.get(f"list.{name}") for name in ("lift", "low", "high"))
    return ChampionSummary(version=version, lift=lift, low=low, high=high)
