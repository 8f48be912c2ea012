"""Settings of `prepare`: the contract of the sales table, and its features."""

from __future__ import annotations

from pydantic import Field

from conf.section import Section


class Features(Section):
    """Which features are built and which are dropped again."""

    lags: tuple[int, ...]
    """Lags of log units (periods)."""
    windows: tuple[int, ...]
    """Lengths of the rolling means of log units and of prices (periods)."""
    rivals: int = Field(ge=0)
    """Where the shop sells at most so many products, the price and promotions of each are features of every
    series in its store (products)."""
    redundant_above: float = Field(gt=0, le=1)
    """Drop a feature whose absolute correlation with a kept one is above this (1)."""
    noise_columns: int = Field(ge=1)
    """Number of pure-noise columns that a feature must outdo to be kept (columns)."""


class Prepare(Section):
    """The contract of the sales table, and the features."""

    quarantine_share: float = Field(ge=0, le=0.5)
    """Refuse the run when more than this share of the rows is set aside (share of rows)."""
    future_hours: float = Field(ge=0, le=168)
    """Refuse rows dated later than now by more than this (hours)."""
    level_shift: float = Field(gt=1, le=100)
    """Set a row aside when its price differs from the product's median by more than this factor (ratio)."""
    spike: float = Field(gt=1, le=10_000)
    """Set a row aside when its units exceed the product's 99th percentile by more than this (ratio)."""
    features: Features
