"""Operation: why a registered model forecasts what it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import DATE, MODEL, PRICE, PRODUCT, STORE
from expectations.product_names import series_name
from tasks.demand.model import DemandError
from tasks.runtime import champion_aliases
from tasks.runtime.disk import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 3  # products that an error names


class Explained(TypedDict):
    """Why forecasts are what they are."""

    version: int
    """Version of `demand`."""
    name: str
    """Of the product, shortened; its id where it has no name."""
    rows: list[dict[str, str | float]]
    """A row per model and date: what level, season, price, promotion and rivals add to log(1 + units)."""


def explain_forecast(
    settings: Settings,
    version: int | None,
    product: str,
    store: str,
    *,
    price: float | None = None,
    figure: Path | None = None,
) -> Explained:
    """Explain the forecasts of one product from the end of the model's data.

    Args:
        settings: whose store holds the model.
        version: of `demand`; none: the champion, or the candidate if nothing was promoted.
        product, store: the series.
        price: planned for all periods; by default the one in force (currency/unit).
        figure: PNG to draw.

    Raises:
        ModelError: there is no such version.
        DemandError: there is no such series, or the price is not finite and above 0.
    """
    number, model = champion_aliases.chosen(settings, "demand", version)
    outlook = model.outlook()
    series = outlook[(outlook[PRODUCT] == product) & (outlook[STORE] == store)]
    if series.empty:
        raise DemandError(
            f"demand: version {number} knows no product {product!r} in store {store!r}. "
            f"Known: {_some(outlook)}."
        )
    explained = model.explain(series if price is None else series.assign(**{PRICE: price}))
    names: dict[str, str] = getattr(model, "names", dict)()  # versions that were registered before know none
    if figure is not None:
        from tasks.demand.explanation_figure import explanation

        keep_figure(explanation(explained[explained[MODEL] == "blend"], names), figure)
    rows = explained.assign(**{DATE: explained[DATE].dt.strftime("%Y-%m-%d")}).to_dict("records")
    return Explained(version=number, name=series_name(names, product, store), rows=rows)  # type: ignore[typeddict-item]


def keep_figure(plot: Figure, path: Path) -> None:
    """Write a figure as the ending of its file says, PNG where there is none."""
    with written_whole(path) as part:
        plot.savefig(part, format=path.suffix[1:] or "png")


def _some(outlook: pd.DataFrame) -> str:
    """Name the first products of a table."""
    known = outlook[[PRODUCT, STORE]].drop_duplicates()
    names = [f"{row[PRODUCT]} in {row[STORE]}" for _, row in known.head(SHOWN).iterrows()]
    return ", ".join(names) + (", ..." if len(known) > SHOWN else "")
