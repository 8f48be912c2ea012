"""Causal price response of a panel: which estimator to believe, product by product, and whether it may move a price.

Beside the own price stand store effects, promotions, the rivals' prices, a yearly season with a trend, and where many products share a
store, the week: what all the others charge and sell (common correlated effects, Pesaran 2006, Econometrica 74:967). That removes what can
be seen. What cannot be seen is removed only by an instrument: a cost, or a price that was drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from expectations.columns import CATEGORY, COMPETITOR_PRICE, PRICE, PRODUCT, RANDOMISED, SERIES, STORE, UNIT_COST, UNITS, promotions
from tasks.demand.elasticities import ResponseError
from tasks.demand.panel_slopes import NOTHING, Estimate, Panel, bends_up, by_store, double_ml, fixed_effects, follows_demand, two_stage
from tasks.demand.response import ERROR, RAW, RAW_ERROR, WEEK, Rules, between_variance, shrunk, weekly

NAMED_RIVALS = 12  # products of a store and category up to which every rival has a coefficient of its own
MANY = 20  # products of a store from which the week is told by all the others
YEAR, PAIRS = 364.0 / 7, 2  # weeks of a year, and its waves
LONG = 3  # years from which a trend can be told from a season
NAMES = ("fixed_effects", "two_stage_least_squares")
STRONG = 10.0  # least first-stage F (Staiger and Stock 1997)
CONFOUNDED = 3.0  # standard errors between the methods from which the instrument is believed; and of price following demand
MAX_CHANGE = 1.5  # most that an elasticity may change between the halves of the time, unless its errors explain it
DISAGREES = 1.0  # most that double machine learning may differ, unless its errors explain it
REMEDY = "Bring a unit cost, or publish a small randomised price variation."
UNEXPLAINED = (
    "nothing in the table tells why the price moved (no promotion, no strong cost, no randomised price): "
    f"demand that nobody recorded cannot be ruled out. {REMEDY}"
)


@dataclass(frozen=True)
class Found:
    """Estimates of a product.

    Attributes:
        product, category: whose they are.
        own: slope of the whole time by fixed effects; by two-stage least squares; by double machine learning.
        halves: fixed effects and two-stage in the first and the second half of the weeks.
        rivals: elasticity to the price of each rival, where they are named.
        bends: whether units rise with the price somewhere on the ladder.
        following: covariance of price and last week's surprise, and its variance.
        stores: elasticity by store, pulled to the product's by empirical Bayes.
        rows: weeks of all stores with sales.
    """

    product: str
    category: str
    own: tuple[Estimate, Estimate, Estimate]
    halves: tuple[tuple[Estimate, Estimate], tuple[Estimate, Estimate]]
    rivals: dict[str, float]
    bends: bool
    following: tuple[float, float]
    stores: dict[str, float]
    rows: int


@dataclass(frozen=True)
class PanelResponse:
    """The answer of a panel.

    Attributes:
        table: one row per product: product_id, category, elasticity, low, high, standard_error, method, first_stage_f, first_half,
            second_half, double_ml, identified, reason, rivals, stores.
        flags: what holds for all of them, in words; none if nothing is wrong.
        promotable: whether a price may be moved on its strength.
    """

    table: pd.DataFrame
    flags: list[str]
    promotable: bool


def panel_response(sales: pd.DataFrame, period: str, rules: Rules) -> PanelResponse:
    """Return own and cross elasticities with intervals, from any table of the vocabulary: without stores, promotions or costs if need be.

    Raises:
        ResponseError: no product sells at several prices.
    """
    weeks = weekly(sales, period)
    weeks = weeks[weeks[UNITS] > 0].reset_index(drop=True)
    found = [_found(own, names, rules) for own, names in _panels(weeks)]
    if not any(np.isfinite(one.own[0].error) for one in found):
        raise ResponseError(f"price response: a product must sell at several prices. Received: {len(found)} products, none does.")
    instrumented, flags = _choice(found, bool(promotions(weeks.columns)))
    table = _table(found, int(instrumented), rules)
    table["reason"] = [_reason(row, one, rules, flags) for (_, row), one in zip(table.iterrows(), found, strict=True)]
    table["identified"] = table["reason"] == ""
    return PanelResponse(table.astype({"reason": "str"}), flags, not flags and bool(table["identified"].any()))


def _panels(weeks: pd.DataFrame) -> list[tuple[pd.DataFrame, list[str]]]:
    """Return the rows of every product with their controls, and the names of the controls."""
    told = weeks.assign(log_price=np.log(weeks[PRICE]), log_units=np.log(weeks[UNITS]))
    number = (told[WEEK] - told[WEEK].min()).dt.days // 7
    told["number"] = number
    controls = promotions(weeks.columns)
    waves = _season(number.to_numpy())
    told[[f"season_{i}" for i in range(waves.shape[1])]] = waves
    controls = [*controls, *(f"season_{i}" for i in range(waves.shape[1]))]
    if COMPETITOR_PRICE in told:
        told["competitor"] = np.log(told[COMPETITOR_PRICE]).groupby([told[name] for name in SERIES]).transform(lambda x: x.fillna(x.mean()))
        told["competitor"] = told["competitor"].fillna(0.0)
        controls.append("competitor")
    for name in ("log_price", "log_units"):
        told[f"own_{name}"] = told[name] - told.groupby(SERIES)[name].transform("mean")
    if told.groupby([STORE, WEEK]).size().median() >= MANY:
        for name in ("log_price", "log_units"):
            told[f"others_{name}"] = _others(told, f"own_{name}", [STORE, WEEK])
            controls.append(f"others_{name}")
    return [_with_rivals(own, told, controls) for _, own in told.groupby(PRODUCT, sort=True)]


def _season(number: np.ndarray) -> np.ndarray:
    """Return yearly waves and the trend of week numbers (rows, terms).

    Two years cannot tell a trend from a season, and their halves still less: a history of less than a year has only a trend, one of less
    than three only one yearly wave, a longer one has both.
    """
    span = int(number.max()) + 1
    trend = (number / max(1, span - 1) - 0.5)[:, None]
    if span < YEAR:
        return np.asarray(trend)
    angle = 2 * np.pi * number[:, None] * np.arange(1, PAIRS + 1) / YEAR
    if span < LONG * YEAR:
        return np.column_stack([np.sin(angle[:, :1]), np.cos(angle[:, :1])])
    return np.column_stack([trend, np.sin(angle), np.cos(angle)])


def _others(told: pd.DataFrame, name: str, by: list[str]) -> pd.Series:
    groups = told.groupby(by)[name]
    count = groups.transform("size") - 1
    return ((groups.transform("sum") - told[name]) / count).where(count > 0, 0.0)


def _with_rivals(own: pd.DataFrame, told: pd.DataFrame, controls: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Add the rivals' log prices: each by its name where they are few, their mean where they are many."""
    shelf = told[(told[CATEGORY] == own[CATEGORY].iloc[0]) & (told[PRODUCT] != own[PRODUCT].iloc[0])]
    names = sorted(shelf[PRODUCT].unique())
    if not 0 < len(names) < NAMED_RIVALS:
        mean = shelf.groupby([STORE, WEEK])["own_log_price"].mean().rename("rivals") if names else None
        if mean is None or "others_log_price" in controls:
            return own, controls
        joined = own.merge(mean, left_on=[STORE, WEEK], right_index=True, how="left")
        return joined.fillna({"rivals": 0.0}), [*controls, "rivals"]
    wide = shelf.pivot_table(index=[STORE, WEEK], columns=PRODUCT, values="own_log_price").reindex(columns=names)
    wide.columns = pd.Index([f"rival {name}" for name in names])
    joined = own.merge(wide, left_on=[STORE, WEEK], right_index=True, how="left")
    kept = [name for name in wide.columns if joined[name].notna().mean() > 0.5]
    return joined.fillna(dict.fromkeys(kept, 0.0)), [*controls, *kept]


