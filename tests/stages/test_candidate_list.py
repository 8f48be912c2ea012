"""The candidate's list is on the page of its retraining, and the champion stands beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.champion import Unresolved
from tasks.runtime import champion_aliases, track
from tasks.runtime.records import Versions
from tasks.stages.candidate_list import champion_beside, show_list
from tests.conftest import MODELS
from tests.runtime.stores import attempt_in
from tests.stages.test_market import grouped_policy, stored


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(profile="smoke", data_folder=str(tmp_path / "var"))


@pytest.mark.parametrize(("verdict", "status"), [("PASS", "DRAFT"), ("FAIL", "DRAFT OF A FAILED VERSION")])
def test_the_list_of_the_candidate_is_an_artifact_of_its_retraining(
    settings: Settings, tmp_path: Path, verdict: str, status: str
) -> None:
    Path(settings.data_folder).mkdir()
    attempt, model = attempt_in(settings), grouped_policy()
    market = model.market.assign(date=pd.Timestamp("2025-01-05"), name="=Tea", category="tea")
    stages: Any = {
        "price": stored(replace(model, market=market), tmp_path),
        "evaluate": {"verdict": verdict},
    }
    show_list(attempt, settings, stages, Versions(**dict.fromkeys(MODELS, 7)))
    client = track.open_store(settings)
    files = sorted(file.path for file in client.list_artifacts(attempt.run_id, "price_list"))
    assert files == ["price_list/price_list.csv", "price_list/price_list.parquet"]
    exact = pd.read_parquet(client.download_artifacts(attempt.run_id, files[1]))
    assert set(exact["status"]) == {status}
    assert set(exact["version"]) == {7}
    assert set(exact["week"]) == {pd.Timestamp("2025-01-06")}
    assert set(exact["name"]) == {"=Tea"}
    assert "'=Tea" in Path(client.download_artifacts(attempt.run_id, files[0])).read_text()


def test_without_a_champion_none_stands_beside(settings: Settings) -> None:
    Path(settings.data_folder).mkdir()
    assert champion_beside(settings) is None


def test_a_champion_that_is_not_known_stops_no_retraining(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def torn(_settings: Settings) -> None:
        raise Unresolved("who is champion is not known")

    monkeypatch.setattr(champion_aliases, "champion", torn)
    assert champion_beside(settings) is None
    assert "who is champion is not known" in caplog.text


def test_the_champion_stands_beside_with_the_lift_of_its_list_when_it_was_registered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    Path(settings.data_folder).mkdir()
    attempt = attempt_in(settings)
    track.log_headlines(attempt, {"list.lift": 0.02, "list.low": 0.01, "list.high": 0.03})
    client = track.open_store(settings)
    with track.stage_run(attempt, "register") as run:
        client.create_registered_model("pricing_policy")
        client.create_model_version("pricing_policy", settings.data_folder, run.id)
        client.create_model_version("pricing_policy", settings.data_folder)
    for version, lifts in ((1, (0.02, 0.01, 0.03)), (2, (None, None, None))):
        champion = SimpleNamespace(versions={"pricing_policy": version})
        monkeypatch.setattr(champion_aliases, "champion", lambda _, found=champion: found)
        beside = champion_beside(settings)
        assert beside is not None
        assert beside["version"] == version
        assert (beside["lift"], beside["low"], beside["high"]) == lifts
