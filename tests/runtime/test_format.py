"""A registered version is loaded only if it carries the format number of this code."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.format import FORMAT, FORMAT_TAG, FormatError
from tasks.governance.manifest import ManifestError
from tasks.operations.draft import ShopTables
from tasks.operations.experiment_off_policy import off_policy
from tasks.operations.explain_price import Question, explain_price
from tasks.operations.promote import promote
from tasks.operations.recommend import Order, recommend
from tasks.runtime import champion_aliases, track, verified_models
from tasks.runtime.model_folder import PRIVATE
from tasks.runtime.moved import ARTIFACTS
from tests.runtime.stores import attempt_in, registration, seal_any

REGISTERED_BEFORE = Path(__file__).parent / "registered_before"
REFUSAL = (
    r"pricing_policy version 1 carries no format number; this code reads the formats 2, 3 and 4\. "
    r"Retrain with `repricer retrain`"
)


class ReachedMlflow(Exception):
    """MLflow was called to load a version, which imports the version's code."""


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store with a version as the commit before registered it."""
    folder = tmp_path_factory.mktemp("registered")
    model = shutil.copytree(REGISTERED_BEFORE, folder / ARTIFACTS / "model")
    store = track.open_store(Settings(profile="smoke", data_folder=str(folder)))
    store.create_registered_model("pricing_policy")
    tags = {"verdict": "PASS", "demand_version": "1", "price_response_version": "1"}
    store.create_model_version("pricing_policy", model.as_uri(), tags=tags)
    track.set_alias("pricing_policy", "candidate", 1)
    return folder


@pytest.fixture
def before(registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a copy of that store; whoever calls MLflow to load the version is noticed."""

    def load(uri: str) -> None:
        raise ReachedMlflow(uri)

    monkeypatch.setattr("mlflow.pyfunc.load_model", load)
    shutil.copytree(registered, tmp_path, dirs_exist_ok=True)
    settings = Settings(profile="smoke", data_folder=str(tmp_path))
    track.open_store(settings)
    return settings


def decisions(folder: Path) -> str:
    log = pd.DataFrame(
        {
            "product_id": ["1", "2"] * 50,
            "price": [1.0, 2.0] * 50,
            "reference_price": 1.0,
            "reward": 1.0,
            "propensity": 0.5,
        }
    )
    log.to_csv(folder / "log.csv", index=False)
    return str(folder / "log.csv")


def listed(settings: Settings, version: int | None, folder: Path) -> Any:
    order = Order(out=str(folder / "list.csv"), version=version)
    return recommend.fn(settings, order, ShopTables(), None)


LOADERS: dict[str, Callable[[Settings, Path], Any]] = {
    "recommend": lambda settings, folder: listed(settings, None, folder),
    "recommend --version": lambda settings, folder: listed(settings, 1, folder),
    "explain price": lambda settings, _: explain_price(settings, Question(product="1029743"), ShopTables()),
    "off-policy": lambda settings, folder: off_policy.fn(decisions(folder), "candidate", settings),
    "promote": lambda settings, _: promote.fn(settings, 1, "Ada", "lift checked"),
}


@pytest.mark.parametrize("command", sorted(LOADERS))
def test_a_version_that_the_commit_before_registered_is_refused_before_its_code_is_imported(
    command: str, before: Settings, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match=REFUSAL):
        LOADERS[command](before, tmp_path)


def test_a_version_of_another_number_is_refused(before: Settings) -> None:
    track.tag_version("pricing_policy", 1, {FORMAT_TAG: str(FORMAT + 1)})
    with pytest.raises(
        FormatError, match=f"has format {FORMAT + 1}; this code reads the formats 2, 3 and {FORMAT}"
    ):
        champion_aliases.chosen(before, "pricing_policy", None)


def test_a_policy_of_the_market_without_groups_is_refused(before: Settings) -> None:
    track.tag_version("pricing_policy", 1, {FORMAT_TAG: "1"})
    with pytest.raises(FormatError, match="has format 1; this code reads the formats 2, 3 and 4"):
        champion_aliases.chosen(before, "pricing_policy", None)


def test_it_is_the_number_alone_that_keeps_the_code_from_being_imported(before: Settings) -> None:
    track.tag_version("pricing_policy", 1, {FORMAT_TAG: str(FORMAT)})
    seal_any(before, "pricing_policy", 1)
    with pytest.raises(ReachedMlflow, match=PRIVATE):
        champion_aliases.chosen(before, "pricing_policy", None)


def test_a_version_of_other_code_without_a_manifest_is_refused(before: Settings) -> None:
    track.tag_version("pricing_policy", 1, {FORMAT_TAG: str(FORMAT)})
    with pytest.raises(ManifestError, match=r"no manifest, .* policy\.py: expected .*, found no such file"):
        champion_aliases.chosen(before, "pricing_policy", 1)


def test_a_version_of_this_format_loads_and_answers(tmp_path: Path) -> None:
    settings = Settings(profile="smoke", data_folder=str(tmp_path))
    attempt = attempt_in(settings)
    with track.stage_run(attempt, "register") as run:
        number = run.model(registration(tmp_path))
    assert track.version_tags("price_response", number) == {FORMAT_TAG: str(FORMAT), "verdict": "PASS"}
    model = verified_models.load(settings, "price_response", number)
    answer = model.predict(pd.DataFrame({"product_id": ["007", "8"]}))
    assert answer["elasticity"].tolist()[0] == -1.5
    assert answer["identified"].tolist() == [True, False]