def _found(own: pd.DataFrame, names: list[str], rules: Rules) -> Found:
    panel = _panel(own, names)
    if len(panel.units) < len(names) + 10:
        nothing = (NOTHING, NOTHING)
        return Found(
            str(own[PRODUCT].iloc[0]), str(own[CATEGORY].iloc[0]), (NOTHING,) * 3, (nothing, nothing), {}, False, (0, 0), {}, len(own)
        )
    one = fixed_effects(panel)
    middle = np.median(np.unique(panel.week))
    halves = [panel.take(panel.week < middle), panel.take(panel.week >= middle)]
    known = bool(np.isfinite(one.error))
    return Found(
        product=str(own[PRODUCT].iloc[0]),
        category=str(own[CATEGORY].iloc[0]),
        own=(one, two_stage(panel), double_ml(panel)),
        halves=tuple((fixed_effects(half), two_stage(half)) for half in halves),  # type: ignore[arg-type]
        rivals=_rivals(panel, names) if known else {},
        bends=known and bends_up(panel, rules.confidence),
        following=follows_demand(panel, one.slope) if known else (0.0, 0.0),
        stores=_stores(panel, own, one) if known and panel.series.max() > 0 else {},
        rows=len(own),
    )


def _panel(own: pd.DataFrame, names: list[str]) -> Panel:
    series, _ = pd.factorize(own[STORE])
    instrument = np.full(len(own), np.nan)
    for name in (UNIT_COST, RANDOMISED):
        if name in own:
            values = own[name].to_numpy(float)
            with np.errstate(divide="ignore", invalid="ignore"):
                instrument = np.where(values > 0, np.log(values), np.nan) if name == UNIT_COST else values
    return Panel(
        own["log_units"].to_numpy(), own["log_price"].to_numpy(), own[names].to_numpy(float), series, own["number"].to_numpy(), instrument
    )


