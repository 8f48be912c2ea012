"""Settings of `guard`: the rules of a price list beside those of `price.guard`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from conf.paths import LocalPath
from conf.section import Section


def _digits(ending: str) -> str:
    """Return the ending as digits; anything else is refused."""
    digits = ending.strip().removeprefix(".")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 4):
        raise ValueError("an ending is the last 1 to 4 digits of a price as it is printed, such as '99'")
    return digits


MOST_OF_PRICE = 0.95  # margin floor as a share of the price
Ending = Annotated[str, AfterValidator(_digits)]


class Breaker(Section):
    """Limits of the change of a whole list; a list beyond one of them is not publishable.

    They hold for the list, and for the prices that were wanted before the guard, of which a change counts as
    100 % at most.
    """

    mean: float = Field(gt=0, le=0.5)
    """Most that the mean change of the prices differs from 0 (share)."""
    median: float = Field(gt=0, le=0.5)
    """Most that the median change differs from 0 (share)."""
    percentile_95: float = Field(gt=0, le=0.5)
    """Most that 95 % of the prices change, up or down (share)."""


class ListGuard(Section):
    """Rules of a price list; `rules` may say otherwise of a category or a product."""

    least_price: float | None = Field(gt=0)
    """Absolute lower bound of every price, a named floor; none: there is none (currency/unit)."""
    most_price: float | None = Field(gt=0)
    """Absolute upper bound of every price; none: there is none (currency/unit)."""
    margin_floor: float = Field(ge=0, le=10)
    """What a price leaves above the cost at least (share of what `margin_of` says)."""
    margin_of: Literal["cost", "price"]
    """`cost`: a price is at least cost x (1 + `margin_floor`); `price`: cost / (1 - `margin_floor`)."""
    cost_days: int = Field(ge=1, le=1000)
    """Most days since a unit cost was last known; an older one is stale, and its price holds (days)."""
    margins_agreed_by: str | None
    """Who agreed that the assumed margins (`price.margins`) stand for costs, where the ledger has no
    agreement (`repricer publish --agree-margins`): floors rest on them; none: such a list is a draft."""
    competitor_low: float | None = Field(gt=0, le=10)
    """Lower bound relative to the competitor's price, such as 0.9; none: there is none (ratio)."""
    competitor_high: float | None = Field(gt=0, le=10)
    """Upper bound relative to the competitor's price; none: there is none (ratio)."""
    endings: tuple[Ending, ...]
    """Last digits of a new price as it is printed, such as `['99', '95']`; of none, every price may be."""
    parity: tuple[str, ...]
    """Rules between channels of `price.channels`, such as `['web not dearer than shop', 'app equal to web']`,
    for every product that both sell; of none, channels are priced apart."""
    change_share: float = Field(gt=0, le=1)
    """Most of the products whose price a publication changes (share)."""
    rules: LocalPath | None
    """Table of rules by category and product, CSV or Parquet; none: the settings hold for all products."""
    breaker: Breaker

    @model_validator(mode="after")
    def _leave_a_price(self) -> Self:
        """Refuse a margin that leaves next to nothing for the cost, and bounds without a price."""
        if self.margin_of == "price" and self.margin_floor > MOST_OF_PRICE:
            raise ValueError(f"margin_floor is at most {MOST_OF_PRICE} where margin_of is price")
        if self.least_price and self.most_price and self.least_price > self.most_price:
            raise ValueError("least_price is at most most_price")
        return self
