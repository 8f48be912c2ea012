"""How a group as a whole answers its prices: the group slope, from its total on its price index.

    log E[total_t] = a - eta X_t + gamma A_t + announcements_jt + trend_t + others_t
    X_t = -ln(sum_j w_jt exp(-b x_jt) / sum_j w_jt) / b,   A_t = ln(sum_j w_jt)

with the members' weights w_jt at reference prices, announcements in them: what is announced counts for more
of the index that week. Counts are overdispersed (mean + d mean^2) and their surprises last (AR(1)):
generalised estimating equations (Liang and Zeger 1986, Biometrika 73:13), with errors by the jackknife over
blocks of weeks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.response.group_panel import GroupPanel
from tasks.response.group_shares import DEVIATION, LARGE, RIDGE, says_nothing, slow_waves

WAVE_WEEKS = 13  # weeks of history for each slow cosine of the group's trend
ROUNDS, STEPS, CLOSE = 3, 30, 1e-7  # of variance and correlation; of the mean; change at which the latter end
MOST_LASTING = 0.9  # largest correlation of a surprise with that of the week before
LEAST_INDEX = 0.005  # least standard deviation of the price index, in logs


class Regression(NamedTuple):
    """The last weighted regression of a group's total: its rows have the same variance and do not last.

    Attributes:
        rows: regressors, the price index first (T, columns).
        outcome: (T,).
        precision: of the prior of every coefficient (columns,).
        root: square root of every week's weight (T,).
        lasting: correlation of a surprise with that of the week before.
        week: numbers of the weeks (T,).
    """

    rows: np.ndarray
    outcome: np.ndarray
    precision: np.ndarray
    root: np.ndarray
    lasting: float
    week: np.ndarray

    def weighted(self, columns: np.ndarray) -> np.ndarray:
        """Return further regressors as the rows have them (T, columns)."""
        return whitened(self.root[:, None] * columns, self.lasting, self.week)


class Total(NamedTuple):
    """The group slope of a group under one curve.

    Attributes:
        slope: eta, above 0 where the group sells less at higher prices.
        error: its standard error; infinite where there is none.
        without: slope without each block (blocks,); nan where there is none.
        surprise: relative surprise of every week (T,).
        regression: from which the slope comes; none where there is no slope.
    """

    slope: float
    error: float
    without: np.ndarray
    surprise: np.ndarray
    regression: Regression | None


def price_index(
    weight: np.ndarray, x: np.ndarray, b: float, present: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return price index X and attractiveness A of every week (T,).

    Args:
        weight: log weights of the members at reference prices (T, n).
        x: curved prices relative to the reference (T, n).
        b: within slope, above 0.
        present: which members are sold (T, n), bool.
    """
    calm = np.log(np.where(present, np.exp(weight), 0.0).sum(axis=1))
    priced = np.log(np.where(present, np.exp(weight - b * x), 0.0).sum(axis=1))
    return (calm - priced) / b, calm


def total_of(
    panel: GroupPanel,
    index: tuple[np.ndarray, np.ndarray],
    weight: np.ndarray,
    block: np.ndarray,
    others: np.ndarray | None = None,
) -> Total:
    """Return the group slope of a group.

    Args:
        panel: weeks of the group.
        index: price index and attractiveness of every week, as ``price_index`` returns them.
        weight: log weights of the members at reference prices (T, n).
        block: number of each week's block, from 0 (T,).
        others: what the other groups of the store tell of the week (T, columns); none where they are few.
    """
    units, count = panel.units.sum(axis=1), int(block.max()) + 1
    x, precision = _columns(panel, index, weight, others)
    nothing = Total(float("nan"), float("inf"), np.full(count, np.nan), np.zeros(len(units)), None)
    if index[0].std() < LEAST_INDEX or units.sum() <= 0 or len(units) < x.shape[1] / 2:
        return nothing
    beta, mean, last = _fitted(x, units, precision, panel.week)
    gram, cross = by_block(last.rows, last.rows, block), by_block(last.rows, last.outcome, block)
    prior = np.diag(precision)
    whole = gram.sum(axis=0) + prior
    if says_nothing(gram, precision):
        return nothing
    without = np.stack(
        [np.linalg.solve(whole - gram[g], cross.sum(axis=0) - cross[g])[0] for g in range(count)]
    )
    apart = without - without.mean()
    error = float(np.sqrt((1 - 1 / count) * apart @ apart))
    return Total(float(beta[0]), error, without, (units - mean) / np.maximum(mean, RIDGE), last)


