"""The LSTM that is served is the one that was trained; training is seeded, and stops where it goes astray."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.demand.metrics import mape, wape
from tasks.demand.panel import Panel
from tasks.demand.recurrent import Scaling, decode, encode, scaling_of
from tests.demand.conftest import GAP, HORIZON

pytestmark = pytest.mark.slow
ORIGIN, WINDOW = 140, 14
TARGETS = slice(ORIGIN + 1 + GAP, ORIGIN + 1 + GAP + HORIZON)


@pytest.fixture(scope="module")
def scaling(panel: Panel) -> Scaling:
    return scaling_of(panel, ORIGIN)


def trained(
    panel: Panel,
    scaling: Scaling,
    seed: int,
    epochs: int = 2,
    rate: float = 0.01,
    cell: str = "lstm",
    errors: str = "units",
):  # type: ignore[no-untyped-def]
    from tasks.demand.lstm import Network, Plan, Shape

    network = Network(panel, scaling, Shape(cell, 8, WINDOW, 3, 0.1, 0.3, errors), GAP, HORIZON, seed)
    losses = [epoch.loss for epoch in network.train(ORIGIN, Plan(rate, 0.01, 0.9, 64, 20, epochs), seed)]
    return network, losses


def network_forecast(network, panel: Panel, scaling: Scaling):  # type: ignore[no-untyped-def]
    history, weights = scaling.history(panel)[:, ORIGIN + 1 - WINDOW : ORIGIN + 1], network.weights()
    return decode(
        weights, encode(weights, history), scaling.known(panel.known)[:, TARGETS], scaling.level, np.arange(6)
    )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_numpy_forward_is_that_of_keras(panel: Panel, scaling: Scaling, cell: str) -> None:
    import keras

    network, _ = trained(panel, scaling, 1, cell=cell)
    for variable, average in zip(network.variables, network._average, strict=True):
        variable.assign(average)
    weights, products = network.weights(), np.arange(6)
    history, known = (
        scaling.history(panel)[:, :WINDOW],
        scaling.known(panel.known)[:, WINDOW : WINDOW + HORIZON],
    )
    state = [np.asarray(part) for part in network._encoder(history)[1:]]
    told = encode(weights, history)
    assert len(told) == len(state)
    for ours, theirs in zip(told, state, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)
    place = np.tile(np.linspace(1 / HORIZON, 1, HORIZON, dtype=np.float32)[None, :, None], (6, 1, 1))
    embedded = np.repeat(weights["embedding.table"][products][:, None], HORIZON, axis=1)
    decoded = network._decoder(np.concatenate([known, embedded, place], axis=-1), initial_state=state)
    head = keras.ops.convert_to_numpy(network._head(network._hidden(decoded)))
    demand = decode(weights, told, known, scaling.level, products)
    np.testing.assert_allclose(
        demand.median, np.maximum(np.expm1(scaling.level[:, None] + head[..., 0]), 0), rtol=1e-4
    )
    assert (np.diff(demand.quantiles, axis=-1) >= 0).all()


def test_trained_on_relative_errors_the_relative_median_wins(panel: Panel, scaling: Scaling) -> None:
    network, losses = trained(panel, scaling, 2, epochs=10, errors="logs")
    assert losses[-1] < losses[0]
    told = network_forecast(network, panel, scaling)
    units = panel.units[:, TARGETS]
    assert mape(units, told.relative_median, 1) < mape(units, told.mean, 1)


def test_the_same_seed_twice_gives_the_same_network_and_another_one_does_not(
    panel: Panel, scaling: Scaling
) -> None:
    one, two, other = (trained(panel, scaling, seed) for seed in (3, 3, 4))
    assert one[1] == two[1] != other[1]
    for name, weight in one[0].weights().items():
        np.testing.assert_array_equal(weight, two[0].weights()[name])


def test_training_learns_the_week_and_the_price(panel: Panel, scaling: Scaling) -> None:
    network, losses = trained(panel, scaling, 5, epochs=15)
    assert losses[-1] < 0.8 * losses[0]
    told = network_forecast(network, panel, scaling)
    naive = panel.units[:, ORIGIN - HORIZON + 1 : ORIGIN + 1]
    assert wape(panel.units[:, TARGETS], told.median) < 0.6 * wape(
        panel.units[:, TARGETS], np.roll(naive, -GAP, axis=1)
    )


def test_m01_training_stops_at_the_first_loss_that_is_not_finite(panel: Panel, scaling: Scaling) -> None:
    from tasks.demand.lstm import TrainingError

    with pytest.raises(TrainingError, match=r"in epoch 1. Lower `forecast.lstm.learning_rate`"):
        trained(panel, scaling, 1, rate=float("inf"))


def test_scaling_does_not_look_past_its_origin(panel: Panel) -> None:
    changed = Panel(
        panel.series,
        panel.dates,
        panel.units.copy(),
        panel.price,
        panel.past.copy(),
        panel.known.copy(),
        panel.past_names,
        panel.known_names,
    )
    for values in (changed.units, changed.past, changed.known):
        values[:, ORIGIN + 1 :] = 1e9
    for name in ("level", "past_mean", "past_spread", "known_mean", "known_spread"):
        np.testing.assert_allclose(
            getattr(scaling_of(changed, ORIGIN), name), getattr(scaling_of(panel, ORIGIN), name), rtol=1e-12
        )
