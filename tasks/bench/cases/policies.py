"""What a policy earns in a case: exactly for the report, by simulation for the choice of the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from scipy import stats

from tasks.bench.cases.reference import ReferenceCase, reference_price
from tasks.bench.cases.stock import CaseError, StockCase, finite_stock, markdown
from tasks.bench.cases.substitutes import SubstitutesCase, substitutes
from tasks.bench.cases.worlds import (
    CaseWorld,
    ReferenceWorld,
    StockWorld,
    SubstitutesWorld,
    reference_states,
    substitutes_states,
)
from tasks.pricing.greedy import Dueling

Case = StockCase | ReferenceCase | SubstitutesCase
Weights = Mapping[str, np.ndarray]
DRAWS = 20_000  # seasons on which a checkpoint is simulated
STARTS = 200  # remembered prices from which a checkpoint is simulated
START_SPREAD = 0.25  # they lie so far around that of the case (share of the range of remembered prices)
NEGLIGIBLE = 1e-6  # discount from which on later periods are not simulated
KINDS: dict[str, Callable[[Mapping[str, Any]], Case]] = {
    "finite_stock": finite_stock,
    "markdown": markdown,
    "reference_price": reference_price,
    "substitutes": substitutes,
}


class Exam(Protocol):
    """A case, its world, and the worth of a policy in it."""

    @property
    def case(self) -> Any:
        """Return what is to be solved."""
        ...

    @property
    def world(self) -> CaseWorld:
        """Return where the agent plays."""
        ...

    def exact(self, weights: Weights) -> float:
        """Return what the greedy policy earns, exactly (currency)."""
        ...

    def simulated(self, weights: Weights) -> float:
        """Return what it earns on draws that neither the training nor the report meets (currency)."""
        ...


class StockExam:
    """A season with a stock."""

    def __init__(self, case: StockCase, environments: int, seed: int) -> None:
        """Prepare the world, and the buyers of the simulation: the same for every checkpoint."""
        self.case, self.world = case, StockWorld(case, environments)
        self._uniform = np.random.default_rng(seed).random((case.periods, DRAWS))
        most = case.mean_demand.max()
        counts = np.arange(int(most + 12 * np.sqrt(most) + 20))
        # P(buyers <= k) (T, actions, counts)
        self._below = np.asarray(stats.poisson.cdf(counts, case.mean_demand[..., None]))

    def actions(self, weights: Weights) -> np.ndarray:
        """Return the greedy price index of every period and stock (T, C + 1)."""
        states = self.world.states[:-1]
        return Dueling(weights).best(states.reshape(-1, states.shape[-1])).reshape(states.shape[:2])

    def exact(self, weights: Weights) -> float:
        """Return the expected revenue of the greedy policy, by a backward pass over every state."""
        return self.case.value(self.actions(weights))

    def simulated(self, weights: Weights) -> float:
        """Return its mean revenue over simulated seasons; common random numbers by inverse transform."""
        case, actions = self.case, self.actions(weights)
        stock, earned = np.full(DRAWS, case.stock), np.zeros(DRAWS)
        for t in range(case.periods):
            chosen = actions[t, stock]
            buyers = np.empty(DRAWS, int)
            for action in np.unique(chosen):
                rows = chosen == action
                buyers[rows] = np.searchsorted(self._below[t, action], self._uniform[t, rows])
            sold = np.minimum(buyers, stock)
            stock, earned = stock - sold, earned + case.prices[chosen] * sold
        return float((earned + case.salvage * stock).mean())


class ReferenceExam:
    """Buyers who remember prices."""

    def __init__(self, case: ReferenceCase, environments: int, seed: int) -> None:
        """Prepare the world, and the starts of the simulation."""
        self.case, self.world = case, ReferenceWorld(case, environments)
        offsets = np.random.default_rng(seed).uniform(-1, 1, STARTS)
        spread = START_SPREAD * (case.grid[-1] - case.grid[0]) * offsets
        self._starts = np.clip(case.start + spread, case.grid[0], case.grid[-1])

    def exact(self, weights: Weights) -> float:
        """Return the discounted profit of the greedy policy, rolled out from the start."""
        network = Dueling(weights)
        return self.case.value(
            lambda remembered: int(network.best(reference_states(self.case, np.array([remembered])))[0])
        )

    def simulated(self, weights: Weights) -> float:
        """Return its mean discounted profit from starts around, but not at, that of the case."""
        case, network = self.case, Dueling(weights)
        remembered, weight, total = self._starts, 1.0, np.zeros(len(self._starts))
        while weight > NEGLIGIBLE:
            price = case.prices[network.best(reference_states(case, remembered))]
            total += weight * case.reward(remembered, price)
            remembered, weight = case.after(remembered, price), weight * case.discount
        return float(total.mean())


class SubstitutesExam:
    """Products priced one after the other; nothing is random, so the simulation is exact."""

    def __init__(self, case: SubstitutesCase, environments: int) -> None:
        """Prepare the world."""
        self.case, self.world = case, SubstitutesWorld(case, environments)

    def prices(self, weights: Weights) -> np.ndarray:
        """Return the greedy prices (products,), currency/unit."""
        network, chosen = Dueling(weights), np.zeros((1, self.world.products), int)
        for product in range(self.world.products):
            allowed = self.world.may(chosen, product)
            chosen[:, product] = network.best(substitutes_states(chosen, product), allowed)
        return np.asarray(self.case.ladders[np.arange(self.world.products), chosen[0]])

    def exact(self, weights: Weights) -> float:
        """Return the joint profit of the greedy prices."""
        return float(self.case.profit(self.prices(weights)))

    simulated = exact


def exam_of(case: Case, environments: int, seed: int) -> Exam:
    """Return the exam of a case.

    Args:
        case: what is to be solved.
        environments: episodes stepped at once in training.
        seed: of the simulated draws.
    """
    if isinstance(case, StockCase):
        return StockExam(case, environments, seed)
    if isinstance(case, ReferenceCase):
        return ReferenceExam(case, environments, seed)
    return SubstitutesExam(case, environments)


def cases_of(document: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return kind and parameters of the cases of a file, by name; lists are numbered.

    Args:
        document: content of the file.

    Raises:
        CaseError: no case of a known kind.
    """
    cases: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for kind in KINDS:
        listed = document.get(kind, {}).get("cases", {})
        if not isinstance(listed, Mapping):
            listed = {f"{kind}_{number}": case for number, case in enumerate(listed, start=1)}
        cases |= {name: (kind, case.get("case", case)) for name, case in listed.items()}
    if not cases:
        raise CaseError(
            f"cases: the file must hold cases of the kinds {', '.join(KINDS)}. "
            f"Received: {', '.join(document) or 'nothing'}."
        )
    return cases
