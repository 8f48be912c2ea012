"""A market of products, stepped together in NumPy: what the shop knows, what it decides, what buyers do.

A season has a fixed number of weekly decisions. In a week a product with price in force p0 is sold at p = ratio * p0, and buyers take

    units ~ Poisson(mu * frailty),   mu = base * exp(e * (p / p0 - 1) + reference_effect * log(remembered / p) + rival_cross * log rival)

where the frailty is Gamma with mean 1 and variance ``dispersion`` (so units are negative binomial), and e is drawn once a season from
N(elasticity, standard_error^2) below ``HIGHEST_ELASTICITY``: the shop does not know it, it only learns about it from what it sells.
The remembered price is smoothed, and moves only by prices at which something sold: a price that nobody paid anchors nobody.
Rivals answer last week's price: rival = (last / p0)^rival_reaction, relative to their price now. The last price is all that must be known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from scipy import special

from tasks.pricing.counts import expected_sales, poisson_quantile
from tasks.pricing.known_cost import trusted_costs

HIGHEST_ELASTICITY = -0.05  # raising a price never raises demand
FEATURES = (
    "last_ratio",
    "remembered",
    "weeks_left",
    "elasticity",
    "elasticity_sd",
    "surprise",
    "margin",
    "noise",
    "cover",
)
SURPRISE_MEMORY = 0.5  # weight of the past in the smoothed surprise, 1/week


class MarketError(ValueError):
    """Products, rules or actions that make no market."""


@dataclass(frozen=True)
class Products:
    """What is sold, one row per product and store.

    Attributes:
        price: price in force, currency/unit (products,).
        list_price: price before promotion, currency/unit (products,).
        unit_cost: last known, currency/unit; nan where none was ever known (products,).
        units: expected units/week at the price in force (products,).
        dispersion: variance of the gamma frailty, 0 for Poisson demand (products,).
        elasticity: estimate of the own-price elasticity (products,).
        standard_error: its uncertainty (products,).
        identified: whether the estimate may move the price (products,), bool.
        stock: units there are before the first decision, infinite where unknown (products,).
        arrivals: units that arrive after every week (products,).
        cost_stale: whether the cost is too old to be trusted (products,), bool.
    """

    price: np.ndarray
    list_price: np.ndarray
    unit_cost: np.ndarray
    units: np.ndarray
    dispersion: np.ndarray
    elasticity: np.ndarray
    standard_error: np.ndarray
    identified: np.ndarray
    stock: np.ndarray = field(default_factory=lambda: np.empty(0))
    arrivals: np.ndarray = field(default_factory=lambda: np.empty(0))
    cost_stale: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        """Refuse arrays of other lengths, and numbers without which nothing can be sold; a stock that is not told is without end."""
        for name, unknown in (("stock", np.inf), ("arrivals", 0.0), ("cost_stale", False)):
            if getattr(self, name).shape != self.price.shape and not getattr(self, name).size:
                object.__setattr__(self, name, np.full(self.price.shape, unknown))
        for each in fields(self):
            if getattr(self, each.name).shape != self.price.shape:
                raise MarketError(
                    f"Products: `{each.name}` needs a value per product, {self.price.shape}. Received: {getattr(self, each.name).shape}."
                )
        for name in ("price", "list_price", "units"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("dispersion", "standard_error", "arrivals"):
            self._check(name, getattr(self, name) >= 0, "0 or above")
        if not (self.stock >= 0).all():
            raise MarketError(
                f"Products: `stock` must be 0 or above. Received: {self.stock[~(self.stock >= 0)][0]}."
            )
        self._check("elasticity", np.isfinite(self.elasticity), "a number")

    def _check(self, name: str, holds: np.ndarray, rule: str) -> None:
        values = getattr(self, name)
        wrong = np.flatnonzero(~(holds & np.isfinite(values)))
        if wrong.size:
            raise MarketError(
                f"Products: `{name}` must be finite and {rule}. Received: {values[wrong[0]]} in row {wrong[0]}."
            )

    def __len__(self) -> int:
        """Return the number of products."""
        return len(self.price)

    @cached_property
    def cost_trusted(self) -> np.ndarray:
        """Return which costs a price may be decided on (products,), bool."""
        return trusted_costs(self.price, self.unit_cost, self.cost_stale)

    def take(self, rows: np.ndarray) -> Self:
        """Return the products of the given rows, repeated where a row is."""
        return replace(self, **{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    def believed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of the elasticity from which the season's is drawn: those of the truncated normal (products,)."""
        sd = np.maximum(self.standard_error, 1e-6)
        bound = (HIGHEST_ELASTICITY - self.elasticity) / sd
        hazard = np.exp(-0.5 * bound**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(bound))
        mean = np.minimum(self.elasticity - sd * hazard, HIGHEST_ELASTICITY)
        return mean, np.maximum(sd**2 * (1 - bound * hazard - hazard**2), 0.0)


