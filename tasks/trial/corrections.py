"""Several metrics at once: p-values corrected for their number."""

from __future__ import annotations

import numpy as np


def bonferroni(p: np.ndarray) -> np.ndarray:
    """Return p times the number of tests, at most 1 (tests,)."""
    return np.minimum(1.0, np.asarray(p, float) * len(p))


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values that keep the chance of any false positive below alpha (tests,).

    Holm 1979, Scandinavian Journal of Statistics.
    """
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _placed(np.minimum(1.0, stepped), order)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Return p-values that keep the share of false positives below alpha (tests,).

    Benjamini and Hochberg 1995, JRSS B.
    """
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    return _placed(np.minimum(1.0, stepped), order)


CORRECTIONS = {"holm": holm, "benjamini_hochberg": benjamini_hochberg, "bonferroni": bonferroni}


def _placed(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return sorted values in their original order (tests,)."""
    placed = np.empty(len(values))
    placed[order] = values
    return placed
