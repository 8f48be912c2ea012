"""The two slopes of every substitute group and the curve, with posterior draws of what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    DATE,
    HIGH,
    IDENTIFIED,
    LOW,
    PRICE,
    PRODUCT,
    REASON,
    SERIES,
    STORE,
    UNITS,
)
from tasks.response.bounds import BoundedWeeks, bounded_weeks
from tasks.response.curves import CURVES
from tasks.response.elasticities import PanelResponse
from tasks.response.group_demand import GROUP, REFERENCE, GroupDemand, demand_of, interval
from tasks.response.group_estimates import Fit, blocks_of_shop, curves_of, draws_of, fit_of
from tasks.response.group_links import Links, kappas_of, links_of, no_links
from tasks.response.group_panel import GroupPanel, group_panels
from tasks.response.group_shares import week_weights
from tasks.response.identification import Identification
from tasks.response.weeks import WEEK

WITHIN, WHOLE, CURVE = "within", "whole", "curve"  # draws of the slopes b and eta, and of k
BY_REVENUE = "by_revenue"  # draws: whether buyers who switch keep money or units
LINK, CROSS = "link", "cross"  # groups that receive and cause, and draws of the answer of one to the other
PROBABILITY = "probability"  # that two groups are linked at all
LINK_DRAWS = 1  # beside the seed, root of the draws of the links: other draws stay the same without them
DRAWS = 200  # posterior draws
FORM_ERROR = 0.2
"""Standard deviation of the error of all group slopes by the form of demand: in simulated shops they come out
0.4 too low where groups saturate (logit), 0.5 too high where demand is linear."""
RECENT_WEEKS = 8  # from whose mean the base units come


@dataclass(frozen=True, kw_only=True)
class GroupResponse:
    """How substitute groups answer prices.

    Attributes:
        table: a row per group: group, store_id, category, members, within and whole with their intervals,
            whether the group shows its own slope (identified), and the reason where it does not.
        products: a row per product and store: product_id, store_id, group, reference, price in force, and the
            units a week that sell at it.
        links: a row per pair of groups that may steal from each other or sell each other: store_id, category,
            other_category, probability that they are linked, cross elasticity of the group's units to the
            prices of the other, with its interval, and likewise other_cross; the most probable first.
        draws: of the within slopes (draws, groups), the group slopes (draws, groups), the curve (draws,) and
            what groups answer to others (draws, links); groups that receive and cause (2, links).
        refusal: why the data do not show how groups answer their prices; empty where they do.
    """

    table: pd.DataFrame
    products: pd.DataFrame
    links: pd.DataFrame
    draws: dict[str, np.ndarray]
    refusal: str

    @property
    def figures(self) -> dict[str, float]:
        """Return the headline figures by metric name."""
        return {
            "groups": len(self.table),
            "groups_identified": int(self.table[IDENTIFIED].sum()),
            "within_slope": float(self.table[WITHIN].mean()),
            "group_slope": float(self.table[WHOLE].mean()),
            "curve": float(self.draws[CURVE].mean()),
            "group_links": float(self.links[PROBABILITY].sum()),
        }

    @property
    def headline(self) -> str:
        """Return the two slopes in a sentence."""
        within, whole = self.table[WITHIN].mean(), self.table[WHOLE].mean()
        slopes = f"mean price slope within them {within:.2f}, of a group as a whole {whole:.2f}"
        doubt = f" (not identified: {self.refusal})" if self.refusal else ""
        linked = int((self.links[PROBABILITY] > 1 / 2).sum())
        links = f", {linked} pairs of them linked" if linked else ""
        return f"substitute groups: {len(self.table)}, {slopes}{links}{doubt}"

    @property
    def demand(self) -> GroupDemand:
        """Return the demand at the prices in force."""
        return demand_of(self.products, self.draws)


def group_response(
    sales: pd.DataFrame,
    period: str,
    identification: Identification,
    response: PanelResponse,
    *,
    seed: int,
    bounded: BoundedWeeks | None = None,
) -> GroupResponse:
    """Return the slopes of all substitute groups.

    Args:
        sales: sales table.
        period: ``D`` for days, ``W`` for weeks.
        identification: when a slope counts as identified.
        response: of the products alone. Where it takes prices to answer demand that is not in the table, an
            instrument tells how demand answers or, without one, no group is identified.
        seed: of the posterior draws.
        bounded: weeks of the sales table with bounded influence; by default they are bounded anew.
    """
    rng = np.random.default_rng(seed)
    weeks = (bounded or bounded_weeks(sales, period)).table
    flags, panels = response.flags, group_panels(weeks, response.instrumented)
    together = np.array([len(panel.products) > 1 for panel in panels])
    estimates = _estimates(panels, together, rng, seed)
    fit, links = estimates.likeliest, estimates.links
    draws = {**_draws(estimates, together, rng), LINK: links.ends.T, CROSS: links.cross}
    reasons = [_reason(fit, group, identification, flags) for group in range(len(panels))]
    return GroupResponse(
        table=_table(panels, draws, reasons, identification.confidence),
        products=_at_prices_in_force(_recent(panels, weeks), draws, sales),
        links=_link_table(panels, links, identification.confidence),
        draws=draws,
        refusal=_refusal(fit, draws[WHOLE], together, identification, flags),
    )


class _Estimates(NamedTuple):
    """Slopes of all groups under every curve, draws of the curve (draws,), and the links between groups."""

    fits: list[Fit]
    curve: np.ndarray
    links: Links

    @property
    def likeliest(self) -> Fit:
        """Return the slopes under the curve that most draws have."""
        return self.fits[int(np.bincount(np.searchsorted(CURVES, self.curve)).argmax())]


def _estimates(
    panels: list[GroupPanel], together: np.ndarray, rng: np.random.Generator, seed: int
) -> _Estimates:
    """Return slopes, curve and links; slopes of linked groups hold each other's prices fixed."""
    blocks = blocks_of_shop(panels)
    weights = [
        week_weights(panel, CURVES[1]) if several else None
        for panel, several in zip(panels, together, strict=True)
    ]
    fits = [fit_of(panels, blocks, weights, k) for k in CURVES]
    curve = curves_of(np.stack([fit.held_out for fit in fits]), DRAWS, rng)
    unlinked = _Estimates(fits, curve, no_links(DRAWS))
    fit = unlinked.likeliest
    kappas = kappas_of(panels, fit.totals, fit.indices, blocks)
    links = links_of(kappas, DRAWS, np.random.default_rng([seed, LINK_DRAWS]))
    if not len(links.pair):
        return unlinked
    return _Estimates([fit_of(panels, blocks, weights, k, links.ends) for k in CURVES], curve, links)


