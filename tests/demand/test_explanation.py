"""What the parts of a plan add to a forecast sums up to it, and a part gets what it changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from expectations.columns import LEVELS
from tasks.demand import explanation, regression
from tasks.demand.counts import Counts
from tasks.demand.features import build_features, planned
from tasks.demand.model import MODELS, DemandModel
from tasks.demand.panel import Panel, panel_of
from tests.demand.conftest import GAP, HORIZON, PERIODS

UNITS, EMBEDDING = 8, 3
KNOWN = ("log_price", "price_to_rivals", "promotion_deal", "promotion_deal_times_price", "monday", "saturday")


def network(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the weights of a strongly bent network for six products, and its state."""
    inputs = len(KNOWN) + EMBEDDING + 1
    shapes = {
        "decoder.kernel": (inputs, 4 * UNITS),
        "decoder.recurrent": (UNITS, 4 * UNITS),
        "decoder.bias": (4 * UNITS,),
        "embedding.table": (7, EMBEDDING),
        "hidden.kernel": (UNITS, UNITS),
        "hidden.bias": (UNITS,),
        "head.kernel": (UNITS, len(LEVELS) + 1),
        "head.bias": (len(LEVELS) + 1,),
        "state": (2, 6, UNITS),
    }
    return {name: rng.normal(0, 0.6, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def model(shop: pd.DataFrame) -> DemandModel:
    """Return a model whose ARIMA is fitted and whose two networks are drawn, blended in units."""
    table = build_features(planned(shop, GAP + HORIZON, "D"), (1, 7), (7,), "D").frame
    panel: Panel = panel_of(shop, table, ("log_units",), KNOWN, ["category"])
    past = panel.known[:, :PERIODS]
    slopes = regression.regress(panel, PERIODS - 1, regression.Order(1, 0, 0, 10.0, promoted_price=True))
    level = np.nanmean(np.log1p(panel.units), axis=1)
    rng = np.random.default_rng(3)
    arrays = {
        "weight": np.linspace(0, 1, 6),
        "arima.centre": slopes.centre,
        "arima.slope": slopes.slope,
        "arima.mean": np.repeat(level[:, None], HORIZON, axis=1),
        "arima.deviation": np.full((6, HORIZON), 0.3),
        "arima.largest": np.full(6, 1e3),
        "level": level,
        "known_mean": past.mean(axis=1),
        "known_spread": past.std(axis=(0, 1)),
        **{f"lstm.{member}.{name}": values for member in range(2) for name, values in network(rng).items()},
    }
    calibration = {
        name: {"shift": np.linspace(-0.05, 0.02, len(LEVELS)).tolist(), "factor": 1.0} for name in MODELS
    }
    spec = {
        "period": "D",
        "lags": [1, 7],
        "windows": [7],
        "rivals": 0,
        "known": list(KNOWN),
        "gap": GAP,
        "horizon": HORIZON,
    }
    return DemandModel({**spec, "blend_in_logs": False, "calibration": calibration}, arrays, shop)


@pytest.fixture(scope="module")
def prices(model: DemandModel) -> pd.DataFrame:
    """Return a plan in which every price moves."""
    outlook = model.outlook()
    return outlook.assign(price=outlook["price"] * np.random.default_rng(4).uniform(0.7, 1.3, len(outlook)))


def test_the_parts_add_up_to_the_forecast(model: DemandModel, prices: pd.DataFrame) -> None:
    explained = model.explain(prices)
    away = explained["log_point"] - explained["level"]
    assert away.abs().groupby(explained["model"]).max().min() > 0.3, "the plan must move every forecast"
    np.testing.assert_allclose(explained[list(explanation.PARTS)].sum(axis=1), away, atol=1e-9)
    forecast = model.predict(prices)
    np.testing.assert_allclose(
        explained.loc[explained["model"] == "blend", "units"], forecast["q50"], rtol=1e-9
    )


def test_of_a_regression_each_part_adds_its_coefficients_times_its_features(
    model: DemandModel, prices: pd.DataFrame
) -> None:
    explained = model.explain(prices)
    explained = explained[explained["model"] == "arima"]
    x = model._known(model.plan(prices)) - model.arrays["known_mean"][:, None]
    adds = (x * model.arrays["arima.slope"][:, None]).reshape(-1, len(KNOWN))
    np.testing.assert_allclose(explained["season"], adds[:, 4:].sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(explained["promotion"], adds[:, 2:4].sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(explained["price"] + explained["rivals"], adds[:, :2].sum(axis=1), atol=1e-9)


def test_a_price_of_the_product_is_not_put_down_to_rivals(model: DemandModel) -> None:
    outlook = model.outlook()
    cheaper = outlook["product_id"] == "p2"
    before, after = (
        model.explain(outlook.assign(price=outlook["price"].where(~cheaper, outlook["price"] * ratio)))
        for ratio in (1.0, 0.8)
    )
    before, after = before[before["model"] == "arima"], after[after["model"] == "arima"]
    of_it, of_its_rival = before["product_id"] == "p2", before["product_id"] == "p4"
    np.testing.assert_allclose(after.loc[of_it, "rivals"], before.loc[of_it, "rivals"], atol=1e-9)
    assert (after.loc[of_it, "price"] > before.loc[of_it, "price"] + 0.2).all(), (
        "elasticity -2, a fifth cheaper"
    )
    np.testing.assert_allclose(after.loc[of_its_rival, "price"], before.loc[of_its_rival, "price"], atol=1e-9)
    assert (after.loc[of_its_rival, "rivals"] != before.loc[of_its_rival, "rivals"]).all()


def test_every_feature_that_is_planned_belongs_to_a_part(shop: pd.DataFrame) -> None:
    rich = shop.assign(list_price=3.0, competitor_price=2.1)
    known = build_features(rich, (1,), (7,), "D", rivals=9).known
    parts = {name: explanation.part_of(name) for name in known}
    assert set(parts.values()) == set(explanation.PARTS)
    assert parts["discount"] == parts["price_to_past_7"] == "price"
    assert parts["promotion_deal_times_price"] == "promotion"
    assert parts["rival_p1_promotion_deal"] == parts["price_to_competitor"] == "rivals"
    assert parts["month_sin"] == "season"


def test_counted_series_are_served_in_whole_units_and_explained_by_the_median_before(
    model: DemandModel, prices: pd.DataFrame
) -> None:
    counted = np.arange(6) < 2
    counts = Counts(
        counted=counted, weight=np.full(6, 0.4), factor=np.full(6, 0.05), dispersion=np.full(6, 0.7)
    )
    served = DemandModel(model.spec, {**model.arrays, **counts.arrays()}, model.history)
    before, after = model.forecast(), served.forecast()
    assert (after["blend"].quantiles[counted] % 1 == 0).all()
    expected = 0.05 * (0.4 * before["arima"].mean + 0.6 * before["lstm"].mean)
    np.testing.assert_allclose(after["blend"].mean[counted], expected[counted])
    np.testing.assert_array_equal(after["blend"].quantiles[~counted], before["blend"].quantiles[~counted])
    pd.testing.assert_frame_equal(served.explain(prices), model.explain(prices))


def test_no_forecast_is_negative_or_beyond_a_multiple_of_what_was_ever_sold(model: DemandModel) -> None:
    largest = np.array([0.0, 1.0, 2.0, 5.0, 10.0, 40.0])
    wild = {name: 100 * values for name, values in model.arrays.items() if name.endswith("head.kernel")}
    wild |= {"arima.largest": largest, "arima.mean": model.arrays["arima.mean"] + 30.0}
    counts = Counts(
        counted=np.arange(6) < 3, weight=np.full(6, 0.4), factor=np.full(6, 50.0), dispersion=np.full(6, 9.0)
    ).arrays()
    exploding = DemandModel(model.spec, {**model.arrays, **wild, **counts}, model.history)
    for name, forecast in exploding.forecast().items():
        most = 5 * np.maximum(largest, 1.0)
        assert (forecast.mean >= 0).all(), name
        assert (forecast.quantiles >= 0).all(), name
        assert (forecast.mean <= most[:, None]).all(), name
        assert (forecast.quantiles <= most[:, None, None]).all(), name
