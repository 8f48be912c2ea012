"""The figures of the forecast call products by their names, and say where a day of the calendar surprises."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from expectations.columns import QUANTILES
from expectations.palette import LINES, MODELS
from tasks.demand.calendar import christmas, period_word
from tasks.demand.explanation import LEVEL, PARTS
from tasks.demand.explanation_figure import explanation
from tasks.demand.figures import bands, error_by_category, error_by_horizon

DAYS = pd.date_range("2025-11-01", "2025-12-31")


def sales(days: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    """Return the sales of two products, one of them with a name; nothing sells on 25 December."""
    units = np.where((days.month == 12) & (days.day == 25), 0.0, 5.0)
    table = pd.DataFrame({"date": days, "store_id": "all", "category": "DAIRY", "units": units})
    return pd.concat([table.assign(product_id="1", name="WHOLE MILK"), table.assign(product_id="2", name="")])


def held_out(sold: pd.DataFrame) -> pd.DataFrame:
    """Return forecasts of 4 units for the last 14 days, by every model."""
    last = sold[sold["date"] > sold["date"].max() - pd.Timedelta(days=14)]
    last = last.assign(horizon=(last["date"] - last["date"].min()).dt.days + 1)
    return pd.concat([last.assign(model=name, **dict.fromkeys(QUANTILES, 4.0)) for name in LINES])


def texts(axis: Axes) -> list[str]:
    """Return what is written into a panel."""
    return [text.get_text() for text in axis.texts]


def test_the_bands_name_the_product_and_mark_christmas() -> None:
    figure = bands(sales(), held_out(sales()))
    assert {axis.get_title() for axis in figure.axes} == {"Whole Milk", "2"}
    for axis in figure.axes:
        assert texts(axis) == ["Christmas"]
        assert axis.get_ylabel() == "units/day"


def test_without_christmas_in_the_picture_nothing_is_marked() -> None:
    spring = sales(pd.date_range("2025-03-01", "2025-04-30"))
    assert [texts(axis) for axis in bands(spring, held_out(spring)).axes] == [[], []]


def test_the_error_by_horizon_says_where_nothing_sold() -> None:
    figure = error_by_horizon(held_out(sales()))
    assert texts(figure.axes[0]) == ["Christmas: nothing sold"]
    lines = {line.get_color() for line in figure.axes[0].lines}
    assert {MODELS[name] for name in LINES} <= lines, "a model has one colour everywhere"


def test_the_week_that_holds_25_december_is_the_one_of_christmas() -> None:
    weeks = pd.Series(pd.date_range("2025-12-01", periods=5, freq="7D"))
    assert christmas(weeks) == [pd.Timestamp("2025-12-22")]
    assert period_word(weeks) == "week"
    assert christmas(pd.Series(DAYS)) == [pd.Timestamp("2025-12-25")]


def test_the_error_by_category_says_in_how_many_the_blend_is_better() -> None:
    axis = error_by_category(held_out(sales())).axes[0]
    assert "better than smoothing alone in 0 of them" in axis.get_title()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["Dairy, 130 units"]


def test_the_explanation_of_one_product_is_not_cut_off() -> None:
    explained = pd.DataFrame({"product_id": "1", "store_id": "all", "date": DAYS[-14:], LEVEL: 2.0})
    explained = explained.assign(**dict.fromkeys(PARTS, 0.1), log_point=2.4)
    figure = explanation(explained, {"1": "Whole Milk"})
    figure.draw_without_rendering()
    width, height = figure.bbox.width, figure.bbox.height
    assert figure._suptitle is not None
    for text in (figure._suptitle, figure.axes[0].title, figure.axes[0].yaxis.label):
        box = text.get_window_extent()
        assert box.x0 >= 0, f"{text.get_text()!r} is cut off at the left"
        assert box.x1 <= width, f"{text.get_text()!r} is cut off at the right"
        assert box.y1 <= height, f"{text.get_text()!r} is cut off at the top"
    assert figure.axes[0].get_title().startswith("Whole Milk\n")
