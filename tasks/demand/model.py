"""The demand model as it is registered: blend, members and weights at the end of the data.

Everything in it is a number, a text or a row of the sales table. What ARIMA and the LSTM know of the past
is frozen in their state at the end of the data; a forecast needs only the planned prices, whose features
are built by the function that built those of the training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    DATE,
    KEY,
    MEAN,
    MODEL,
    PERIOD_DAYS,
    PRICE,
    PRODUCT,
    QUANTILES,
    SERIES,
    UNITS,
)
from tasks.demand import arima, explanation, recurrent, regression
from tasks.demand.calibration import Calibration
from tasks.demand.counts import counts_of
from tasks.demand.distribution import Distribution, mixed
from tasks.demand.features import build_features, planned

MODELS = ("arima", "lstm", "blend")
BELIEVED = 5.0  # times the largest units seen that a forecast may be


class DemandError(ValueError):
    """A plan that the demand model cannot forecast."""


@dataclass(frozen=True)
class DemandModel:
    """The blend at the end of its data.

    Attributes:
        spec: ``period``, ``lags``, ``windows``, ``rivals``, ``known`` (names), ``gap``, ``horizon``,
            ``blend_in_logs``, and ``calibration`` of ``arima``, ``lstm`` and ``blend`` (``shift``,
            ``factor``).
        arrays: ``weight`` of ARIMA (series,); ``arima.centre`` and ``arima.slope`` (series, features),
            ``arima.mean`` and ``arima.deviation`` (series, horizon), ``arima.largest`` (series,);
            ``lstm.0.*`` ... weights and ``state`` (parts, series, units) of the networks; ``level``
            (series,), ``known_mean`` (series, features), ``known_spread`` (features,); ``counts.*``
            (series,), as ``Counts`` has them.
        history: sales table that the model was trained on.
    """

    spec: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    history: pd.DataFrame

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Return the dates that are forecast (horizon,)."""
        ahead = self.spec["gap"] + self.spec["horizon"]
        days = pd.Timedelta(days=PERIOD_DAYS[self.spec["period"]])
        return pd.DatetimeIndex(
            [self.history[DATE].max() + k * days for k in range(self.spec["gap"] + 1, ahead + 1)], name=DATE
        )

    @cached_property
    def series(self) -> pd.DataFrame:
        """Return product and store of each row of the arrays."""
        return self.history[SERIES].drop_duplicates().sort_values(SERIES, ignore_index=True)

    def plan(self, prices: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the sales table with the periods ahead appended, at prices in force or planned prices.

        Args:
            prices: date, product, store and price of planned periods; none: nothing changes.

        Raises:
            DemandError: a series or a date that the model does not know, a price that is not finite and
                above 0, or two prices for one key.
        """
        table = planned(self.history, self.spec["gap"] + self.spec["horizon"], self.spec["period"])
        if prices is None:
            return table
        self._check(prices)
        keys = pd.MultiIndex.from_frame(table[KEY])
        planned_prices = prices.set_index(KEY)[PRICE].reindex(keys)
        in_force = pd.Series(table[PRICE].to_numpy(), keys)
        return table.assign(**{PRICE: planned_prices.fillna(in_force).to_numpy()})

    def forecast(self, prices: pd.DataFrame | None = None) -> dict[str, Distribution]:
        """Return the calibrated demand by all ``MODELS`` (series, horizon).

        Whatever a network or a correction makes of a plan, it lies between 0 and ``BELIEVED`` times the
        largest units seen.

        Args:
            prices: as ``plan`` takes them.
        """
        rows = np.arange(len(self.series))
        demand = self._demand(self._known(self.plan(prices)), rows)
        counts = counts_of(self.arrays, len(rows))
        demand["blend"] = counts(demand["blend"], demand["arima"], demand["lstm"])
        most = BELIEVED * np.maximum(self.arrays["arima.largest"], 1.0)
        return {name: forecast.within(most) for name, forecast in demand.items()}

    def predict(self, prices: pd.DataFrame) -> pd.DataFrame:
        """Return mean and quantiles of units/period for the planned prices, in their order.

        Args:
            prices: product, store, date and price; periods that are missing keep the price in force.
        """
        prices = _dated(prices)
        blend = self.forecast(prices)["blend"]
        rows, columns = self._places(prices)
        units = {MEAN: blend.mean[rows, columns]} | {
            name: blend.quantiles[rows, columns, k] for k, name in enumerate(QUANTILES)
        }
        return pd.DataFrame(units, index=prices.index)

    def outlook(self) -> pd.DataFrame:
        """Return the blend's forecast of the periods ahead at prices in force, a row per series and date."""
        plan = self.plan()
        ahead = plan[plan[DATE].isin(self.dates)].sort_values([*SERIES, DATE], ignore_index=True)
        return ahead[[DATE, *SERIES, CATEGORY, PRICE]].assign(**long(self.forecast()["blend"]))

    def explain(self, prices: pd.DataFrame) -> pd.DataFrame:
        """Return what makes the medians at planned prices, model after model, in the order of the prices.

        Of series that are forecast as counts, the median is that before it is a whole number.

        ``level`` is the forecast of log(1 + units) at the usual price, promotions and calendar of the series;
        ``season``, ``price``, ``promotion`` and ``rivals`` are what the plan adds to it. They add up to
        ``log_point``, and ``units`` is exp(log_point) - 1.

        Args:
            prices: as ``predict`` takes them.
        """
        prices = _dated(prices)
        known = self._known(self.plan(prices))
        places, columns = self._places(prices)
        rows, inverse = np.unique(places, return_inverse=True)

        def point(features: np.ndarray) -> np.ndarray:
            demand = self._demand(features, rows)
            return np.stack([np.log1p(demand[name].median) for name in MODELS])  # (model, series, horizon)

        usual, names = self.arrays["known_mean"][rows], tuple(self.spec["known"])
        shares = explanation.shares(point, known[rows], usual, names)
        cells, logs = shares[..., inverse, columns], point(known[rows])[:, inverse, columns]
        parts = []
        for number, name in enumerate(MODELS):
            adds = dict(zip((explanation.LEVEL, *explanation.PARTS), cells[:, number], strict=True))
            adds |= {"log_point": logs[number], UNITS: np.expm1(logs[number])}
            parts.append(prices[[*SERIES, DATE, PRICE]].assign(**{MODEL: name}, **adds))
        return pd.concat(parts, ignore_index=True).astype({MODEL: "str"})

    def _demand(self, known: np.ndarray, rows: np.ndarray) -> dict[str, Distribution]:
        """Return the calibrated demand of some series, not yet as counts (series, horizon).

        Args:
            known: their known features (series, horizon, features).
            rows: their places among all series (series,).
        """
        a = {
            name: values[rows]
            for name, values in self.arrays.items()
            if not name.startswith(("lstm.", "counts.")) and name != "known_spread"
        }
        slopes = regression.Slopes(a["arima.centre"], a["arima.slope"])
        level = regression.explained(slopes, known) + a["arima.mean"]
        demand = {"arima": arima.distribution(level, a["arima.deviation"], a["arima.largest"])}
        scaled = np.nan_to_num((known - a["known_mean"][:, None]) / self.arrays["known_spread"])
        demand["lstm"] = recurrent.averaged(
            [self._network(member, scaled, rows) for member in range(self._members)]
        )
        demand = {name: self._calibration(name)(forecast) for name, forecast in demand.items()}
        blend = mixed(a["weight"], demand["arima"], demand["lstm"], self.spec["blend_in_logs"])
        return demand | {"blend": self._calibration("blend")(blend)}

    def _known(self, plan: pd.DataFrame) -> np.ndarray:
        table = build_features(
            plan,
            tuple(self.spec["lags"]),
            tuple(self.spec["windows"]),
            self.spec["period"],
            self.spec["rivals"],
        ).frame
        ahead = table[table[DATE].isin(self.dates)].sort_values([*SERIES, DATE])
        return ahead[self.spec["known"]].to_numpy(dtype=float).reshape(len(self.series), len(self.dates), -1)

    def _places(self, prices: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return series and target of every planned price (prices,), (prices,)."""
        rows = pd.MultiIndex.from_frame(self.series).get_indexer(pd.MultiIndex.from_frame(prices[SERIES]))
        return rows, self.dates.get_indexer(pd.DatetimeIndex(prices[DATE]))

    @cached_property
    def _products(self) -> np.ndarray:
        """Return the number of each series' product (series,)."""
        return np.asarray(self.series[PRODUCT].factorize()[0])

    @property
    def _members(self) -> int:
        return sum(name.startswith("lstm.") and name.endswith(".state") for name in self.arrays)

    def _network(self, member: int, scaled: np.ndarray, rows: np.ndarray) -> Distribution:
        prefix = f"lstm.{member}."
        weights = {
            name.removeprefix(prefix): values
            for name, values in self.arrays.items()
            if name.startswith(prefix)
        }
        return recurrent.decode(
            weights, weights["state"][:, rows], scaled, self.arrays["level"][rows], self._products[rows]
        )

    def _calibration(self, name: str) -> Calibration:
        correction = self.spec["calibration"][name]
        return Calibration(np.asarray(correction["shift"]), correction["factor"])

    def _check(self, prices: pd.DataFrame) -> None:
        known = pd.MultiIndex.from_frame(self.series)
        strange = ~pd.MultiIndex.from_frame(prices[SERIES]).isin(known)
        if strange.any():
            raise DemandError(
                "demand: `product_id`: the product must be one of the training. "
                f"Received: {prices[SERIES][strange].iloc[0].tolist()}. Retrain on sales of it."
            )
        out = ~prices[DATE].isin(self.dates)
        if out.any():
            span = f"{self.dates[0]:%Y-%m-%d} to {self.dates[-1]:%Y-%m-%d}"
            received = f"{prices[DATE][out].iloc[0]:%Y-%m-%d}"
            raise DemandError(
                f"demand: `date`: the date must lie in {span}. Received: {received}. Retrain on newer sales."
            )
        wrong = ~(np.isfinite(prices[PRICE]) & (prices[PRICE] > 0))
        if wrong.any():
            raise DemandError(
                f"demand: the price must be finite and above 0. Received: {prices[PRICE][wrong].iloc[0]}."
            )
        if prices.duplicated(KEY).any():
            raise DemandError(
                "demand: a product has one price a period. "
                f"Received: {prices[prices.duplicated(KEY)][KEY].iloc[0].tolist()} twice."
            )


def _dated(prices: pd.DataFrame) -> pd.DataFrame:
    return prices.assign(**{DATE: pd.to_datetime(prices[DATE]).astype("datetime64[us]")})


def long(forecast: Distribution) -> dict[str, np.ndarray]:
    """Return mean and quantiles as columns, series by series (series * horizon,)."""
    return {MEAN: forecast.mean.ravel()} | {
        name: forecast.quantiles[..., k].ravel() for k, name in enumerate(QUANTILES)
    }
