"""Settings: layers, typos that name their path, one object for all."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from conf import Settings, SettingsError, load, profiles


@pytest.mark.parametrize("profile", profiles())
def test_every_profile_loads(profile: str) -> None:
    assert load(profile).profile == profile


def test_a_profile_says_only_what_differs() -> None:
    base, smoke = load(), load("smoke")
    assert smoke.source.products != base.source.products
    assert smoke.evaluate.confidence == base.evaluate.confidence


def test_an_assignment_overrules_the_profile() -> None:
    settings = load("smoke", ["forecast.lstm.units=32", "price.dqn.hidden=[8, 8]", "seed=11"])
    assert (settings.forecast.lstm.units, settings.price.dqn.hidden, settings.seed) == (32, (8, 8), 11)


def test_a_cron_of_every_minute_is_text() -> None:
    assert load("smoke", ["schedule.cron=* * * * *"]).schedule.cron == "* * * * *"


def test_a_mapping_of_columns_adds_to_that_of_the_profile() -> None:
    settings = load("orange_juice", ["source.columns.price=shelf"])
    assert settings.source.columns["price"] == "shelf"
    assert settings.source.columns["promotion_deal"] == "deal"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "forecast.lstm.unit=3",
            r"forecast.lstm.unit: there is no such setting. Did you mean forecast.lstm.units\?",
        ),
        ("forecast.lstm.units=many", "forecast.lstm.units: .*Received: 'many'"),
        ("evaluate.confidence=1.5", "evaluate.confidence: .*less than 1. Received: 1.5"),
        ("prize.ladder_low=1", r"prize: there is no such setting. Did you mean price\?"),
        ("seed", "expected key=value"),
    ],
)
def test_a_typo_is_an_error_that_names_its_path(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load("default", [assignment])


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do() -> None:
    known = "closed_loop, default, orange_juice, slow_movers, smoke"
    with pytest.raises(SettingsError, match=rf"there is no 'smok'\. Profiles: {known}"):
        load("smok")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load().seed = 3  # type: ignore[misc]


def test_the_prefect_form_and_the_code_read_the_same_object() -> None:
    settings = load("smoke", ["seed=5"])
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings
    assert Settings.model_validate({"profile": "smoke", "seed": 5}) == settings


def test_parameters_of_mlflow_are_dotted_names() -> None:
    flat = load().flat()
    assert flat["forecast.lstm.units"] == str(load().forecast.lstm.units)
    assert all(len(name) <= 250 for name in flat)


def test_margins_of_names_that_mlflow_does_not_take_are_one_parameter() -> None:
    flat = load("default", ["price.margins={'COFFEE & TEA': 0.4, dairy: 0.25}"]).flat()
    assert {name: flat[name] for name in flat if name.startswith("price.margins")} == {
        "price.margins": "{'COFFEE & TEA': 0.4, 'dairy': 0.25}"
    }
    assert load("default", ["price.margins={dairy: 0.25}"]).flat()["price.margins.dairy"] == "0.25"


def documented(model: type[BaseModel], path: str) -> list[str]:
    bare = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            bare += documented(inner, f"{path}{name}.")
        elif not field.description:
            bare.append(path + name)
    return bare


def test_every_field_says_what_it_is() -> None:
    assert documented(Settings, "") == []
