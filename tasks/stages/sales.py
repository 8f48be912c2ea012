"""What the settings say of the sales, as records of the subjects that read, accept and describe them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from conf import Settings
from conf.settings import Forecast
from expectations.tax import with_tax
from tasks.demand.chosen_features import FeatureChoice, Origins, first_origin
from tasks.runtime.channel_table import channels_of
from tasks.runtime.seeds import seed_of
from tasks.sources.acceptance import Accepted, accept
from tasks.sources.reading import read
from tasks.stages.source import limits_of, meaning_of, now, source_of

SOURCE = "source"  # instead of a file: the source of the settings


def accepted_sales(settings: Settings) -> Accepted:
    """Read the source of the settings and return what is accepted of it now.

    Raises:
        DataError: the source breaks a rule; the message lists all of them.
        UnreachableError: the database does not answer.
    """
    limits, meaning = limits_of(settings), meaning_of(settings.source)
    accepted = accept(read(source_of(settings.source)), limits, now(), meaning)
    sales, channels = with_tax(accepted.sales, settings.source.price_includes_tax), channels_of(settings)
    return replace(accepted, sales=channels.charged(sales) if channels else sales)


def sales_since(settings: Settings, table: str | None) -> pd.DataFrame | None:
    """Return the sales of a table with the columns of the settings' source; none: none is given.

    Args:
        settings: of the retraining.
        table: file; ``source``: that of the settings.

    Raises:
        DataError: the table breaks a rule; the message lists all of them.
    """
    if table is None:
        return None
    if table == SOURCE:
        return accepted_sales(settings).sales
    source = settings.source.model_copy(update={"kind": "file", "path": table})
    return accepted_sales(settings.model_copy(update={"source": source})).sales


def origins_of(settings: Forecast) -> Origins:
    """Return the rolling origins that the settings of the forecast describe."""
    return Origins(**settings.model_dump(include={"horizon", "gap", "folds", "holdout_origins"}))


def seen_until(settings: Settings, sales: pd.DataFrame) -> pd.Timestamp:
    """Return the first rolling origin: the selection of features reads nothing later."""
    return first_origin(sales, settings.source.period, origins_of(settings.forecast))


def feature_choice_of(settings: Settings) -> FeatureChoice:
    """Return which features are built and which are dropped again."""
    seed = seed_of(settings.seed, "prepare")
    return FeatureChoice(period=settings.source.period, seed=seed, **settings.prepare.features.model_dump())
