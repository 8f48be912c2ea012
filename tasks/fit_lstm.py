"""Task: tune and train the LSTM, forecast from every origin, and keep the weights and the state that serve it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from conf import Settings
from tasks.artifacts import save_arrays
from tasks.attempt import Attempt, resumable
from tasks.demand import recurrent
from tasks.demand.distribution import Distribution
from tasks.demand.metrics import wape
from tasks.demand.splits import Fold, before
from tasks.history import History, Member, history_of, save_forecasts
from tasks.prepare import Prepared
from tasks.seeds import seed_of
from tasks.tune import Choice, Params, Real, Search, Space, tune

log = logging.getLogger("repricer")

WARM = 3  # later origins go on from the weights before them, for a third of the epochs and a third of the step size


@resumable(name="fit_lstm")
def fit_lstm(attempt: Attempt, settings: Settings, prepared: Prepared) -> Member:
    """Search shape and step size before the first fold, train there, and go on from origin to origin."""
    from tasks.track import stage_run

    with stage_run(attempt, "forecast") as run:
        history = history_of(settings, prepared)
        search = _search(attempt, settings, history)
        forecasts, served, losses = _forecasts(settings, history, search.params)
        for trial in search.trials:
            run.trial("lstm", trial.number, trial.params, {} if trial.score is None else {"wape": trial.score}, trial.state)
        run.params({f"lstm.{name}": value for name, value in search.params.items()})
        run.metrics({"lstm.validation_wape": search.score})
        run.curve("lstm.loss", losses)
        return Member(
            forecasts=save_forecasts(forecasts, attempt, "lstm"),
            served=save_arrays(served, attempt.path("forecast", "lstm.npz")),
            params=search.params,
            dropped={},
        )


def _search(attempt: Attempt, settings: Settings, history: History) -> Search:
    """Search on the periods right before the first fold; without trials, score the settings as they are."""
    from tasks.demand.lstm import TrainingError

    told = settings.forecast.lstm
    seed = seed_of(settings.seed, "forecast.lstm.search")
    fold = before(history.folds[0])
    units = history.panel.units[:, fold.targets]

    def objective(params: Params) -> Iterator[float]:
        trainer = Trainer(settings, history, params, fold, seed)
        for _ in trainer.train(fold, told.trial_epochs, params["learning_rate"], seed):
            yield wape(units, trainer.forecast(fold).median)

    space: Space = {
        "units": Choice(tuple(sorted({told.units // 2, told.units, told.units * 4 // 3}))),
        "embedding": Choice(tuple(sorted({max(1, told.embedding // 2), told.embedding}))),
        "dropout": Choice(tuple(sorted({0.0, told.dropout, min(0.5, 2 * told.dropout)}))),
        "learning_rate": Real(told.learning_rate / 3, told.learning_rate * 3),
    }
    first = {"units": told.units, "embedding": told.embedding, "dropout": told.dropout, "learning_rate": told.learning_rate}
    if not told.trials:
        return Search(first, float("nan"), ())
    return tune("lstm", attempt.path("forecast", "lstm.journal"), space, first, objective, told.trials, seed, (TrainingError,))


def _forecasts(settings: Settings, history: History, params: Params) -> tuple[list[Distribution], dict[str, np.ndarray], list[float]]:
    """Return the forecasts from every origin, what serves the last one, and the loss of every epoch."""
    told, seed = settings.forecast.lstm, seed_of(settings.seed, "forecast.lstm")
    trainer = Trainer(settings, history, params, history.folds[0], seed)
    forecasts: list[Distribution] = []
    losses: list[float] = []
    for fold in history.origins:
        share = WARM if fold.number else 1
        losses += trainer.train(fold, max(1, told.epochs // share), params["learning_rate"] / share, seed + fold.number)
        forecasts.append(trainer.forecast(fold))
        log.info("lstm: origin %d of %d, loss %.4f", fold.number + 1, len(history.origins), losses[-1])
    return forecasts, trainer.served(history.now), losses


class Trainer:
    """The network of one set of parameters, trained in Keras and read in NumPy."""

    def __init__(self, settings: Settings, history: History, params: Params, first: Fold, seed: int) -> None:
        """Build the network; the scaling is that of the first origin, and stays."""
        from tasks.demand.lstm import Network, Shape

        told = settings.forecast
        self._settings, self._panel = told.lstm, history.panel
        self._scaling = recurrent.scaling_of(history.panel, first.origin)
        self._past, self._known = self._scaling.past(history.panel), self._scaling.known(history.panel.known)
        shape = Shape(params["units"], told.lstm.window, params["embedding"], params["dropout"])
        self._network = Network(history.panel, self._scaling, shape, told.gap, told.horizon, seed)

    def train(self, fold: Fold, epochs: int, learning_rate: float, seed: int) -> Iterator[float]:
        """Train on what is known at the origin and yield the loss of every epoch."""
        from tasks.demand.lstm import Plan

        plan = Plan(learning_rate, self._settings.batch, self._settings.steps, epochs)
        for epoch in self._network.train(fold.origin, plan, seed):
            log.debug("lstm: origin %d, epoch %d of %d, loss %.4f", fold.number + 1, epoch.number, epochs, epoch.loss)
            yield epoch.loss

    def forecast(self, fold: Fold) -> Distribution:
        """Return the forecast of a fold by the weights as they are."""
        weights = self._network.weights()
        return recurrent.decode(weights, self._state(weights, fold), self._known[:, fold.targets], self._scaling.level)

    def served(self, fold: Fold) -> dict[str, np.ndarray]:
        """Return weights, state and scaling at an origin, as ``tasks.demand.model`` reads them."""
        weights = self._network.weights()
        state = self._state(weights, fold)
        kept = {f"lstm.{name}": values for name, values in weights.items() if not name.startswith("encoder.")}
        scaling = self._scaling
        told = {"level": scaling.level, "known_mean": scaling.known_mean, "known_spread": scaling.known_spread}
        return {**kept, **told, "state.h": state.h, "state.c": state.c}

    def _state(self, weights: recurrent.Weights, fold: Fold) -> recurrent.State:
        window = slice(fold.origin + 1 - self._settings.window, fold.origin + 1)
        return recurrent.encode(weights, self._past[:, window], self._known[:, window])
