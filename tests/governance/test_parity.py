"""Parity: a channel is not dearer than another one, or equal to it, inside its own bounds or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.refusals import DataError
from tasks.governance.channels import Channels, checked_channels
from tasks.governance.guard_reasons import binding_rules, reasons
from tasks.governance.list_bounds import Fault, bounds_of
from tasks.governance.list_guard import Action, Guarded
from tasks.governance.list_rules import guard_list
from tasks.governance.money import PARTS, minor, parts
from tasks.governance.parity import parity_rules
from tasks.governance.rules import HouseRules, Limits, ParityRule, Places, Rule, Shelf
from tests.governance.shelves import HOUSE, LIMITS, NAN, SHELF, column

BELOW = ParityRule("web", False, "shop")
CHANNELS = ("shop", "web")
EQUAL = ParityRule("web", True, "shop")


def listed(
    wanted: list[float], *rules: ParityRule, channel: Any = ("shop", "web"), **changes: Any
) -> Guarded:
    """Return the guarded list of a product, a row in every channel."""
    places = Places(np.zeros(len(wanted), int), np.array(channel, object))
    return guard_list(
        np.array(wanted), *shelf_of(len(wanted), places, **changes), replace(HOUSE, parity=rules)
    )


def shelf_of(rows: int, places: Places, **changes: Any) -> tuple[Shelf, Limits]:
    assert not set(changes) - {*SHELF, *LIMITS}
    shelf, limits = (
        {name: column(changes.get(name, usual), rows) for name, usual in values.items()}
        for values in (SHELF, LIMITS)
    )
    return Shelf(**shelf, places=places), Limits(**limits)


@pytest.mark.parametrize(
    ("wanted", "below", "equal"),
    [
        ([10.2, 10.4], [10.2, 10.2], [10.2, 10.2]),
        ([10.2, 9.8], [10.2, 9.8], [10.2, 10.2]),
        ([9.7, 10.0], [9.7, 9.7], [9.7, 9.7]),
        ([10.0, 10.4], [10.0, 10.0], [10.0, 10.0]),
        ([10.0, 10.0], [10.0, 10.0], [10.0, 10.0]),
    ],
)
def test_a_channel_follows_the_other_one(wanted: list[float], below: list[float], equal: list[float]) -> None:
    assert listed(wanted, BELOW).price.tolist() == below
    assert listed(wanted, EQUAL).price.tolist() == equal
    assert listed(wanted).price.tolist() == wanted, "without a rule, channels are priced apart"


def test_where_a_channel_cannot_follow_both_hold_and_both_rules_are_named() -> None:
    result = listed([9.6, 10.0], BELOW, cost=[5.0, 9.9])
    assert result.price.tolist() == [10.0, 10.0]
    assert binding_rules(result).tolist() == ["margin floor and parity"] * 1 + [""]
    assert reasons(result)[0] == "Held: no price is allowed by margin floor and parity."
    both = listed([9.6, 9.95], BELOW, cost=[5.0, 9.9])
    assert both.price.tolist() == [10.0, 10.0]
    assert binding_rules(both).tolist() == ["margin floor and parity"] * 2


def test_a_price_that_breaks_the_rule_already_comes_nearer_and_never_goes_away() -> None:
    assert listed([10.0, 12.5], BELOW, in_force=[10.0, 12.0]).price.tolist() == [10.0, 11.4], "a step of 5 %"
    assert listed([10.0, 12.0], BELOW, in_force=[10.0, 12.0]).price.tolist() == [10.0, 12.0], "may stay"
    assert listed([9.6, 12.0], BELOW, in_force=[10.0, 12.0]).price.tolist() == [9.6, 11.4]
    held = listed([9.6, 12.0], BELOW, in_force=[10.0, 12.0], stale=[False, True])
    assert held.price.tolist() == [10.0, 12.0], "a stale cost holds the web, so the shop goes no further away"
    assert listed([10.4, 12.0], EQUAL, in_force=[10.0, 12.0]).price.tolist() == [10.4, 11.4]


def test_channels_follow_in_a_chain_and_the_cheapest_store_counts() -> None:
    rules = parity_rules(["app equal to web", "web not dearer than shop"], table("shop", "web", "app"))
    assert [rule.channel for rule in rules] == ["web", "app"]
    chain = listed([10.3, 10.2, 10.4, 9.9], *rules, channel=("shop", "shop", "web", "app"))
    assert chain.price.tolist() == [10.3, 10.2, 10.2, 10.2]


def test_an_ending_of_the_channel_is_kept() -> None:
    assert listed([10.25, 10.49], BELOW, endings=["", "19|49"]).price.tolist() == [10.25, 10.19]
    assert listed([10.25, 10.49], EQUAL, endings=["", "19|49"]).price.tolist() == [10.0, 10.0]


def test_announced_prices_are_exempt_and_count_with_the_price_before_them() -> None:
    announced = listed([9.6, 10.4], BELOW, announced=[True, False])
    assert announced.price.tolist() == [9.6, 10.0], "the shop is 10.00 but for its promotion"
    assert listed([9.8, 10.4], BELOW, announced=[False, True]).price.tolist() == [10.0, 10.4]


def test_a_list_rule_that_holds_the_other_channel_holds_the_follower_too() -> None:
    house: HouseRules = replace(HOUSE, parity=(EQUAL,), change_share=0.5)
    places = Places(np.zeros(2, int), np.array(["shop", "web"], object))
    result = guard_list(np.array([10.4, 10.4]), *shelf_of(2, places, worth=[1.0, 2.0]), house)
    assert result.price.tolist() == [10.0, 10.0]
    assert binding_rules(result).tolist() == ["change budget", "parity"]


def table(*names: str, **columns: Any) -> Channels:
    return checked_channels(
        pd.DataFrame({"store_id": list(names), "channel": list(names), **columns}), "c.csv"
    )


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            ["web cheaper than shop"],
            r"guard.parity, column parity: 'web cheaper than shop'. Rule: a rule",
        ),
        (["kiosk equal to web"], r"Rule: price.channels has its channels \(app, shop, web\)"),
        (["web equal to shop", "web equal to app"], r"Rule: a channel follows one other channel"),
        (
            ["web equal to app", "app equal to web"],
            r"'web and app'. Rule: channels do not follow each other in a",
        ),
        (["web equal to web"], r"Rule: channels do not follow each other in a circle"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parity_rules(texts, table("shop", "web", "app"))


def test_rules_need_channels_of_one_currency() -> None:
    with pytest.raises(DataError, match=r"price.channels has its channels \(none\)"):
        parity_rules(["web equal to shop"], None)
    with pytest.raises(DataError, match="channels that are compared have one currency"):
        parity_rules(["web equal to shop"], table("shop", "web", currency=["EUR", "CHF"]))
    assert parity_rules([], None) == ()


TEXTS = (
    ["app equal to web", "web not dearer than shop"],
    ["web equal to shop", "kiosk not dearer than app"],
)


def random_list(seed: int) -> tuple[np.ndarray, Shelf, Limits, HouseRules]:
    """Return a list of many products in up to five stores of three channels, in every state."""
    rng, rows = np.random.default_rng(seed), 400
    channel = np.array(["shop", "shop", "web", "app", "kiosk"], object)
    places = Places(np.repeat(np.arange(rows // 5), 5), np.tile(channel, rows // 5))
    in_force = np.where(rng.random(rows) < 0.5, 10.0, rng.integers(900, 1100, rows) / 100)
    wanted = np.where(rng.random(rows) < 0.3, in_force, (in_force * rng.uniform(0.9, 1.1, rows)).round(2))
    wanted[rng.random(rows) < 0.03] = NAN
    worth = rng.random(rows)
    shelf, limits = shelf_of(
        rows,
        places,
        in_force=in_force,
        cost=np.where(rng.random(rows) < 0.1, in_force * rng.uniform(0.9, 1.02, rows), 5.0).round(2),
        stale=rng.random(rows) < 0.05,
        announced=rng.random(rows) < 0.05,
        most=np.where(rng.random(rows) < 0.1, 10.0, NAN),
        endings=np.where(rng.random(rows) < 0.1, "9|5", "").astype(object),
        weight=worth / worth.sum(),
        worth=worth,
    )
    texts = [
        ["app equal to web", "web not dearer than shop"],
        ["web equal to shop", "kiosk not dearer than app"],
    ]
    rules = parity_rules(texts[seed % 2], table("shop", "web", "app", "kiosk"))
    return wanted, shelf, limits, replace(HOUSE, parity=rules, change_share=rng.choice([1.0, 0.4]))


@pytest.mark.parametrize("seed", range(60))
def test_no_list_breaks_parity_leaves_its_bounds_or_changes_when_it_is_guarded_again(seed: int) -> None:
    wanted, shelf, limits, house = random_list(seed)
    result, bounds = guard_list(wanted, shelf, limits, house), bounds_of(shelf, limits)
    units = minor(result.price, shelf.decimals) * PARTS
    free = result.moved & ~shelf.announced
    assert (units >= bounds.low)[free].all(), "inside the bounds of the row"
    assert (units <= bounds.high)[free].all()
    assert not (result.moved & (bounds.fault != Fault.NONE) & ~shelf.announced).any(), "a fault holds"
    again = guard_list(
        np.where(result.action == Action.LEAVE_OUT, wanted, result.price), shelf, limits, house
    )
    assert again.price.tolist() == pytest.approx(result.price.tolist(), nan_ok=True, abs=0)
    compared = np.where(free & (bounds.outside == Rule.NONE), result.price, shelf.in_force)
    for rule in house.parity:
        for row, before, after in pairs(rule, shelf, parts(compared, shelf.decimals)):
            assert gap(rule, *after) <= gap(rule, *before), (rule, row, before, after)


def pairs(rule: ParityRule, shelf: Shelf, price: np.ndarray) -> Any:
    """Yield every row that follows, with its price and the lowest of the other channel, before and after."""
    assert shelf.places is not None
    in_force, (product, channel) = parts(shelf.in_force, shelf.decimals), shelf.places
    for row in np.flatnonzero(channel == rule.channel):
        leads = (channel == rule.reference) & (product == product[row])
        yield row, (in_force[row], in_force[leads].min()), (price[row], price[leads].min())


def gap(rule: ParityRule, price: int, reference: int) -> int:
    return abs(price - reference) if rule.equal else max(price - reference, 0)
