"""Run and versions of a retraining say what it reached, what it would change, and what the champion had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.governance.approval import approval
from tasks.governance.champion import MODELS, change
from tasks.governance.ledger import PROMOTED, Broken, LedgerError
from tasks.runtime import champion_store, track
from tasks.runtime.attempt import Attempt
from tasks.stages.describe import describe
from tests.runtime.stores import attempt_in

SCORES = {"blend": {"wape": 0.462}, "seasonal_naive": {"wape": 0.859}}
CLAIM = {"objective": "profit", "assumed": 40, "up": 17, "down": 12, "held": 11, "refusal": ""}
CLAIM |= {"assumed_margins": None, "lift": 0.024, "low": 0.013, "high": 0.045, "at_ends": 20, "index": 0.008}
CLAIM |= {"at_ends_share": 0.5, "gain": 24.0, "gain_low": 13.0, "gain_high": 45.0}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(profile="smoke", data_folder=str(tmp_path))


def retrained(settings: Settings, name: str, **changes: Any) -> tuple[Attempt, dict[str, int]]:
    """Describe a retraining with its versions as the register left them and return both."""
    client = track.open_store(settings)
    attempt = attempt_in(settings, name)
    track.log_headlines(attempt, {"list.lift": 0.024, "trial.lift": 0.079, "forecast.blend.wape": 0.462})
    versions = {}
    for model in MODELS:
        if not client.search_registered_models(f"name = '{model}'"):
            client.create_registered_model(model)
        version = client.create_model_version(
            model, settings.data_folder, attempt.run_id, {"verdict": "PASS"}
        )
        versions[model] = int(version.version)
    summary: Any = {
        "forecast": {"scores": SCORES, "coverage": {}, "lambda": 0.83},
        "response": {"identified": 38, "not_identified": 2, "median_elasticity": -1.176},
        "trial": {"lift": 0.079, "low": 0.032, "high": 0.192},
        "list": CLAIM,
        "objective": "profit",
        "verdict": "PASS",
        "failed_gates": [],
        "reasons": ["note: held out, the blend is worse than arima"],
        "versions": versions,
    }
    track.note(attempt, "# PASS", {"verdict": "PASS"})
    describe(attempt, settings, summary | changes)
    return attempt, versions


def test_a_version_says_what_it_is_what_it_reached_and_what_it_would_change(settings: Settings) -> None:
    attempt, _ = retrained(settings, "a")
    client = track.open_store(settings)
    says = {name: client.get_model_version(name, "1").description for name in MODELS}
    for text in says.values():
        assert text.startswith("PASS: +2.4 % profit a week")
        assert "17 prices up, 12 down, 11 held" in text
        assert "There was no champion yet." in text
        assert "- note: held out, the blend is worse than arima" in text
        assert f"[retraining a](#/experiments/1/runs/{attempt.run_id}?workflowType=machine_learning)" in text
        assert f"/runs/{attempt.run_id}/artifacts/figures/gates.png?" in text
        assert "[pricing_policy 1](#/models/pricing_policy/versions/1)" in text
    assert "WAPE 0.462, a seasonal naive forecast 0.859" in says["demand"]
    assert "identified for 38 of 40 products, median -1.176" in says["price_response"]
    assert (
        "A season of its lists, simulated, against the prices in force: +7.9 % (+3.2 % to +19.2 %)"
        in (says["pricing_policy"])
    )
    assert "Of 40 prices: 17 up, 12 down, 11 held" in says["pricing_policy"]
    assert "Expected gain: +24.00 (+13.00 to +45.00) a week" in says["pricing_policy"]
    assert "`repricer compare --version 1`" in says["pricing_policy"]
    assert "To decide" not in says["demand"], "the policy is what a person promotes"
    tags = client.get_model_version("demand", "1").tags
    assert (tags["list_lift"], tags["season_lift"], tags["wape"]) == ("+2.4 %", "+7.9 %", "0.462")
    assert tags["headline"].startswith("PASS: +2.4 % profit a week")
    assert tags["verdict"] == "PASS", "what the registration wrote stays"


def test_the_run_leads_to_its_versions_and_says_that_there_is_no_champion(settings: Settings) -> None:
    attempt, _ = retrained(settings, "a")
    run = track.open_store(settings).get_run(attempt.run_id)
    assert run.data.tags["champion"] == "no champion yet"
    assert run.data.tags["versions"] == "demand 1, price_response 1, pricing_policy 1"
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("# PASS\n")
    assert note.count("[demand 1](#/models/demand/versions/1)") == 1
    assert not [name for name in run.data.metrics if name.startswith("champion.")]


def test_the_figures_of_the_champion_stand_beside_those_of_the_candidate(settings: Settings) -> None:
    _, versions = retrained(settings, "a")
    champion_store.decide(settings, None, PROMOTED, change(versions, {}), approval("Ada", "lift checked"))
    attempt, newer = retrained(settings, "b")
    assert set(newer.values()) == {2}
    data = track.open_store(settings).get_run(attempt.run_id).data
    assert data.tags["champion"].startswith("version 1 (by Ada, ")
    assert {name: data.metrics[f"champion.{name}"] for name in ("list.lift", "trial.lift")} == {
        "list.lift": 0.024,
        "trial.lift": 0.079,
    }
    assert data.metrics["champion.forecast.blend.wape"] == 0.462
    text = track.open_store(settings).get_model_version("pricing_policy", "2").description
    assert "its list changed a week by +2.4 %, its season by +7.9 %" in text


def test_a_version_whose_source_is_a_stage_still_leads_to_the_figures_of_its_retraining(
    settings: Settings,
) -> None:
    client = track.open_store(settings)
    attempt = attempt_in(settings, "old")
    track.log_headlines(attempt, {"list.lift": 0.01})
    with track.stage_run(attempt, "register") as stage:
        pass
    client.create_registered_model("pricing_policy")
    client.create_model_version("pricing_policy", settings.data_folder, stage.id)
    assert track.headlines_of_version("pricing_policy", 1) == {"list.lift": 0.01}
    client.delete_registered_model("pricing_policy")
    assert track.headlines_of_version("pricing_policy", 1) == {}, "a version that is gone"


def test_gates_that_passed_are_counted_and_those_that_failed_are_said(settings: Settings) -> None:
    passed = "all 2 gates passed: trial_lift, list_lift"
    retrained(settings, "a", reasons=[passed, "note: so what"])
    failed = "trial_lift: the lower end of the trial's lift is -0.01, it must be > 0"
    retrained(settings, "b", verdict="FAIL", failed_gates=["trial_lift"], reasons=[failed])
    client = track.open_store(settings)
    says = [client.get_model_version("pricing_policy", number).description for number in ("1", "2")]
    assert "- all 2 gates passed\n- note: so what" in says[0]
    assert f"- {failed}" in says[1]
    assert "To decide" not in says[1], "what failed is not offered for promotion"


def test_a_change_that_is_not_known_is_said_to_be_so(settings: Settings) -> None:
    claim = CLAIM | {"lift": None, "low": None, "high": None}
    retrained(settings, "a", list=claim, trial={"lift": None, "low": None, "high": None}, reasons=[])
    version = track.open_store(settings).get_model_version("pricing_policy", "1")
    assert version.tags["list_lift"] == "not known"
    assert "Every gate is passed." in version.description


def test_a_broken_ledger_stops_no_retraining(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_settings: Settings) -> None:
        raise LedgerError(Broken(3, "was changed"))

    monkeypatch.setattr(champion_store, "newest", broken)
    retrained(settings, "a")
    assert "entry 3 of the ledger was changed" in caplog.text
