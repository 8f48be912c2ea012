"""Settings of prices: the rules of the shop, and the margins that are assumed where no cost is known."""

from __future__ import annotations

import re

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
        ("price.guard.band=20", r"price\.guard\.band: .*equal to 0\.5\. Received: 20"),
        ("price.guard.stp=0.1", r"price\.guard\.stp: .* Did you mean price\.guard\.step\?"),
        ("guard.margin_flor=0.1", r"guard\.margin_flor: .* Did you mean guard\.margin_floor\?"),
        ("guard.least_price=0", r"guard\.least_price: .*greater than 0"),
        ("guard.endings=['x']", r"guard\.endings.*: .*last 1 to 4 digits"),
        ("guard.breaker.mean=0.6", r"guard\.breaker\.mean: .*equal to 0\.5"),
        ("guard.breaker.mean=null", r"guard\.breaker\.mean: .*number"),
        ("guard={margin_of: price, margin_floor: 0.96}", r"margin_floor is at most 0\.95"),
        ("guard={least_price: 2, most_price: 1}", r"least_price is at most most_price"),
        ("publish.champion_warn_days=91", r"champion_warn_days is below champion_stop_days"),
        ("publish.champion_stop_days=0", r"publish\.champion_stop_days: .*equal to 1"),
    ],
)
def test_a_rule_that_no_shop_can_have_is_refused(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load("default", [assignment])


HARD_LIMITS = [
    ("price.ladder_low", 0.49, 0.95),
    ("price.ladder_low", 1.01, 0.95),
    ("price.ladder_high", 0.99, 1.05),
    ("price.ladder_high", 1_000_000, 1.05),
    ("price.ladder_steps", 102, 5),
    ("price.guard.step", 0.26, 0.05),
    ("price.guard.band", 0.51, 0.2),
    ("price.guard.reference_weeks", 3, 52),
    ("price.guard.reference_year", 0.51, 0.1),
    ("price.guard.index_week", 0.21, 0.01),
    ("price.guard.index_season", 0.51, 0.03),
    ("price.stated_margin", 0.96, 0.3),
    ("price.stated_margin", 0.001, 0.3),
    ("price.markup", 11, 0.35),
    ("price.active_weeks", 105, 8),
    ("price.variation.size", 0.11, 0.05),
    ("price.variation.share", 0.6, 0.0),
    ("evaluate.tolerance", 0.11, 0.002),
    ("evaluate.min_lift", -0.11, 0.0),
    ("evaluate.max_wape_ratio", 2.1, 1.0),
    ("evaluate.coverage_tolerance", 0.41, 0.1),
    ("evaluate.max_median_elasticity", 0.1, 0.0),
    ("evaluate.max_median_width", 11, 3.0),
    ("evaluate.srm_alarm", 1e-9, 0.001),
    ("prepare.level_shift", 101, 20),
    ("prepare.spike", 10_001, 50),
    ("prepare.quarantine_share", 0.51, 0.05),
    ("prepare.future_hours", 169, 24),
]
"""Setting, a value just outside its hard limit, and its default."""


@pytest.mark.parametrize(("name", "value", "default"), HARD_LIMITS)
def test_a_setting_that_moves_money_has_a_hard_limit(name: str, value: float, default: float) -> None:
    remedy = rf"Give one (from|above) .*such as the default {re.escape(str(default))}$"
    with pytest.raises(SettingsError, match=rf"^{re.escape(name)}: .*Received: {value}\. {remedy}"):
        load("default", [f"{name}={value}"])


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("name", sorted({name for name, *_ in HARD_LIMITS if "_steps" not in name}))
def test_a_limit_is_not_passed_by_what_is_no_number(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(name)):
        load("default", [f"{name}={value}"])
