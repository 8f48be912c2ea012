"""``python -m flows``: the command ``repricer``."""

from flows.cli.app import main

main()
