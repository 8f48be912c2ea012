"""Pictures of the forecast."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from expectations.columns import CATEGORY, DATE, HORIZON, MODEL, PRODUCT, SERIES, UNITS, quantile_name
from expectations.palette import BLACK, DARK, LINES, MODELS, PALE, PURPLE, WORDS
from expectations.product_names import product_names, readable, series_name, shortened
from tasks.demand.calendar import CHRISTMAS, TITLE_PAD, christmas, mark, period_word
from tasks.demand.coverage import CENTRAL, Transforms

MEDIAN = quantile_name(0.5)
SHOWN = 6  # series in the picture of the bands
CATEGORIES = 14  # categories in the picture of their errors
BINS = 10  # of the histogram of probability integral transforms
CLASSES = {"all": ("all series", MODELS["blend"]), "slow": ("slow movers", PURPLE), "rest": ("others", DARK)}
BANDS = ((0.05, 0.95, 0.18), (0.1, 0.9, 0.22), (0.25, 0.75, 0.32))  # quantiles, and how dark they are
ERROR = "error of the median (WAPE, % of units sold)"


def bands(history: pd.DataFrame, held_out: pd.DataFrame) -> Figure:
    """Draw held-out forecasts of the blend against what sold, from the largest series to the median one.

    Args:
        history: sales table.
        held_out: forecasts of the held-out periods, long.
    """
    blend, names = held_out[held_out[MODEL] == "blend"], product_names(history)
    size = blend.groupby(SERIES)[UNITS].sum().sort_values(ascending=False)
    shown = size.index[np.unique(np.linspace(0, len(size) // 2, SHOWN).astype(int))]
    period = period_word(history[DATE])
    figure = Figure(figsize=(13, 7.4), layout="constrained")
    for axis, key in zip(figure.subplots(2, 3, squeeze=False).flat, shown, strict=False):
        past = history[(history[PRODUCT] == key[0]) & (history[SERIES[1]] == key[1])]
        _bands_of(axis, past, blend[(blend[PRODUCT] == key[0]) & (blend[SERIES[1]] == key[1])])
        axis.set_title(series_name(names, *key), fontsize=11, pad=TITLE_PAD)
        axis.set_ylabel(f"units/{period}")
    for axis in figure.axes[len(shown) :]:
        axis.remove()
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=10
    )
    error = _wape(held_out, [MODEL])
    figure.suptitle(
        f"Forecasts of {period}s not used in training against what sold, largest to median product\n"
        f"error {100 * error['blend']:.0f} % of all units sold; "
        f"{100 * error['seasonal_naive']:.0f} % by repeating the past"
    )
    return figure


def _bands_of(axis: Axes, past: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """Draw the forecast of a series with its bands, and what sold before and in its periods."""
    forecast = forecast.sort_values(DATE)
    start, end = forecast[DATE].min(), forecast[DATE].max()
    past = past[past[DATE] >= start - 2 * (end - start)]
    for low, high, alpha in BANDS:
        bottom, top = forecast[quantile_name(low)], forecast[quantile_name(high)]
        label = f"{100 * (high - low):.0f} % of outcomes"
        style = {"color": MODELS["blend"], "alpha": alpha, "lw": 0, "label": label}
        axis.fill_between(forecast[DATE], bottom, top, **style)  # type: ignore[arg-type]
    axis.plot(past[DATE], past[UNITS], color=BLACK, lw=0.9, marker=".", ms=3, label="sold")
    axis.plot(forecast[DATE], forecast[MEDIAN], color=MODELS["blend"], lw=2, label="forecast, median")
    axis.xaxis.set_major_formatter(ConciseDateFormatter(axis.xaxis.get_major_locator()))
    axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
    for date in christmas(past[DATE]):
        mark(axis, date)


def error_by_horizon(held_out: pd.DataFrame) -> Figure:
    """Draw the WAPE of every model against the periods ahead."""
    error = 100 * _wape(held_out, [MODEL, HORIZON]).unstack(MODEL)
    error = error.where(np.isfinite(error))  # no share of nothing, where nothing sold
    period = period_word(held_out[DATE])
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    axis = figure.subplots()
    for name, style in LINES.items():
        width = 2.4 if name == "blend" else 1.4
        axis.plot(
            error.index,
            error[name],
            color=MODELS[name],
            ls=style,
            marker="o",
            ms=3,
            lw=width,
            label=WORDS[name],
        )
    axis.set(xlabel=f"{period} of the forecast", ylabel=ERROR, xticks=error.index)
    title = f"Error of the forecast, {period} by {period}, on {period}s not used in training"
    axis.set_title(title, fontsize=11, pad=TITLE_PAD)
    axis.set_ylim(bottom=0)
    on_christmas = held_out[held_out[DATE].isin(christmas(held_out[DATE]))]
    for horizon in sorted(on_christmas[HORIZON].unique()):
        some = on_christmas[on_christmas[HORIZON] == horizon][UNITS].sum() > 0
        mark(axis, horizon, f"{CHRISTMAS}: few sales" if some else f"{CHRISTMAS}: nothing sold")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def error_by_category(held_out: pd.DataFrame) -> Figure:
    """Draw the WAPE of blend and ETS in the categories that sell most."""
    sold = held_out[held_out[MODEL] == "blend"].groupby(CATEGORY)[UNITS].sum().nlargest(CATEGORIES)
    error = 100 * _wape(held_out, [MODEL, CATEGORY]).unstack(MODEL).loc[sold.index[::-1]]
    figure = Figure(figsize=(9, 1.6 + 0.4 * len(error)), layout="constrained")
    axis = figure.subplots()
    place = np.arange(len(error))
    for name, offset in (("ets", 0.2), ("blend", -0.2)):
        axis.barh(place + offset, error[name], 0.38, color=MODELS[name], label=WORDS[name])
    names = [f"{shortened(readable(str(name)))}, {sold[name]:,.0f} units" for name in error.index]
    axis.set_yticks(place, names, fontsize=9)
    better = int((error["blend"] < error["ets"]).sum())
    axis.set(xlabel=ERROR)
    axis.set_title(
        f"Error of the forecast in the {len(error)} categories that sell most\n"
        f"the blend is better than smoothing alone in {better} of them",
        fontsize=11,
    )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def weight_curve(
    grid: np.ndarray, curve: np.ndarray, weight: float, by_category: Mapping[str, float]
) -> Figure:
    """Draw the WAPE on the folds against the weight of ARIMA, and the weights of the categories.

    Args:
        grid: the weights (weights,).
        curve: WAPE at them (weights,).
        weight: the weight with the least WAPE.
        by_category: weight of each category.
    """
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    axis = figure.subplots()
    share = round(100 * weight)
    axis.plot(grid, 100 * curve, color=MODELS["blend"], lw=2)
    axis.axvline(weight, color=BLACK, lw=1, ls="--", label=f"least error: {share} % ARIMA")
    bottom = 100 * (curve.min() - 0.06 * (np.ptp(curve) or 1e-3))
    axis.plot(
        list(by_category.values()),
        np.full(len(by_category), bottom),
        "|",
        color=MODELS["arima"],
        ms=12,
        label="weight of each category (drawn to that of all)",
    )
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axis.set(xlabel="weight of ARIMA in the blend (0 %: LSTM alone, 100 %: ARIMA alone)", ylabel=ERROR)
    rest = 100 * (min(curve[0], curve[-1]) - curve.min())
    axis.set_title(
        f"The blend takes {share} % ARIMA and {100 - share} % LSTM\n"
        f"its error on past periods is {rest:.2g} points below the better of the two",
        fontsize=11,
    )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def probability_transforms(transforms: Transforms) -> Figure:
    """Draw how the randomised transforms of what sold are spread; where the blend is right they are even."""
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    axis, edges = figure.subplots(), np.linspace(0, 1, BINS + 1)
    shares = [transforms.shares(start, end) for start, end in pairwise(edges)]
    axis.axvspan(*CENTRAL, color=PALE, alpha=0.5, zorder=0, label="inside the 80 % band")
    for name in shares[0]:
        words, colour = CLASSES[name]
        heights = [np.nanmean(by_class[name]) for by_class in shares]
        width, style = (2.4, "-") if name == "all" else (1.4, "--")
        axis.stairs(heights, edges, color=colour, lw=width, ls=style, label=words)
    axis.axhline(1 / BINS, color=BLACK, lw=0.8, ls=":", label="where the forecast is right: even")
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axis.set(
        xlabel="quantile of the forecast at which the sales lie (left: less sold than expected, right: more)",
        ylabel="share of periods",
        title="Are the bands of the forecast right? Periods not used in training",
    )
    axis.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _wape(held_out: pd.DataFrame, by: list[str]) -> pd.Series:
    there = held_out[held_out[UNITS].notna()]
    error = (there[UNITS] - there[MEDIAN]).abs().groupby([there[name] for name in by]).sum()
    return error / there.groupby(by)[UNITS].sum()
