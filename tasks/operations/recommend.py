"""Operation: the price list of the next week by a registered policy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task

from conf import Settings
from expectations.columns import ACTION, CURRENCY, RANDOMISED, REASON
from tasks.governance.approval import CHAMPION as CHAMPION_ALIAS
from tasks.governance.approval import VERDICT, Refused
from tasks.governance.champion import HEAD
from tasks.governance.champion_age import age_warnings
from tasks.operations.agreed_margins import DraftedMargins, drafted_margins
from tasks.operations.champion_age import age_limits, age_of
from tasks.operations.channel_charges import with_todays_charges
from tasks.operations.channel_schedule import in_channels
from tasks.operations.draft import Draft, ShopTables, next_list, sheet_of, unknown_of
from tasks.operations.list_looks import LOOKS
from tasks.operations.published_prices import published_now
from tasks.operations.running import RunningPromotions, running_promotions
from tasks.pricing.guarded_plan import LEAVE_OUT
from tasks.pricing.list_sheet import CHAMPION, DRAFT, EXPECTED_GAIN, FAILED_DRAFT
from tasks.pricing.recommend import ANNOUNCED, STEP, PolicyModel
from tasks.runtime import champion_aliases, track
from tasks.runtime.tables import require_ending, write_table

OUT = "--out"  # option of the command line that names the file of the list


class Recommended(RunningPromotions):
    """A price list, and how many of its prices do what."""

    file: str
    """Path of the list."""
    version: int
    """Version of `pricing_policy`."""
    status: str
    """`CHAMPION`, `DRAFT`, or `DRAFT OF A FAILED VERSION`."""
    warnings: list[str]
    """That the champion is old, or too old to publish; of a draft there are none."""
    week: str
    """First day for which the list is (ISO date)."""
    gain: float | None
    """What the list is expected to earn more in a week than the prices in force (currency)."""
    objective: str
    """What `gain` counts: revenue, or profit, perhaps at the assumed margin."""
    currency: str | None
    """ISO 4217 code of all money; none: it was not named."""
    products: int
    """Rows of the list."""
    up: int
    """Prices that the policy raises."""
    down: int
    """Prices that it lowers."""
    hold: int
    """Prices that hold."""
    promoted: int
    """Prices of an announced promotion."""
    varied: int
    """Prices that were moved at random."""
    seed: int
    """Seed of that."""
    prices_in_force: str
    """Where the prices in force are from."""
    weeks: int
    """Whole weeks of sales since the training that the list knows of."""
    unknown: list[str]
    """Products of `--prices`, and of `--sales`, that the policy does not know."""
    guarded: int
    """Prices that the guard set or held."""
    left_out: list[str]
    """Products that the list leaves out, each with the reason: their price in force breaks a hard rule."""
    publishable: bool
    """Whether the rules of the list let it be published; that it is the champion's is another question."""
    hindrances: list[str]
    """Why they do not."""
    tripped: list[str]
    """Limits of the breaker among them: `repricer publish --override-breaker` publishes beyond them."""
    strangers: list[str]
    """Categories and products with rules that no product of the list has."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which list is wanted.

    Attributes:
        out: file of the list; its ending says how it is written (``tasks.runtime.tables.ENDINGS``).
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        seed: of the variation; none: a new one, so that no week repeats the draws of another.
        force: write the list of a version that failed its gates, too, marked as such.
    """

    out: str
    version: int | None = None
    seed: int | None = None
    force: bool = False


