"""Settings of `forecast`: rolling origins, the two members of the blend, and the blend."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conf.section import Section


class Arima(Section):
    """The regressions with ARIMA errors: where the search begins, and its budget."""

    p: int = Field(ge=0)
    """Autoregressive order (periods)."""
    d: int = Field(ge=0, le=1)
    """Order of differencing (times)."""
    q: int = Field(ge=0)
    """Moving-average order (periods)."""
    shrinkage: float = Field(gt=0)
    """Pull of a series' slopes towards its product's, as if from this many more periods (periods)."""
    product_shrinkage: float = Field(ge=0)
    """Pull of a product's slopes towards those of all, where it has several series (periods)."""
    shock: float = Field(ge=0)
    """Variance of the shock that all stores of a product share, over that of a single series' shock (ratio);
    0: stores are independent."""
    rivals: bool
    """Whether prices and promotions of other products (`prepare.features.rivals`) are regressors."""
    promoted_price: bool
    """Whether promotions times price are regressors, where a product has several series."""
    trials: int = Field(ge=0)
    """Optuna trials that come to an end; 0 keeps the values above (trials)."""
    sample: int = Field(ge=1)
    """Series on which a trial is scored (series)."""
    max_p: int = Field(ge=0)
    """Largest autoregressive order (periods)."""
    max_q: int = Field(ge=0)
    """Largest moving-average order (periods)."""


class Lstm(Section):
    """The global recurrent network: defaults of what is tuned, and the budget."""

    cell: Literal["lstm", "gru"]
    """Recurrent layer."""
    members: int = Field(ge=1)
    """Networks that differ by their seed and are averaged (networks)."""
    units: int = Field(ge=1)
    """Width of the recurrent layers and of the head's hidden layer (units)."""
    window: int = Field(ge=2)
    """Periods of history that the encoder reads (periods)."""
    embedding: int = Field(ge=1)
    """Width of the embedding of a product (dimensions)."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the head's inputs that is dropped in training (share)."""
    rival_dropout: float = Field(ge=0, lt=1)
    """Share of the inputs about rivals that is dropped in training (share)."""
    learning_rate: float = Field(gt=0)
    """First step size of Adam, falling to zero (1)."""
    weight_decay: float = Field(ge=0)
    """Share of the weights that a unit of step size takes away (1)."""
    averaging: float = Field(ge=0, lt=1)
    """Weight of the past in the moving average of the weights that forecasts, per gradient step (1)."""
    batch: int = Field(ge=1)
    """Windows in a gradient step (windows)."""
    steps: int = Field(ge=1)
    """Gradient steps in an epoch (steps)."""
    epochs: int = Field(ge=1)
    """Epochs of the first fold; later folds start warm and take a third (epochs)."""
    trials: int = Field(ge=0)
    """Optuna trials that come to an end, complete or pruned; 0 keeps the values above (trials)."""
    trial_epochs: int = Field(ge=1)
    """Epochs of a trial, pruned at the median (epochs)."""


class Blend(Section):
    """The weight of ARIMA in the blend."""

    grid: int = Field(ge=2)
    """Number of weights compared between 0 and 1 (weights)."""
    shrinkage: float = Field(ge=0)
    """Pull of a category's weight towards the global one, as if from this many more forecasts (forecasts)."""


class Forecast(Section):
    """How far, how often and by what demand is forecast."""

    horizon: int = Field(ge=1)
    """Periods forecast from one origin (periods)."""
    gap: int = Field(ge=0)
    """Periods between the last known sales and the first target (periods)."""
    folds: int = Field(ge=1)
    """Rolling origins on which the blend is fitted (origins)."""
    holdout_origins: int = Field(ge=1)
    """Rolling origins after them that are only reported (origins)."""
    errors: Literal["units", "logs"]
    """Errors that count in training, search and blend: `units`, absolute (WAPE); `logs`, relative (MAPE)."""
    mape_units: float = Field(ge=0)
    """MAPE is taken over targets of at least this many units (units/period)."""
    arima: Arima
    lstm: Lstm
    blend: Blend
