"""How a trial randomises: whole substitute groups, whole stores, or time blocks.

Items are never randomised among their substitutes. A buyer who finds one coffee dearer takes the next one:
randomised item by item, half of a gain may come from the siblings, and a 10 % cut worth +0.6 % reads
as +26 %. Buyers are never randomised either: an item has one price at one time and place.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tasks.trial.errors import TrialError

CLUSTER, STORES, TIME, ITEM = "cluster", "store", "time", "item"
STRATUM = 10  # most units of a stratum


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How a trial randomises.

    Attributes:
        unit: ``cluster`` (substitute groups), ``store``, or ``time`` (places switch from block to block).
        owner: group, store or place of each member, whose sales are one row of the history (members,).
        share: of the units that the candidate prices.
        block: periods between two switches (``time``).
        burn_in: first periods of a block that are left out (``time``).
    """

    unit: str
    owner: np.ndarray
    share: float = 0.5
    block: int = 1
    burn_in: int = 0

    @property
    def units(self) -> int:
        """Return the number of groups, stores or places."""
        return int(self.owner.max()) + 1


def assign(markets: int, clusters: np.ndarray, treated_share: float, seed: int) -> np.ndarray:
    """Return which products are treated in which market (markets, products), bool.

    The products of a cluster share an arm.

    Args:
        markets: number of market draws.
        clusters: number of each product's cluster, from 0 (products,).
        treated_share: probability that a cluster is treated.
        seed: root of the assignment.
    """
    drawn = np.random.default_rng(seed).random((markets, clusters.max() + 1)) < treated_share
    return np.asarray(drawn[:, clusters])


def stratified(size: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return which units are treated, drawn among units of similar size (units,), bool.

    At a share of 0.5, one unit of every pair of neighbours in size is treated.

    Args:
        size: what a unit earned before (units,).
        share: of the units that is treated.
        rng: source of the draw.
    """
    treated = np.empty(len(size), bool)
    treated[np.argsort(-size, kind="stable")] = _patterns(1, len(size), share, rng)[0]
    return treated


def switched(places: int, blocks: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return in which blocks each place is treated, drawn among neighbouring blocks (places, blocks), bool.

    At a share of 0.5, one block of every pair of neighbours is treated.
    """
    return _patterns(places, blocks, share, rng)


def _patterns(rows: int, length: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return which places of each row are treated, the same share in every stratum (rows, length), bool."""
    part = Fraction(share).limit_denominator(STRATUM)
    if not 0 < share < 1 or abs(float(part) - share) > 1e-6 or part in (0, 1):
        raise TrialError(
            f"design: `share` must be a fraction with a denominator of at most {STRATUM}, "
            f"such as 0.5 or 0.2. Received: {share}."
        )
    pattern = np.arange(part.denominator) < part.numerator
    strata = -(-length // part.denominator)
    drawn = rng.permuted(np.broadcast_to(pattern, (rows, strata, part.denominator)), axis=2)
    return np.asarray(drawn.reshape(rows, -1)[:, :length])
