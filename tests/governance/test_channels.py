"""Channels: a table of stores, and what tax and fee leave of a price."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import load
from expectations.refusals import DataError
from expectations.tax import charge_rate, kept_share
from tasks.governance.channels import Channels, checked_channels
from tasks.governance.rules import Charges
from tasks.runtime.channel_table import channels_of
from tests.governance.shelves import guarded

STORES = {"store_id": ["1", "2", "3"], "channel": ["shop", "shop", "web"]}


def channels(**columns: Any) -> Channels:
    return checked_channels(pd.DataFrame({**STORES, **columns}), "channels.csv")


def test_a_fee_is_a_further_tax_on_what_the_shop_keeps() -> None:
    # 11.90 with 19 % tax is 10.00 net; 15 % of 11.90 are 1.785; of a cost of 6.00, 2.215 remain
    assert 11.90 * kept_share(0.19, 0.15) - 6.0 == pytest.approx(2.215)
    assert 11.90 / (1 + charge_rate(0.19, 0.15)) - 6.0 == pytest.approx(2.215)
    assert charge_rate(0.19, 0.0) == pytest.approx(0.19), "no fee, the tax alone"
    assert charge_rate(0.0, 0.2) == pytest.approx(0.25), "of 1.00, 0.80 are kept: 0.20 over 0.80"


def test_profit_is_the_kept_share_of_the_price_beyond_the_price_that_covers_the_cost() -> None:
    price, cost, tax, fee = np.array([8.0, 11.90, 30.0]), 6.0, 0.19, 0.15
    kept, covering = kept_share(tax, fee), cost * (1 + charge_rate(tax, fee))
    assert kept * (price - covering) == pytest.approx(price / (1 + tax) - fee * price - cost)


@pytest.mark.parametrize(
    ("cost", "charge", "margin", "lowest"),
    [
        (3.00, (0.00, 0.10), (0.20, False), "4.00"),  # 0.9 x 4.00 = 3.60 = 1.2 x 3.00
        (6.00, (0.19, 0.15), (0.00, False), "8.70"),  # 8.69 leaves 5.9989..., 8.70 leaves 6.0058...
        (6.00, (0.19, 0.15), (0.25, True), "11.59"),  # 0.75 x 11.59 x 0.69034 = 6.0007..., of 11.58 5.9956...
        (5.00, (0.00, 0.00), (0.00, False), "5.00"),
    ],
)
def test_the_floor_is_the_lowest_price_that_leaves_cost_and_margin_after_tax_and_fee(
    cost: float, charge: tuple[float, float], margin: tuple[float, bool], lowest: str
) -> None:
    (tax, fee), (share, of_price), one = charge, margin, np.ones(1)
    charges = Charges(cost * one, tax * one, fee * one)
    known = {"cost": cost * (1 + charge_rate(tax, fee)), "margin": share, "margin_of_price": of_price}
    result = guarded(0.01, in_force=20.0, step=0.95, band=0.95, charges=charges, **known)
    assert f"{result.price[0]:.2f}" == lowest


def test_the_floor_is_exact_for_random_costs_taxes_and_fees() -> None:
    rng, rows = np.random.default_rng(0), 2000
    cost, tax = rng.integers(1, 100_000, rows), rng.integers(0, 300_000, rows)
    fee, margin = rng.integers(0, 400_000, rows), rng.integers(0, 900_000, rows)
    of_price = rng.random(rows) < 0.5
    charges = Charges(cost / 100, tax / 1e6, fee / 1e6)
    covering = cost / 100 * (1 + charge_rate(tax / 1e6, fee / 1e6))
    known = {"cost": covering, "margin": margin / 1e6, "margin_of_price": of_price}
    result = guarded(
        np.full(rows, 0.01), in_force=1e6, step=0.999999, band=0.999999, charges=charges, **known
    )
    for row, units in enumerate(np.rint(result.price * 100).astype(int).tolist()):
        m = Fraction(int(margin[row]), 10**6)
        kept = 1 / (1 + Fraction(int(tax[row]), 10**6)) - Fraction(int(fee[row]), 10**6)
        needed = int(cost[row]) * (1 / (1 - m) if of_price[row] else 1 + m)
        assert (units - 1) * kept < needed <= units * kept or units == 100, (row, units)


def test_a_store_has_the_tax_and_the_fee_of_its_channel() -> None:
    shop = channels(fee=[0.0, 0.0, 0.2], tax=["", "", "0.25"])
    sales = pd.DataFrame({"store_id": ["3", "1"], "price": 2.0, "tax_rate": 0.19})
    charged = shop.charged(sales)
    assert charged["sales_tax"].tolist() == [0.25, 0.19], "an empty tax is that of the sales"
    assert charged["channel_fee"].tolist() == [0.2, 0.0]
    assert charged["tax_rate"].tolist() == pytest.approx([1 / 0.6 - 1, 0.19])
    later = channels(fee=[0.0, 0.1, 0.3]).charged(charged)
    assert later["sales_tax"].tolist() == [0.25, 0.19], "charged anew, not twice"
    assert later["tax_rate"].tolist() == pytest.approx([1 / 0.5 - 1, 0.19])


def test_a_store_without_a_row_is_refused() -> None:
    with pytest.raises(DataError, match=r"channels.csv, column store_id: no row of '4'. Rule: every store"):
        channels().of(pd.Series(["1", "4"]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"fees": 0.1}, r"channels.csv, column fees: there is no such column.*write fee"),
        (
            {"channel": ["shop", "shop", "Web 2"]},
            r"channels.csv, row 3, column channel: 'Web 2'. Rule: a channel",
        ),
        ({"store_id": ["1", "1", "3"]}, r"row 2, column store_id: '1'. Rule: a store has one row"),
        ({"fee": [0, 0, 15]}, r"row 3, column fee: 15. Rule: a fee is a share.*write 0.15 for 15 %"),
        ({"tax": [0.19, "much", 0.19]}, r"row 2, column tax: 'much'. Rule: a tax is a share"),
        ({"fee": [0, 0, 0.8], "tax": 0.19}, r"row 3, column fee: 0.8. Rule: tax and fee leave at least 0.05"),
        ({"zone": "Mars/Base"}, r"row 1, column zone: 'Mars/Base'. Rule: a zone is an IANA time zone"),
        ({"currency": "euro"}, r"row 1, column currency: 'euro'. Rule: a currency is a code"),
        (
            {"zone": ["Europe/Berlin", "", ""]},
            r"row 2, column zone: \(empty\). Rule: the stores of a channel",
        ),
        (
            {"currency": ["EUR", "CHF", "EUR"]},
            r"row 2, column currency: 'CHF'. Rule: the stores of a channel",
        ),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        channels(**columns)


def test_ids_of_digits_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "channels.csv"
    path.write_text("store_id,channel,fee\n007,shop,\n8,web,0.1\n")
    table = channels_of(load("smoke", [f"price.channels={path}"]))
    assert table is not None
    assert table.names() == ["shop", "web"]
    assert table.of(pd.Series(["007"]))["fee"].tolist() == [0.0]
    assert channels_of(load("smoke")) is None


def test_a_currency_that_contradicts_the_source_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "channels.csv"
    path.write_text("store_id,channel,currency\n1,shop,EUR\n2,web,CHF\n")
    settings = ("source.currency=EUR", f"price.channels={path}")
    with pytest.raises(DataError, match=r"channel web, column currency: 'CHF'. Rule: all money is in the"):
        channels_of(load("smoke", settings))
    assert channels_of(load("smoke", settings[1:])) is not None
