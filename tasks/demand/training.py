"""What a network is made of and how it is trained, without the library that trains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class TrainingError(RuntimeError):
    """A training that cannot begin, or whose loss is no number."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the network is made of.

    Attributes:
        cell: recurrent layer, ``lstm`` or ``gru``.
        units: width of both recurrent layers and of the hidden layer of the head.
        window: periods of history that the encoder reads.
        embedding: width of the embedding of a product.
        dropout: share of the head's inputs that is dropped in training.
        rival_dropout: share of the decoder's inputs about rivals that is dropped in training.
        errors: what is trained on: ``units`` over the root of what the series sells, for absolute errors;
            ``logs``, for relative ones.
    """

    cell: Literal["lstm", "gru"]
    units: int
    window: int
    embedding: int
    dropout: float
    rival_dropout: float
    errors: Literal["units", "logs"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How it is trained.

    Attributes:
        learning_rate: first step size of Adam, falling to zero along a cosine.
        weight_decay: share of the weights that a unit of step size takes away (Loshchilov and Hutter 2019,
            arXiv:1711.05101).
        averaging: weight of the past in the moving average of the weights, per gradient step; 0: none.
        batch: windows in a gradient step.
        steps: gradient steps in an epoch.
        epochs: epochs.
    """

    learning_rate: float
    weight_decay: float
    averaging: float
    batch: int
    steps: int
    epochs: int


@dataclass(frozen=True)
class Epoch:
    """What happened in an epoch: its number from 1, and the mean loss."""

    number: int
    loss: float
