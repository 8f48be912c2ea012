"""Errors of experiments: data or a design that cannot be read."""

from __future__ import annotations


class TrialError(ValueError):
    """A trial that cannot be designed or analysed."""


class RatioMismatch(TrialError):
    """A trial whose arms are not split as planned: no result of it is shown."""


class OutsideSupport(TrialError):
    """A policy whose prices the log does not cover."""