def _rivals(panel: Panel, names: list[str]) -> dict[str, float]:
    """Return the elasticity to the price of every named rival: the coefficients of the same regression."""
    from tasks.demand.panel_slopes import within

    x = within(np.column_stack([panel.price, panel.controls]), panel.series)
    beta = np.linalg.lstsq(x, within(panel.units, panel.series), rcond=1e-10)[0][1:]
    return {name.removeprefix("rival "): float(value) for name, value in zip(names, beta, strict=True) if name.startswith("rival ")}


def _stores(panel: Panel, own: pd.DataFrame, pooled: Estimate) -> dict[str, float]:
    """Return elasticities by store, each pulled to the product's by how uncertain it is and how much stores truly differ."""
    slope, error = by_store(panel)
    known = np.isfinite(slope)
    if known.sum() < 2:
        return {}
    between = between_variance(slope[known], error[known], np.zeros(int(known.sum()), int))
    trust = np.where(known, between / (between + np.where(known, error, 1.0) ** 2), 0.0)
    value = pooled.slope + trust * (np.where(known, slope, pooled.slope) - pooled.slope)
    return {str(name): float(v) for name, v in zip(pd.factorize(own[STORE])[1], value, strict=True)}


def _choice(found: list[Found], explained: bool) -> tuple[bool, list[str]]:
    """Return whether the instrument is believed for all products, and what is wrong with the panel.

    An instrument is believed if it is strong for most products, in either half of the time too, and the two methods differ by more than
    chance (Hausman 1978, Econometrica 46:1251): else the fixed effects are as right, and more precise. One whose own estimates change
    more between the halves than their errors allow is none: costs that follow promotions are no cause of the price. Without an
    instrument, promotions must explain the prices.
    """
    told = [one for one in found if np.isfinite(one.own[0].error)]
    strong = [one for one in told if one.own[1].first_stage_f >= STRONG]
    usable = len(strong) >= 0.5 * len(told)
    if usable:
        gap = np.array([one.own[1].slope - one.own[0].slope for one in strong])
        variance = np.array([max(one.own[1].error ** 2 - one.own[0].error ** 2, one.own[1].error ** 2 / 4) for one in strong])
        mean, error = float(np.average(gap, weights=1 / variance)), float(1 / np.sqrt((1 / variance).sum()))
        turned = np.array([one.halves[0][1].slope - one.halves[1][1].slope for one in strong])
        errors = np.array([np.hypot(one.halves[0][1].error, one.halves[1][1].error) for one in strong])
        lasting = sum(min(half[1].first_stage_f for half in one.halves) >= STRONG for one in strong) >= 0.5 * len(told)
        steady = lasting and float(np.mean((turned / errors) ** 2)) < CONFOUNDED and float(np.median(np.abs(turned))) < MAX_CHANGE
        if abs(mean) > CONFOUNDED * error and steady:
            return True, []
    if not usable and not explained:
        return False, [UNEXPLAINED]
    covariance, variance_ = (sum(values) for values in zip(*(one.following for one in told), strict=True))
    score = covariance / np.sqrt(variance_) if variance_ > 0 else 0.0
    if score > CONFOUNDED and not usable:
        return False, [f"price follows demand: it carries last week's surprise ({score:.1f} standard errors). {REMEDY}"]
    return False, []


