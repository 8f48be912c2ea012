"""Says on the run of a retraining, and on the versions that it registered, what it reached."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import cast

from conf import Settings
from tasks.governance.champion import HEAD, Champion
from tasks.governance.ledger import LedgerError
from tasks.runtime import champion_store, track
from tasks.runtime.attempt import Attempt
from tasks.runtime.summary import Summary
from tasks.stages.candidate_page import what_it_does
from tasks.stages.headline import headline

log = logging.getLogger("repricer")

COMPARED = ("list.lift", "trial.lift", "forecast.blend.wape")
"""Metrics that stand beside those of the champion."""
FILES = {"figures/gates.png": "gates", "price_list/price_list.csv": "price list"}
"""Files of a retraining to which its versions link, and their names there."""
GATE_NAMES = re.compile(r"(?<=gates passed): .*")
NO_CHAMPION = "no champion yet"
NOT_KNOWN = "not known"


def describe(attempt: Attempt, settings: Settings, summary: Summary) -> None:
    """Log the champion's figures on the run, link its versions, and describe each in the registry."""
    champion = _champion(settings)
    standing = track.headlines_of_version(HEAD, champion.versions[HEAD]) if champion else {}
    track.log_headlines(
        attempt, {f"champion.{name}": standing[name] for name in COMPARED if name in standing}
    )
    beside = champion_sentence(champion, standing)
    track.tag_run(attempt, {"headline": headline(summary), "champion": str(champion or NO_CHAMPION)})
    versions = cast("Mapping[str, int]", summary["versions"])
    track.link_versions(attempt, versions)
    files = [track.file_link(attempt, path, text) for path, text in FILES.items()]
    look = f"Look: {' · '.join([track.run_link(attempt, f'retraining {attempt.id}'), *files])}."
    for name, number in versions.items():
        text = [headline(summary), _reached(summary)[name], beside, _reasons(summary["reasons"]), look]
        decide = [_how_to_decide(number)] if name == HEAD and summary["verdict"] == "PASS" else []
        track.describe_version(name, number, "\n\n".join([*text, track.links_to(versions), *decide]))
        track.tag_version(name, number, {**_figures(summary), "headline": headline(summary)})


def _champion(settings: Settings) -> Champion | None:
    """Return the champion; a ledger that is not what was written stops no retraining, and is warned of."""
    try:
        return champion_store.newest(settings)
    except LedgerError as error:
        log.warning(str(error))
        return None


def champion_sentence(champion: Champion | None, standing: Mapping[str, float]) -> str:
    """Return who is champion, and what it had reached when it was registered.

    Args:
        champion: of the ledger.
        standing: metrics of the retraining that registered it.
    """
    if champion is None:
        return f"There was {NO_CHAMPION}."
    return (
        f"Champion at that time: {champion}; when it was registered, its list changed a week by "
        f"{percent(standing.get('list.lift'))}, its season by {percent(standing.get('trial.lift'))}, "
        f"and its forecast had WAPE {_number(standing.get('forecast.blend.wape'))}."
    )


def percent(share: float | None) -> str:
    """Return a share as a signed percentage."""
    return NOT_KNOWN if share is None else f"{100 * share:+.1f} %"


def _reached(summary: Summary) -> dict[str, str]:
    """Return what each model is and what it reached."""
    scores, response, trial = summary["forecast"]["scores"], summary["response"], summary["trial"]
    wape, naive = scores["blend"]["wape"], scores["seasonal_naive"]["wape"]
    weight = summary["forecast"]["lambda"]
    products = response["identified"] + response["not_identified"]
    season = f"{percent(trial['lift'])} ({percent(trial['low'])} to {percent(trial['high'])})"
    of_season = f"- A season of its lists, simulated, against the prices in force: {season}."
    return {
        "demand": f"Demand forecast, ARIMA and LSTM blended (weight of ARIMA {weight:.2f}). Held out: "
        f"WAPE {wape:.3f}, a seasonal naive forecast {naive:.3f}.",
        "price_response": "How demand answers prices. Elasticity identified for "
        f"{response['identified']} of {products} products, median {_number(response['median_elasticity'])}.",
        "pricing_policy": "\n".join(["Which price to set next.", "", *what_it_does(summary), of_season]),
    }


def _figures(summary: Summary) -> dict[str, str]:
    """Return the figures that every version carries as tags."""
    return {
        "list_lift": percent(summary["list"]["lift"]),
        "season_lift": percent(summary["trial"]["lift"]),
        "wape": f"{summary['forecast']['scores']['blend']['wape']:.3f}",
    }


def _reasons(reasons: list[str]) -> str:
    """Return the reasons of the verdict as a list; gates that passed are named in the comparison."""
    return "\n".join(f"- {GATE_NAMES.sub('', reason)}" for reason in reasons) or "Every gate is passed."


def _how_to_decide(version: int) -> str:
    return (
        f"To decide: `repricer compare --version {version}`, then `repricer promote --version {version} --by "
        "NAME --reason WHY`, or run `approve/candidate` in Prefect. The button of this page that promotes a "
        "model copies it elsewhere and makes nothing champion."
    )


def _number(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{value:.3f}"
