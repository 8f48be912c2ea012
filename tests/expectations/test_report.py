"""The data report: one file that opens offline; names in the data are shown as text and never run."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from expectations.report import Overview, render
from expectations.suites import Outcome

VOID = {"meta", "br", "line", "path"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def outcome(sentence: str, *, critical: bool, passed: bool, failing: tuple[int, ...] = ()) -> Outcome:
    return Outcome(sentence=sentence, critical=critical, passed=passed, failing=failing, observed="")


@pytest.fixture
def overview() -> Overview:
    days = pd.date_range("2025-01-01", periods=60)
    sales = pd.DataFrame(
        {
            "date": days,
            "product_id": "tea",
            "store_id": "all",
            "units": np.arange(60.0),
            "price": 2.5,
            "name": "Earl Grey",
        }
    )
    aside = sales.head(7).assign(file="s.csv", row=range(1, 8), reason="price missing", price=np.nan)
    outcomes = [
        outcome("price is above 0", critical=True, passed=True),
        outcome("list_price is at least price", critical=False, passed=False, failing=(1, 2)),
    ]
    rows = {"rows read": 67, "rows accepted": 60}
    return Overview(
        source="sales.csv",
        data_hash="abc",
        rows=rows,
        sales=sales,
        set_aside=aside,
        outcomes=outcomes,
        kept={"lag_7": "log units a week ago"},
        dropped={"lag_8": "like lag_7"},
    )


def page(overview: Overview) -> Page:
    parsed = Page()
    parsed.feed(render(overview))
    return parsed


def test_the_report_opens_offline(overview: Overview) -> None:
    html = render(overview)
    assert "http" not in html
    parsed = page(overview)
    assert not {"script", "link", "img", "iframe", "a"} & set(parsed.tags)
    assert not {"src", "href", "onload", "onclick"} & set(parsed.attributes)


def test_the_report_shows_rows_rules_reasons_and_features(overview: Overview) -> None:
    text = " ".join(page(overview).text)
    for shown in (
        "67",
        "price is above 0",
        "holds",
        "fails in 2 rows",
        "7 x price missing",
        "s.csv",
        "log units a week ago",
        "like lag_7",
    ):
        assert shown in text
    assert page(overview).tags.count("svg") == 3


def test_names_from_the_data_are_shown_as_text(overview: Overview) -> None:
    evil = "</td><script>alert('x')</script>"
    names = dict.fromkeys(("product_id", "store_id", "name", "category", "department", "currency"), evil)
    hostile = replace(
        overview,
        source=evil,
        data_hash=evil,
        rows={evil: 1},
        notes=[evil],
        sales=overview.sales.assign(**names, **{evil: evil}),
        set_aside=overview.set_aside.assign(**names, reason=evil, file=evil, row=evil),
        outcomes=[replace(outcome(evil, critical=True, passed=False), observed=evil)],
        kept={evil: evil},
        dropped={evil: evil},
    )
    parsed = page(hostile)
    assert "script" not in parsed.tags
    assert sum(evil in text for text in parsed.text) >= 12
    assert "<script" not in render(hostile)


def test_a_report_of_one_row_at_one_price_is_drawn(overview: Overview) -> None:
    single = replace(
        overview,
        sales=overview.sales.head(1).assign(units=1.0),
        set_aside=overview.set_aside.head(0),
        dropped={},
    )
    html = render(single)
    assert "nan" not in html
    assert "No row." in html
