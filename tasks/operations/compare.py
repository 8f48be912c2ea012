"""Operation: a candidate beside the champion, for the person who decides."""

from __future__ import annotations

import logging
import re
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from prefect import task

from conf import Settings
from expectations.columns import PRICE
from tasks.governance.approval import CANDIDATE, CHAMPION, Refused
from tasks.governance.champion import HEAD
from tasks.governance.price_guard import PriceGuard
from tasks.operations.agreed_margins import drafted_margins
from tasks.operations.channel_charges import with_todays_charges
from tasks.operations.comparison.pages import as_html
from tasks.operations.comparison.records import Compared
from tasks.operations.comparison.versions import gate_rows, metric_rows, side_of
from tasks.operations.comparison.words import beside
from tasks.operations.draft import Known, ShopTables, known_of, variation_of
from tasks.operations.guard_witness import WitnessedGuard
from tasks.operations.published_prices import published_now
from tasks.operations.running import charged
from tasks.pricing.list_comparison import compare_lists
from tasks.pricing.price_list import price_list, unknown_products
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import champion_aliases, track
from tasks.runtime.disk import written_whole
from tasks.runtime.guard_rules import price_guard_of

log = logging.getLogger("repricer")

LARGEST = 20  # moves that are shown
FOLDER, FILE = "comparison", "report.html"  # of the candidate's run
NOTHING = ShopTables()
LINK = re.compile(r"^\[Comparison with .*$\n*", re.MULTILINE)  # of an earlier comparison, in a description


@task(name="compare")
def compare(
    settings: Settings, version: int | None = None, champion: int | None = None, html: str | None = None
) -> Compared:
    """Compare a version with the champion, and keep the report with its run and, if wanted, in a file.

    Args:
        settings: whose store holds the versions.
        version: of `pricing_policy`; none: the candidate.
        champion: version to compare it with; none: the champion, and the prices in force where there is none.
        html: file of the report.

    Raises:
        ModelError: there is no such version, or no candidate.
        ManifestError: a version is not what was registered or approved.
        Refused: both are the same version.
    """
    track.open_store(settings)
    number = version or champion_aliases.version_of(settings, HEAD, CANDIDATE)
    if number is None:
        raise track.ModelError(
            f"{HEAD}: there is no candidate in {settings.data_folder}. "
            "Run `repricer retrain`, or name a version with --version."
        )
    approved = _approved(settings)
    other = champion or approved
    if other == number:
        raise Refused(
            f"{HEAD} version {number} would be compared with itself"
            f"{': it is champion' if other == approved else ''}. "
            "Name another version with --version, or --champion."
        )
    compared = _compared(settings, number, other)
    _keep(compared, html)
    return compared


def _compared(settings: Settings, number: int, other: int | None) -> Compared:
    """Ask both policies for the same list and put what is known of them side by side."""
    candidate = _policy(settings, number)
    champion = None if other is None else _policy(settings, other)
    known = _known(settings, candidate)
    before = charged(known.current) if champion is None else _list(settings, champion, known)[PRICE]
    confidence = settings.price.confidence
    approved = _approved(settings)
    ours = side_of(number, candidate, approved)
    theirs = side_of(other, champion, approved) if other and champion else None
    return Compared(
        candidate=ours,
        champion=theirs,
        same_data=theirs is None or ours["data_hash"] == theirs["data_hash"],
        gates=gate_rows(number, other),
        metrics=metric_rows(number, other, confidence),
        list=compare_lists(
            candidate,
            _list(settings, candidate, known),
            np.asarray(before, dtype=float),
            confidence=confidence,
            shown=LARGEST,
        ),
        unknown=len(unknown_products(champion, known.current)) if champion else 0,
        prices_in_force=known.prices_in_force,
        confidence=confidence,
        currency=candidate.currency,
        address=None,
    )


def _policy(settings: Settings, number: int) -> PolicyModel:
    """Return the policy of a version, checked as what was registered, and of the champion as approved."""
    named = None if number == _approved(settings) else number
    policy: PolicyModel = champion_aliases.chosen(settings, HEAD, named)[1].policy
    return with_todays_charges(policy, settings)


def _approved(settings: Settings) -> int | None:
    """Return the version that is champion, none where nobody was promoted."""
    return champion_aliases.version_of(settings, HEAD, CHAMPION)


def _known(settings: Settings, policy: PolicyModel) -> Known:
    """Return the candidate's catalogue at the prices in force, and their bounds."""
    guard = _guard(settings, policy)
    return known_of(settings, policy, NOTHING, None, guard=guard, published=published_now(settings))


def _list(settings: Settings, policy: PolicyModel, known: Known) -> pd.DataFrame:
    """Return the guarded list that a policy recommends, nothing drawn at random."""
    guard = WitnessedGuard(_guard(settings, policy))
    variation = replace(variation_of(settings), share=0.0)
    return price_list(policy, known.current, variation, seed=0, guard=guard)


def _guard(settings: Settings, policy: PolicyModel) -> PriceGuard:
    """Return the guard of a policy's list, whose floors rest on the margins that were agreed to."""
    return price_guard_of(drafted_margins(settings, policy).settings, policy.currency)


def _keep(compared: Compared, html: str | None) -> None:
    """Log the report with the candidate's run, link it from the version's description, and write the file."""
    number = compared["candidate"]["version"]
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / FILE
        report.write_text(as_html(compared), encoding="utf-8")
        compared["address"] = track.log_file_of_version(HEAD, number, report, FOLDER)
    if compared["address"] is not None:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        link = f"[Comparison with {beside(compared)}, {today}]({compared['address']})"
        earlier = LINK.sub("", track.version_description(HEAD, number)).strip()
        track.describe_version(HEAD, number, f"{earlier}\n\n{link}".strip())
    if html is not None:
        with written_whole(Path(html)) as part:
            part.write_text(as_html(compared), encoding="utf-8")
