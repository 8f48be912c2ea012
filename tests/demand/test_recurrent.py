"""The network that is served is the network that was trained; training is seeded, and stops at a bad loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.demand.metrics import mape, wape
from tasks.demand.panel import Panel
from tasks.demand.recurrent import Scaling, decode, encode, scaling_of
from tasks.demand.training import Plan, Shape, TrainingError
from tests.demand.conftest import GAP, HORIZON

pytestmark = pytest.mark.slow
ORIGIN, WINDOW = 140, 14
TARGETS = slice(ORIGIN + 1 + GAP, ORIGIN + 1 + GAP + HORIZON)
SHAPE = Shape(
    cell="lstm", units=8, window=WINDOW, embedding=3, dropout=0.1, rival_dropout=0.3, errors="units"
)
PLAN = Plan(learning_rate=0.01, weight_decay=0.01, averaging=0.9, batch=64, steps=20, epochs=2)


@pytest.fixture(scope="module")
def scaling(panel: Panel) -> Scaling:
    return scaling_of(panel, ORIGIN)


def trained(
    panel: Panel,
    scaling: Scaling,
    seed: int,
    shape: Shape = SHAPE,
    plan: Plan = PLAN,
):  # type: ignore[no-untyped-def]
    from tasks.demand.lstm import Network

    network = Network(panel, scaling, shape, gap=GAP, horizon=HORIZON, seed=seed)
    return network, [epoch.loss for epoch in network.train(ORIGIN, plan, seed)]


def network_forecast(network, panel: Panel, scaling: Scaling):  # type: ignore[no-untyped-def]
    history, weights = scaling.history(panel)[:, ORIGIN + 1 - WINDOW : ORIGIN + 1], network.weights()
    return decode(
        weights, encode(weights, history), scaling.known(panel.known)[:, TARGETS], scaling.level, np.arange(6)
    )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_numpy_forward_is_that_of_keras(panel: Panel, scaling: Scaling, cell: str) -> None:
    import keras

    network, _ = trained(panel, scaling, 1, replace(SHAPE, cell=cell))
    for variable, average in zip(network.variables, network._average, strict=True):
        variable.assign(average)
    weights, products = network.weights(), np.arange(6)
    history, known = (
        scaling.history(panel)[:, :WINDOW],
        scaling.known(panel.known)[:, WINDOW : WINDOW + HORIZON],
    )
    state = [np.asarray(part) for part in network._encoder(history)[1:]]
    encoded = encode(weights, history)
    assert len(encoded) == len(state)
    for ours, theirs in zip(encoded, state, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)
    place = np.tile(np.linspace(1 / HORIZON, 1, HORIZON, dtype=np.float32)[None, :, None], (6, 1, 1))
    embedded = np.repeat(weights["embedding.table"][products][:, None], HORIZON, axis=1)
    decoded = network._decoder(np.concatenate([known, embedded, place], axis=-1), initial_state=state)
    head = keras.ops.convert_to_numpy(network._head(network._hidden(decoded)))
    demand = decode(weights, encoded, known, scaling.level, products)
    np.testing.assert_allclose(
        demand.median, np.maximum(np.expm1(scaling.level[:, None] + head[..., 0]), 0), rtol=1e-4
    )
    assert (np.diff(demand.quantiles, axis=-1) >= 0).all()


def test_trained_on_relative_errors_the_relative_median_wins(panel: Panel, scaling: Scaling) -> None:
    network, losses = trained(panel, scaling, 2, replace(SHAPE, errors="logs"), replace(PLAN, epochs=10))
    assert losses[-1] < losses[0]
    forecast = network_forecast(network, panel, scaling)
    units = panel.units[:, TARGETS]
    assert mape(units, forecast.relative_median, 1) < mape(units, forecast.mean, 1)


def test_the_same_seed_twice_gives_the_same_network_and_another_one_does_not(
    panel: Panel, scaling: Scaling
) -> None:
    first, again, other = (trained(panel, scaling, seed) for seed in (3, 3, 4))
    assert first[1] == again[1] != other[1]
    for name, weight in first[0].weights().items():
        np.testing.assert_array_equal(weight, again[0].weights()[name])


def test_training_learns_the_week_and_the_price(panel: Panel, scaling: Scaling) -> None:
    network, losses = trained(panel, scaling, 5, plan=replace(PLAN, epochs=15))
    assert losses[-1] < 0.8 * losses[0]
    forecast = network_forecast(network, panel, scaling)
    naive = panel.units[:, ORIGIN - HORIZON + 1 : ORIGIN + 1]
    assert wape(panel.units[:, TARGETS], forecast.median) < 0.6 * wape(
        panel.units[:, TARGETS], np.roll(naive, -GAP, axis=1)
    )


def test_training_stops_at_the_first_loss_that_is_not_finite(panel: Panel, scaling: Scaling) -> None:
    with pytest.raises(TrainingError, match=r"in epoch 1. Lower `forecast.lstm.learning_rate`"):
        trained(panel, scaling, 1, plan=replace(PLAN, learning_rate=float("inf")))


def test_scaling_does_not_look_past_its_origin(panel: Panel) -> None:
    changed = replace(panel, units=panel.units.copy(), past=panel.past.copy(), known=panel.known.copy())
    for values in (changed.units, changed.past, changed.known):
        values[:, ORIGIN + 1 :] = 1e9
    for name in ("level", "past_mean", "past_spread", "known_mean", "known_spread"):
        np.testing.assert_allclose(
            getattr(scaling_of(changed, ORIGIN), name), getattr(scaling_of(panel, ORIGIN), name), rtol=1e-12
        )
