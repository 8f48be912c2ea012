"""What the commands of published lists print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.cli.report import UNKNOWN_SHOWN, print_table, say

if TYPE_CHECKING:  # these modules import the heavy libraries, which `--help` must not wait for
    from tasks.operations.publications import Compared, Due, Switched, Withdrawn
    from tasks.operations.publish import Published


ROWS_SHOWN = 20  # rows of a difference; --json has all


class Undone(RuntimeError):
    """Something came due and was not done, while everything else was."""


def show_published(published: Published) -> None:
    """Print what was published, from when it holds, and where it is."""
    state = "in force" if published["in_force"] else "waits; `repricer publish --due` puts it in force then"
    say(f"published: list {published['list']} of pricing_policy version {published['version']}")
    say(f"from {published['effective']}: {state}")
    for channel, moment in published["channels"].items():
        say(f"channel {channel}: from {moment}")
    say(f"prices before it: {published['prices_in_force']}")
    counts = ", ".join(f"{count} {action}" for action, count in sorted(published["actions"].items()))
    say(f"{published['products']} prices: {counts} (seed {published['seed']})")
    _names("left out, their price in force is below their floor", published["left_out"])
    _names("promotions that run on", published["run_on"])
    _names("promotions that it ends", published["ended_early"])
    _names("not known to the policy", published["unknown"])
    _names("delivered and read back", published["delivered"])


def show_due(done: Due) -> None:
    """Print what came due and what stands now.

    Raises:
        Undone: something should have been done, and was not.
    """
    _names("took effect", done["took_effect"])
    _names("promotions ended, or channels began", done["ended"])
    _names("delivered and read back", done["delivered"])
    for sentence in done["withheld"]:
        say(sentence)
    _standing(done)
    if done["problems"]:
        raise Undone("\n".join(done["problems"]))


def show_withdrawn(withdrawn: Withdrawn) -> None:
    """Print what was taken back and what stands now."""
    _names("taken back", withdrawn["withdrawn"])
    show_due(withdrawn)


def show_switched(switched: Switched) -> None:
    """Print whether publishing is stopped, and what is still to be written down."""
    say("publishing is stopped" if switched["stopped"] else "publishing is resumed")
    if not switched["in_ledger"]:
        say(f"the entry in the ledger follows at the next command: {switched['note']}")


def show_compared(compared: Compared) -> None:
    """Print the rows in which two lists differ."""
    rows = [
        (
            row["product_id"],
            row["store_id"],
            row["channel"],
            _price(row["price_a"]),
            _price(row["price_b"]),
            "-" if row["change_percent"] is None else f"{row['change_percent']:+.1f}",
        )
        for row in compared["differing"][:ROWS_SHOWN]
    ]
    if rows:
        columns = ("product", "store", "channel", compared["a"], compared["b"], "%")
        print_table("Rows that differ", columns, rows)
    counts = f"{compared['rows_a']} and {compared['rows_b']} rows"
    say(f"{len(compared['differing'])} rows differ of {counts}")


def _standing(done: Due) -> None:
    in_force = done["in_force"]
    say(f"in force: {in_force['list']} from {in_force['effective']}" if in_force else "in force: no list")
    for waiting in done["waiting"]:
        say(f"waits: {waiting['list']} until {waiting['effective']}")
    if done["stopped"]:
        say(done["stopped"])


def _names(what: str, names: Sequence[str]) -> None:
    if names:
        more = ", ..." if len(names) > UNKNOWN_SHOWN else ""
        say(f"{what}: {len(names)}: {', '.join(names[:UNKNOWN_SHOWN])}{more}")


def _price(price: float | None) -> str:
    return "-" if price is None else f"{price:g}"
