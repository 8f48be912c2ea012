"""What ``repricer compare`` prints: what decides first, then table by table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conf import Settings
from flows.cli.hints import same_store
from flows.cli.report import print_table, say

if TYPE_CHECKING:  # these modules import the heavy libraries, which `--help` must not wait for
    from tasks.operations.comparison.records import Compared


def show_compared(compared: Compared, settings: Settings) -> None:
    """Print a comparison, and the command that follows it."""
    from tasks.operations.comparison.tables import tables
    from tasks.operations.comparison.words import decision, method, title

    say(title(compared))
    for sentence in decision(compared):
        say(f"- {sentence}")
    for table in tables(compared):
        print_table(table.title, table.head, table.rows)
    say(method(compared))
    option, candidate = same_store(settings), compared["candidate"]
    if compared["address"]:
        say(f"report:  comparison/report.html of run {candidate['run']} (repricer ui{option})")
    if candidate["verdict"] == "PASS":
        say(f'promote: repricer promote{option} --version {candidate["version"]} --by NAME --reason "..."')
