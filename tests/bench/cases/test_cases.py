"""Cases whose optimum is worked by hand, and an agent that finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from tasks.bench.cases.closed_forms import FormError, best_price
from tasks.bench.cases.policies import StockExam, cases_of, exam_of
from tasks.bench.cases.reference import reference_price
from tasks.bench.cases.stock import CaseError, StockCase, finite_stock, markdown
from tasks.bench.cases.substitutes import substitutes
from tasks.bench.cases.worlds import CaseWorld, StockWorld, fluid_bound, stock_gains
from tasks.bench.cases.yardsticks import fitted_programme, fluid_again, tabular_q
from tasks.pricing.dqn import Plan, train

SCARCE = {
    "kind": "exp",
    "a": 2.0,
    "b": 0.05,
    "stock": 3,
    "periods": 6,
    "price_min": 10.0,
    "price_max": 70.0,
    "prices": 7,
}
BUYERS = {
    "a": 100.0,
    "b": 2.0,
    "bg": 6.0,
    "bl": 1.5,
    "al": 0.7,
    "g": 0.95,
    "cost": 10.0,
    "lo": 20.0,
    "hi": 36.0,
    "m": 9,
    "r0": 28.0,
}
LOGIT = {"demand": "mnl", "parameters": {"u": [4.0, 3.0, 2.0], "b": 0.2, "c": [12.0, 8.0, 9.0], "M": 100}}
SMALL = Plan(
    hidden=(32, 32),
    environments=256,
    environment_steps=150_000,
    replay=50_000,
    batch=512,
    gradient_steps=2,
    learning_rate=0.003,
    target_averaging=0.01,
    exploration=0.05,
    n_step=2,
    evaluations=10,
    evaluation_draws=0,
)


def test_two_periods_and_one_unit_worked_by_hand() -> None:
    case = StockCase(np.array([1.0, 2.0]), np.array([[np.log(2), np.log(4 / 3)]] * 2), stock=1)
    # a buyer comes with 1/2 at price 1, with 1/4 at price 2: 1/2 at the end, then max(1/2 + 1/4, 1/2 + 3/8)
    assert case.optimal[0] == pytest.approx(7 / 8)
    assert case.optimal[1][0, 1] == 1, "with a second chance to come, wait for the dear one"
    assert case.baselines()["random"] == pytest.approx(0.5 + (1 - 3 / 8) * 0.5)


def test_the_exact_programme_is_that_of_a_slow_recursion() -> None:
    case = finite_stock(SCARCE)

    def slow(t: int, s: int) -> float:
        if t == case.periods or s == 0:
            return 0.0
        worth = []
        for price, mean in zip(case.prices, case.mean_demand[t], strict=True):
            sales = [(k, stats.poisson.pmf(k, mean)) for k in range(s)] + [(s, stats.poisson.sf(s - 1, mean))]
            worth.append(sum(p * (price * k + slow_at(t + 1, s - k)) for k, p in sales))
        return float(max(worth))

    seen: dict[tuple[int, int], float] = {}

    def slow_at(t: int, s: int) -> float:
        if (t, s) not in seen:
            seen[t, s] = slow(t, s)
        return seen[t, s]

    assert case.optimal[0] == pytest.approx(slow_at(0, 3), rel=1e-12)


def test_prices_that_only_fall_earn_no_more_and_no_less_than_a_fixed_one() -> None:
    season = {
        "T": 6,
        "C": 20,
        "p0": 50.0,
        "base": 5.0,
        "e": 2.0,
        "amp": 0.5,
        "salvage": 10.0,
        "ladder": [1, 0.8, 0.6, 0.4],
    }
    case = markdown(season)
    assert case.baselines()["best_fixed"] <= case.never_up() <= case.optimal[0]


def test_gains_over_the_fluid_bound_add_up_to_the_season_s_revenue() -> None:
    case = finite_stock(SCARCE)
    gains, worth = stock_gains(case), np.zeros(case.stock + 1)
    for t in reversed(range(case.periods)):
        q = gains[t] + np.einsum(
            "ask,sk->sa", case.sales[t], worth[np.maximum(np.arange(4)[:, None] - np.arange(4), 0)]
        )
        worth = q.max(axis=1)
    assert worth[-1] + fluid_bound(case)[0, -1] == pytest.approx(case.optimal[0])


def test_a_season_conserves_stock() -> None:
    world = StockWorld(finite_stock(SCARCE), 500)
    world.reset(seed=3)
    rng, before = np.random.default_rng(0), world.stock.copy()
    for _ in range(world.decisions):
        world.step(rng.integers(world.actions, size=500))
        assert ((world.stock >= 0) & (world.stock <= before)).all()
        before = world.stock.copy()


def test_the_optimal_path_of_gain_seeking_buyers_beats_every_fixed_price() -> None:
    case = reference_price(BUYERS)
    baselines = case.baselines()
    assert case.optimal[0] > 1.05 * baselines["best_fixed"]
    neutral = reference_price({**BUYERS, "bg": 1.5})
    # In all periods the price that is remembered at the start; discounted, they count 1 / (1 - 0.95) = 20.
    held = 20 * (28 - 10) * (100 - 2 * 28)
    assert neutral.baselines()["best_fixed"] == pytest.approx(held)


def test_demand_that_is_clipped_at_zero_on_the_ladder_is_refused() -> None:
    with pytest.raises(CaseError, match="demand must be above 0 for every price"):
        reference_price({**BUYERS, "hi": 60.0})
    with pytest.raises(CaseError, match="demand must be 0 or above at every price of the ladder"):
        finite_stock({**SCARCE, "kind": "lin", "b": 0.05})


def test_the_logit_optimum_has_equal_markups_and_no_better_neighbour() -> None:
    case = substitutes(LOGIT)
    profit, prices = case.optimal
    assert np.ptp(prices - case.costs) < 1e-9
    search = optimize.minimize(
        lambda p: -case.profit(p), prices + 1, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}
    )
    assert profit == pytest.approx(-search.fun, rel=1e-8)
    baselines = case.baselines()
    assert baselines["random"] < baselines["myopic"] < baselines["best_fixed"] <= profit


@pytest.mark.parametrize(
    ("demand", "parameters", "units"),
    [
        ("constant_elasticity", {"A": 1000, "e": 2.0, "c": 10.0}, lambda p: 1000 * p**-2.0),
        ("logit", {"M": 100, "u": 3.0, "b": 0.2, "c": 10.0}, lambda p: 100 / (1 + np.exp(0.2 * p - 3))),
        ("linear", {"a": 100, "b": 2.0, "c": 10.0}, lambda p: 100 - 2 * p),
        ("exponential", {"a": 100, "b": 0.1, "c": 5.0}, lambda p: 100 * np.exp(-0.1 * p)),
    ],
)
def test_a_closed_form_agrees_with_a_search(
    demand: str, parameters: dict[str, float], units: Callable[[float], float]
) -> None:
    best, cost = best_price(demand, parameters), parameters["c"]
    search = optimize.minimize_scalar(lambda p: -(p - cost) * units(p), bounds=(cost, 60), method="bounded")
    assert best.price == pytest.approx(search.x, rel=1e-4)
    assert best.profit == pytest.approx(-search.fun)


def test_demand_that_is_not_elastic_has_no_best_price() -> None:
    with pytest.raises(FormError, match="`e` must be above 1"):
        best_price("constant_elasticity", {"A": 1, "e": 0.9, "c": 1.0})


def test_simulated_seasons_are_drawn_by_their_seed_and_agree_with_the_exact_value() -> None:
    exam = exam_of(finite_stock(SCARCE), 8, seed=5)
    assert isinstance(exam, StockExam)
    rng = np.random.default_rng(0)
    weights = {"hidden_0.kernel": rng.normal(size=(exam.world.features, 8)), "hidden_0.bias": np.zeros(8)}
    weights |= {"value.kernel": np.zeros((8, 1)), "value.bias": np.zeros(1)}
    weights |= {"advantage.kernel": rng.normal(size=(8, 7)), "advantage.bias": np.zeros(7)}
    exact, simulated, other = (
        exam.exact(weights),
        exam.simulated(weights),
        exam_of(exam.case, 8, seed=6).simulated(weights),
    )
    assert simulated == pytest.approx(exact, rel=0.02)
    assert simulated == exam.simulated(weights) != other


def test_yardsticks_earn_between_random_and_the_optimum() -> None:
    case = finite_stock(SCARCE)
    random, rng = case.baselines()["random"], np.random.default_rng(1)
    for value in (
        fluid_again(StockWorld(case, 1)),
        fitted_programme(case, 5, rng),
        tabular_q(case, 3000, rng),
    ):
        assert random < value <= case.optimal[0] + 1e-9


def test_lists_of_cases_are_numbered_and_strange_files_refused() -> None:
    cases = cases_of({"finite_stock": {"cases": {"A": {"case": SCARCE}}}, "substitutes": {"cases": [LOGIT]}})
    assert {name: kind for name, (kind, _) in cases.items()} == {
        "A": "finite_stock",
        "substitutes_1": "substitutes",
    }
    with pytest.raises(CaseError, match="must hold cases of the kinds finite_stock"):
        cases_of({"something": 1})


class TwoStates(CaseWorld):
    """Action 1 moves from state 0 to 1 and costs 1; in state 1 action 0 pays 3. Greed takes 0.5 at once."""

    def __init__(self, environments: int) -> None:
        super().__init__(environments, features=3, actions=2, decisions=2, discount=1.0, goes_on=False)
        self.state = np.zeros(environments, int)

    def _open(self) -> None:
        self.state = np.zeros(self.num_envs, int)

    def _sell(self, actions: np.ndarray) -> np.ndarray:
        reward = np.where(
            self.state == 0, np.where(actions == 1, -1.0, 0.5), np.where(actions == 0, 3.0, 0.0)
        )
        self.state = np.where(actions == 1, 1, self.state)
        return reward

    def _observe(self) -> np.ndarray:
        return np.column_stack(
            [self.state == 0, self.state == 1, np.full(self.num_envs, self.period / 2)]
        ).astype(np.float32)


@pytest.mark.slow
def test_the_agent_solves_a_world_of_two_states_exactly() -> None:
    from tasks.pricing.greedy import Dueling

    plan = replace(SMALL, environment_steps=40_000, environments=64, batch=64)
    record = list(train(TwoStates(64), lambda _: 0.0, plan, seed=1))[-1]
    q = Dueling(record.weights).q_values(np.array([[1, 0, 0], [1, 0, 0.5], [0, 1, 0.5]], np.float32))
    np.testing.assert_allclose(q, [[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], atol=0.05)


@pytest.mark.slow
def test_the_agent_sells_a_scarce_stock_nearly_as_well_as_the_exact_programme() -> None:
    exam = exam_of(finite_stock(SCARCE), SMALL.environments, seed=7)
    best = [record for record in train(exam.world, exam.simulated, SMALL, seed=2) if record.best][-1]
    assert exam.exact(best.weights) > max(0.985 * exam.case.optimal[0], exam.case.baselines()["best_fixed"])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights() -> None:
    plan = replace(SMALL, environment_steps=10_000, evaluations=1)
    first, second = (
        list(train(StockWorld(finite_stock(SCARCE), 256), lambda _: 0.0, plan, seed=3))[-1].weights
        for _ in range(2)
    )
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
