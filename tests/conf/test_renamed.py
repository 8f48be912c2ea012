"""Renamed settings: new input is refused with the new name, stored settings of old runs are still read."""

from __future__ import annotations

from typing import Any

import pytest

from conf import Settings, SettingsError, layers, load, stored
from conf.renamed import RENAMED

OLD = {"forecast": {"lstm": {"errors": "logs", "units": 24}}, "price": {"reference_memory": 0.4}}


def lookup(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = tree[name]
    return tree


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_the_table_leads_from_no_setting_to_a_setting(old: str, new: str) -> None:
    names = load().model_dump()
    lookup(names, new)
    with pytest.raises(KeyError, match=old.rpartition(".")[2]):
        lookup(names, old)


def test_an_assignment_to_an_old_name_is_refused_with_the_new_one() -> None:
    with pytest.raises(SettingsError, match=r"^forecast\.lstm\.errors: this setting is now forecast\.errors"):
        load("smoke", ["forecast.lstm.errors=logs"])


def test_every_wrong_name_is_reported_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        load("smoke", ["price.reference_memory=0.5", "forecast.lstm.unit=3", "evaluate.confidence=1.5"])
    message = str(error.value)
    assert "price.reference_memory: this setting is now respond.reference_memory" in message
    assert "forecast.lstm.unit: there is no such setting. Did you mean forecast.lstm.units?" in message
    assert "evaluate.confidence: Input should be less than 1. Received: 1.5" in message


def test_a_profile_with_an_old_name_is_refused_with_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    read = layers._read
    monkeypatch.setattr(layers, "_read", lambda name: OLD if name == "profiles/smoke.yaml" else read(name))
    with pytest.raises(SettingsError, match=r"this setting is now respond\.reference_memory"):
        load("smoke")


def test_the_prefect_form_refuses_an_old_name_with_the_new_one() -> None:
    from prefect.exceptions import ParameterTypeError

    from flows.retrain import retrain

    message = r"settings\.forecast\.lstm\.errors: this setting is now forecast\.errors"
    with pytest.raises(ParameterTypeError, match=message):
        retrain.validate_parameters({"settings": OLD})


def test_the_prefect_form_shows_every_section_and_reads_what_it_shows() -> None:
    from prefect.utilities.callables import parameter_schema

    from flows.retrain import retrain

    schema = parameter_schema(retrain.fn).model_dump()
    assert set(schema["definitions"]["Settings"]["properties"]) == set(Settings.model_fields)
    assert set(schema["definitions"]["Forecast"]["properties"]) >= {"errors", "arima", "lstm", "blend"}
    given = {"settings": {"profile": "smoke", "seed": 5}, "fresh": True}
    assert retrain.validate_parameters(given)["settings"] == load("smoke", ["seed=5"])


def test_stored_settings_keep_their_values_under_the_new_names() -> None:
    settings = stored({"profile": "smoke", "data_folder": "elsewhere", **OLD})
    assert settings.forecast.errors == "logs"
    assert settings.respond.reference_memory == 0.4
    assert (settings.forecast.lstm.units, settings.data_folder) == (24, "elsewhere")


def test_stored_settings_lose_names_that_are_gone() -> None:
    settings = stored({"seed": 3, "gone": {"x": 1}, "price": {"dqn": {"gone": 1, "batch": 64}}})
    assert (settings.seed, settings.price.dqn.batch) == (3, 64)


def test_stored_settings_of_today_are_read_as_they_are() -> None:
    settings = load("orange_juice", ["seed=5", "source.columns.price=shelf"])
    assert stored(settings.model_dump(mode="json")) == settings
    assert stored({}) == load()


@pytest.mark.parametrize("given", [None, 3, "smoke", {"target": "prod", "threads": 4}])
def test_what_another_project_stored_is_not_settings(given: Any) -> None:
    with pytest.raises(SettingsError, match="no settings of a retraining"):
        stored(given)


def test_stored_settings_that_no_longer_fit_are_refused_with_their_path() -> None:
    with pytest.raises(SettingsError, match=r"^seed: .*Received: 'many'"):
        stored({"seed": "many"})


@pytest.mark.parametrize("section", [None, 3, "x"])
def test_a_stored_section_that_is_none_is_refused_with_its_path(section: Any) -> None:
    with pytest.raises(SettingsError, match=r"^price: "):
        stored({"price": section})


def test_a_value_stored_under_both_names_is_that_of_the_new_one() -> None:
    assert stored({"forecast": {"errors": "units", "lstm": {"errors": "logs"}}}).forecast.errors == "units"


def test_the_stored_tree_is_not_touched() -> None:
    tree = {"forecast": {"lstm": {"errors": "logs"}}}
    stored(tree)
    assert tree == {"forecast": {"lstm": {"errors": "logs"}}}
