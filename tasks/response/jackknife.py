"""Standard errors of slopes by the jackknife over blocks of weeks.

It leaves out a block of adjacent weeks, all stores of it, at a time and estimates anew, controls included
(Quenouille 1949; MacKinnon, Nielsen and Webb 2023, J. Appl. Econometrics 38:671). The stores of a chain move
their prices together, and what is unexplained this week is not independent of what was unexplained last week.
Sandwich errors (clustered by week, or over weeks as well) were a fifth too small on simulated shops: controls
that move as slowly as the price hide how long surprises last.
"""

from __future__ import annotations

import numpy as np

from tasks.response.panel import Panel, within

BLOCK = 0.6  # weeks of a block, in square roots of the number of weeks
RIDGE = 1e-9  # ridge per row, on standardised columns: a control may be constant where a block is left out
LEAST_SCALE = 1e-12  # least standard deviation by which a column is divided


def covariance(y: np.ndarray, x: np.ndarray, instruments: np.ndarray, panel: Panel) -> np.ndarray:
    """Return the covariance of the slopes of y on x, beside effects and controls (slopes, slopes).

    With b_g the slopes without block g of G and b their mean, it is (G - 1) / G sum_g (b_g - b)(b_g - b)'.
    Store means are not taken anew without a block; the mean of all rows is.

    Args:
        y: outcome (rows,).
        x: regressors (rows,) or (rows, slopes).
        instruments: of the same shape; x itself for least squares.
        panel: gives series, weeks and controls.
    """
    slopes = 1 if x.ndim == 1 else x.shape[1]
    columns = within(np.column_stack([x, instruments, y, panel.controls]), panel.series)
    scale = np.maximum(columns.std(axis=0), LEAST_SCALE)
    columns = np.column_stack([columns / scale, np.ones(len(y))])
    controls = np.r_[2 * slopes + 1 : columns.shape[1]]  # and the mean
    w = np.r_[slopes : 2 * slopes, controls]  # instruments stand for what they explain
    v = np.r_[:slopes, controls, 2 * slopes]  # the outcome comes last
    block = blocks(panel.week)
    order, ends = np.argsort(block, kind="stable"), np.cumsum(np.bincount(block))[:-1]
    parts = np.stack([part[:, w].T @ part[:, v] for part in np.split(columns[order], ends)])  # (G, w, v)
    rest = parts.sum(axis=0) - parts  # without the block
    gram = rest[..., :-1] + RIDGE * len(y) * np.eye(len(w))
    without = (
        np.linalg.solve(gram, rest[..., -1:])[:, :slopes, 0] * scale[2 * slopes] / scale[:slopes]
    )  # (G, slopes)
    apart = without - without.mean(axis=0)
    return np.asarray((1 - 1 / len(parts)) * apart.T @ apart)


def blocks(week: np.ndarray) -> np.ndarray:
    """Return the number of each row's block of adjacent weeks, from 0; at least two blocks (rows,)."""
    number = np.unique(week, return_inverse=True)[1]
    weeks = int(number.max()) + 1
    count = max(2, round(np.sqrt(weeks) / BLOCK))
    return np.asarray(number * min(count, weeks) // weeks)
