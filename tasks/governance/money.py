"""Money as whole numbers: minor units of a currency, and parts of them, exact in 64 bits.

A price is a whole number of minor units (cents; yen; fils, of which a dinar has 1,000). A cost, a bound or a
reference price may lie between two of them and is counted in parts, 10,000 to a minor unit; a share in
millionths. No product or quotient below rounds in binary: a floor of 1.15 x 1.2 is 1.38, not 1.39.

What is no price (nan, infinite, not above 0, or beyond ``MOST`` minor units) is ``NO_AMOUNT``, which is below
every amount; it is never clipped to one.
"""

from __future__ import annotations

import numpy as np

PARTS = 10_000  # of a minor unit
MILLIONTHS = 1_000_000  # of a share
MOST = 10**11  # minor units; up to here a float of an amount in parts is exact
NO_AMOUNT = -1
DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimals of the currencies that have not 2 (ISO 4217)."""


def decimals_of(currency: str | None, most: int) -> int:
    """Return the decimals of a price, of a currency and at most so many (decimals).

    Args:
        currency: ISO 4217 code; none: it was not named.
        most: that a price of the shop has (decimals).
    """
    return most if currency is None else min(most, DECIMALS.get(currency, 2))


def parts_up(amount: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    """Return the least number of parts that is not below an amount (rows,), int64."""
    number, scale = _nearest(amount, decimals)
    short = (number != NO_AMOUNT) & (number / scale < amount)
    return number + short


def parts_down(amount: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    """Return the largest number of parts that is not above an amount (rows,), int64."""
    number, scale = _nearest(amount, decimals)
    return number - ((number != NO_AMOUNT) & (number / scale > amount))


def parts(amount: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    """Return the number of parts nearest to an amount, which must be at least one (rows,), int64."""
    number, _ = _nearest(amount, decimals)
    return np.where(number == 0, NO_AMOUNT, number)


def minor(amount: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    """Return the minor units nearest to an amount, perhaps 0 (rows,), int64."""
    valid = _valid(amount, decimals)
    units = np.rint(np.where(valid, amount, 0.0) * 10.0**decimals).astype(np.int64)
    return np.where(valid, units, NO_AMOUNT)


def amounts(units: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    """Return minor units as amounts of the currency: the floats nearest to the decimals (rows,)."""
    return np.asarray(units / 10.0**decimals)


def millionths(share: np.ndarray) -> np.ndarray:
    """Return a share in millionths, nan as 0 (rows,), int64."""
    return np.asarray(np.rint(np.nan_to_num(share) * MILLIONTHS).astype(np.int64))


def millionths_up(share: np.ndarray) -> np.ndarray:
    """Return the least number of millionths that is not below a share (rows,), int64."""
    number = millionths(share)
    return np.asarray(number + (number / MILLIONTHS < share))


def times_up(number: np.ndarray, factor: np.ndarray | int) -> np.ndarray:
    """Return parts times a factor in millionths, rounded up to a part; no amount stays none (rows,)."""
    whole, rest = np.divmod(number, MILLIONTHS)
    return np.where(number == NO_AMOUNT, NO_AMOUNT, whole * factor - (-rest * factor // MILLIONTHS))


def times_down(number: np.ndarray, factor: np.ndarray | int) -> np.ndarray:
    """Return parts times a factor in millionths, rounded down to a part; no amount stays none (rows,)."""
    whole, rest = np.divmod(number, MILLIONTHS)
    return np.where(number == NO_AMOUNT, NO_AMOUNT, whole * factor + rest * factor // MILLIONTHS)


def over_up(number: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    """Return parts over a share in millionths, rounded up to a part; no amount stays none (rows,)."""
    whole, rest = np.divmod(number, divisor)
    return np.where(number == NO_AMOUNT, NO_AMOUNT, whole * MILLIONTHS - (-rest * MILLIONTHS // divisor))


def charged_up(net: np.ndarray, up: np.ndarray, tax: np.ndarray, fee: np.ndarray) -> np.ndarray:
    """Return the least parts of which a net amount is left after tax and fee; no amount stays none (rows,).

    That is the least whole p with p (1 / (1 + t) - f) >= n a / b, exact in whole numbers of any size.

    Args:
        net: n, parts (rows,).
        up: numerator a and denominator b, whole numbers (2, rows).
        tax, fee: t and f in millionths (rows,).
    """
    above, below = up[0].astype(object), up[1].astype(object)
    taxed = MILLIONTHS + tax.astype(object)
    needed = net.astype(object) * above * MILLIONTHS * taxed
    left = below * (MILLIONTHS**2 - fee.astype(object) * taxed)
    return np.where(net == NO_AMOUNT, NO_AMOUNT, -(-needed // left)).astype(np.int64)


def minor_up(number: np.ndarray) -> np.ndarray:
    """Return the least minor units that are not below a number of parts (rows,)."""
    return np.asarray(-(-number // PARTS))


def minor_down(number: np.ndarray) -> np.ndarray:
    """Return the most minor units that are not above a number of parts (rows,)."""
    return np.asarray(number // PARTS)


def _nearest(amount: np.ndarray, decimals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of parts nearest to an amount, and how many the currency has (rows,), (rows,)."""
    valid, scale = _valid(amount, decimals), 10.0**decimals * PARTS
    number = np.rint(np.where(valid, amount, 0.0) * scale).astype(np.int64)
    return np.where(valid, number, NO_AMOUNT), scale


def _valid(amount: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    """Return which amounts are prices (rows,), bool; accepted is what is finite and inside."""
    return np.asarray(np.isfinite(amount) & (amount > 0) & (amount <= MOST / 10.0**decimals))
