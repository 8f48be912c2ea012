"""Why a registered model forecasts what it forecasts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import DATE, MODEL, PRICE, PRODUCT, STORE
from tasks import track
from tasks.demand.model import DemandError
from tasks.governance.approval import CANDIDATE, CHAMPION


class Explained(TypedDict):
    """Version of `demand`, and one row per model and date: what level, season, price, promotion and rivals add to log(1 + units)."""

    version: int
    rows: list[dict[str, str | float]]


def explain_forecast(
    settings: Settings, version: int | None, product: str, store: str, price: float | None, figure: Path | None = None
) -> Explained:
    """Explain the forecasts of one product from the end of the model's data.

    Args:
        settings: whose store holds the model.
        version: of `demand`; none: the champion, or the candidate where nobody was promoted.
        product, store: the series.
        price: planned for all periods, the one in force where none is given (currency/unit).
        figure: PNG to draw.

    Raises:
        DemandError: there is no such version or series, or the price is no price.
    """
    track.open_store(settings)
    number = version or track.version_at("demand", CHAMPION) or track.version_at("demand", CANDIDATE)
    if number is None or track.version_tags("demand", number) is None:
        told = "none is champion or candidate" if number is None else f"there is no version {number}"
        raise DemandError(f"demand: a registered version is needed; {told} in {settings.data_folder}. Run `repricer retrain` first.")
    model = track.load_version("demand", number)
    outlook = model.outlook()
    asked = outlook[(outlook[PRODUCT] == product) & (outlook[STORE] == store)]
    if asked.empty:
        raise DemandError(f"demand: version {number} knows no product {product!r} in store {store!r}. Known: {_some(outlook)}.")
    explained = model.explain(asked if price is None else asked.assign(**{PRICE: price}))
    if figure is not None:
        from tasks.demand.figures import explanation

        explanation(explained[explained[MODEL] == "blend"]).savefig(figure)
    rows = explained.assign(**{DATE: explained[DATE].dt.strftime("%Y-%m-%d")}).to_dict("records")
    return Explained(version=number, rows=rows)  # type: ignore[typeddict-item]


def _some(outlook: pd.DataFrame) -> str:
    known = outlook[[PRODUCT, STORE]].drop_duplicates()
    return ", ".join(f"{row[PRODUCT]} in {row[STORE]}" for _, row in known.head(3).iterrows()) + (", ..." if len(known) > 3 else "")
