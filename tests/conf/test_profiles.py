"""A profile is a name of the installation, or a file of one's own by its path."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from conf import Settings, SettingsError, load, profile_name, stored


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shop.yaml"
    path.write_text("data_folder: var/shop\nforecast: {lstm: {units: 24}}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("given", ["shop.yaml", "./shop.yaml", "../{folder}/shop.yaml", "{whole}"])
def test_a_profile_is_found_by_its_path(shop: Path, given: str) -> None:
    settings = load(given.format(folder=shop.parent.name, whole=shop))
    assert (settings.data_folder, settings.forecast.lstm.units) == ("var/shop", 24)
    assert settings.forecast.lstm.window == load().forecast.lstm.window, "the rest is that of base.yaml"


def test_a_profile_by_path_means_the_same_in_another_folder(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load("shop.yaml", ["seed=5"])
    assert settings.profile == str(shop)
    monkeypatch.chdir("/")
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings
    assert Settings.model_validate({"profile": str(shop), "seed": 5}) == settings


def test_a_relative_path_in_stored_settings_is_refused(shop: Path) -> None:
    with pytest.raises(
        ValidationError, match=rf"write the whole path of a file, such as {shop}\. Received: shop.yaml"
    ):
        Settings(profile="shop.yaml")


def test_stored_settings_are_read_when_their_profile_is_gone(shop: Path) -> None:
    tree = load("shop.yaml").model_dump(mode="json")
    shop.unlink()
    assert stored(tree).data_folder == "var/shop"


def test_a_missing_file_is_named_with_the_profiles_that_exist(shop: Path) -> None:
    with pytest.raises(
        SettingsError,
        match=rf"there is no file {shop.parent}/shp\.yaml\. .*: closed_loop, default, orange_juice, slow_",
    ):
        load("shp.yaml")


def test_a_name_beside_a_file_of_that_name_is_told_its_path(shop: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"there is no 'shop'\. .*named by its path: --profile \./shop\.yaml"
    ):
        load("shop")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", r"shop\.yaml cannot be read: while parsing"),
        (b"\xff\xfe", r"shop\.yaml cannot be read: .*decode"),
        (b"- 1\n", r"shop\.yaml must hold `setting: value` lines. Received: \[1\]"),
        (b"forecast: {lstm: {unit: 3}}", r"forecast\.lstm\.unit: there is no such setting"),
    ],
)
def test_a_broken_file_is_refused(shop: Path, content: bytes, message: str) -> None:
    shop.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load("shop.yaml")


def test_a_folder_is_no_profile(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").mkdir()
    with pytest.raises(SettingsError, match=r"shop\.yaml cannot be read: .*directory"):
        load(str(tmp_path / "shop.yaml"))


def test_a_profile_file_goes_by_its_stem() -> None:
    assert profile_name("/srv/shops/north.yaml") == "north"
    assert profile_name("smoke") == "smoke"
