"""Picture of why a forecast is what it is: what season, price, promotion and rivals add to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from expectations.columns import DATE, PRODUCT, SERIES
from expectations.palette import BLACK, BLUE, ORANGE, PURPLE, SKY
from expectations.product_names import series_name
from tasks.demand.calendar import christmas, period_word
from tasks.demand.explanation import LEVEL, PARTS

PART_COLOURS = dict(zip(PARTS, (SKY, BLUE, ORANGE, PURPLE), strict=True))
PART_WORDS = {
    "season": "season and weekday",
    "price": "its price",
    "promotion": "promotion",
    "rivals": "prices of substitutes",
}
HATCHES = dict(zip(PARTS, ("", "", "//", ".."), strict=True))
DATES = 7  # that a panel names


def explanation(explained: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Draw what season, price, promotion and rivals add to the forecasts of a few series, as stacked bars.

    Args:
        explained: of one model, as ``DemandModel.explain`` returns it.
        names: of products by their ids.
    """
    series = [tuple(row) for row in explained[SERIES].drop_duplicates().itertuples(index=False)]
    columns = min(3, len(series))
    rows = -(-len(series) // columns)
    figure = Figure(figsize=(max(9.0, 4.6 * columns), 1.4 + 3.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axis, key in zip(panels, series, strict=False):
        of_series = explained[(explained[PRODUCT] == key[0]) & (explained[SERIES[1]] == key[1])]
        _parts_of(axis, of_series.sort_values(DATE))
        usual = np.expm1(of_series[LEVEL].mean())
        period = period_word(explained[DATE])
        title = f"{series_name(names, *key)}\nusual level {usual:,.1f} units/{period}"
        axis.set_title(title, fontsize=10)
    for axis in figure.axes[len(series) :]:
        axis.remove()
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5, fontsize=9)
    figure.suptitle("Why the forecast differs from the usual level")
    return figure


def _parts_of(axis: Axes, of_series: pd.DataFrame) -> None:
    """Draw the parts of the forecasts of a series, in percent of its level."""
    place = np.arange(len(of_series))
    above, below = np.zeros(len(place)), np.zeros(len(place))
    for part, colour in PART_COLOURS.items():
        adds = 100 * of_series[part].to_numpy()
        start = np.where(adds > 0, above, below)
        words, hatch = PART_WORDS[part], HATCHES[part]
        axis.bar(place, adds, 0.75, start, color=colour, label=words, hatch=hatch, ec="white", lw=0)
        above, below = above + np.maximum(adds, 0), below + np.minimum(adds, 0)
    together = 100 * (of_series["log_point"] - of_series[LEVEL])
    axis.plot(place, together, "D", color=BLACK, ms=5, label="all together")
    axis.axhline(0, color=BLACK, lw=0.8)
    special = christmas(of_series[DATE])
    texts = [
        f"{date:%d %b}" + ("\nChristmas" if date in special else "")
        for date in pd.DatetimeIndex(of_series[DATE])
    ]
    step = max(1, -(-len(place) // DATES))
    axis.set_xticks(place[::step], texts[::step], fontsize=8)
    axis.set_ylabel("change of the forecast\n(log points x 100, about %)", fontsize=9)
