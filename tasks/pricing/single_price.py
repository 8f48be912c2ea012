"""The next price of one product at a time: what `PolicyModel.recommend` answers to a list of one row.

All other products stay at the prices at the end of the training, so that what they are worth is known when
the policy is loaded: with one member i of a group moving, the sums over its group (``group_worth``) are

    A = rest_i + s_i w_i m_i,    I = rest_i + term_i        rest_i: the other members at ratio 1, where w = 1

What is left of a request is the curve of w_i over the steps, a state, and the forward pass of the network.

The answer is that of the whole list, bit for bit. Where arithmetic in another order could answer otherwise,
the whole list decides: two steps are worth nearly the same, the index of the shop binds, a worth is not
finite, or units on hand are known (then the other members answer to what is sold out).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import PRICE, PRODUCT, REASON, SERIES, STORE
from tasks.pricing.demand import pull
from tasks.pricing.group_worth import TINY
from tasks.pricing.listing import STILL
from tasks.pricing.recommend import (
    COST_HOLDS,
    COVERING_PRICE,
    HOLD_BEST,
    MOVED,
    NOT_IDENTIFIED,
    NOT_TRAINED,
    STEP,
    PolicyModel,
)
from tasks.pricing.rounding import chargeable, rounded_steps
from tasks.pricing.rules import NEAR
from tasks.pricing.slopes import CURVES
from tasks.pricing.state import (
    FEATURES,
    GAIN_SCALE,
    RATIO_SCALE,
    REWARD_SCALE,
    observe,
    opening,
    room,
)

TIE = 1e-4  # of the largest Q-value; 32-bit sums in another order differ by some 1e-6 of it
LEAST_PRICE = 5e-324  # currency/unit; every cost is above it
_PLACE = {name: place for place, name in enumerate(FEATURES)}


class Decision(NamedTuple):
    """The next price of a product (currency/unit), relative to the one in force, and why."""

    price: float
    step: float
    reason: str


class SinglePrice:
    """Answers for one product beside the others at the prices of the end of the training."""

    def __init__(self, model: PolicyModel, decimals: int | None = None) -> None:
        """Compute what does not depend on a request.

        Args:
            model: the policy and its market.
            decimals: of a price; none: prices are not rounded.
        """
        self._model, self._decimals = model, decimals
        keys = model.market[SERIES].astype(str).itertuples(index=False, name=None)
        self._row = {key: row for row, key in enumerate(keys)}
        self._compute_products()
        self._compute_groups()

    def __call__(self, product: str, store: str, price: float) -> Decision:
        """Return the next price of a product.

        Args:
            product, store: of the market; another one keeps its price.
            price: in force now, finite and above 0 (currency/unit).
        """
        row = self._row.get((product, store))
        if row is None:
            return Decision(price, 1.0, NOT_TRAINED)
        held = self._held(row, price)
        if held:
            return Decision(price, 1.0, held)
        step = None if self._stocked else self._step(row, price)
        if step is None:
            return self._listed(product, store, price)
        reason = (HOLD_BEST if step == 1.0 else MOVED) if self._identified[row] else NOT_IDENTIFIED
        return Decision(price * step, step, reason)

    def _compute_products(self) -> None:
        """Keep what every product has of its own, by row of the market."""
        model, products = self._model, self._model.products
        rows = model.market[[*SERIES, PRICE]]
        dear, cheap = (model.costs(rows.assign(**{PRICE: price})) for price in (LEAST_PRICE, np.inf))
        self._holds = (
            dear[COST_HOLDS].tolist(),
            cheap[COST_HOLDS].tolist(),
        )  # the cost not below, below
        self._covering = dear[COVERING_PRICE].to_numpy()
        self._identified = products.identified.astype(bool)
        self._moves = model.rules.moves(products)
        self._lowest = np.fmax(products.lowest, model.rules.floor(products))
        self._steps = model.rules.steps(products)
        self._revenue = products.price * products.units
        self._all_revenue = self._revenue.sum()

    def _compute_groups(self) -> None:
        """Keep what the other members of every group are worth, and the state at the end of the training."""
        products, rules = self._model.products, self._model.rules
        view, unmoved = opening(products), np.ones(len(products))
        answer = view.believed
        earned = products.share * rules.margin(products, unmoved)
        terms = answer.terms(products, unmoved, unmoved)
        self._rest = products.group_sum(earned) - earned
        self._rest_terms = [products.group_sum(term) - term for term in terms]
        self._powers = answer.powers(products)
        self._group_units = products.group_sum(products.units)
        self._curves = [
            (k, weight * products.anchor**k) for k, weight in zip(CURVES, answer.curve, strict=True) if weight
        ]
        self._within = answer.within
        self._states = observe(view, rules)
        self._stocked = bool(np.isfinite(view.stock).any())

    def _held(self, row: int, price: float) -> str:
        """Return why a product holds for what is known of its cost, empty where it need not."""
        return str(self._holds[not self._covering[row] >= price][row])

    def _step(self, row: int, price: float) -> float | None:
        """Return the best step of a product relative to its price in force; none: the list decides."""
        rules, base = self._model.rules, self._model.products.price[row]
        ratio = price / base
        ratios = self._candidates(ratio, base)
        may = self._may(row, ratio, ratios)
        if np.count_nonzero(may) == 1:
            return 1.0
        q, worth = self._worths(row, ratio, ratios)
        best = int(np.where(may, worth, -np.inf).argmax())
        others = q[may & (np.abs(ratios - ratios[best]) > NEAR * ratio)]  # steps to the same price are one
        if others.size and not q[best] - others.max() > TIE * max(1.0, abs(q[best]), np.abs(others).max()):
            return None
        if best != rules.hold and not self._inside_band(row, ratio, ratios[best]):
            return None
        step = float(ratios[best] / ratio)
        return 1.0 if abs(step - 1) <= NEAR else step

    def _candidates(self, ratio: float, base: float) -> np.ndarray:
        """Return the prices that the steps lead to, relative to that of the training's end (actions,)."""
        rules = self._model.rules
        if self._decimals is None:
            return ratio * rules.ladder
        return np.asarray(rounded_steps(np.array([ratio * base]), rules, self._decimals)[0] / base)

    def _may(self, row: int, ratio: float, ratios: np.ndarray) -> np.ndarray:
        """Return which prices the product may have, as ``Rules.may`` and a list's plan say (actions,)."""
        products, rules = self._model.products, self._model.rules
        base = products.price[row]
        before, price = ratio * base, ratios * base
        low = min(max(self._lowest[row], before * (1 - self._steps[row])), before)
        high = max(min(products.highest[row], before * (1 + self._steps[row])), before)
        may = np.abs(ratios - ratio) <= NEAR * ratio
        if self._moves[row]:
            may |= (price >= low * (1 - NEAR)) & (price <= high * (1 + NEAR))
        if self._decimals is not None:
            floor = self._covering[row : row + 1]
            may &= chargeable(price.round(self._decimals)[None], np.array([before]), floor, rules)[0]
        may[rules.hold] = True
        return np.asarray(may)

    def _worths(self, row: int, ratio: float, ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the Q-values of the steps, and what they are worth with the bonus of keeping a price."""
        model, rules = self._model, self._model.rules
        state, actions = self._states[row].copy(), len(rules.ladder)
        worths = self._known(row, ratio, np.concatenate(([1.0, ratio], ratios)))
        kept, gains = worths[0], worths[1:] - worths[0]
        state[:actions] = REWARD_SCALE * (kept + gains / max(rules.later[0], 1.0))
        products, price = model.products, ratio * model.products.price[row]
        moving = state[actions:]
        moving[_PLACE["gain_down"]], moving[_PLACE["gain_up"]] = GAIN_SCALE * gains[0], GAIN_SCALE * gains[-1]
        moving[_PLACE["price"]] = RATIO_SCALE * np.log(ratio)
        moving[_PLACE["room_down"]] = RATIO_SCALE * room(price, self._lowest[row])
        moving[_PLACE["room_up"]] = RATIO_SCALE * room(products.highest[row], price)
        moving[_PLACE["margin"]] = self._margin(row, ratio) / price
        q = model.policy.q_values(state[None])[0]
        return q, q * rules.later[0] / REWARD_SCALE + STILL * (rules.ladder == 1.0)

    def _known(self, row: int, ratio: float, ratios: np.ndarray) -> np.ndarray:
        """Return what prices but the first change of the group's earnings over having the first one.

        It is in weekly revenue of the product, as ``expected_worths`` says.

        Args:
            row: of the product.
            ratio: price in force.
            ratios: prices; the first is that of the training's end, which pulls nobody (prices,).
        """
        rules, share = self._model.rules, self._model.products.share[row]
        pulled = np.zeros(len(ratios))
        pulled[1:] = pull(ratios[1:], ratio, ratio, rules)
        attraction = np.exp(pulled - self._within[row] * self._change(row, ratios))
        worth = self._rest[row] + share * attraction * self._margin(row, ratios)
        shares = (share * attraction, self._model.products.revenue_share[row] * ratios * attraction)
        for rest, term, power in zip(self._rest_terms, shares, self._powers, strict=True):
            if power[row]:
                worth = worth * np.maximum(rest[row] + term, TINY) ** power[row]
        worth = self._group_units[row] * worth
        return np.asarray((worth[1:] - worth[0]) / self._revenue[row])

    def _change(self, row: int, ratios: np.ndarray) -> np.ndarray:
        """Return x of the product, as ``Answer.change`` does (prices,)."""
        total = np.zeros(len(ratios))
        for k, scale in self._curves:
            total += scale[row] * (np.log(ratios) if k == 0 else (ratios**k - 1) / k)
        return total

    def _margin(self, row: int, ratio: np.ndarray | float) -> np.ndarray | float:
        """Return the reward per unit sold, as ``Rules.margin`` does, currency/unit."""
        products = self._model.products
        price = ratio * products.price[row]
        if self._model.rules.objective == "revenue":
            return price
        if not products.cost_trusted[row]:
            return 0.0 * price
        return price / (1 + products.tax_rate[row]) - products.unit_cost[row]

    def _inside_band(self, row: int, ratio: float, chosen: float) -> bool:
        """Return whether the index of the shop is surely free of its band after a step."""
        revenue = self._revenue[row]
        low, high = self._model.rules.index_room(revenue * np.log(ratio) / self._all_revenue)
        moved = revenue * ratio
        change = moved / (self._all_revenue - revenue + moved) * np.log(chosen / ratio)
        return bool(low < change < high)

    def _listed(self, product: str, store: str, price: float) -> Decision:
        """Return the decision of the whole list."""
        row = pd.DataFrame({PRODUCT: [product], STORE: [store], PRICE: [price]})
        answer = self._model.recommend(row, decimals=self._decimals).iloc[0]
        return Decision(float(answer[PRICE]), float(answer[STEP]), str(answer[REASON]))
