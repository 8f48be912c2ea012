"""Rows that a guard may meet on its worst day: nan, inf, 1e300, -0.0, no cost, floors above ceilings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

NOT_PRICES = np.array([np.nan, np.inf, -np.inf, 1e300, -0.0, 0.0, -1.0, 1e-300, 5e-324])
ABSURD = np.array([0.01, 23_698_655.93, 1e9, 0.004, 1e-6])
ENDINGS = np.array(["", "99", "99|95", "9", "0|5", "995"], dtype=object)
AROUND = {
    "reference": (0.15, 0.9),
    "recent_low": (0.03, 0.5),
    "recent_high": (0.03, 0.5),
    "competitor": (0.3, 0.3),
    "prior": (0.2, 0.5),
    "least": (0.8, 0.2),
    "most": (0.8, 0.2),
    "fixed": (0.05, 0.02),
    "advertised": (0.3, 0.1),
}
"""Spread of amounts around the price in force (log), and the share of rows in which they are known."""
CURRENCIES = np.array([0, 2, 3])  # decimals of yen, euros and dinars

Rows = Mapping[str, np.ndarray]


def adversarial_rows(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the columns of as many rows: ``wanted``, what is known of the product, and its rules.

    Args:
        count: of rows.
        rng: source of the rows.
    """
    decimals = rng.choice(CURRENCIES, count)
    in_force = _rounded(1.0 + np.exp(rng.normal(2.0, 1.5, count)), decimals)
    odd = rng.random(count) < 0.1
    in_force = np.where(odd, in_force * (1 + rng.normal(0, 0.01, count)), in_force)
    around = {}
    for name, (width, present) in AROUND.items():
        values = in_force * np.exp(rng.normal(0, width, count))
        values = np.where(rng.random(count) < 0.8, _rounded(values, decimals), values)
        around[name] = _some(values, present, rng)
    cost = _some(_rounded(in_force * rng.uniform(0.2, 1.1, count), rng.integers(0, 6, count)), 0.8, rng)
    wanted = in_force * np.exp(rng.normal(0, 0.08, count))
    held = rng.random(count) < 0.1
    return {
        "decimals": decimals,
        "in_force": _spoilt(in_force, 0.01, rng),
        **{name: _spoilt(values, 0.01, rng) for name, values in around.items()},
        "cost": _spoilt(cost, 0.02, rng),
        "wanted": _spoilt(np.where(held, in_force, wanted), 0.1, rng),
        "stale": rng.random(count) < 0.03,
        "unprotected": rng.random(count) < 0.1,
        "announced": rng.random(count) < 0.05,
        **_shares(count, rng),
        **_list_columns(count, rng),
        "prior_unknown": rng.random(count) < 0.3,
    }


def _shares(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the shares of the rules and the endings of every row."""
    return {
        "margin": rng.choice([0.0, 0.01, 0.2, 0.25, 0.333333, 0.9], count),
        "margin_of_price": rng.random(count) < 0.5,
        "step": rng.choice([0.0, 0.05, 0.1, 0.25], count),
        "band": rng.choice([0.05, 0.2, 0.5], count),
        "competitor_low": _some(rng.choice([0.5, 0.9, 1.1], count), 0.7, rng),
        "competitor_high": _some(rng.choice([0.95, 1.0, 2.0], count), 0.7, rng),
        "endings": rng.choice(ENDINGS, count),
    }


def _list_columns(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return families of packs, and weight and worth of every row."""
    member = np.arange(count)
    return {
        "family": np.where(rng.random(count) < 0.2, member // 4, -1),
        "size": np.array([0.25, 0.5, 1.0, 2.0])[member % 4],
        "weight": np.full(count, 1 / count),
        "worth": rng.normal(0, 1, count),
    }


def _rounded(values: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    scale = 10.0**decimals
    return np.asarray(np.rint(values * scale) / scale)


def _some(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return values of which only a share is known, the others are nan (rows,)."""
    return np.where(rng.random(len(values)) < share, values, np.nan)


def _spoilt(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return values of which a share is no price at all or an absurd one (rows,)."""
    absurd = rng.choice(np.concatenate([NOT_PRICES, ABSURD]), len(values))
    return np.where(rng.random(len(values)) < share, absurd, values)
