"""Settings of prices: the rules of the shop, and the margins that are assumed where no cost is known."""

from __future__ import annotations

import pytest

from conf import SettingsError, load
from conf.settings import Guard


def test_a_shop_moves_a_price_by_five_percent_in_a_week_and_its_index_by_one() -> None:
    price = load().price
    assert price.guard == Guard(
        step=0.05, band=0.2, reference_weeks=52, reference_year=0.1, index_week=0.01, index_season=0.03
    )
    assert (price.ladder_low, price.ladder_high, price.ladder_steps) == (0.95, 1.05, 5)
    assert price.ladder_high <= 1 + price.guard.step, "the ladder offers nothing that the guard forbids"
    assert price.ladder_low >= 1 - price.guard.step, "the ladder offers nothing that the guard forbids"


@pytest.mark.parametrize(
    ("assignment", "margins"),
    [
        ("price.margins={dairy: 0.25}", {"dairy": 0.25}),
        ("price.margins.dairy=0.25", {"dairy": 0.25}),
        (
            'price.margins={soft drinks: 0.3, "eggs, fresh": 0.2, "COFFEE & TEA": .4}',
            {"soft drinks": 0.3, "eggs, fresh": 0.2, "COFFEE & TEA": 0.4},
        ),
        ("price.margins.soft drinks=0.3", {"soft drinks": 0.3}),
        ("price.margins={007: 0.3, on: 0.2}", {"007": 0.3, "on": 0.2}),
        ("price.margins={}", {}),
    ],
)
def test_margins_are_numbers_under_names_as_they_are_written(
    assignment: str, margins: dict[str, float]
) -> None:
    assert load("default", [assignment]).price.margins == margins


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("25", "25"),
        ("25%", "'25%'"),
        ("true", "'true'"),
        ("nan", "nan"),
        ("0", "0"),
        ("1", "1"),
        ("-0.1", "-0.1"),
    ],
)
def test_what_is_no_share_is_refused_by_the_name_that_has_it(text: str, received: str) -> None:
    message = rf"^price\.margins\.soft drinks: .* such as 0\.25 for 25 %\. Received: {received}$"
    with pytest.raises(SettingsError, match=message):
        load("default", [f"price.margins={{soft drinks: {text}, dairy: 0.25}}"])


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("price.margins=0.3", r"price\.margins: .*valid dictionary"),
        ("price.guard.step=0", r"price\.guard\.step: .*greater than 0\. Received: 0"),
        ("price.guard.band=20", r"price\.guard\.band: .*less than 1\. Received: 20"),
        ("price.guard.stp=0.1", r"price\.guard\.stp: .* Did you mean price\.guard\.step\?"),
    ],
)
def test_a_rule_that_no_shop_can_have_is_refused(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load("default", [assignment])
