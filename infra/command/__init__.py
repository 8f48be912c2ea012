"""The command ``repricer``.

It is installed as the package ``repricer``, a name that no other project gives to a package, so that a
``flows`` of someone else on the path cannot take its place unseen.
"""

from __future__ import annotations

import sys

from repricer.packages import clashing  # by the installed name: an ``infra`` of someone else may come first


def main() -> None:
    """Run the command, unless Python would import packages of someone else under the names of its own."""
    clash = clashing()
    if clash:
        sys.exit(f"error: {clash}")
    from flows.cli.app import main as command

    command()