@dataclass(frozen=True)
class Rules:
    """What holds for every product of the market.

    Attributes:
        ladder: allowed prices relative to the price in force, rising, 1 among them (actions,).
        decisions: weeks of a season.
        discount: worth of a reward one week later, 1/week.
        reference_memory: weight of the past in the remembered price, 1/week.
        reference_effect: change of log units per unit of log(remembered / price), >= 0.
        objective: ``revenue`` or ``profit``.
        markup: mark-up on cost of the cost-plus policy (share of cost).
        stated_margin: margin that cost-plus assumes where no cost is known (share of the list price).
        rival_cross: change of log units per unit of the rivals' log price, >= 0.
        rival_reaction: change of the rivals' log price per unit of the own one of last week, >= 0.
    """

    ladder: np.ndarray
    decisions: int
    discount: float
    reference_memory: float
    reference_effect: float
    objective: str
    markup: float
    stated_margin: float
    rival_cross: float = 0.0
    rival_reaction: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a ladder that does not rise or does not contain the price in force, and an unknown objective."""
        if not (np.diff(self.ladder) > 0).all() or not (self.ladder == 1.0).any():
            raise MarketError(
                f"Rules: `ladder` must rise and contain 1, the price in force. Received: {self.ladder.tolist()}."
            )
        if self.objective not in ("revenue", "profit"):
            raise MarketError(f"Rules: `objective` must be revenue or profit. Received: {self.objective}.")

    @cached_property
    def hold(self) -> int:
        """Return the action that keeps the price in force."""
        return int(np.flatnonzero(self.ladder == 1.0)[0])

    def margin(self, products: Products, ratio: np.ndarray) -> np.ndarray:
        """Return the reward per unit sold at ``ratio``, currency/unit (products, ...); 0 for profit that no trusted cost tells."""
        shape = (-1,) + (1,) * (ratio.ndim - 1)
        price = ratio * products.price.reshape(shape)
        if self.objective == "revenue":
            return price
        return np.where(products.cost_trusted.reshape(shape), price - products.unit_cost.reshape(shape), 0.0)

    def moves(self, products: Products) -> np.ndarray:
        """Return which products may take another price: identified, and not held for their cost (products,), bool."""
        costless = np.isnan(products.unit_cost) & (self.objective == "revenue")
        return np.asarray(products.identified.astype(bool) & (products.cost_trusted | costless))

    def allowed(self, products: Products) -> np.ndarray:
        """Return which actions a product may take (products, actions), bool."""
        return self.may(products, self.ladder)

    def may(self, products: Products, ratio: np.ndarray) -> np.ndarray:
        """Return whether a product may have a price: the one in force, and, if it moves, what is not below a known cost.

        Args:
            products: of the market.
            ratio: prices relative to the price in force (actions,) or (products, actions).

        Returns:
            (products, actions), bool.
        """
        covered = ~(
            ratio * products.price[:, None] < products.unit_cost[:, None]
        )  # of an unknown cost nothing is below
        return (self.moves(products)[:, None] & covered) | (ratio == 1.0)


@dataclass(frozen=True)
class View:
    """What the shop knows at the start of a week about B product environments.

    Attributes:
        products: the products, one per environment.
        week: decisions taken so far.
        ratio: price of last week, relative to the price in force (B,).
        remembered: price that buyers remember, relative to the price in force (B,).
        mean, variance: belief about the hidden elasticity (B,).
        surprise: smoothed units over what the belief expected, minus 1 (B,).
        stock: units there are, infinite where unknown (B,).
    """

    products: Products
    week: int
    ratio: np.ndarray
    remembered: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    surprise: np.ndarray
    stock: np.ndarray


class Policy(Protocol):
    """What decides the prices of a week."""

    def __call__(self, view: View, rules: Rules) -> np.ndarray:
        """Return a step of the ladder for every product environment, an allowed one (B,)."""
        ...


@dataclass(frozen=True)
class Luck:
    """What chance decides in a season, whatever the prices: two policies with the same luck meet the same buyers.

    Attributes:
        elasticity: hidden elasticity (B,).
        frailty: gamma factor on demand (weeks, B).
        uniform: quantile of the Poisson draw (weeks, B).
        rng: draws the buyers instead, where nobody needs them to be the same for another policy: training is faster so.
    """

    elasticity: np.ndarray
    frailty: np.ndarray
    uniform: np.ndarray
    rng: np.random.Generator | None = None

    def buyers(self, week: int, wanted: np.ndarray) -> np.ndarray:
        """Return how many come in a week in which so many are expected (B,)."""
        return self.rng.poisson(wanted) if self.rng else poisson_quantile(self.uniform[week], wanted)


@dataclass(frozen=True)
class Week:
    """What a week brought to B product environments.

    Attributes:
        price: currency/unit (B,).
        units: units sold (B,).
        reward: currency (B,).
        advantage: expected reward, given the hidden elasticity, over that of holding from the start; in shares of the revenue at the price
            in force (B,). The learning signal: same mean as the reward up to a constant of the product, O(1), and free of demand noise.
    """

    price: np.ndarray
    units: np.ndarray
    reward: np.ndarray
    advantage: np.ndarray


def draw_luck(products: Products, weeks: int, rng: np.random.Generator) -> Luck:
    """Draw the season of every product; elasticities by inverse transform from the truncated normal."""
    sd = np.maximum(products.standard_error, 1e-6)
    below = special.ndtr((HIGHEST_ELASTICITY - products.elasticity) / sd)
    z = special.ndtri(np.maximum(rng.random(len(products)) * below, np.finfo(float).tiny))
    shape = 1 / np.maximum(products.dispersion, 1e-9)
    size = (weeks, len(products))
    frailty = np.where(products.dispersion > 0, rng.gamma(shape, size=size) / shape, 1.0)
    return Luck(np.minimum(products.elasticity + sd * z, HIGHEST_ELASTICITY), frailty, rng.random(size))


def opening(products: Products) -> View:
    """Return what the shop knows before the first decision: the price in force is the one remembered."""
    one = np.ones(len(products))
    mean, variance = products.believed()
    return View(products, 0, one, one, mean, variance, 0 * one, products.stock)


def pull(ratio: np.ndarray, remembered: np.ndarray, last: np.ndarray, rules: Rules) -> np.ndarray | float:
    """Return the change of log units by what buyers remember and rivals answered; the arguments broadcast."""
    told: np.ndarray | float = 0.0
    if rules.reference_effect:
        told = rules.reference_effect * np.log(remembered / ratio)
    if rules.rival_cross and rules.rival_reaction:
        told = told + rules.rival_cross * rules.rival_reaction * np.log(last)
    return told


def demand_ratio(ratio: np.ndarray, elasticity: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
    """Return expected units relative to those at the price in force, remembered by all and answered by none; the arguments broadcast."""
    return np.exp(elasticity * (ratio - 1) + pull)


def step(view: View, actions: np.ndarray, luck: Luck, rules: Rules) -> tuple[View, Week]:
    """Sell for a week at the chosen steps of the ladder and return what the shop knows then, and what it earned.

    Args:
        actions: indices into the ladder (B,).

    Raises:
        MarketError: an action is not allowed to its product.
    """
    products = view.products
    ratio = rules.ladder[actions]
    if not rules.may(products, ratio[:, None]).all():
        raise MarketError(
            "step: an action must be allowed to its product. Received: a move of one that must hold, or a price below cost."
        )
    pulled = pull(ratio, view.remembered, view.ratio, rules)
    mu = products.units * demand_ratio(ratio, luck.elasticity, pulled)
    wanted = mu * luck.frailty[view.week]
    units = np.minimum(luck.buyers(view.week, wanted), np.floor(view.stock))
    margin, held = rules.margin(products, ratio), rules.margin(products, np.ones(1))
    known = np.isfinite(view.stock)
    sales = np.where(known, expected_sales(wanted, view.stock), mu) if known.any() else mu
    advantage = (margin * sales - held * products.units) / (products.price * products.units)
    return _learnt(view, ratio, pulled, units, rules), Week(
        ratio * products.price, units, margin * units, advantage
    )


def _learnt(
    view: View, ratio: np.ndarray, pulled: np.ndarray | float, units: np.ndarray, rules: Rules
) -> View:
    """Update the belief by one week: the extended Kalman step, demand linearised in e at the mean m of the belief.

    With x = ratio - 1, mu = E[units | m], h = d mu / d e = x mu and v = mu + dispersion mu^2 (variance of negative binomial units):

        gain = P h / (h^2 P + v),   m' = m + gain (units - mu),   P' = (1 - gain h) P

    Holding (x = 0) teaches nothing about the elasticity, and nor does a week that sold out: its sales are not the demand.
    """
    products, sold_out = view.products, units >= np.floor(view.stock)
    mu = products.units * demand_ratio(ratio, view.mean, pulled)
    h = (ratio - 1) * mu * ~sold_out
    gain = view.variance * h / (h**2 * view.variance + mu + products.dispersion * mu**2)
    sold = rules.reference_memory * view.remembered + (1 - rules.reference_memory) * ratio
    return View(
        products,
        view.week + 1,
        ratio,
        np.where(units > 0, sold, view.remembered),
        np.minimum(view.mean + gain * (units - mu), HIGHEST_ELASTICITY),
        (1 - gain * h) * view.variance,
        np.where(
            sold_out,
            view.surprise,
            SURPRISE_MEMORY * view.surprise + (1 - SURPRISE_MEMORY) * (units / mu - 1),
        ),
        view.stock - units + products.arrivals,
    )


def observe(view: View, rules: Rules) -> np.ndarray:
    """Return the state as the agent reads it, every entry O(1), in the order of ``FEATURES`` (B, features) float32."""
    products = view.products
    state = np.empty((len(products), len(FEATURES)), np.float32)
    state[:, 0] = 5 * (view.ratio - 1)
    state[:, 1] = 5 * (view.remembered - 1)
    state[:, 2] = 1 - view.week / rules.decisions
    state[:, 3] = 0.5 * (view.mean + 2)
    state[:, 4] = np.sqrt(view.variance)
    state[:, 5] = np.clip(view.surprise, -1, 3)
    state[:, 6] = rules.margin(products, np.ones(1)) / products.price
    state[:, 7] = np.sqrt(
        1 / products.units + products.dispersion
    )  # standard deviation of a week's units relative to their mean
    # weeks of stock, over those left
    state[:, 8] = np.minimum(view.stock / products.units / (rules.decisions - view.week + 1), 2.0) - 1
    return state