def _columns(
    panel: GroupPanel, index: tuple[np.ndarray, np.ndarray], weight: np.ndarray, others: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the regressors (T, columns), the price index first, and their prior precisions (columns,)."""
    share = np.where(panel.present, np.exp(weight), 0.0)
    share = share / share.sum(axis=1, keepdims=True)
    usual = share.mean(axis=0)
    columns = [-index[0], np.ones(len(panel.week))]
    if np.ptp(index[1]) > RIDGE:
        columns.append(index[1] - index[1].mean())
    columns += list(np.einsum("tn,tnc->ct", share, panel.around))
    if others is not None:
        columns += list(others.T)
    waves = max(0, min(6, len(panel.week) // WAVE_WEEKS))
    columns += list(slow_waves(panel.week, waves).T)
    single: list[np.ndarray] = []
    if len(panel.products) < LARGE:
        single = list((usual[:, None] * panel.announced).reshape(len(panel.week), -1).T)
    precision = np.r_[np.full(len(columns), RIDGE), np.full(len(single), DEVIATION**-2)]
    return np.column_stack([*columns, *single]), precision


def _fitted(
    x: np.ndarray, units: np.ndarray, precision: np.ndarray, week: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Regression]:
    """Return coefficients, means (T,), and the last weighted regression."""
    beta = np.zeros(x.shape[1])
    beta[1] = np.log(max(float(units.mean()), RIDGE))
    dispersion, lasting = 0.0, 0.0
    for _ in range(ROUNDS):
        for _ in range(STEPS):
            mean = np.exp(np.clip(x @ beta, -20, 20))
            root = np.sqrt(mean / (1 + dispersion * mean))
            working = x @ beta + (units - mean) / mean
            rows = whitened(root[:, None] * x, lasting, week)
            outcome = whitened(root * working, lasting, week)
            step = np.linalg.solve(rows.T @ rows + np.diag(precision), rows.T @ outcome) - beta
            step *= min(1.0, 2.0 / max(float(np.abs(step).max()), CLOSE))
            beta = beta + step
            last = Regression(
                rows=rows, outcome=outcome, precision=precision, root=root, lasting=lasting, week=week
            )
            if np.abs(step).max() < CLOSE:
                break
        dispersion, lasting = _variance(units, np.exp(np.clip(x @ beta, -20, 20)), x.shape[1], week)
    return beta, np.exp(np.clip(x @ beta, -20, 20)), last


def _variance(units: np.ndarray, mean: np.ndarray, columns: int, week: np.ndarray) -> tuple[float, float]:
    """Return dispersion d, and correlation of adjacent surprises without its bias of short series."""
    spare = len(units) / max(len(units) / 3, len(units) - columns)
    dispersion = max(0.0, float((((units - mean) ** 2) * spare - mean).sum() / (mean**2).sum()))
    rest = (units - mean) / np.sqrt(mean + dispersion * mean**2)
    adjacent = np.diff(week) == 1
    lasting = float((rest[1:] * rest[:-1])[adjacent].sum() / max(float(rest @ rest), RIDGE))
    lasting += (1 + 3 * lasting) / max(len(units), 10)  # Kendall 1954, Biometrika 41:403
    return dispersion, float(np.clip(lasting, 0.0, MOST_LASTING))


def whitened(rows: np.ndarray, lasting: float, week: np.ndarray) -> np.ndarray:
    """Return rows less what lasts of the row of the week before, scaled to a variance of 1 (T, ...)."""
    adjacent = np.r_[False, np.diff(week) == 1]
    if rows.ndim == 2:
        adjacent = adjacent[:, None]
    before = np.roll(rows, 1, axis=0)
    return np.where(adjacent, (rows - lasting * before) / np.sqrt(1 - lasting**2), rows)


def by_block(left: np.ndarray, right: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Return the products of left (T, m) and right (T, ...) in every block (blocks, m, ...)."""
    return np.stack([left[block == g].T @ right[block == g] for g in range(int(block.max()) + 1)])