def _table(found: list[Found], method: int, rules: Rules) -> pd.DataFrame:
    own = [NOTHING if method and not one.own[1].first_stage_f >= STRONG else one.own[method] for one in found]
    raw = pd.DataFrame(
        {
            PRODUCT: [one.product for one in found],
            CATEGORY: [one.category for one in found],
            RAW: [told.slope for told in own],
            RAW_ERROR: [told.error for told in own],
            "method": [NAMES[method] if told is not NOTHING else "pooled" for told in own],
            "first_stage_f": [one.own[1].first_stage_f for one in found],
            "half_error": [float(np.hypot(one.halves[0][method].error, one.halves[1][method].error)) for one in found],
            "double_ml": [one.own[2].slope for one in found],
            "double_ml_error": [one.own[2].error for one in found],
            "weak": [bool(method) and told is NOTHING for told in own],
            "rivals": [one.rivals for one in found],
            "stores": [one.stores for one in found],
        }
    )
    table = pd.concat([raw, shrunk(raw)], axis=1)
    for half, name in enumerate(("first_half", "second_half")):
        told = [one.halves[half][method] for one in found]
        part = raw.assign(**{RAW: [one.slope for one in told], RAW_ERROR: [one.error for one in told]})
        table[name] = shrunk(part)["elasticity"] if np.isfinite(part[RAW_ERROR]).any() else np.nan
    return table.assign(low=table["elasticity"] - rules.z * table[ERROR], high=table["elasticity"] + rules.z * table[ERROR])


def _reason(row: pd.Series, one: Found, rules: Rules, flags: list[str]) -> str:
    """Return why an elasticity may not move a price, or nothing: sign, width, ladder, halves, instrument, the check, the panel."""
    z = float(stats.norm.ppf(0.995))
    if row["weak"]:
        return f"price and demand move together unseen, and the first-stage F is {row['first_stage_f']:.1f}, {STRONG:g} needed"
    if not np.isfinite(row[RAW_ERROR]):
        return "the price does not move by itself"
    if one.rows < rules.min_periods:
        return f"{one.rows} weeks with sales, {rules.min_periods} needed"
    if row["high"] >= 0:
        return f"the sign is not certain: {row['low']:.2f} to {row['high']:.2f}"
    if row["high"] - row["low"] > rules.max_width:
        return f"the interval is {row['high'] - row['low']:.1f} wide, at most {rules.max_width} allowed"
    if one.bends:
        return "units rise with the price in a part of the ladder"
    change = row["first_half"] - row["second_half"]
    if abs(change) > max(MAX_CHANGE, z * row["half_error"]) or not np.isfinite(change):
        return f"it changed from {row['first_half']:.2f} to {row['second_half']:.2f} between the halves of the time"
    gap = row["double_ml"] - row[RAW]
    if row["method"] == "fixed_effects" and abs(gap) > max(DISAGREES, z * np.hypot(row[RAW_ERROR], row["double_ml_error"])):
        return f"double machine learning says {row['double_ml']:.2f}, fixed effects {row[RAW]:.2f}"
    return flags[0] if flags else ""
