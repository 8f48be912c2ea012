"""Randomness, split once at the top."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(seed: int, purpose: str) -> int:
    """Return the seed of one purpose below 2**31, independent of every other purpose's."""
    words = np.frombuffer(hashlib.sha256(purpose.encode()).digest(), dtype="<u4")
    return int(np.random.SeedSequence([seed, *words.tolist()]).generate_state(1)[0] >> 1)
