"""What policies earn is compared on the same seasons, with intervals that can be worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.pricing.comparison import gain, interval
from tasks.pricing.seasons import Seasons


def test_an_interval_worked_by_hand() -> None:
    mean = interval(np.array([1.0, 2.0, 3.0]), 0.95)
    half = 4.302653 * 1.0 / np.sqrt(3)
    assert (mean["value"], mean["low"], mean["high"]) == pytest.approx((2.0, 2 - half, 2 + half))


def test_a_gain_is_paired_so_that_what_both_policies_meet_cancels() -> None:
    shared = np.random.default_rng(0).lognormal(0, 1, (50, 1, 1)) * np.ones((50, 4, 3))
    baseline, better = (Seasons(shared, shared, shared * factor) for factor in (1.0, 1.1))
    paired = gain(baseline, better, 0.95)
    assert paired["value"] == pytest.approx(0.1)
    unpaired = interval(better.rewards.mean(axis=(1, 2)), 0.95)
    assert paired["high"] - paired["low"] < 0.5 * (unpaired["high"] - unpaired["low"])
