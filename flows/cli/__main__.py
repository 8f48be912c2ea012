"""``python -m flows.cli``: the command ``repricer``."""

from infra.command import main

main()
