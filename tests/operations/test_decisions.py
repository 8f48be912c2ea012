"""Rejections, overrides, adoptions and the second person: decisions of named persons, all in one ledger."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from flows.approval_form import conclusion
from tasks.governance.approval import Refused, approval
from tasks.governance.ledger import ADOPTED, REJECTED, LedgerError, following
from tasks.governance.manifest import ManifestError
from tasks.operations import promote as promotion
from tasks.operations.approve import LEAVE, Answer, decide
from tasks.operations.ledger import listed
from tasks.operations.reject import reject
from tasks.runtime import champion_aliases, champion_store, ledger_store, track
from tasks.runtime.candidate_aliases import nominate
from tests.conftest import MODELS
from tests.operations.promotions import (
    VERSIONS,
    as_the_last_release_left_it,
    check,
    ledger,
    promote,
    promoted_before,
    rollback,
    triple,
    without_manifests,
)

FAILED = VERSIONS + 1


def candidates() -> dict[str, int | None]:
    return {name: track.aliases(name).get("candidate") for name in MODELS}


# --- rejections ---


def test_a_rejected_version_is_no_candidate_any_more_and_says_who_rejected_it(shop: Settings) -> None:
    nominate(triple(3))
    rejected = reject(shop, 3, " Ada ", "milk at 9.99")
    assert (rejected["version"], rejected["number"], rejected["by"]) == (3, 1, "Ada")
    assert candidates() == dict.fromkeys(MODELS)
    tags = track.version_tags("pricing_policy", 3) or {}
    assert (tags["rejected_by"], tags["rejected_reason"]) == ("Ada", "milk at 9.99")
    with pytest.raises(Refused, match=r"version 3 was rejected by Ada at .* \(milk at 9.99\)"):
        promote(shop, 3)
    assert promote(shop, 3, "Bob", "rejected")["overridden"] == ["rejected"]
    assert check(Path(shop.data_folder))["by"] == "Bob"


def test_an_alias_that_makes_a_rejected_version_candidate_is_taken_away(
    shop: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nominate(triple(2))
    reject(shop, 3, "Ada", "milk at 9.99")
    assert candidates() == triple(2), "another version stays candidate"
    nominate(triple(3))
    with caplog.at_level("WARNING", logger="repricer"), pytest.raises(track.ModelError, match="none is"):
        champion_aliases.chosen(shop, "pricing_policy", None)
    assert "pricing_policy: version 3 is candidate no more; the alias is taken away." in caplog.text


def test_a_rejection_that_was_killed_behind_its_entry_is_finished_by_the_next_command(shop: Settings) -> None:
    nominate(triple(3))
    champion_store.decide(shop, None, REJECTED, {"version": 3}, approval("Ada", "milk at 9.99"))
    assert candidates() == triple(3)
    assert champion_aliases.champion(shop) is None
    assert candidates() == dict.fromkeys(MODELS)
    assert (track.version_tags("pricing_policy", 3) or {})["rejected_by"] == "Ada"


def test_what_may_not_be_rejected_leaves_no_entry(shop: Settings) -> None:
    promote(shop, 1)
    with pytest.raises(Refused, match="is the champion: only a candidate is rejected"):
        reject(shop, 1, "Ada", "why")
    with pytest.raises(Refused, match="version 99: there is no such version"):
        reject(shop, 99, "Ada", "why")
    with pytest.raises(Refused, match="--by is blank"):
        reject(shop, 2, " ", "why")
    track.set_alias("demand", "champion", triple(3)["demand"])
    with pytest.raises(Refused, match="which has no approval"):
        reject(shop, 2, "Ada", "why")
    assert len(ledger_store.entries(shop)) == 1


def test_a_champion_that_was_rejected_after_its_time_is_not_gone_back_to(shop: Settings) -> None:
    promote(shop, 1)
    promote(shop, 2)
    reject(shop, 1, "Bob", "milk at 9.99")
    with pytest.raises(Refused, match="version 1 was rejected by Bob"):
        rollback(shop)
    assert check(Path(shop.data_folder))["pricing_policy"] == 2


# --- overrides ---


def fail(shop: Settings, reasons: str) -> None:
    """Let the version that failed say what it failed."""
    track.open_store(shop)
    for name, number in triple(FAILED).items():
        track.tag_version(name, number, {"reasons": reasons})


def test_what_failed_a_gate_is_promoted_only_where_each_is_overridden_by_name(shop: Settings) -> None:
    fail(shop, "trial_lift: it must be > 0 · note: so what · policy_over_hold: too low")
    unnamed = "repricer promote --override policy_over_hold --override trial_lift"
    with pytest.raises(Refused, match=f"its verdict is FAIL.*{unnamed}"):
        promote(shop, FAILED)
    with pytest.raises(Refused, match="repricer promote --override policy_over_hold`"):
        promote(shop, FAILED, "Ada", "trial_lift")
    with pytest.raises(Refused, match=r"--override note: it did not fail. What failed: policy_over"):
        promote(shop, FAILED, "Ada", "trial_lift", "note")
    with pytest.raises(Refused, match=r"--override trial_lift: it did not fail. What failed: nothing"):
        promote(shop, 1, "Ada", "trial_lift")
    with pytest.raises(Refused, match="--reason is blank"):
        promotion.promote.fn(shop, FAILED, "Ada", " ", ("trial_lift", "policy_over_hold"))
    assert ledger(Path(shop.data_folder)) == []
    promoted = promote(shop, FAILED, "Ada", "trial_lift", "policy_over_hold")
    assert promoted["overridden"] == ["policy_over_hold", "trial_lift"]
    entry = ledger_store.newest(shop)
    assert entry is not None
    assert entry.body["overridden"] == ["policy_over_hold", "trial_lift"]
    check(Path(shop.data_folder))
    promote(shop, 1)
    assert rollback(shop)["overridden"] == ["policy_over_hold", "trial_lift"], "it was answered for already"


def test_an_override_answers_for_a_gate_and_not_for_changed_bytes(shop: Settings) -> None:
    track.open_store(shop)
    for name, number in triple(1).items():
        track.tag_version(name, number, {"verdict": "FAIL"})
    with pytest.raises(ManifestError, match="tag verdict: expected PASS, found FAIL"):
        promote(shop, 1, "Ada", "verdict")


# --- the second person ---


def trained_by(shop: Settings, version: int, user: str) -> None:
    """Let a retraining of an account be the source of a version of the policy."""
    client = track.open_store(shop)
    run_id = track.start_run(shop, {"attempt": "a"})
    client.set_tag(run_id, "mlflow.user", user)
    track.finish_run(run_id, "FINISHED")
    with closing(sqlite3.connect(Path(shop.data_folder) / "mlflow.db")) as database, database:
        for table in ("model_versions", "repricer_manifests"):
            key = "name" if table == "model_versions" else "model"
            database.execute(
                f"update {table} set run_id = ? where {key} = 'pricing_policy' and version = ?",
                (run_id, version),
            )


def test_who_trained_a_version_does_not_approve_it_where_two_persons_are_needed(shop: Settings) -> None:
    two = Settings(profile="smoke", data_folder=shop.data_folder, approval={"two_persons": True})
    trained_by(shop, 1, "ada  Lovelace")
    with pytest.raises(Refused, match=r"--by Ada Lovelace: who trained a version does not approve it"):
        promote(two, 1, "Ada Lovelace")
    with pytest.raises(Refused, match=r"the run of this version does not say who trained it.*LOGNAME"):
        promote(two, 2, "Bob")
    trained_by(shop, 3, "unknown")
    with pytest.raises(Refused, match="does not say who trained it"):
        promote(two, 3, "Bob")
    assert ledger(Path(shop.data_folder)) == []
    assert promote(two, 1, "Bob")["by"] == "Bob"
    assert promote(shop, 2, "Ada Lovelace")["by"] == "Ada Lovelace", "one person is enough by default"
    track.set_alias("pricing_policy", "champion", 1)
    with pytest.raises(Refused, match="who trained a version does not approve it"):
        promotion.adopt(two, 1, "Ada Lovelace", "why")
    assert promotion.adopt(two, 1, "Bob", "why")["champion"] == triple(1)


# --- the form ---


def test_who_does_not_promote_on_the_form_rejects_in_the_ledger(shop: Settings) -> None:
    answer = Answer(decision=LEAVE, by="Eve", reason="milk at 9.99", version=2, replaces=0)
    decided = decide(shop, answer)
    assert (decided["promoted"], decided["refused"]) == (None, "")
    assert decided["rejected"] is not None
    (entry,) = ledger_store.entries(shop)
    assert (entry.kind, entry.body, entry.approval.by) == (REJECTED, {"version": 2}, "Eve")
    state = conclusion(decided)
    assert (state.name, state.message) == ("Rejected", "version 2 is rejected, by Eve: milk at 9.99")
    assert "version 2 was rejected already by Eve" in decide(shop, answer)["refused"]


# --- adoptions ---


def adopt(settings: Settings, version: int) -> dict[str, Any]:
    return dict(promotion.adopt(settings, version, "Bob", "moved in the UI on Sunday"))


def test_an_alias_moved_by_hand_is_adopted_with_the_models_that_belong_to_it(shop: Settings) -> None:
    promote(shop, 1)
    promote(shop, 2)
    track.set_alias("pricing_policy", "champion", 3)
    with pytest.raises(Refused, match=r"names version 3, not 2\. Look at version 3"):
        adopt(shop, 2)
    adopted = adopt(shop, 3)
    assert (adopted["champion"], adopted["previous"], adopted["by"]) == (triple(3), triple(2), "Bob")
    newest = check(Path(shop.data_folder))
    assert (newest["kind"], newest["action"], newest["pricing_policy"]) == (ADOPTED, ADOPTED, 3)
    assert rollback(shop)["champion"] == triple(2)


def test_what_is_as_the_ledger_says_is_not_adopted(shop: Settings) -> None:
    with pytest.raises(Refused, match="nothing to adopt: no version of pricing_policy has the alias"):
        adopt(shop, 1)
    promote(shop, 1)
    with pytest.raises(Refused, match=r"nothing to adopt: .* names the champion, version 1 \(by Ada"):
        adopt(shop, 1)
    track.set_alias("demand", "champion", triple(3)["demand"])
    with pytest.raises(Refused, match=r"nothing to adopt: .* `repricer promote --version 1`"):
        adopt(shop, 1)
    track.set_alias("pricing_policy", "champion", FAILED)
    with pytest.raises(Refused, match="its verdict is FAIL, only PASS is promotable"):
        adopt(shop, FAILED)
    assert len(ledger(Path(shop.data_folder))) == 1


def test_a_champion_of_the_time_before_the_ledger_is_refused_until_a_named_person_adopts_it(
    shop: Settings,
) -> None:
    without_manifests(shop)
    promoted_before(1, "previous", "2026-01-01T10:00:00+00:00")
    promoted_before(2, "champion", "2026-02-01T10:00:00+00:00")
    for _ in range(2):
        with pytest.raises(
            Refused, match=r"from before the ledger.*`repricer adopt --version 2 --by NAME --reason WHY`"
        ):
            champion_aliases.chosen(shop, "pricing_policy", None)
    assert ledger(Path(shop.data_folder)) == [], "no command takes it up by itself"
    assert adopt(shop, 2)["champion"] == triple(2)
    assert check(Path(shop.data_folder))["by"] == "Bob"
    assert champion_aliases.champion(shop) is not None


# --- a shop of the last release ---


def test_a_shop_of_the_last_release_keeps_its_champion_and_what_was_approved(shop: Settings) -> None:
    promote(shop, 1)
    promote(shop, 2, "Bob")
    as_the_last_release_left_it(shop)
    champion = champion_aliases.champion(shop)
    assert champion is not None
    assert (champion.versions, champion.approval.by, set(champion.digests)) == (triple(2), "Bob", set(MODELS))
    with pytest.raises(Refused, match="version 2 is champion already"):
        promote(shop, 2)
    assert rollback(shop)["champion"] == triple(1)
    entries = ledger(Path(shop.data_folder))
    assert [(entry["kind"], entry["action"], entry["by"]) for entry in entries] == [
        (ADOPTED, "promoted", "Ada"),
        (ADOPTED, "promoted", "Bob"),
        ("rolled_back_to", "rolled_back_to", "Ada"),
    ]
    check(Path(shop.data_folder))


# --- orders of decisions ---

DECISIONS: dict[str, Callable[[Settings, random.Random], object]] = {
    "promote": lambda shop, draw: promote(shop, draw.randrange(1, VERSIONS + 1)),
    "rollback": lambda shop, _: rollback(shop),
    "reject": lambda shop, draw: reject(shop, draw.randrange(1, VERSIONS + 1), "Eve", "milk at 9.99"),
}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_order_of_decisions_aliases_and_ledger_agree(seed: int, shop: Settings) -> None:
    draw = random.Random(seed)
    promote(shop, 1)
    for _ in range(8):
        with suppress(Refused):
            DECISIONS[draw.choice(sorted(DECISIONS))](shop, draw)
        check(Path(shop.data_folder))
    assert ledger_store.broken(shop) is None


def test_entries_of_other_decisions_do_not_refuse_a_promotion(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, others = ledger_store.append, [3]

    def overtaken(settings: Settings, *entries: Any, **options: Any) -> None:
        if others:  # by a machine whose writers are others
            body, signed = {"version": others.pop()}, approval("Eve", "milk at 9.99")
            append(settings, following(ledger_store.newest(settings), REJECTED, body, signed))
        append(settings, *entries, **options)

    monkeypatch.setattr(ledger_store, "append", overtaken)
    assert promote(shop, 2)["number"] == 2
    others.append(1)
    with pytest.raises(Refused, match="version 1 was rejected by Eve"):
        promote(shop, 1)


def test_a_broken_ledger_decides_nothing_and_stops_no_retraining(
    shop: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    promote(shop, 1)
    with closing(sqlite3.connect(Path(shop.data_folder) / "mlflow.db")) as database, database:
        database.execute("drop trigger repricer_ledger_no_update")
        database.execute("update repricer_ledger set by = 'Mallory'")
    for command in (lambda: promote(shop, 2), lambda: rollback(shop), lambda: adopt(shop, 1)):
        with pytest.raises(LedgerError, match="entry 1 of the ledger was changed"):
            command()
    champion_aliases.repair(shop)
    assert "entry 1 of the ledger was changed" in caplog.text


def test_the_ledger_is_listed_for_people(shop: Settings) -> None:
    promote(shop, 1)
    reject(shop, 2, "Eve", "milk at 9.99")
    first, second = listed(shop)
    assert (first["number"], first["kind"], first["by"], first["reason"]) == (
        1,
        "promoted",
        "Ada",
        "version 1",
    )
    assert first["body"]["versions"] == triple(1)
    assert (second["kind"], second["body"]) == ("rejected", {"version": 2})
    assert second["at"] > first["at"]
