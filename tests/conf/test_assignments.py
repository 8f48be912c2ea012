"""``--set`` takes text as it is written; numbers, lists and mappings are read by the type of the setting."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel

from conf import SettingsError, load
from conf.assignments import assigned

AS_WRITTEN = [
    "no",
    "on",
    "yes",
    "true",
    "007",
    "1e3",
    "2026-01-01",
    "12:30",
    "0x1F",
    "1_000",
    "a: b",
    "'x'",
    "#2",
    "a=b",
]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_text_is_taken_as_written(text: str) -> None:
    settings = load(
        "default", [f"source.path={text}", f"source.columns.product_id={text}", f"track.experiment={text}"]
    )
    assert settings.source.path == text
    assert settings.source.columns["product_id"] == text
    assert settings.track.experiment == text


@pytest.mark.parametrize("text", ["no", "on", "007"])
def test_text_inside_a_mapping_is_taken_as_written(text: str) -> None:
    settings = load("default", [f"source.columns={{product_id: {text}, on: {text}}}"])
    assert settings.source.columns == {"product_id": text, "on": text}


@pytest.mark.parametrize("text", ["", "null", "~"])
def test_null_or_nothing_is_none_where_a_setting_may_be_none(text: str) -> None:
    settings = load("orange_juice", [f"source.path={text}", f"source.time_zone={text}"])
    assert settings.source.path is None
    assert settings.source.time_zone is None


def test_null_is_the_name_of_a_column_where_text_is_needed() -> None:
    assert load("default", ["source.columns.price=null"]).source.columns["price"] == "null"


@pytest.mark.parametrize("name", ["data_folder", "source.columns.price", "schedule.cron"])
def test_an_empty_text_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"--set {name}=: a value is needed"):
        load("default", [f"{name}="])


def test_numbers_are_decimal_numbers() -> None:
    settings = load(
        "default", ["seed=010", "price.dqn.environment_steps=1_500_000", "forecast.arima.shrinkage=1e3"]
    )
    assert (settings.seed, settings.price.dqn.environment_steps) == (10, 1_500_000)
    assert settings.forecast.arima.shrinkage == 1000.0


@pytest.mark.parametrize(("text", "truth"), [("true", True), ("False", False), ("on", True), ("no", False)])
def test_yes_and_no_are_read_where_they_are_meant(text: str, truth: bool) -> None:
    assert load("default", [f"source.by_store={text}"]).source.by_store is truth


@pytest.mark.parametrize(("text", "message"), [("maybe", "valid boolean"), ("null", "valid boolean")])
def test_what_is_no_yes_or_no_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=rf"source.by_store: .*{message}"):
        load("default", [f"source.by_store={text}"])


def test_lists_are_read_entry_by_entry() -> None:
    assert load("default", ["price.dqn.hidden=[8, 16]"]).price.dqn.hidden == (8, 16)
    with pytest.raises(SettingsError, match=r"price.dqn.hidden: .*Received: '8'"):
        load("default", ["price.dqn.hidden=8"])


def test_a_section_is_read_by_the_types_of_its_settings() -> None:
    settings = load(
        "default", ["source={kind: file, path: 007, time_zone: no, products: 5, columns: {date: on}}"]
    )
    assert (settings.source.path, settings.source.time_zone, settings.source.products) == ("007", "no", 5)
    assert settings.source.columns == {"date": "on"}


def test_broken_yaml_of_a_list_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--set price.dqn.hidden=\[8: it cannot be read as YAML"):
        load("default", ["price.dqn.hidden=[8"])


def test_a_part_of_what_was_set_to_none_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"source.path.x=1: path was set to 'a' before, which has no parts"
    ):
        load("default", ["source.path=a", "source.path.x=1"])


class Unions(BaseModel):
    separator: Literal["auto", ";", ","]
    tax: float | str | None
    names: list[str] | None
    flag: bool | Literal["auto"]


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("separator=;", ";"),
        ("tax=0.19", 0.19),
        ("tax=vat", "vat"),
        ("tax=null", None),
        ("names=[on, 007, null]", ["on", "007", "null"]),
        ("names=null", None),
        ("flag=auto", "auto"),
        ("flag=true", True),
        ("gone=on", "on"),
        ("gone.further=007", {"further": "007"}),
    ],
)
def test_unions_are_read_by_their_members(assignment: str, value: Any) -> None:
    assert list(assigned([assignment], Unions).values()) == [value]
