"""Pictures of the forecast."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from expectations.columns import CATEGORY, DATE, HORIZON, MODEL, PRODUCT, SERIES, UNITS, quantile_name
from tasks.demand.coverage import CENTRAL, Transforms
from tasks.demand.explanation import LEVEL, PARTS

COLOURS = {
    "seasonal_naive": "#b0b0b0",
    "ets": "#7f7f7f",
    "arima": "#4c78a8",
    "lstm": "#f58518",
    "blend": "#54a24b",
}
MEDIAN = quantile_name(0.5)
SHOWN = 6  # series in the picture of the bands
CATEGORIES = 14  # categories in the picture of their errors
BINS = 10  # of the histogram of probability integral transforms
CLASS_COLOURS = {"all": "#54a24b", "slow": "#b279a2", "rest": "#4c78a8"}
PART_COLOURS = dict(zip(PARTS, ("#72b7b2", "#4c78a8", "#e45756", "#b279a2"), strict=True))


def explanation(explained: pd.DataFrame) -> Figure:
    """Draw what season, price, promotion and rivals add to the forecasts of a few series, as stacked bars.

    Args:
        explained: of one model, as ``DemandModel.explain`` returns it.
    """
    series = [tuple(row) for row in explained[SERIES].drop_duplicates().itertuples(index=False)]
    columns = min(3, len(series))
    figure = Figure(figsize=(4.4 * columns, 3.2 * -(-len(series) // columns) + 0.6), layout="constrained")
    for axis, key in zip(
        figure.subplots(-(-len(series) // columns), columns, squeeze=False).flat, series, strict=False
    ):
        of_series = explained[(explained[PRODUCT] == key[0]) & (explained[SERIES[1]] == key[1])].sort_values(
            DATE
        )
        place = np.arange(len(of_series))
        above, below = np.zeros(len(place)), np.zeros(len(place))
        for part, colour in PART_COLOURS.items():
            adds = of_series[part].to_numpy()
            axis.bar(place, adds, 0.75, np.where(adds > 0, above, below), color=colour, label=part)
            above, below = above + np.maximum(adds, 0), below + np.minimum(adds, 0)
        axis.plot(place, of_series["log_point"] - of_series[LEVEL], "k.", ms=5, label="all together")
        axis.axhline(0, color="black", lw=0.8)
        usual = np.expm1(of_series[LEVEL].mean())
        axis.set_title(
            f"product {key[0]}"
            + ("" if key[1] == "all" else f", store {key[1]}")
            + f"; level {usual:,.1f} units",
            fontsize=9,
        )
        axis.set_xticks(
            place[:: max(1, len(place) // 7)],
            of_series[DATE].dt.strftime("%d %b").iloc[:: max(1, len(place) // 7)],
            fontsize=7,
        )
        axis.set_ylabel("adds to log(1 + units)", fontsize=8)
    figure.axes[0].legend(fontsize=7, ncols=2)
    figure.suptitle("Why the forecast is not the level: what the plan adds to the median")
    return figure


def bands(history: pd.DataFrame, held_out: pd.DataFrame) -> Figure:
    """Draw held-out forecasts of the blend against what sold, from the largest series to the median one.

    Args:
        history: sales table.
        held_out: forecasts of the held-out periods, long.
    """
    blend = held_out[held_out[MODEL] == "blend"]
    size = blend.groupby(SERIES)[UNITS].sum().sort_values(ascending=False)
    shown = size.index[np.unique(np.linspace(0, len(size) // 2, SHOWN).astype(int))]
    figure = Figure(figsize=(13, 7), layout="constrained")
    for axis, key in zip(figure.subplots(2, 3, squeeze=False).flat, shown, strict=False):
        of_series = blend[(blend[PRODUCT] == key[0]) & (blend[SERIES[1]] == key[1])].sort_values(DATE)
        past = history[(history[PRODUCT] == key[0]) & (history[SERIES[1]] == key[1])]
        past = past[past[DATE] >= of_series[DATE].min() - 2 * (of_series[DATE].max() - of_series[DATE].min())]
        for low, high, alpha in ((0.05, 0.95, 0.15), (0.1, 0.9, 0.2), (0.25, 0.75, 0.3)):
            edges = (of_series[quantile_name(low)], of_series[quantile_name(high)])
            axis.fill_between(of_series[DATE], *edges, color=COLOURS["blend"], alpha=alpha, lw=0)
        axis.plot(past[DATE], past[UNITS], color="black", lw=0.9, marker=".", ms=3, label="sold")
        axis.plot(
            of_series[DATE],
            of_series[MEDIAN],
            color=COLOURS["blend"],
            lw=1.6,
            label="blend, median; bands 50, 80, 90 %",
        )
        axis.set_title(f"product {key[0]}" + ("" if key[1] == "all" else f", store {key[1]}"), fontsize=10)
        axis.set_ylabel("units/period")
        axis.tick_params(axis="x", rotation=30, labelsize=8)
    figure.axes[0].legend(fontsize=8, loc="upper left")
    figure.suptitle("Held-out forecasts against what sold, from the largest series to the median one")
    return figure


def error_by_horizon(held_out: pd.DataFrame) -> Figure:
    """Draw the WAPE of every model against the periods ahead."""
    error = _wape(held_out, [MODEL, HORIZON]).unstack(MODEL)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    for name, colour in COLOURS.items():
        axis.plot(
            error.index,
            error[name],
            color=colour,
            marker="o",
            ms=3,
            lw=2.2 if name == "blend" else 1.2,
            label=name,
        )
    axis.set(
        xlabel="target (periods after the gap)",
        ylabel="WAPE of the median",
        title="Held-out error by horizon",
    )
    axis.set_ylim(bottom=0)
    axis.legend(ncols=3, fontsize=8, loc="lower right")
    return figure


def error_by_category(held_out: pd.DataFrame) -> Figure:
    """Draw the WAPE of blend and ETS in the categories that sell most."""
    sold = held_out[held_out[MODEL] == "blend"].groupby(CATEGORY)[UNITS].sum().nlargest(CATEGORIES)
    error = _wape(held_out, [MODEL, CATEGORY]).unstack(MODEL).loc[sold.index[::-1]]
    figure = Figure(figsize=(9, 1.2 + 0.36 * len(error)), layout="constrained")
    axis = figure.subplots()
    place = np.arange(len(error))
    axis.barh(place + 0.2, error["ets"], 0.38, color=COLOURS["ets"], label="ets")
    axis.barh(place - 0.2, error["blend"], 0.38, color=COLOURS["blend"], label="blend")
    axis.set_yticks(place, [f"{name.title()} ({sold[name]:,.0f} units)" for name in error.index], fontsize=8)
    axis.set(
        xlabel="WAPE of the median", title=f"Held-out error by category, the {len(error)} that sell most"
    )
    axis.legend(fontsize=8)
    return figure


def weight_curve(grid: np.ndarray, curve: np.ndarray, weight: float, by_category: dict[str, float]) -> Figure:
    """Draw the WAPE on the folds against the weight of ARIMA, and the weights of the categories.

    Args:
        grid: the weights (weights,).
        curve: WAPE at them (weights,).
        weight: the weight with the least WAPE.
        by_category: weight of each category.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    axis.plot(grid, curve, color=COLOURS["blend"], lw=2)
    axis.axvline(weight, color="black", lw=1, ls="--", label=f"lambda = {weight:.2f}")
    bottom = curve.min() - 0.06 * (np.ptp(curve) or 1e-3)
    axis.plot(
        list(by_category.values()),
        np.full(len(by_category), bottom),
        "|",
        color=COLOURS["arima"],
        ms=10,
        label="categories, shrunk",
    )
    axis.set(
        xlabel="lambda: weight of ARIMA (0: LSTM alone, 1: ARIMA alone)",
        ylabel="WAPE of the median, out of fold",
    )
    axis.set_title("The blend between its members")
    axis.legend(fontsize=8)
    return figure


def probability_transforms(transforms: Transforms) -> Figure:
    """Draw how the randomised transforms of what sold are spread; where the blend is right they are even."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis, edges = figure.subplots(), np.linspace(0, 1, BINS + 1)
    shares = [transforms.shares(start, end) for start, end in pairwise(edges)]
    for name in shares[0]:
        heights = [BINS * np.nanmean(by_class[name]) for by_class in shares]
        axis.stairs(heights, edges, color=CLASS_COLOURS[name], lw=2.2 if name == "all" else 1.2, label=name)
    axis.axhline(1, color="black", lw=0.8, ls="--")
    axis.axvspan(*CENTRAL, color="#f0f0f0", zorder=0, label="80 % interval")
    axis.set(
        xlabel="forecast probability of at most what sold, randomised",
        ylabel="density",
        title="Held-out periods under the blend: even where it is right",
    )
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=8)
    return figure


def _wape(held_out: pd.DataFrame, by: list[str]) -> pd.Series:
    there = held_out[held_out[UNITS].notna()]
    error = (there[UNITS] - there[MEDIAN]).abs().groupby([there[name] for name in by]).sum()
    return error / there.groupby(by)[UNITS].sum()