@task(name="recommend")
def recommend(
    settings: Settings, order: Order, tables: ShopTables, sales: pd.DataFrame | None
) -> Recommended:
    """Write the price list of the next week.

    Args:
        settings: whose store holds the policy; ``price.variation`` varies the list.
        order: which list is wanted.
        tables: what is known of the shop now.
        sales: the sales table of ``tables.sales``.

    Raises:
        ModelError: there is no such version.
        Refused: the version failed its gates, and nobody forces its list.
        TableError: a file cannot be read, or the ending of ``order.out`` is not known.
        PolicyError: the table of prices lacks a column, or a price is not finite and above 0.
        SalesSinceError: the sales tell nothing of the time since the training.
        DataError: an announcement breaks a rule.
    """
    require_ending(Path(order.out), OUT)
    number, policy, status = _version(settings, order)
    seed = secrets.randbits(32) if order.seed is None else order.seed
    margins, policy = drafted_margins(settings, policy), with_todays_charges(policy, settings)
    draft = next_list(margins.settings, policy, tables, sales, published=published_now(settings), seed=seed)
    sheet = in_channels(sheet_of(draft, number, status), draft.guard.guard.channels)
    write_table(sheet, Path(order.out), LOOKS, option=OUT, title="Price list")
    return Recommended(
        file=order.out,
        version=number,
        status=status,
        warnings=age_warnings(age_of(draft, number), age_limits(settings)) if status == CHAMPION else [],
        seed=seed,
        **_known(draft),  # type: ignore[typeddict-item]
        **running_promotions(draft.known.current, draft.table),
        **_gain(sheet, policy),  # type: ignore[typeddict-item]
        **_counts(draft.table[draft.table[ACTION] != LEAVE_OUT]),
        **_findings(draft, margins),  # type: ignore[typeddict-item]
    )


def _version(settings: Settings, order: Order) -> tuple[int, PolicyModel, str]:
    """Return the number of the version that is ordered, its policy, and what its list is.

    Raises:
        ModelError: there is no such version.
        Refused: the version failed its gates, and nobody forces its list.
    """
    number, model = champion_aliases.chosen(settings, HEAD, order.version)
    return number, model.policy, _status(settings, number, order.force)


def _status(settings: Settings, number: int, force: bool) -> str:
    """Return what a list of a version is: of the champion, a draft, or a draft of a failed version.

    Raises:
        Refused: the version failed its gates, and nobody forces its list.
    """
    if champion_aliases.version_of(settings, HEAD, CHAMPION_ALIAS) == number:
        return CHAMPION
    tags = track.version_tags(HEAD, number) or {}
    verdict = tags.get(VERDICT, "missing")
    if verdict == "PASS":
        return DRAFT
    if not force:
        recorded = tags.get("reasons", "no reasons were recorded").split(" · ")
        reasons = "; ".join(reason.rstrip(".") for reason in recorded if not reason.startswith("note:"))
        raise Refused(
            f"{HEAD} version {number}: its verdict is {verdict}, so its prices are not recommended: "
            f"{reasons}. Take another version, or write its list anyway, marked on every row, with --force."
        )
    return FAILED_DRAFT


def _gain(sheet: pd.DataFrame, policy: PolicyModel) -> dict[str, Any]:
    """Return what the list is expected to earn more in a week, of which objective, and in which currency."""
    known, currencies = sheet[EXPECTED_GAIN].dropna(), sheet.get(CURRENCY, pd.Series(dtype="str")).unique()
    assumed = policy.rules.objective == "profit" and policy.products.cost_assumed.astype(bool).any()
    return {
        "gain": float(known.sum()) if len(known) and len(currencies) < 2 else None,
        "objective": policy.rules.objective + (" at the assumed margin" if assumed else ""),
        "currency": str(currencies[0]) if len(currencies) == 1 and currencies[0] else None,
    }


def _known(draft: Draft) -> dict[str, Any]:
    """Return from what a list was computed, and for which week."""
    known = draft.known
    return {
        "week": f"{known.today:%Y-%m-%d}",
        "weeks": known.now.state.weeks if known.now else 0,
        "unknown": unknown_of(draft),
        "prices_in_force": known.prices_in_force,
    }


def _findings(draft: Draft, margins: DraftedMargins) -> dict[str, Any]:
    """Return what the guard did, and what keeps the list from being published."""
    findings = draft.guard.findings(draft.table)
    hindrances = margins.hindrances(findings["hindrances"])
    return {**findings, "publishable": not hindrances, "hindrances": hindrances}


def _counts(table: pd.DataFrame) -> dict[str, int]:
    """Count the prices of a list that rise, fall, hold, are announced and were varied."""
    promoted = table[REASON] == ANNOUNCED
    step = table.loc[~promoted, STEP]
    return {
        "products": len(table),
        "up": int((step > 1).sum()),
        "down": int((step < 1).sum()),
        "hold": int((step == 1).sum()),
        "promoted": int(promoted.sum()),
        "varied": int((table[RANDOMISED] != 0).sum()),
    }
