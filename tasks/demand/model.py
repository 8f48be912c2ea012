"""The demand model as it is registered: blend, members and weights, told to the last day of the data.

Everything in it is a number, a text or a row of the sales table. What ARIMA and the LSTM know of the past is frozen in their state at the
end of the data; a forecast needs only the planned prices, whose features are built by the function that built those of the training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import DATE, KEY, MEAN, PRICE, PRODUCT, QUANTILES, SERIES
from tasks.demand import arima, recurrent
from tasks.demand.calibration import Calibration
from tasks.demand.distribution import Distribution, mixed
from tasks.demand.features import build_features, planned


class DemandError(ValueError):
    """A question that the demand model cannot answer."""


@dataclass(frozen=True)
class DemandModel:
    """The blend at the end of its data.

    Attributes:
        spec: ``period``, ``lags``, ``windows``, ``rivals``, ``known`` (names), ``gap``, ``horizon``, ``blend_in_logs``, and
            ``calibration`` of ``arima``, ``lstm`` and ``blend`` (``shift``, ``factor``).
        arrays: ``weight`` of ARIMA (series,); ``arima.centre`` and ``arima.slope`` (series, features), ``arima.mean`` and
            ``arima.deviation`` (series, horizon), ``arima.largest`` (series,); ``lstm.0.*`` ... weights and ``state``
            (parts, series, units) of each network; ``level`` (series,), ``known_mean`` (series, features), ``known_spread`` (features,).
        history: sales table that the model was trained on.
    """

    spec: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    history: pd.DataFrame

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Return the dates that are forecast (horizon,)."""
        ahead = self.spec["gap"] + self.spec["horizon"]
        days = pd.Timedelta(days={"D": 1, "W": 7}[self.spec["period"]])
        return pd.DatetimeIndex([self.history[DATE].max() + k * days for k in range(self.spec["gap"] + 1, ahead + 1)], name=DATE)

    @property
    def series(self) -> pd.DataFrame:
        """Return product and store of each row of the arrays."""
        return self.history[SERIES].drop_duplicates().sort_values(SERIES, ignore_index=True)

    def plan(self, prices: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the sales table with the periods ahead appended: at the price in force, or at the planned one.

        Args:
            prices: date, product, store and price of planned periods; none: nothing changes.

        Raises:
            DemandError: a series or a date that the model does not know, a price that is no price, or two prices for one key.
        """
        table = planned(self.history, self.spec["gap"] + self.spec["horizon"], self.spec["period"])
        if prices is None:
            return table
        self._check(prices)
        told = prices.set_index(KEY)[PRICE]
        keys = pd.MultiIndex.from_frame(table[KEY])
        return table.assign(**{PRICE: told.reindex(keys).fillna(pd.Series(table[PRICE].to_numpy(), keys)).to_numpy()})

    def forecast(self, prices: pd.DataFrame | None = None) -> dict[str, Distribution]:
        """Return the calibrated demand of ``arima``, ``lstm`` and ``blend``, each (series, horizon).

        Args:
            prices: as ``plan`` takes them.
        """
        known = self._known(self.plan(prices))
        a = self.arrays
        slopes = arima.Slopes(a["arima.centre"], a["arima.slope"])
        level = arima.explained(slopes, known) + a["arima.mean"]
        told = {"arima": arima.distribution(level, a["arima.deviation"], a["arima.largest"])}
        scaled = np.nan_to_num((known - a["known_mean"][:, None]) / a["known_spread"]).astype(np.float32)
        told["lstm"] = recurrent.averaged([self._network(member, scaled) for member in range(self._members)])
        told = {name: self._calibration(name)(forecast) for name, forecast in told.items()}
        return told | {"blend": self._calibration("blend")(mixed(a["weight"], told["arima"], told["lstm"], self.spec["blend_in_logs"]))}

    def predict(self, asked: pd.DataFrame) -> pd.DataFrame:
        """Return mean and quantiles of units/period of every asked row, in its order.

        Args:
            asked: product, store, date and price; periods that are not asked for keep the price in force.
        """
        asked = asked.assign(**{DATE: pd.to_datetime(asked[DATE]).astype("datetime64[us]")})
        blend = self.forecast(asked)["blend"]
        rows = pd.MultiIndex.from_frame(self.series).get_indexer(pd.MultiIndex.from_frame(asked[SERIES]))
        columns = self.dates.get_indexer(pd.DatetimeIndex(asked[DATE]))
        told = {MEAN: blend.mean[rows, columns]} | {name: blend.quantiles[rows, columns, k] for k, name in enumerate(QUANTILES)}
        return pd.DataFrame(told, index=asked.index)

    def _known(self, plan: pd.DataFrame) -> np.ndarray:
        table = build_features(plan, tuple(self.spec["lags"]), tuple(self.spec["windows"]), self.spec["period"], self.spec["rivals"]).frame
        ahead = table[table[DATE].isin(self.dates)].sort_values([*SERIES, DATE])
        return ahead[self.spec["known"]].to_numpy(dtype=float).reshape(len(self.series), len(self.dates), -1)

    @property
    def _members(self) -> int:
        return sum(name.startswith("lstm.") and name.endswith(".state") for name in self.arrays)

    def _network(self, member: int, scaled: np.ndarray) -> Distribution:
        prefix = f"lstm.{member}."
        weights = {name.removeprefix(prefix): values for name, values in self.arrays.items() if name.startswith(prefix)}
        products = self.series[PRODUCT].factorize()[0]
        return recurrent.decode(weights, weights["state"], scaled, self.arrays["level"], products)

    def _calibration(self, name: str) -> Calibration:
        told = self.spec["calibration"][name]
        return Calibration(np.asarray(told["shift"]), told["factor"])

    def _check(self, prices: pd.DataFrame) -> None:
        known = pd.MultiIndex.from_frame(self.series)
        strange = ~pd.MultiIndex.from_frame(prices[SERIES]).isin(known)
        if strange.any():
            raise DemandError(f"demand: the product must be one of the training. Received: {prices[SERIES][strange].iloc[0].tolist()}.")
        out = ~prices[DATE].isin(self.dates)
        if out.any():
            span = f"{self.dates[0]:%Y-%m-%d} to {self.dates[-1]:%Y-%m-%d}"
            raise DemandError(
                f"demand: the date must lie in {span}. Received: {prices[DATE][out].iloc[0]:%Y-%m-%d}. Retrain on newer sales."
            )
        wrong = ~(np.isfinite(prices[PRICE]) & (prices[PRICE] > 0))
        if wrong.any():
            raise DemandError(f"demand: the price must be finite and above 0. Received: {prices[PRICE][wrong].iloc[0]}.")
        if prices.duplicated(KEY).any():
            raise DemandError(
                f"demand: a product has one price a period. Received: {prices[prices.duplicated(KEY)][KEY].iloc[0].tolist()} twice."
            )


def long(forecast: Distribution) -> dict[str, np.ndarray]:
    """Return mean and quantiles as columns, series by series (series * horizon,)."""
    return {MEAN: forecast.mean.ravel()} | {name: forecast.quantiles[..., k].ravel() for k, name in enumerate(QUANTILES)}