def _draws(estimates: _Estimates, together: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return draws of the slopes, those of every draw under its curve.

    Args:
        estimates: slopes of all groups under every curve, and draws of the curve.
        together: which groups have several members (groups,), bool.
        rng: source of all draws.
    """
    curve = estimates.curve
    drawn = [draws_of(fit, together, DRAWS, rng, FORM_ERROR) for fit in estimates.fits]
    place, rows = np.searchsorted(CURVES, curve), np.arange(DRAWS)
    return {
        WITHIN: np.stack([within for within, _ in drawn])[place, rows],
        WHOLE: np.stack([whole for _, whole in drawn])[place, rows],
        CURVE: curve,
        BY_REVENUE: (rows % 2).astype(float),
    }


def _refusal(
    fit: Fit, whole: np.ndarray, together: np.ndarray, identification: Identification, flags: list[str]
) -> str:
    """Return why the data do not show how groups of the shop answer their prices; empty where they do.

    What counts is the mean over the groups: its interval is what a claim about the whole list stands on.
    """
    if flags:
        return flags[0]
    groups = together if together.any() else ~together
    if not (fit.whole.known & groups).any():
        return "no group's price index moves enough beside its announcements and seasons"
    low, high = interval(whole[:, groups].mean(axis=1), identification.confidence)
    most = identification.max_width
    if high - low > most:
        return f"the interval of the mean group slope is {high - low:.1f} wide, at most {most:g} allowed"
    return ""


def _reason(fit: Fit, group: int, identification: Identification, flags: list[str]) -> str:
    """Return why a group takes the pooled slope instead of its own; empty where its own is known."""
    if flags:
        return flags[0]
    if not fit.whole.known[group]:
        return "its price index does not move enough by itself: it has the pooled slope"
    width = 2 * identification.z * fit.whole.error[group]
    if width > identification.max_width:
        return f"its own interval is {width:.1f} wide: it has little but the pooled slope"
    return ""


def _table(
    panels: list[GroupPanel], draws: dict[str, np.ndarray], reasons: list[str], confidence: float
) -> pd.DataFrame:
    """Return a row per group."""
    table = pd.DataFrame(
        {
            GROUP: range(len(panels)),
            STORE: [panel.store for panel in panels],
            CATEGORY: [panel.category for panel in panels],
            "members": [len(panel.products) for panel in panels],
        }
    )
    for name in (WITHIN, WHOLE):
        low, high = interval(draws[name], confidence)
        table[name], table[f"{name}_{LOW}"], table[f"{name}_{HIGH}"] = draws[name].mean(axis=0), low, high
    table[IDENTIFIED], table[REASON] = [not reason for reason in reasons], pd.Series(reasons, dtype="str")
    return table


def _link_table(panels: list[GroupPanel], links: Links, confidence: float) -> pd.DataFrame:
    """Return a row per link, in both directions."""
    table = pd.DataFrame(
        {
            STORE: [panels[group].store for group in links.pair[:, 0]],
            CATEGORY: [panels[group].category for group in links.pair[:, 0]],
            f"other_{CATEGORY}": [panels[group].category for group in links.pair[:, 1]],
            PROBABILITY: links.probability,
        }
    )
    forward, backward = np.split(links.cross, 2, axis=1)
    for name, cross in ((CROSS, forward), (f"other_{CROSS}", backward)):
        low, high = interval(cross, confidence)
        table[name], table[f"{name}_{LOW}"], table[f"{name}_{HIGH}"] = cross.mean(axis=0), low, high
    return table.sort_values(PROBABILITY, ascending=False, ignore_index=True)


def _recent(panels: list[GroupPanel], weeks: pd.DataFrame) -> pd.DataFrame:
    """Return the products with group, reference price, and mean price and units of the last weeks."""
    products = pd.DataFrame(
        {
            PRODUCT: np.concatenate([panel.products for panel in panels]),
            STORE: np.repeat([panel.store for panel in panels], [len(panel.products) for panel in panels]),
            GROUP: np.repeat(range(len(panels)), [len(panel.products) for panel in panels]),
            REFERENCE: np.concatenate([panel.reference for panel in panels]),
        }
    )
    last = weeks[weeks[WEEK] > weeks[WEEK].max() - pd.Timedelta(weeks=RECENT_WEEKS)]
    sold = last.assign(amount=last[UNITS] * last[PRICE]).groupby(SERIES)[[UNITS, "amount", PRICE]]
    means = sold.mean()
    means[PRICE] = (means["amount"] / means[UNITS]).fillna(means[PRICE])
    recent = products.merge(means[[UNITS, PRICE]], left_on=SERIES, right_index=True, how="left")
    return recent.fillna({UNITS: 0.0}).assign(**{PRICE: recent[PRICE].fillna(recent[REFERENCE])})


def _at_prices_in_force(
    products: pd.DataFrame, draws: dict[str, np.ndarray], sales: pd.DataFrame
) -> pd.DataFrame:
    """Return the products with the prices in force and the units a week that they sell at them."""
    last = sales.sort_values(DATE).groupby(SERIES)[PRICE].last().rename("in_force")
    in_force = products.merge(last, left_on=SERIES, right_index=True, how="left")["in_force"]
    prices = in_force.fillna(products[PRICE]).to_numpy(float)
    units = demand_of(products, draws).units_of_list(prices).mean(axis=0)
    return products.assign(**{PRICE: prices, UNITS: units})
