"""How the members of a group share its sales: the within slope, from the units inside the group's weeks.

    P(a unit of week t is one of j) ~ exp(a_j - b h(p_jt / p_j0) + c_j announced_jt + controls + trend_jt)

Given the group's total of the week, independent Poisson counts have exactly this multinomial law, whatever
moves the group as a whole (McFadden 1974; Hausman, Hall and Griliches 1984, Econometrica 52:909), and no
count needs a logarithm. Counts vary more than that: a week of N units weighs 1 / (1 + rho N).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.response.curves import curved
from tasks.response.group_panel import GroupPanel
from tasks.response.jackknife import blocks

LARGE = 40  # members from which announcements and trends are the same for all members
WAVES = 2  # cosines of the slow trend of each member, beside its slope
DEVIATION = 0.3  # prior standard deviation of a member's own announcement effect and trend, in logs
RIDGE = 1e-6  # prior precision of everything else, in logs: keeps what the data do not show finite
STEPS, CLOSE = 40, 1e-8  # most Newton steps, and the largest change at which they end
FARTHEST = 2.0  # most that a Newton step may change a coefficient
LEAST_SHARE = 1e-3  # least share of the price's variance that the controls must leave
MOST_IN_ONE_BLOCK = 0.5  # most of it that may lie in one block of weeks (share)
LEAST_SPREAD = 0.005  # least standard deviation of prices against the other members, in logs


class Shares(NamedTuple):
    """The within slope of a group under one curve.

    Attributes:
        slope: b, above 0 where a dearer member loses to the others.
        error: its standard error by the jackknife over blocks of weeks; infinite where there is none.
        without: slope without each block (blocks,).
        weight: log weights of the members in every week, prices apart (T, n).
        held_out: log likelihood of every block by the estimate without it (blocks,).
    """

    slope: float
    error: float
    without: np.ndarray
    weight: np.ndarray
    held_out: np.ndarray


class _Design(NamedTuple):
    """Columns of the log weights (T, n, columns), the price first, and their prior precisions (columns,)."""

    columns: np.ndarray
    precision: np.ndarray


def week_weights(panel: GroupPanel, k: float) -> np.ndarray:
    """Return what every week counts for in the likelihood, by a first estimate under one curve (T,)."""
    design, weight = _design(panel, k), np.ones(len(panel.week))
    for _ in range(2):
        weight = _week_weights(panel, design, _fitted(panel, design, weight))
    return weight


def shares_of(panel: GroupPanel, k: float, block: np.ndarray, weight: np.ndarray) -> Shares:
    """Return the within slope of a group.

    Args:
        panel: weeks of the group.
        k: curve of demand.
        block: number of each week's block, from 0 (T,).
        weight: of every week, the same for all curves, so that their likelihoods can be compared (T,).
    """
    design, count = _design(panel, k), int(block.max()) + 1
    beta = _fitted(panel, design, weight)
    score, information = _derivatives(panel, design, weight, beta, block)
    whole = information.sum(axis=0) + np.diag(design.precision)
    steps = [np.linalg.solve(whole - information[g], -score[g]) for g in range(count)]
    without = beta + np.stack(steps)  # (blocks, columns), one Newton step each
    calm = design.columns.copy()
    calm[..., 0] = 0.0
    least = LEAST_SPREAD**2 * float(weight @ panel.units.sum(axis=1))
    known = information[:, 0, 0].sum() > least and not says_nothing(information, design.precision)
    slopes = without[:, 0]
    apart = slopes - slopes.mean()
    return Shares(
        slope=float(beta[0]) if known else float("nan"),
        error=float(np.sqrt((1 - 1 / count) * apart @ apart)) if known else float("inf"),
        without=slopes,
        weight=calm @ beta,
        held_out=_held_out(panel, design, weight, without, block),
    )


def alone(panel: GroupPanel, block: np.ndarray) -> Shares:
    """Return the shares of a group of one, which has no within slope."""
    count = int(block.max()) + 1
    nothing = np.full(count, np.nan)
    weight = np.zeros((len(panel.week), 1))
    return Shares(float("nan"), float("inf"), nothing, weight, np.zeros(count))


def slow_waves(week: np.ndarray, waves: int) -> np.ndarray:
    """Return a trend and slow cosines over the weeks, each with mean square 1 (T, 1 + waves)."""
    time = (week - week.min() + 0.5) / (np.ptp(week) + 1)
    trend = np.sqrt(12) * (time - 0.5)
    cosines = [np.sqrt(2) * np.cos(np.pi * wave * time) for wave in range(2, waves + 2)]
    return np.column_stack([trend, *cosines])


def _design(panel: GroupPanel, k: float) -> _Design:
    """Return the columns: price, members, announcements, controls, deviations and trends of the members."""
    weeks, members, kinds = panel.announced.shape
    member = np.broadcast_to(np.eye(members), (weeks, members, members))
    common = [-curved(panel.ratio, k)[..., None], member, panel.announced, panel.around]
    single = [member * panel.announced[..., kind, None] for kind in range(kinds)] if members < LARGE else []
    if members < LARGE:
        waves = slow_waves(panel.week, WAVES)
        single += [member * wave[:, None, None] for wave in waves.T]
    shared, special = np.concatenate(common, axis=2), sum(part.shape[2] for part in single)
    precision = np.r_[np.full(shared.shape[2], RIDGE), np.full(special, DEVIATION**-2)]
    return _Design(np.concatenate([shared, *single], axis=2), precision)


def _probabilities(panel: GroupPanel, design: _Design, beta: np.ndarray) -> np.ndarray:
    """Return each member's share of the week by the model (T, n)."""
    utility = np.where(panel.present, design.columns @ beta, -np.inf)
    weight = np.exp(utility - utility.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _fitted(
    panel: GroupPanel, design: _Design, weight: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """Return the coefficients of the largest penalised likelihood, by Newton's method (columns,)."""
    beta = np.zeros(design.columns.shape[2]) if start is None else start
    whole = np.zeros(len(panel.week), int)
    for _ in range(STEPS):
        score, information = _derivatives(panel, design, weight, beta, whole)
        slope = score[0] - design.precision * beta
        step = np.linalg.solve(information[0] + np.diag(design.precision), slope)
        step *= min(1.0, FARTHEST / max(float(np.abs(step).max()), CLOSE))
        beta = beta + step
        if np.abs(step).max() < CLOSE:
            break
    return beta


def _derivatives(
    panel: GroupPanel, design: _Design, weight: np.ndarray, beta: np.ndarray, block: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return score (blocks, columns) and information (blocks, columns, columns) by block."""
    share, total = _probabilities(panel, design, beta), panel.units.sum(axis=1)
    middle = np.einsum("tn,tnc->tc", share, design.columns)
    apart = design.columns - middle[:, None]
    surprise = weight[:, None] * (panel.units - total[:, None] * share)
    power = (weight * total)[:, None] * share
    scores, informations = [], []
    for number in range(int(block.max()) + 1):
        rows = block == number
        columns = apart[rows].reshape(-1, apart.shape[2])
        scores.append(columns.T @ surprise[rows].ravel())
        informations.append(columns.T @ (power[rows].reshape(-1, 1) * columns))
    return np.stack(scores), np.stack(informations)


def _week_weights(panel: GroupPanel, design: _Design, beta: np.ndarray) -> np.ndarray:
    """Return 1 / (phi (1 + rho N)) of every week, from Pearson's statistic regressed on its units (T,)."""
    share, total = _probabilities(panel, design, beta), panel.units.sum(axis=1)
    members = panel.present.sum(axis=1)
    mean = np.maximum(total[:, None] * share, 1e-9)
    spare = max(0.2, 1 - design.columns.shape[2] / max(1.0, float((members - 1).sum())))
    pearson = ((panel.units - mean) ** 2 / mean).sum(axis=1) / np.maximum(members - 1, 1) / spare
    there = (total > 0) & (members > 1)
    rho = max(0.0, float(((pearson - 1) * total)[there].sum() / max((total[there] ** 2).sum(), 1e-9)))
    return np.asarray(1 / (1 + rho * total))


def _held_out(
    panel: GroupPanel, design: _Design, weight: np.ndarray, without: np.ndarray, block: np.ndarray
) -> np.ndarray:
    """Return the weighted log likelihood of every block by the coefficients without it (blocks,)."""
    likely = []
    for number, beta in enumerate(without):
        share = np.maximum(_probabilities(panel, design, beta), 1e-12)
        rows = block == number
        likely.append(float((weight[:, None] * panel.units * np.log(share))[rows].sum()))
    return np.array(likely)


def says_nothing(information: np.ndarray, precision: np.ndarray) -> bool:
    """Return whether the data do not show the first coefficient.

    That is where the other columns explain the first one, or where most of what they leave of it lies in one
    block of weeks, so that no other weeks confirm it.

    Args:
        information: of every block (blocks, columns, columns).
        precision: prior precisions (columns,).
    """
    whole = information.sum(axis=0)
    direction = np.linalg.inv(whole + np.diag(precision))[:, 0]
    beside = np.einsum("c,bcd,d->b", direction, information, direction) / direction[0] ** 2
    return bool(beside.sum() <= LEAST_SHARE * whole[0, 0] or beside.max() > MOST_IN_ONE_BLOCK * beside.sum())


def blocks_of(week: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    """Return the block of every week of a group, the same for all groups of the shop (T,).

    Args:
        week: numbers of the group's weeks (T,).
        weeks: numbers of all weeks of the shop.
    """
    number = np.unique(weeks)
    return np.asarray(blocks(number)[np.searchsorted(number, week)])
