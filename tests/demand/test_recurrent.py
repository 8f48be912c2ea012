"""The LSTM that is served is the one that was trained; training is seeded, and stops where it goes astray."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.demand.metrics import wape
from tasks.demand.panel import Panel
from tasks.demand.recurrent import Scaling, State, decode, encode, scaling_of
from tests.demand.conftest import GAP, HORIZON

pytestmark = pytest.mark.slow
ORIGIN, WINDOW = 140, 14


@pytest.fixture(scope="module")
def scaling(panel: Panel) -> Scaling:
    return scaling_of(panel, ORIGIN)


def trained(panel: Panel, scaling: Scaling, seed: int, epochs: int = 2, rate: float = 0.01):  # type: ignore[no-untyped-def]
    from tasks.demand.lstm import Network, Plan, Shape

    network = Network(panel, scaling, Shape(8, WINDOW, 3, 0.1), GAP, HORIZON, seed)
    losses = [epoch.loss for epoch in network.train(ORIGIN, Plan(rate, 64, 20, epochs), seed)]
    return network, losses


def test_the_numpy_forward_is_that_of_keras(panel: Panel, scaling: Scaling) -> None:
    import keras

    network, _ = trained(panel, scaling, 1)
    weights = network.weights()
    past, known = scaling.past(panel)[:, :WINDOW], scaling.known(panel.known)
    _, h, c = network._encoder(np.concatenate([past, known[:, :WINDOW]], axis=-1))
    state = encode(weights, past, known[:, :WINDOW])
    np.testing.assert_allclose(state.h, h, atol=2e-6)
    np.testing.assert_allclose(state.c, c, atol=2e-6)
    place = np.tile(np.linspace(1 / HORIZON, 1, HORIZON, dtype=np.float32)[None, :, None], (6, 1, 1))
    embedded = np.repeat(weights["embedding"][:, None], HORIZON, axis=1)
    inputs = np.concatenate([known[:, WINDOW : WINDOW + HORIZON], embedded, place], axis=-1)
    head = network._head(network._decoder(inputs, initial_state=[h, c]))
    told = decode(weights, State(np.asarray(h), np.asarray(c)), known[:, WINDOW : WINDOW + HORIZON], scaling.level)
    np.testing.assert_allclose(
        told.median, np.maximum(np.expm1(scaling.level[:, None] + keras.ops.convert_to_numpy(head)[..., 0]), 0), rtol=1e-4
    )
    assert (np.diff(told.quantiles, axis=-1) >= 0).all()


def test_the_same_seed_twice_gives_the_same_network_and_another_one_does_not(panel: Panel, scaling: Scaling) -> None:
    one, two, other = (trained(panel, scaling, seed) for seed in (3, 3, 4))
    assert one[1] == two[1] != other[1]
    for name, weight in one[0].weights().items():
        np.testing.assert_array_equal(weight, two[0].weights()[name])


def test_training_learns_the_week_and_the_price(panel: Panel, scaling: Scaling) -> None:
    network, losses = trained(panel, scaling, 5, epochs=15)
    assert losses[-1] < 0.8 * losses[0]
    past, known, weights = scaling.past(panel), scaling.known(panel.known), network.weights()
    window, targets = slice(ORIGIN + 1 - WINDOW, ORIGIN + 1), slice(ORIGIN + 1 + GAP, ORIGIN + 1 + GAP + HORIZON)
    told = decode(weights, encode(weights, past[:, window], known[:, window]), known[:, targets], scaling.level)
    naive = panel.units[:, ORIGIN - HORIZON + 1 : ORIGIN + 1]
    assert wape(panel.units[:, targets], told.median) < 0.6 * wape(panel.units[:, targets], np.roll(naive, -GAP, axis=1))


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
        np.testing.assert_allclose(getattr(scaling_of(changed, ORIGIN), name), getattr(scaling_of(panel, ORIGIN), name), rtol=1e-12)
