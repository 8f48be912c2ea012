"""A comparison in sentences, the same on the terminal, in Markdown and in HTML."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.operations.comparison.records import Compared, GateResult
from tasks.pricing.list_claim import Changes, assumption

NOT_KNOWN, NONE = "not known", "-"
UNNAMED = "in the currency of the table"
IN_FORCE = "the prices in force"


def title(compared: Compared) -> str:
    """Return which versions are compared."""
    return f"{compared['candidate']['name'].capitalize()} beside {beside(compared)}"


def beside(compared: Compared) -> str:
    """Return what the candidate stands beside."""
    return compared["champion"]["name"] if compared["champion"] else IN_FORCE


def decision(compared: Compared) -> list[str]:
    """Return what a person who decides must know first, most important first."""
    prices, difference = compared["list"], compared["list"]["difference"]
    moved = prices["up"] + prices["down"]
    counts = f"{moved} of {prices['prices']} prices would move ({prices['up']} up, {prices['down']} down)"
    sizes = (
        f", half of them by {share(prices['median_change'])} or more, the largest by "
        f"{share(prices['largest_change'])}; the price level moves by {signed_share(prices['index'])}"
        if moved
        else ""
    )
    return [
        gates_sentence(compared),
        f"Against {beside(compared)}: {counts}{sizes}.",
        f"Expected to bring beyond {beside(compared)}: {gain_sentence(compared, difference)}.",
        *_doubts(compared),
    ]


def summary(compared: Compared) -> str:
    """Return the comparison in one sentence."""
    prices = compared["list"]
    ours = _passed([row["candidate"] for row in compared["gates"]])
    moved = f"{prices['up'] + prices['down']} of {prices['prices']} prices would move"
    gain = f"expected {gain_sentence(compared, prices['difference'])}"
    return f"{title(compared)}: {compared['candidate']['verdict']}{ours}; {moved}; {gain}."


def gates_sentence(compared: Compared) -> str:
    """Return the verdict of both versions with the number of gates that passed."""
    candidate, champion = compared["candidate"], compared["champion"]
    ours = _passed([row["candidate"] for row in compared["gates"]])
    text = f"Verdict of {candidate['name']}: {candidate['verdict']}{ours}"
    if champion is None:
        return f"{text}. There is no champion yet."
    theirs = _passed([row["champion"] for row in compared["gates"]])
    return f"{text}; of {champion['name']}: {champion['verdict']}{theirs}."


def _passed(results: Sequence[GateResult | None]) -> str:
    held = [result for result in results if result is not None]
    passed = sum(result["passed"] for result in held)
    return f", {passed} of {len(held)} gates passed" if held else ", its gates are not in the store"


def gain_sentence(compared: Compared, changes: Changes) -> str:
    """Return an expected change of the objective of a week, in currency and relative, with its interval."""
    if changes["gain"] is None or changes["lift"] is None:
        return f"{NOT_KNOWN}, there is nothing to compare with"
    money = f"{gain_cell(changes)} a week, {compared['currency'] or UNNAMED}"
    assumed = assumption(compared["candidate"])
    suffix = f", {assumed}" if assumed else ""
    return f"{money}; {lift_cell(changes)} {compared['list']['objective']}{suffix}"


def week_gains(compared: Compared) -> list[tuple[str, Changes]]:
    """Return what the lists are expected to bring in a week, by what is beyond what."""
    prices, champion, name = compared["list"], compared["champion"], compared["candidate"]["name"]
    gains = [(f"{name} beyond {IN_FORCE}", prices["candidate"])]
    if champion is not None:
        gains.append((f"{champion['name']} beyond {IN_FORCE}", prices["before"]))
        gains.append((f"{name} beyond {champion['name']}", prices["difference"]))
    return gains


def gain_cell(changes: Changes) -> str:
    """Return a change in currency a week with its interval."""
    if changes["gain"] is None:
        return NOT_KNOWN
    return f"{changes['gain']:+,.2f} ({changes['gain_low']:+,.2f} to {changes['gain_high']:+,.2f})"


def lift_cell(changes: Changes) -> str:
    """Return a relative change with its interval."""
    if changes["lift"] is None or changes["low"] is None or changes["high"] is None:
        return NOT_KNOWN
    return f"{signed(changes['lift'])} % ({signed(changes['low'])} to {signed(changes['high'])})"


def _doubts(compared: Compared) -> list[str]:
    """Return what weakens the comparison."""
    champion, doubts = compared["champion"], []
    if compared["candidate"]["doubt"]:
        doubts.append(f"Not identified: {compared['candidate']['doubt']}.")
    if champion is not None and not compared["same_data"]:
        doubts.append(
            f"The versions were trained on different data (to {compared['candidate']['trained']} and to "
            f"{champion['trained']}): figures without a difference are each on data of their own."
        )
    if champion is not None and compared["unknown"]:
        unknown = f"{compared['unknown']} of the products: it holds their prices"
        doubts.append(f"{champion['name'].capitalize()} does not know {unknown}.")
    return doubts


def method(compared: Compared) -> str:
    """Return how the lists were made comparable."""
    intervals = f"Intervals hold {100 * compared['confidence']:g} %"
    return (
        f"Both lists are for the catalogue of {compared['candidate']['name']} (data to "
        f"{compared['candidate']['trained']}), prices in force by {compared['prices_in_force']}, nothing "
        f"drawn at random, and are valued by its demand, substitutes counted. {intervals} of what is not "
        "known about how demand answers prices."
    )


def money(value: float | None) -> str:
    """Return a signed amount."""
    return NONE if value is None else f"{value:+,.2f}"


def share(value: float | None) -> str:
    """Return a share in percent."""
    return NONE if value is None else f"{100 * value:.1f} %"


def signed_share(value: float) -> str:
    """Return a relative change in percent."""
    return f"{signed(value)} %"


def signed(share: float) -> str:
    """Return a relative change in percent without its unit; one that rounds to none is +0.0."""
    return f"{round(100 * share, 1) + 0.0:+.1f}"
