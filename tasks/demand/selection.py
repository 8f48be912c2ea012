"""Feature selection: redundant features go, then those that help a forecast no more than noise does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import DATE, SERIES, promotions
from tasks.demand.features import LOG_PRICE, LOG_UNITS, FeatureTable

SAMPLE = 20_000  # rows on which features are compared
AHEAD = 2  # periods from what is known to what is forecast
TREES, LEARNING_RATE = 40, 0.2


@dataclass(frozen=True)
class Selection:
    """Features to use.

    Attributes:
        past, known: names of both kinds, in the order of the table.
        dropped: reason by name.
    """

    past: tuple[str, ...]
    known: tuple[str, ...]
    dropped: dict[str, str]


def select(
    table: FeatureTable,
    sales: pd.DataFrame,
    until: pd.Timestamp,
    redundant_above: float,
    noise_columns: int,
    *,
    seed: int,
) -> Selection:
    """Drop redundant features, then those that help a forecast no more than noise does.

    Units of the past, the product's price and promotions always stay: the forecast must answer to them.

    Args:
        table: features on the full grid.
        sales: sales table; its promotions stay.
        until: last date whose rows may be read.
        redundant_above: largest absolute correlation with a kept feature.
        noise_columns: columns of pure noise that a feature must be better than.
        seed: root of the sample, of the noise and of the permutations.
    """
    rng = np.random.default_rng(seed)
    stays = {LOG_UNITS, LOG_PRICE, *promotions(sales.columns)}
    rows = _rows(table, until, rng)
    dropped = _redundant(rows[[*table.past, *table.known]], stays, redundant_above)
    left = [name for name in (*table.past, *table.known) if name not in dropped]
    dropped |= _noise(rows, left, stays, noise_columns, rng)
    past, known = (
        tuple(name for name in names if name not in dropped) for names in (table.past, table.known)
    )
    return Selection(past, known, dropped)


def _rows(table: FeatureTable, until: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """Return sampled forecasts: past features, then known features and log units ``AHEAD`` periods later."""
    frame = table.frame
    keys = frame.loc[frame[DATE] <= until, [*SERIES, DATE]].sort_values([*SERIES, DATE])
    order, series = keys.index.to_numpy(), keys.groupby(SERIES).ngroup().to_numpy()
    units = frame[LOG_UNITS].to_numpy()[order]
    begin, end = slice(None, -AHEAD), slice(AHEAD, None)
    seen = (series[begin] == series[end]) & np.isfinite(units[begin]) & np.isfinite(units[end])
    sample = rng.permutation(int(seen.sum()))[:SAMPLE]
    now, later = order[begin][seen][sample], order[end][seen][sample]
    rows = {name: frame[name].to_numpy()[now] for name in table.past}
    rows |= {name: frame[name].to_numpy()[later] for name in table.known}
    return pd.DataFrame({**rows, "target": frame[LOG_UNITS].to_numpy()[later]})


def _redundant(rows: pd.DataFrame, stays: set[str], above: float) -> dict[str, str]:
    """Return features that a feature kept before them makes redundant; those that stay are kept first."""
    spread = rows.std().to_numpy()
    names = [str(name) for name in rows.columns]
    dropped = {
        name: "never changes"
        for name, moves in zip(names, spread > 0, strict=True)
        if not moves and name not in stays
    }
    correlation = np.abs(rows.corr().to_numpy())
    place = {name: number for number, name in enumerate(names)}
    kept: list[str] = []
    for name in sorted((n for n in names if n not in dropped), key=lambda n: n not in stays):
        twins = [other for other in kept if correlation[place[name], place[other]] > above]
        if not twins or name in stays:
            kept.append(name)
        else:
            dropped[name] = (
                f"redundant: correlation {correlation[place[name], place[twins[0]]]:.3f} with {twins[0]}"
            )
    return dropped


def _noise(
    rows: pd.DataFrame, names: list[str], stays: set[str], noise_columns: int, rng: np.random.Generator
) -> dict[str, str]:
    """Return features whose permutation harms a forecast of new rows no more than a noise column's does."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.inspection import permutation_importance
    from threadpoolctl import threadpool_limits

    noise = [f"noise {i}" for i in range(noise_columns)]
    x = rows[names].assign(**{name: rng.standard_normal(len(rows)) for name in noise})
    half = len(rows) // 2
    seed = int(rng.integers(2**31))
    trees = HistGradientBoostingRegressor(
        learning_rate=LEARNING_RATE, max_iter=TREES, random_state=seed, early_stopping=False
    )
    with threadpool_limits(1):  # so little work that threads would mostly wait for each other
        trees.fit(x[:half], rows["target"][:half])
        permuted = permutation_importance(
            trees, x[half:], rows["target"][half:], n_repeats=3, random_state=seed
        )
    importance = dict(zip(x.columns, permuted.importances_mean, strict=True))
    bar = max(importance[name] for name in noise)
    return {
        name: (
            f"noise: importance {importance[name]:.5f}, "
            f"the best of {noise_columns} noise columns has {bar:.5f}"
        )
        for name in names
        if importance[name] <= bar and name not in stays
    }
