"""What the settings say of the sales, as records of the subjects that read, accept and describe them."""

from __future__ import annotations

import pandas as pd

from conf import Settings
from conf.settings import Forecast
from conf.settings import Source as SourceSettings
from expectations.rules import Limits
from tasks.demand.chosen_features import FeatureChoice, Origins
from tasks.runtime.seeds import seed_of
from tasks.sources.acceptance import Accepted, accept
from tasks.sources.meaning import Meaning
from tasks.sources.names import check_mapping
from tasks.sources.reading import Source, read


def source_of(settings: SourceSettings) -> Source:
    """Return the source that the settings describe."""
    return Source(**settings.model_dump(exclude={"missing", "sum_lines", "returns"}))


def meaning_of(settings: SourceSettings) -> Meaning:
    """Return what the settings say that a row means."""
    return Meaning(missing=settings.missing, sum_lines=settings.sum_lines)


def check_columns(settings: SourceSettings) -> None:
    """Refuse a mapping of columns that no source can have, before anything is started for it.

    Raises:
        DataError: a name is unknown, or one column has two names.
    """
    check_mapping(settings.columns)


def accepted_sales(settings: Settings) -> Accepted:
    """Read the source of the settings and return what is accepted of it now.

    Raises:
        DataError: the source breaks a rule; the message lists all of them.
        UnreachableError: the database does not answer.
    """
    source = settings.source
    limits = Limits(
        period=source.period,
        returns=source.returns == "subtract",
        **settings.prepare.model_dump(exclude={"features"}),
    )
    now = pd.Timestamp.now("UTC").tz_localize(None)
    return accept(read(source_of(source)), limits, now, meaning_of(source))


def origins_of(settings: Forecast) -> Origins:
    """Return the rolling origins that the settings of the forecast describe."""
    return Origins(**settings.model_dump(include={"horizon", "gap", "folds", "holdout_origins"}))


def feature_choice_of(settings: Settings) -> FeatureChoice:
    """Return which features are built and which are dropped again."""
    seed = seed_of(settings.seed, "prepare")
    return FeatureChoice(period=settings.source.period, seed=seed, **settings.prepare.features.model_dump())
